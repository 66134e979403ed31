"""One incident brought up to date in Slack: channel, card, thread, announcement, direct messages."""

import hashlib

from bot.domain import events as ev
from bot.domain.base import Json
from bot.domain.incident import IncidentState
from bot.domain.work import Due, Work, WorkItem
from bot.slack import thread
from bot.slack.channels import Channel, Refusal
from bot.slack.errors import ChannelGone, MessageGone, SlackError, Unauthorized
from bot.slack.progress import show_progress
from bot.slack.questions import Questions
from bot.slack.render import Rendered, next_countdown
from bot.slack.sending import Tools, Wait
from bot.timeline.outbox import Claimed
from bot.views import words

_ADOPT_SECONDS = 5.0
"""So long a fixed channel's card waits for the announcement that it then takes the place of."""
_PAGE = 20
"""Entries looked at for one message: those of a run with thousands of effects are long."""
_DRESS_TRIES = 3


async def bring_up_to_date(tools: Tools, claimed: Claimed) -> Wait | None:
    """None when everything shown is what it should be, else when to come back.

    Raises what ``SlackClient.call`` raises; what was done stays recorded.
    """
    incident = await tools.store.incidents.read(claimed.incident)
    state = await tools.store.outbox.post_state(incident.id)
    return await Posting(tools, claimed, incident, state).run()


