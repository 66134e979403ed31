"""Who we are in Slack: learnt once from ``auth.test`` and used to tell our workspace and our own messages."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from bot.errors import PullcordError
from bot.slack.client import SlackClient


@dataclass(frozen=True, slots=True)
class Bot:
    """Our own place: workspace, bot user and app as Slack names them."""

    team: str
    user: str
    bot: str | None
    enterprise: str | None = None
    name: str = ""


class Identity:
    """Asks once, remembers. ``allowed`` are the workspace ids of the configuration; empty: only the token's own."""

    def __init__(self, client: SlackClient, allowed: Sequence[str] = ()) -> None:
        """Nothing is asked yet."""
        self._client = client
        self._allowed = frozenset(allowed)
        self._known: Bot | None = None

    @property
    def known(self) -> Bot | None:
        """What is known so far, None before the first answer."""
        return self._known

    async def learn(self) -> Bot:
        """Ask Slack unless it is known. Raises what ``SlackClient.call`` raises."""
        if self._known is None:
            answer = await self._client.call("auth.test")
            self._known = Bot(
                team=str(answer.get("team_id") or ""),
                user=str(answer.get("user_id") or ""),
                bot=answer.get("bot_id") or None,
                enterprise=answer.get("enterprise_id") or None,
                name=str(answer.get("user") or ""),
            )
        return self._known

    async def learn_quietly(self) -> Bot | None:
        """Ask, and answer None where Slack does not: whoever asks can go on without."""
        with contextlib.suppress(PullcordError):
            return await self.learn()
        return None

    def serves(self, team: str | None) -> bool | None:
        """Whether we answer this workspace; None while nobody has told us which one is ours."""
        if self._allowed:
            return team in self._allowed
        if self._known is None:
            return None
        return team is not None and team in {self._known.team, self._known.enterprise}
