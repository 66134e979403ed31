"""The parts of bringing an incident up to date: post once, edit, look up, record. Used by ``posting`` for one claim."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.domain import events as ev
from bot.domain.incident import Incident
from bot.plugin import OfferView
from bot.ports import Clock
from bot.settings import Settings
from bot.slack.budget import Budget
from bot.slack.channels import Channels, Refusal
from bot.slack.client import SlackClient
from bot.slack.errors import InvalidMessage, NotInChannel, SlackError
from bot.slack.identity import Identity
from bot.slack.render import Rendered, Views
from bot.timeline.outbox import Claimed, PostState
from bot.timeline.store import Store
from bot.timeline.timeline import Write

SKEW_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Wait:
    """Come back in so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Tools:
    """All that one step needs. Raises what ``SlackClient.call`` raises; what was done stays recorded."""

    store: Store
    offers: Callable[[Incident], Awaitable[Sequence[OfferView]]]
    client: SlackClient
    identity: Identity
    settings: Settings
    clock: Clock
    views: Views
    budget: Budget
    channels: Channels


class Sender:
    """One claim of one incident. ``incident`` and ``state`` move on as things are posted."""

    def __init__(self, tools: Tools, claimed: Claimed, incident: Incident, state: PostState) -> None:
        """``state`` is what was posted so far."""
        self.t = tools
        self._claimed = claimed
        self.incident = incident
        self.state = state

    async def edit(self, channel: str, ts: str, shown: Rendered, *, urgent: bool, spare: bool = False) -> Wait | None:
        """Edit a message, within the budget (``spare``: from what cards leave). Raises MessageGone and ChannelGone."""
        if (paused := await self.paused("chat.update")) is not None:
            return paused
        if (seconds := self.t.budget.update(urgent=urgent, spare=spare)) > 0:
            return Wait(seconds)
        try:
            await self.t.client.call("chat.update", channel=channel, ts=ts, **shown.arguments())
        except InvalidMessage as error:
            await self.t.client.call("chat.update", channel=channel, ts=ts, **shown.plain().arguments())
            await self.refused(
                Refusal(error.method, error.error, "The message is shown without its layout and buttons.")
            )
        return None

    async def post(self, channel: str, shown: Rendered, key: str, thread_ts: str | None = None) -> str | Wait:
        """P1 and P2: at most one message per dedupe key, also when the answer to an earlier try was lost."""
        if self.state.intent == key:
            found = await self._find(channel, key, thread_ts)
            if found is not None:
                return found
        if (seconds := self.t.budget.post(channel)) > 0:
            return Wait(seconds)
        if self.state.intent != key:
            at = self.t.clock.now().isoformat()
            await self.save(intent=key, more={**self.state.more, "intended_at": at})
        return await self._send(channel, shown, key, thread_ts)

    async def _send(self, channel: str, shown: Rendered, key: str, thread_ts: str | None) -> str:
        arguments: dict[str, Any] = {
            "channel": channel,
            "thread_ts": thread_ts,
            "metadata": {"event_type": "pullcord_card", "event_payload": {"dedupe_key": key}},
            "unfurl_links": False,
            "unfurl_media": False,
        }
        try:
            answer = await self.t.client.call("chat.postMessage", **shown.arguments(), **arguments)
        except InvalidMessage as error:
            answer = await self.t.client.call("chat.postMessage", **shown.plain().arguments(), **arguments)
            await self.refused(
                Refusal(error.method, error.error, "The message is shown without its layout and buttons.")
            )
        except NotInChannel:
            if not await self.t.channels.join(channel):
                raise
            answer = await self.t.client.call("chat.postMessage", **shown.arguments(), **arguments)
        return str(answer["ts"])

    async def _find(self, channel: str, key: str, thread_ts: str | None) -> str | None:
        since = self.state.more.get("intended_at")
        at = datetime.fromisoformat(since) if isinstance(since, str) else self.incident.opened_at
        known = await self.t.identity.learn()
        try:
            return await self.t.client.find(
                channel, key, oldest=at.timestamp() - SKEW_SECONDS, thread_ts=thread_ts, author=known.user
            )
        except SlackError as error:
            await self.refused(
                Refusal(
                    error.method,
                    error.error,
                    "A message may stand twice: after a lost answer it could not be looked up.",
                )
            )
            return None

    async def paused(self, method: str) -> Wait | None:
        """How long Slack asked not to call this method, told by any replica; None for now."""
        until = await self.t.store.outbox.paused_until(method)
        if until is None:
            return None
        return Wait(max(0.02, (until - self.t.clock.now()) / timedelta(seconds=1)))

    async def refused(self, refusal: Refusal) -> None:
        """Say once per incident what the workspace refused and what is missing because of it. Dirties the card."""
        event = ev.SlackRefused(
            at=self.t.clock.now(),
            by=ev.PULLCORD,
            method=refusal.method,
            error=refusal.error,
            consequence=refusal.consequence,
        )
        await self.write(f"refused:{refusal.method}:{refusal.error}", event, dirty=True)

    async def write(self, op: str, event: ev.Event, *, dirty: bool = False) -> None:
        """Record on the timeline, once per operation; by itself this makes no card dirty."""
        written = await self.t.store.incidents.write(
            self.incident.id, op, lambda _incident: Write(events=(event,), dirty=dirty)
        )
        self.incident = written.incident

    async def save(self, **changes: object) -> None:
        """Keep what was posted. Refused when another poster has the claim now."""
        self.state = self.state.model_copy(update=changes)
        await self.t.store.outbox.save_post_state(self.state, self._claimed)