class Posting(Questions):
    """Brings the channel, the card, the thread and the announcement of one claimed incident up to date."""

    async def run(self) -> Wait | None:
        """Each part as far as it may go now."""
        wait = await self._channel()
        if wait is None and self.incident.channel is not None:
            wait = await self._card()
            if self.incident.root_ts is not None:
                await self._dress()
                wait = await self._thread() or wait
                wait = await self.ask_for_approvals() or wait
        announced = await self._announcement()
        wait = wait or announced
        return wait or await self._directs() or await show_progress(self)

    # ------------------------------------------------------------------------------------------ channel

    async def _channel(self) -> Wait | None:  # noqa: PLR0911 - one per way to have a channel, or not
        incident, slack = self.incident, self.t.settings.slack
        if incident.channel is not None:
            return None
        if slack.incident_channel == "fixed":
            if slack.announce_channel is None:
                await self.refused(
                    Refusal("settings", "slack.announce_channel is not set", "There is nowhere to post the card.")
                )
                return None
            waited = (self.t.clock.now() - incident.opened_at).total_seconds()
            if incident.announced_ts is None and incident.open and waited < _ADOPT_SECONDS:
                return Wait(0.3)
            name = await self.t.channels.name_of(slack.announce_channel)
            await self._ready(Channel(slack.announce_channel, name, created=False))
            return None
        if (paused := await self.paused("conversations.create")) is not None:
            return paused
        again = bool(self.state.more.get("creating"))
        if not again:
            await self.save(more={**self.state.more, "creating": True})
        known = self.t.identity.known
        made = await self.t.channels.create(incident, again=again, bot_user=known.user if known else None)
        if made is None:
            await self.refused(
                Refusal(
                    "conversations.create", "not allowed", "There is no channel for the card, and no fixed one is set."
                )
            )
            return None
        await self._ready(made)
        return None

    async def _ready(self, channel: Channel) -> None:
        event = ev.ChannelReady(
            at=self.t.clock.now(), by=ev.PULLCORD, channel=channel.id, name=channel.name, created=channel.created
        )
        await self.write(f"channel:{self.incident.id}", event)
        await self.save(more={**self.state.more, "created": channel.created})
        if channel.refusal is not None:
            await self.refused(channel.refusal)

    async def _dress(self) -> None:
        """Once per new channel: invitations, topic, pin. Best effort, tried again only when Slack did not answer."""
        incident, more = self.incident, self.state.more
        tries = more.get("dressing")
        tried = tries if isinstance(tries, int) else 0
        if not more.get("created") or tried >= _DRESS_TRIES or incident.channel is None or incident.root_ts is None:
            return
        await self.save(more={**more, "dressing": tried + 1})
        channel = Channel(incident.channel, incident.channel_name or incident.channel, created=True)
        agent = self.t.settings.agent(incident.agent)
        called = [*agent.on_call, *(user for user in self.t.settings.roles.commander if user[:1] in "UW")]
        people = [] if incident.drill else list(dict.fromkeys(called))  # nobody is called to a drill
        declared = (
            incident.opened_by.removeprefix("<@").removesuffix(">") if incident.opened_by.startswith("<@") else None
        )
        people += [declared] if declared and declared not in people else []
        # no severity: it changes, the topic stays
        topic = f"{words.drill_mark(incident)}{incident.id} · {incident.agent or 'unknown agent'}"
        refused = await self.t.channels.dress(channel, people, topic)
        pin = await self.t.channels.pin(channel.id, incident.root_ts)
        await self.save(more={**self.state.more, "dressing": _DRESS_TRIES})
        for refusal in [*refused, *([pin] if pin else [])]:
            await self.refused(refusal)

    # --------------------------------------------------------------------------------------------- card

    async def _card(self) -> Wait | None:
        now = self.t.clock.now()
        offers = await self.t.offers(self.incident)
        await self.t.store.offers.put(offers)
        shown = self.t.views.card(self.incident, offers, now)
        if self.incident.root_ts is None:
            return await self._first_card(shown)
        if shown.digest != self.state.shown:
            wait = await self._edit_card(self.incident.root_ts, shown)
            if wait is not None:
                return wait
            await self.save(shown=shown.digest)
        moment = next_countdown(self.incident, now) if self.incident.open else None
        if moment is not None and self.state.more.get("countdown") != moment.isoformat():
            item = WorkItem(kind=Work.REFRESH, incident=self.incident.id)
            await self.t.store.work.schedule(Due(id=f"refresh:{self.incident.id}", at=moment, item=item))
            await self.save(more={**self.state.more, "countdown": moment.isoformat()})
        return None

    async def _edit_card(self, ts: str, shown: Rendered) -> Wait | None:
        channel = self.incident.channel or ""
        try:
            return await self.edit(channel, ts, shown, urgent=self._urgent)
        except MessageGone:
            posted = await self.post(channel, shown, f"{self.incident.id}:card:after:{ts}")
        except ChannelGone as error:
            await self.refused(
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
            wait = await self.edit(channel, incident.announced_ts, shown, urgent=True)
            if wait is None:
                await self._card_posted(channel, incident.announced_ts, shown)
            return wait
        posted = await self.post(channel, shown, f"{incident.id}:card")
        if isinstance(posted, Wait):
            return posted
        await self._card_posted(channel, posted, shown)
        return None

    async def _card_posted(self, channel: str, ts: str, shown: Rendered) -> None:
        """P3."""
        event = ev.CardPosted(at=self.t.clock.now(), by=ev.PULLCORD, channel=channel, ts=ts)
        await self.write(f"card:{channel}:{ts}", event)
        await self.save(channel=channel, ts=ts, shown=shown.digest, intent=None)

    # ------------------------------------------------------------------------------------------- thread

    async def _thread(self) -> Wait | None:
        """Post what the thread has not told yet. One message now; the rest when the channel takes another."""
        root = self.incident.root_ts
        if root is None:
            return None
        while True:
            entries = await self.t.store.incidents.entries(self.incident.id, self.state.thread_cursor, _PAGE)
            if not entries:
                return None
            if entries[-1].seq > self.incident.seq:  # written meanwhile: a line must not tell less than its entry
                self.incident = await self.t.store.incidents.read(self.incident.id)
            pending = self.state.more.get("batch")
            upto = pending if isinstance(pending, int) and pending > self.state.thread_cursor else None
            found = thread.plan(
                entries,
                self.incident,
                self.t.views,
                cursor=self.state.thread_cursor,
                upto=upto,
                first=self.incident.head_posted == 0,
            )
            if found.batch is None:
                await self.save(thread_cursor=found.cursor)
                continue
            wait = await self._tell(found.batch, root)
            if wait is not None:
                return wait

    async def _tell(self, batch: thread.Batch, root: str) -> Wait | None:
        incident = self.incident
        channel = incident.channel or ""
        if self.state.more.get("batch") != batch.upto:
            await self.save(more={**self.state.more, "batch": batch.upto})
        body: dict[str, Json] = {"type": "section", "text": {"type": "mrkdwn", "text": batch.text, "verbatim": True}}
        shown = Rendered(text=batch.text, blocks=(body,))
        try:
            posted = await self.post(channel, shown, batch.key(incident.id), thread_ts=root)
        except ChannelGone as error:
            # archived, mostly long after: nobody reads there, and knocking for ever would cost the others their turn
            await self.refused(Refusal(error.method, error.error, "The thread's channel is gone; it tells no more."))
            await self._told(batch)
            return None
        if isinstance(posted, Wait):
            return posted
        if batch.head is not None:
            seq, _, mac = batch.head.partition(":")
            event = ev.HeadPosted(at=self.t.clock.now(), by=ev.PULLCORD, seq=int(seq), head=mac, ts=posted)
            await self.write(f"head:{incident.id}:{seq}", event)
        await self._told(batch)
        return None

    async def _told(self, batch: thread.Batch) -> None:
        more = {name: value for name, value in self.state.more.items() if name != "batch"}
        await self.save(thread_cursor=batch.upto, more=more, intent=None)

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
        shown = self.t.views.announcement(incident, self.t.clock.now())
        if self.state.more.get("announced") == shown.digest:
            return None
        try:
            wait = await self.edit(incident.announced_channel, incident.announced_ts, shown, urgent=False)
        except (MessageGone, ChannelGone):
            wait = None  # somebody took it away; the card is the place that counts
        if wait is None:
            await self.save(more={**self.state.more, "announced": shown.digest})
        return wait

    # ---------------------------------------------------------------------------------- direct messages

    async def _directs(self) -> Wait | None:
        """Keep what woke people true, last of all: who has it, that it is over, what became known, where the card is.

        Edited when its sentence or the channel changes; a countdown alone is no reason to spend an edit.
        """
        incident = self.incident
        remembered = await self.t.store.directs.of(incident.id)
        kept = self.state.more.get("directs")
        shown: dict[str, Json] = dict(kept) if isinstance(kept, dict) else {}
        for direct in remembered:
            alone = incident.state is IncidentState.OPEN
            made = self.t.views.direct(incident, self.t.clock.now(), direct.reason if alone or direct.news else "")
            mark = hashlib.sha256(f"{made.text}|{incident.channel}".encode()).hexdigest()[:16]
            if shown.get(direct.name) == mark:
                continue
            try:
                wait = await self.edit(direct.channel, direct.ts, made, urgent=False)
            except Unauthorized:
                raise
            except SlackError:
                wait = None  # taken away, or not to be edited; one person's old message holds nothing else up
            if wait is not None:
                return wait
            shown[direct.name] = mark
            await self.save(more={**self.state.more, "directs": shown})
        return None
