"""Who we are in Slack: learnt once from ``auth.test`` and used to tell our workspace and our own messages."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from bot.errors import ActionFailed, PullcordError
from bot.slack.client import SlackClient

_LEARN_AGAIN_SECONDS = 5.0
_LEARN_AGAIN_MOST = 60.0


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
        self._app: str | None = None

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

    async def learn_app(self) -> None:
        """Learn who we are and which app we are, and end; Slack being away is waited out. For HTTP mode.

        The app's id stands in the profile of its bot user. A workspace that does not tell it leaves it unknown: that a
        request is from our app is proven by its signature, the id only tells apart what one secret cannot.
        """
        wait = _LEARN_AGAIN_SECONDS
        while True:
            try:
                known = await self.learn()
                answer = await self._client.call("users.info", user=known.user)
            except ActionFailed:
                return
            except PullcordError:
                await asyncio.sleep(wait)
                wait = min(wait * 2, _LEARN_AGAIN_MOST)
                continue
            profile = (answer.get("user") or {}).get("profile") or {}
            app = profile.get("api_app_id")
            self._app = app if isinstance(app, str) and app else None
            return

    def is_app(self, app: str | None) -> bool:
        """Whether a payload for this app id may be ours: yes, unless it names another app than the one we know."""
        return self._app is None or app is None or app == self._app

    def serves(self, team: str | None) -> bool | None:
        """Whether we answer this workspace; None while nobody has told us which one is ours."""
        if self._allowed:
            return team in self._allowed
        if self._known is None:
            return None
        return team is not None and team in {self._known.team, self._known.enterprise}
