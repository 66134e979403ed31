"""``plugin.Requests``: what interactions may ask for. Each is one durable write, safe to repeat with the same key."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from bot.domain.base import Json
from bot.domain.events import ActionRefused, ActionRequested, Actor, ActorKind
from bot.domain.incident import Incident
from bot.domain.work import Work, WorkItem
from bot.engine import names
from bot.engine.asking import at_fields, requested, title_of, why_stale
from bot.engine.authorise import in_a_sentence, may_run, may_take_part
from bot.engine.choices import choice_errors
from bot.engine.lifecycle import may_ask, read_request
from bot.engine.lifecycle_rules import What
from bot.engine.marking import marked, may_settle
from bot.engine.offers import ABOUT_UNKNOWN, CHECK, MARK_DONE
from bot.engine.parts import Parts, scrubbed, tell
from bot.engine.planning import preview, read_params, said
from bot.engine.trying import field_fault
from bot.engine.words import NOT_CONFIRMED, already, plain
from bot.errors import PullcordError, Refused, StoreUnavailable
from bot.plugin import Action, ActionContext, FieldErrors, OfferView, Quiet, Reply, Say
from bot.timeline.timeline import Write, Written
from bot.views.forms import mark_modal
from bot.views.modal import modal, parse_values

WRITE_SECONDS = 0.2
"""A click whose write did not come back in this time is told so; a person does not wait longer for an answer."""
CLICK_SECONDS = 0.4
"""The same for all that a click reads and writes."""
PREVIEW_SECONDS = 0.8
"""A modal must open within Slack's three seconds (trigger_id); without a preview rather than not at all."""


