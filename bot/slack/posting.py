"""One incident brought up to date in Slack: channel, card, thread, announcement, in this order."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.domain import events as ev
from bot.domain.base import Json
from bot.domain.incident import Incident
from bot.domain.work import Due, Work, WorkItem
from bot.plugin import OfferView
from bot.ports import Clock
from bot.settings import Settings
from bot.slack import thread
from bot.slack.budget import Budget
from bot.slack.channels import Channel, Channels, Refusal
from bot.slack.client import SlackClient
from bot.slack.errors import ChannelGone, InvalidMessage, MessageGone, NotInChannel, SlackError
from bot.slack.identity import Identity
from bot.slack.render import Rendered, Views, next_countdown
from bot.timeline.outbox import Claimed, PostState
from bot.timeline.store import Store
from bot.timeline.timeline import Write

SKEW_SECONDS = 300.0
_ADOPT_SECONDS = 5.0
"""So long a fixed channel's card waits for the announcement that it then takes the place of."""
_PAGE = 200


@dataclass(frozen=True, slots=True)
class Wait:
    """Come back in so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Posting:
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

    async def bring_up_to_date(self, claimed: Claimed) -> Wait | None:
        """None when everything shown is what it should be, else when to come back."""
        incident = await self.store.incidents.read(claimed.incident)
        state = await self.store.outbox.post_state(incident.id)
        work = _Work(self, claimed, incident, state)
        return await work.run()


class _Work:
    """One claim. ``incident`` and ``state`` move on as things are posted."""

    def __init__(self, tools: Posting, claimed: Claimed, incident: Incident, state: PostState) -> None:
        self._t = tools
        self._claimed = claimed
        self.incident = incident
        self.state = state

    async def run(self) -> Wait | None:
        wait = await self._channel()
        if wait is None and self.incident.channel is not None:
            wait = await self._card()
            if self.incident.root_ts is not None:
                await self._dress()
                wait = await self._thread() or wait
        announced = await self._announcement()
        return wait or announced

    # ------------------------------------------------------------------------------------------ channel

    async def _channel(self) -> Wait | None:  # noqa: PLR0911 - one per way to have a channel, or not
        incident, slack = self.incident, self._t.settings.slack
        if incident.channel is not None:
            return None
        if slack.incident_channel == "fixed":
            if slack.announce_channel is None:
                await self._refused(
                    Refusal("settings", "slack.announce_channel is not set", "There is nowhere to post the card.")
                )
                return None
            waited = (self._t.clock.now() - incident.opened_at).total_seconds()
            if incident.announced_ts is None and incident.open and waited < _ADOPT_SECONDS:
                return Wait(0.3)
            name = await self._t.channels.name_of(slack.announce_channel)
            await self._ready(Channel(slack.announce_channel, name, created=False))
            return None
        if (paused := await self._paused("conversations.create")) is not None:
            return paused
        again = bool(self.state.more.get("creating"))
        if not again:
            await self._save(more={**self.state.more, "creating": True})
        known = self._t.identity.known
        made = await self._t.channels.create(incident, again=again, bot_user=known.user if known else None)
        if made is None:
            await self._refused(
                Refusal(
                    "conversations.create", "not allowed", "There is no channel for the card, and no fixed one is set."
                )
            )
            return None
        await self._ready(made)
        return None

    async def _ready(self, channel: Channel) -> None:
        event = ev.ChannelReady(
            at=self._t.clock.now(), by=ev.PULLCORD, channel=channel.id, name=channel.name, created=channel.created
        )
        await self._write(f"channel:{self.incident.id}", event)
        await self._save(more={**self.state.more, "created": channel.created})
        if channel.refusal is not None:
            await self._refused(channel.refusal)

    async def _dress(self) -> None:
        """Once per new channel: topic, invitations, pin. Best effort."""
        incident, more = self.incident, self.state.more
        if not more.get("created") or more.get("dressed") or incident.channel is None or incident.root_ts is None:
            return
        await self._save(more={**more, "dressed": True})  # first: what fails half-way is not repeated for ever
        channel = Channel(incident.channel, incident.channel_name or incident.channel, created=True)
        agent = self._t.settings.agent(incident.agent)
        people = list(dict.fromkeys([*agent.on_call, *self._t.settings.roles.commander]))
        declared = (
            incident.opened_by.removeprefix("<@").removesuffix(">") if incident.opened_by.startswith("<@") else None
        )
        people += [declared] if declared and declared not in people else []
        topic = f"{incident.id} {incident.severity} · {incident.agent or 'unknown agent'}"
        refused = await self._t.channels.dress(channel, people, topic)
        pin = await self._t.channels.pin(channel.id, incident.root_ts)
        for refusal in [*refused, *([pin] if pin else [])]:
            await self._refused(refusal)

    # --------------------------------------------------------------------------------------------- card

    async def _card(self) -> Wait | None:
        now = self._t.clock.now()
        offers = await self._t.offers(self.incident)
        await self._t.store.offers.put(offers)
        shown = self._t.views.card(self.incident, offers, now)
        if self.incident.root_ts is None:
            return await self._first_card(shown)
        if shown.digest != self.state.shown:
            wait = await self._edit_card(self.incident.root_ts, shown)
            if wait is not None:
                return wait
            await self._save(shown=shown.digest)
        moment = next_countdown(self.incident, now) if self.incident.open else None
        if moment is not None and self.state.more.get("countdown") != moment.isoformat():
            item = WorkItem(kind=Work.REFRESH, incident=self.incident.id)
            await self._t.store.work.schedule(Due(id=f"refresh:{self.incident.id}", at=moment, item=item))
            await self._save(more={**self.state.more, "countdown": moment.isoformat()})
        return None

    async def _edit_card(self, ts: str, shown: Rendered) -> Wait | None:
        channel = self.incident.channel or ""
        try:
            return await self._edit(channel, ts, shown, urgent=self._urgent)
        except MessageGone:
            posted = await self._post(channel, shown, f"{self.incident.id}:card:after:{ts}")
        except ChannelGone as error:
            await self._refused(
                Refusal(error.method, error.error, "The card's channel is gone; it is not edited any more.")
            )
            return None
        if isinstance(posted, Wait):
            return posted
        await self._card_posted(channel, posted, shown)
        return None

    @property
    def _urgent(self) -> bool:
        return self.incident.open and self.incident.acknowledged_by is None

    async def _first_card(self, shown: Rendered) -> Wait | None:
        incident, channel = self.incident, self.incident.channel or ""
        if incident.announced_ts is not None and incident.announced_channel == channel:
            # a fixed channel holds one message per incident: the announcement becomes the card
            wait = await self._edit(channel, incident.announced_ts, shown, urgent=True)
            if wait is None:
                await self._card_posted(channel, incident.announced_ts, shown)
            return wait
        posted = await self._post(channel, shown, f"{incident.id}:card")
        if isinstance(posted, Wait):
            return posted
        await self._card_posted(channel, posted, shown)
        return None

    async def _card_posted(self, channel: str, ts: str, shown: Rendered) -> None:
        """P3."""
        event = ev.CardPosted(at=self._t.clock.now(), by=ev.PULLCORD, channel=channel, ts=ts)
        await self._write(f"card:{channel}:{ts}", event)
        await self._save(channel=channel, ts=ts, shown=shown.digest, intent=None)

    async def _edit(self, channel: str, ts: str, shown: Rendered, *, urgent: bool) -> Wait | None:
        if (paused := await self._paused("chat.update")) is not None:
            return paused
        if (seconds := self._t.budget.update(urgent=urgent)) > 0:
            return Wait(seconds)
        try:
            await self._t.client.call("chat.update", channel=channel, ts=ts, **shown.arguments())
        except InvalidMessage as error:
            await self._t.client.call("chat.update", channel=channel, ts=ts, **shown.plain().arguments())
            await self._refused(
                Refusal(error.method, error.error, "The message is shown without its layout and buttons.")
            )
        except (MessageGone, ChannelGone) as error:
            await self._refused(
                Refusal(error.method, error.error, "A message in Slack is gone; it is not edited any more.")
            )
        return None

    # ------------------------------------------------------------------------------------------- thread

    async def _thread(self) -> Wait | None:
        """Post what the thread has not told yet. One message now; the rest when the channel takes another."""
        root = self.incident.root_ts
        if root is None:
            return None
        while True:
            entries = await self._t.store.incidents.entries(self.incident.id, self.state.thread_cursor, _PAGE)
            if not entries:
                return None
            pending = self.state.more.get("batch")
            upto = pending if isinstance(pending, int) and pending > self.state.thread_cursor else None
            found = thread.plan(
                entries,
                self.incident,
                self._t.views,
                cursor=self.state.thread_cursor,
                upto=upto,
                first=self.incident.head_posted == 0,
            )
            if found.batch is None:
                await self._save(thread_cursor=found.cursor)
                continue
            wait = await self._tell(found.batch, root)
            if wait is not None:
                return wait

    async def _tell(self, batch: thread.Batch, root: str) -> Wait | None:
        incident = self.incident
        channel = incident.channel or ""
        if self.state.more.get("batch") != batch.upto:
            await self._save(more={**self.state.more, "batch": batch.upto})
        body: dict[str, Json] = {"type": "section", "text": {"type": "mrkdwn", "text": batch.text, "verbatim": True}}
        shown = Rendered(text=batch.text, blocks=(body,))
        posted = await self._post(channel, shown, batch.key(incident.id), thread_ts=root)
        if isinstance(posted, Wait):
            return posted
        if batch.head is not None:
            seq, _, mac = batch.head.partition(":")
            event = ev.HeadPosted(at=self._t.clock.now(), by=ev.PULLCORD, seq=int(seq), head=mac, ts=posted)
            await self._write(f"head:{incident.id}:{seq}", event)
        more = {name: value for name, value in self.state.more.items() if name != "batch"}
        await self._save(thread_cursor=batch.upto, more=more, intent=None)
        return None

    # ------------------------------------------------------------------------------------- announcement

    async def _announcement(self) -> Wait | None:
        """Keep the announcement true. Paging posted it; here it is only edited, after everything else."""
        incident = self.incident
        if incident.announced_ts is None or incident.announced_channel is None:
            return None
        if (incident.announced_channel, incident.announced_ts) == (incident.channel, incident.root_ts):
            return None
        if incident.announced_channel == incident.channel and incident.root_ts is None:
            return None
        shown = self._t.views.announcement(incident, self._t.clock.now())
        if self.state.more.get("announced") == shown.digest:
            return None
        try:
            wait = await self._edit(incident.announced_channel, incident.announced_ts, shown, urgent=False)
        except (MessageGone, ChannelGone):
            wait = None  # somebody took it away; the card is the place that counts
        if wait is None:
            await self._save(more={**self.state.more, "announced": shown.digest})
        return wait

    # --------------------------------------------------------------------------------------------- parts

    async def _post(self, channel: str, shown: Rendered, key: str, thread_ts: str | None = None) -> str | Wait:
        """P1 and P2: at most one message per dedupe key, also when the answer to an earlier try was lost."""
        if self.state.intent == key:
            found = await self._find(channel, key, thread_ts)
            if found is not None:
                return found
        if (seconds := self._t.budget.post(channel)) > 0:
            return Wait(seconds)
        if self.state.intent != key:
            at = self._t.clock.now().isoformat()
            await self._save(intent=key, more={**self.state.more, "intended_at": at})
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
            answer = await self._t.client.call("chat.postMessage", **shown.arguments(), **arguments)
        except InvalidMessage as error:
            answer = await self._t.client.call("chat.postMessage", **shown.plain().arguments(), **arguments)
            await self._refused(
                Refusal(error.method, error.error, "The message is shown without its layout and buttons.")
            )
        except NotInChannel:
            if not await self._t.channels.join(channel):
                raise
            answer = await self._t.client.call("chat.postMessage", **shown.arguments(), **arguments)
        return str(answer["ts"])

    async def _find(self, channel: str, key: str, thread_ts: str | None) -> str | None:
        since = self.state.more.get("intended_at")
        at = datetime.fromisoformat(since) if isinstance(since, str) else self.incident.opened_at
        known = await self._t.identity.learn()
        try:
            return await self._t.client.find(
                channel, key, oldest=at.timestamp() - SKEW_SECONDS, thread_ts=thread_ts, author=known.user
            )
        except SlackError as error:
            await self._refused(
                Refusal(
                    error.method,
                    error.error,
                    "A message may stand twice: after a lost answer it could not be looked up.",
                )
            )
            return None

    async def _paused(self, method: str) -> Wait | None:
        until = await self._t.store.outbox.paused_until(method)
        if until is None:
            return None
        return Wait(max(0.02, (until - self._t.clock.now()) / timedelta(seconds=1)))

    async def _refused(self, refusal: Refusal) -> None:
        """Say once per incident what the workspace refused and what is missing because of it. Dirties the card."""
        event = ev.SlackRefused(
            at=self._t.clock.now(),
            by=ev.PULLCORD,
            method=refusal.method,
            error=refusal.error,
            consequence=refusal.consequence,
        )
        await self._write(f"refused:{refusal.method}:{refusal.error}", event, dirty=True)

    async def _write(self, op: str, event: ev.Event, *, dirty: bool = False) -> None:
        written = await self._t.store.incidents.write(
            self.incident.id, op, lambda _incident: Write(events=(event,), dirty=dirty)
        )
        self.incident = written.incident

    async def _save(self, **changes: object) -> None:
        self.state = self.state.model_copy(update=changes)
        await self._t.store.outbox.save_post_state(self.state, self._claimed)
