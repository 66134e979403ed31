"""Timelines: read as incidents, written with a decision, verified as a chain. All else is projected from them."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final
from weakref import WeakValueDictionary

from pydantic import TypeAdapter

from bot.domain.base import Json
from bot.domain.events import Entry, IncidentOpened
from bot.domain.incident import Incident, IncidentRow
from bot.domain.project import project
from bot.errors import Refused, StoreUnavailable
from bot.ports import Clock
from bot.timeline import keys
from bot.timeline.chain import FORMAT, Chain, Verdict
from bot.timeline.connection import Client
from bot.timeline.large import extended, parsed
from bot.timeline.lookups import Lookups, Repeat
from bot.timeline.mitigations import changed
from bot.timeline.projections import Projections
from bot.timeline.rows import indexed, rank_of, waits_for_agent
from bot.timeline.times import ms, span_ms
from bot.timeline.turns import Turn
from bot.timeline.write_script import write as write_script
from bot.timeline.writes import Claim, OpenResult, Write, Written

__all__ = ["Claim", "Decide", "OpenResult", "Timeline", "Verdict", "Write", "Written"]

_JSON: TypeAdapter[Json] = TypeAdapter(Json)
_PAGE: Final = 200
_TRIES: Final = 100
"""Other processes may move the head between reading and writing; each lost try means that another one wrote."""


Decide = Callable[[Incident], Write | None]


class Timeline(Lookups):
    """All timelines of the store. Safe for many tasks of one process and for many processes."""

    def __init__(
        self,
        redis: Client,
        chain: Chain,
        clock: Clock,
        lifetimes: keys.Lifetimes,
        stir: Callable[[], None] = lambda: None,
    ) -> None:
        """``redis`` is the hot client; ``stir`` is called after each write that asks for a post."""
        super().__init__(redis, clock, lifetimes)
        self._stir = stir
        self._chain = chain
        self._kept = Projections()
        self._turns: WeakValueDictionary[str, Turn] = WeakValueDictionary()

    async def read(self, incident_id: str) -> Incident:
        """The incident as its newest entry left it. Refused when there is none."""
        return await self._refresh(incident_id)

    async def write(self, incident_id: str, op: str, decide: Decide) -> Written:
        """Write what ``decide`` says of the newest state, once per operation id.

        ``decide`` is pure and may be called again when the head moved; what it raises is raised, unless this operation
        was done before. StoreUnavailable: nobody knows whether it was written; the same ``op`` again finds out.
        """
        turn = self._turns.setdefault(incident_id, Turn())
        async with turn.taken():
            kept = self._kept.get(incident_id)
            guess = None if kept is None else _guess(decide, kept)
            if kept is not None and guess is not None and (done := await self._commit(kept, op, guess)) is not None:
                return done
            for attempt in range(_TRIES):
                incident = await self._refresh(incident_id)
                if (done := await self._decided(incident, op, decide)) is not None:
                    return done
                if attempt > 1:
                    await asyncio.sleep(random.uniform(0, 0.01))  # noqa: S311 - spreads writers, guards nothing
        raise StoreUnavailable(
            f"{incident_id} was written by others {_TRIES} times in a row while this waited.",
            next_step="Try again; it cannot happen twice.",
        )

    async def _decided(self, incident: Incident, op: str, decide: Decide) -> Written | None:
        """One try on the newest state; None when another process wrote in between."""
        try:
            wanted = decide(incident)
        except Exception:
            if (seen := await self._seen(incident, op)) is not None:
                return seen
            raise
        if wanted is None:
            return await self._seen(incident, op) or Written(status="nothing", answer=None, incident=incident)
        return await self._commit(incident, op, wanted)

    async def _commit(self, incident: Incident, op: str, wanted: Write) -> Written | None:
        status, answer, after = await self._append(incident, op, wanted)
        match status:
            case "written":
                return Written(status="written", answer=wanted.answer, incident=after)
            case "seen" | "claimed" as status:
                newest = await self._refresh(incident.id)
                return Written(status=status, answer=_JSON.validate_json(answer), incident=newest)
            case _:
                return None

    async def open(self, op: str, make: Callable[[int], tuple[IncidentOpened, Write]], join: str | None) -> OpenResult:
        """Open an incident, once per operation id. ``make`` gets the reserved number (gaps are allowed).

        With ``join`` (an ``Alert.group``): when an open incident holds that group, that one is answered instead, with
        nothing written; else the new one holds it for the join window.
        """
        before = await self._redis.call("HGET", keys.OPENED(), op)
        if before is not None:
            return OpenResult(incident_id=str(_JSON.validate_json(before)), opened=True, seen=True)
        if join is not None and (held := await self.joinable(join)) is not None:
            return OpenResult(incident_id=held, opened=False)
        number = int(await self._redis.call("INCR", keys.NUMBER()))
        incident_id = f"INC-{number}"
        opened, wanted = make(number)
        wanted = wanted.model_copy(update={"events": (opened, *wanted.events), "answer": incident_id})
        status, answer, _ = await self._append(None, op, wanted, incident_id=incident_id, join=join)
        match status:
            case "written":
                return OpenResult(incident_id=incident_id, opened=True)
            case "joined":
                return OpenResult(incident_id=answer.decode(), opened=False)
            case "seen":
                return OpenResult(incident_id=str(_JSON.validate_json(answer)), opened=True, seen=True)
            case _:
                raise StoreUnavailable(
                    f"The number {number} for a new incident was already taken.",
                    next_step="Try again; it gets another number.",
                )

    async def entries(self, incident_id: str, after: int = 0, limit: int = 200) -> list[Entry]:
        """Entries with a place above ``after``, oldest first. Empty for an incident that does not exist."""
        if not keys.is_incident_id(incident_id):
            return []
        return await parsed(incident_id, await self._range(incident_id, after, limit))

    async def verify(self, incident_id: str, head: str | None = None) -> Verdict:
        """Check the whole chain; with ``head`` (a posted code, or ``seq:code``) find entries cut off at its end too.

        The list of incidents counts entries too: whoever cuts off a timeline but leaves the list is found without.
        """
        if not keys.is_incident_id(incident_id):
            raise _unknown(incident_id)
        listed = await self._redis.call("HGET", keys.ROW_ITEMS(), incident_id)
        try:
            known = 0 if listed is None else IncidentRow.model_validate_json(listed).seq
        except ValueError:  # the list is no part of the chain: damaged, it says nothing
            known = 0
        verdict = await self._chain.check(incident_id, self._walk(incident_id), head, known)
        if verdict is None:
            raise _unknown(incident_id)
        return verdict

    async def stored(self, incident_id: str) -> AsyncIterator[tuple[bytes, Mapping[bytes, bytes]]]:
        """Every entry as it is stored (its id and its fields), oldest first: for an export that can be verified."""
        if not keys.is_incident_id(incident_id):
            raise _unknown(incident_id)
        async for place, fields in self._walk(incident_id):
            yield place, fields

    async def repeats(self, incident_id: str) -> dict[str, Repeat]:
        """How often each alert of the incident was sent, by alert id."""
        incident = await self._refresh(incident_id)
        return await self._repeats([alert.id for alert in incident.alerts])

    # ------------------------------------------------------------------------------------------------ inside

    async def _refresh(self, incident_id: str) -> Incident:
        """The projection with the entries that came since. A whole timeline is read in pages, once per process.

        Each page is kept: a click that gives up in between goes on from there when it is pressed again.
        """
        if not keys.is_incident_id(incident_id):
            raise _unknown(incident_id)
        incident = self._kept.get(incident_id)
        while True:
            stored = await self._range(incident_id, 0 if incident is None else incident.seq, _PAGE)
            if stored or incident is None:
                entries = await parsed(incident_id, stored)
                incident = self._kept.keep(project(entries, incident, incident_id=incident_id))
            if len(stored) < _PAGE:
                return self._kept.keep(incident)

    async def _range(self, incident_id: str, after: int, limit: int) -> list[tuple[bytes, dict[bytes, bytes]]]:
        reply: list[tuple[bytes, dict[bytes, bytes]]] = await self._redis.call(
            "XRANGE", keys.TIMELINE(incident_id), f"{after + 1}-0", "+", "COUNT", limit
        )
        return reply

    async def _walk(self, incident_id: str) -> AsyncIterator[tuple[bytes, dict[bytes, bytes]]]:
        """Every stored entry by its stored id, also one with an id that we would never give."""
        start = "-"
        while True:
            page: Sequence[Any] = await self._redis.call(
                "XRANGE", keys.TIMELINE(incident_id), start, "+", "COUNT", _PAGE
            )
            for place, fields in page:
                yield place, fields
            if len(page) < _PAGE:
                return
            start = f"({page[-1][0].decode()}"

    async def _seen(self, incident: Incident, op: str) -> Written | None:
        answer = await self._redis.call("HGET", keys.OPS(incident.id), op)
        if answer is None:
            return None
        return Written(status="seen", answer=_JSON.validate_json(answer), incident=incident)

    async def _append(
        self, incident: Incident | None, op: str, wanted: Write, *, incident_id: str = "", join: str | None = None
    ) -> tuple[str, bytes, Incident]:
        incident_id = incident_id if incident is None else incident.id
        seq, head = (0, "") if incident is None else (incident.seq, incident.head)
        new = await extended(self._chain, incident, incident_id, wanted.events)
        after = new.after
        found = indexed(wanted.events)
        waits = waits_for_agent(incident, after)
        lapsed, restrains = changed(incident, after)
        now = ms(self._clock.now())
        window = span_ms(self._life.join_window)
        over = () if after.open else tuple(keys.JOIN(g) for g in dict.fromkeys(a.group for a in after.alerts))
        status, answer = await write_script(
            self._redis,
            keys.TIMELINE(incident_id),
            keys.OPENED() if incident is None else keys.OPS(incident_id),
            keys.CLAIMS(incident_id),
            keys.WORK(),
            keys.DUE(),
            keys.DUE_ITEMS(),
            keys.ROWS(),
            keys.ROW_ITEMS(),
            keys.OPEN(),
            keys.DIRTY(),
            keys.LATER(),
            keys.CHANNELS(),
            keys.MESSAGES(),
            keys.MITIGATIONS(),
            keys.MITIGATION_ITEMS(),
            keys.MITIGATION_LOOKS(),
            keys.MITIGATION_MISSES(),
            keys.JOIN(join or "none"),
            over,
            [keys.INCIDENTS_OF_TRACE(t) for t in found.traces],
            [keys.ALERT(a) for a in found.alerts],
            [keys.WAITING(agent) for agent, _ in waits],
            incident_id,
            op,
            _JSON.dump_json(wanted.answer),
            int(join is not None),
            seq,
            head,
            [part for c in wanted.claims for part in (c.key.encode(), _JSON.dump_json(c.value))],
            FORMAT,
            self._chain.key_id,
            [part for entry, raw in new.made for part in (entry.mac.encode(), raw)],
            [item.model_dump_json().encode() for item in wanted.work],
            [p for d in wanted.due for p in (d.id.encode(), b"%d" % ms(d.at), d.item.model_dump_json().encode())],
            wanted.clear,
            int(after.open),
            after.number,
            new.row,
            rank_of(after) if wanted.dirty else -1,
            now,
            now + window,
            2 * window,
            span_ms(self._life.waiting),
            found.channels,
            found.messages,
            [f"{change[0]}{incident_id} {change[1:]}" for _, change in waits],
            lapsed,
            restrains,
        )
        if status == b"written":
            self._kept.keep(after)
            if wanted.dirty:
                self._stir()
        return status.decode(), answer, after


def _guess(decide: Decide, incident: Incident) -> Write | None:
    """What to write on a state that may be old. A refusal on it says nothing yet: None asks for the newest state."""
    try:
        return decide(incident)
    except Exception:  # noqa: BLE001 - asked again on the newest state, where it is raised
        return None


def _unknown(incident_id: str) -> Refused:
    return Refused(
        f"There is no incident {incident_id[:40]!r}.", field="id", next_step="List the incidents to see their ids."
    )