class ClickRequests:
    """Implements ``bot.plugin.Requests``."""

    def __init__(self, parts: Parts) -> None:
        """``parts`` is what the engine works with."""
        self._parts = parts

    # ------------------------------------------------------------------ offers

    async def offers(self, incident: Incident) -> Sequence[OfferView]:
        """What may be done now, most useful first. They are stored, since a tray or a command shows them."""
        offers = self._parts.menu(incident).offers
        await self._parts.store.offers.put(offers)
        return offers

    async def offer(self, offer_id: str) -> OfferView:
        """The offer that a button carries; Refused when it is unknown or too old."""
        return await self._parts.store.offers.get(offer_id)

    async def submit(self, offer_id: str, by: Actor, values: Mapping[str, Json], *, key: str) -> Reply:
        """A1: request the action of an offer. First one wins; the second is told who was first.

        Never raises a PullcordError: the person who clicked gets a sentence in each case.
        """
        try:
            values = {name: scrubbed(value, self._parts.scrub) for name, value in values.items()}
            async with asyncio.timeout(CLICK_SECONDS):
                offer = await self.offer(offer_id)
                if offer.action in ABOUT_UNKNOWN:
                    return await self._about_unknown(offer, by, values, key)
                return await self._submit(offer, by, values, key)
        except (TimeoutError, StoreUnavailable):
            return Say(NOT_CONFIRMED)
        except PullcordError as error:
            return Say(str(error))

    async def _submit(self, offer: OfferView, by: Actor, values: Mapping[str, Json], key: str) -> Reply:
        parts = self._parts
        verb = parts.registry.action(offer.action)
        incident = await parts.store.incidents.read(offer.incident)
        try:
            may_run(parts.settings, by, verb, undo=offer.undo_of is not None)
        except Refused as refused:
            await self._record_refusal(offer, verb, by, refused)
            return Say(str(refused))
        params: dict[str, Json] = {}
        if offer.undo_of is None:
            accepted = self._params(verb, offer, incident, by, values)
            if isinstance(accepted, FieldErrors | Say):
                return accepted
            params = accepted
            fault = await field_fault(parts, verb, self._context(incident, by), offer, params)
            if fault is not None:
                return fault
        execution = names.execution_id(offer.id)
        now = parts.now()

        def decide(current: Incident) -> Write | None:
            if current.execution(execution) is not None:
                return None
            stale = why_stale(current, offer, now)
            if stale is not None:
                raise Refused(stale, next_step="The card shows what can be done now.")
            return requested(current, offer, verb, by, params, now)

        written = await self._write(offer.incident, f"submit:{offer.id}:{key}", decide)
        if written.status in {"written", "seen"}:
            return Quiet()
        first = written.incident.execution(execution)
        return Say(already(first, parts.now()) if first is not None else NOT_CONFIRMED)

    def _params(
        self, verb: Action, offer: OfferView, incident: Incident, by: Actor, values: Mapping[str, Json]
    ) -> dict[str, Json] | FieldErrors | Say:
        """The frozen parameters, with the submitted ones when the offer asks; or what is wrong, at its field."""
        given = parse_values(verb.params, values) if offer.asks else {}
        try:
            params = read_params(verb, {**offer.params, **given})
        except ValidationError as error:
            faults = {str(f["loc"][0]) if f["loc"] else "": f["msg"] for f in error.errors(include_url=False)}
            return at_fields(offer, {k: plain(v, 150) for k, v in faults.items()})
        faults = choice_errors(verb, params, self._context(incident, by), set(given))
        if faults:
            return at_fields(offer, faults)
        dumped: dict[str, Json] = params.model_dump(mode="json")
        return dumped

    async def _record_refusal(self, offer: OfferView, verb: Action, by: Actor, refused: Refused) -> None:
        """Requested and refused, once per person and offer. It does not use the offer up for those who may."""
        now = self._parts.now()
        execution = names.refused_id(offer.id, by.id)
        asked = ActionRequested(
            at=now,
            by=by,
            execution=execution,
            action=verb.id,
            title=title_of(offer, verb),
            params=offer.params,
            offer=offer.id,
            undo_of=offer.undo_of,
        )
        no = ActionRefused(
            at=now, by=by, execution=execution, reason=refused.message[:1000], who_may=(refused.who_may or "")[:500]
        )
        if by.kind is not ActorKind.PERSON:
            return
        op = f"refused:{execution}"
        await self._write(
            offer.incident,
            op,
            lambda current: Write(events=(asked, no)) if current.execution(execution) is None else None,
        )

    # ------------------------------------------------------------------ modals

    async def modal(self, offer: OfferView, by: Actor) -> Mapping[str, Json]:
        """The modal of an offer that asks, with choices and defaults from the incident and a preview."""
        parts = self._parts
        incident = await parts.store.incidents.read(offer.incident)
        if offer.action in ABOUT_UNKNOWN:
            execution = str(offer.params.get("execution", ""))
            return mark_modal(incident, execution, done=offer.action == MARK_DONE)
        verb = parts.registry.action(offer.action)
        stale = why_stale(incident, offer, parts.now())
        if stale is not None:
            raise Refused(stale, next_step="The card shows what can be done now.")
        ctx = self._context(incident, by)
        return modal(verb, offer, ctx, await self._preview(verb, offer, ctx))

    async def _preview(self, verb: Action, offer: OfferView, ctx: ActionContext) -> str | None:
        """What the frozen parameters alone would do; None while something is still to be asked."""
        try:
            params = read_params(verb, offer.params)
        except ValidationError:
            return None
        try:
            async with asyncio.timeout(PREVIEW_SECONDS):
                return preview(await self._parts.planes.plan(verb, ctx, params))
        except TimeoutError:
            return "There is no preview: the control plane did not answer in time."
        except PullcordError as error:
            return f"As it stands this would be refused: {said(error)}"

    def _context(self, incident: Incident, by: Actor) -> ActionContext:
        profile = self._parts.planes.profile(incident)
        return ActionContext(incident=incident, agent=profile, by=by, now=self._parts.now())

    # ------------------------------------------------------------------ unknown outcomes

    async def _about_unknown(self, offer: OfferView, by: Actor, values: Mapping[str, Json], key: str) -> Reply:
        execution = str(offer.params.get("execution", ""))
        if offer.action == CHECK:
            return await self.check(offer.incident, execution, by, key=key)
        reason = values.get("reason")
        words = reason if isinstance(reason, str) else ""
        done = offer.action == MARK_DONE
        return await self.mark(offer.incident, execution, by, done=done, reason=words, key=key)

    async def mark(self, incident_id: str, execution_id: str, by: Actor, *, done: bool, reason: str, key: str) -> Reply:
        """Mark an unknown execution done or not done."""
        words = self._parts.scrub(reason.strip())[:1000]
        if not words:
            return FieldErrors({"reason": "Say how you know; it goes on the timeline."})
        now = self._parts.now()
        try:
            incident = await self._read(incident_id)
            may_settle(self._parts, incident, execution_id, by)
            await self._write(
                incident_id,
                f"mark:{execution_id}:{key}",
                lambda current: marked(current, execution_id, by, done=done, reason=words, now=now),
            )
        except (TimeoutError, StoreUnavailable):
            return Say(NOT_CONFIRMED)
        except PullcordError as error:
            return Say(str(error))
        return Quiet()

    async def check(self, incident_id: str, execution_id: str, by: Actor, *, key: str) -> Reply:
        """Probe an unknown execution, or read back one that is not in force. The worker tells what it found."""
        try:
            incident = await self._read(incident_id)
            execution = may_settle(self._parts, incident, execution_id, by)
            payload: dict[str, Json] = {"execution": execution.id, "by": by.id, "key": key, "channel": incident.channel}
            await self._add(WorkItem(kind=Work.VERIFY, incident=incident_id, payload=payload), f"check:{key}")
        except (TimeoutError, StoreUnavailable):
            return Say(NOT_CONFIRMED)
        except PullcordError as error:
            return Say(str(error))
        return Say(f"Checking {plain(execution.title)}; you will be told what is found.")

    # ------------------------------------------------------------------ lifecycle

    async def lifecycle(
        self, incident_id: str, what: str, by: Actor, *, key: str, text: str = "", **extra: Json
    ) -> None:
        """Ask for ``acknowledge``, ``take``, ``resolve``, ``note``, ``pin`` or ``add_runs``. Done by the worker.

        ``extra``: ``channel``, where the person pressed, for a pin ``ts``, for runs ``traces`` (at most 200),
        ``groups`` (ids of similar groups, whole) and ``why`` (``similar``, ``offered``). Raises Refused for all else
        and for whom roles or workspace do not allow it, StoreUnavailable when it was not confirmed.
        """
        asked = self._allowed(what, by, key, text, extra)
        await self._ask(WorkItem(kind=Work.LIFECYCLE, incident=incident_id, payload=asked), key)

    async def declare(self, by: Actor, *, key: str, agent: str | None, summary: str, channel: str | None) -> None:
        """Ask for a new incident that a person reports."""
        asked = self._allowed(What.DECLARE, by, key, summary, {"agent": agent, "channel": channel})
        await self._ask(WorkItem(kind=Work.LIFECYCLE, payload=asked), key)

    async def may_look(self, by: Actor) -> None:
        """Raise Refused unless ``by`` may be shown incidents: guests may run commands too, in any channel of theirs."""
        with in_a_sentence():
            await may_take_part(self._parts.settings, self._parts.chat, by, "look at incidents")

    async def may_ask(self, what: str, by: Actor) -> None:
        """Raise Refused when it is known at once that ``by`` may not do this: before a modal opens."""
        with in_a_sentence():
            may_ask(self._parts.settings, What(what), by)

    async def page_link(self, incident_id: str, by: Actor) -> str:
        """A one-time link (60 s) to the incident's page. Refused when there is no such incident.

        Only for full members: the page shows what the agent was told and did.
        """
        incident = await self._parts.store.incidents.read(incident_id)
        await self.may_look(by)
        token = await self._parts.store.sessions.link(by.id, (incident.id,))
        return f"{self._parts.settings.base_url}/open/{token}"

    async def say_later(self, channel: str, by: Actor, text: str, *, key: str) -> None:
        """Tell a person something from the worker (survives a crash)."""
        await self._ask(tell(None, channel, by.id, text, key), f"say:{key}")

    def _allowed(self, what: str, by: Actor, key: str, text: str, extra: Mapping[str, Json]) -> dict[str, Json]:
        asked = read_request(what, by, key, self._parts.now(), self._parts.scrub(text), extra)
        with in_a_sentence():
            may_ask(self._parts.settings, asked.what, by)
        dumped: dict[str, Json] = asked.model_dump(mode="json")
        return dumped

    # ------------------------------------------------------------------ bounded store calls

    async def _ask(self, item: WorkItem, key: str) -> None:
        try:
            await self._add(item, f"ask:{key}")
        except (TimeoutError, StoreUnavailable) as error:
            raise StoreUnavailable(NOT_CONFIRMED) from error

    async def _add(self, item: WorkItem, op: str) -> None:
        async with asyncio.timeout(WRITE_SECONDS):
            await self._parts.store.work.add(item, op=op)

    async def _read(self, incident_id: str) -> Incident:
        async with asyncio.timeout(WRITE_SECONDS):
            return await self._parts.store.incidents.read(incident_id)

    async def _write(self, incident_id: str, op: str, decide: Any) -> Written:
        async with asyncio.timeout(WRITE_SECONDS):
            return await self._parts.store.incidents.write(incident_id, op, decide)
