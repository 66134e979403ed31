"""Work that must still be done, and when: a stream with one consumer group, and due times that are moved onto it.

At least once: an item stays until it is done, is taken over when its worker dies, retried later when it fails, and set
aside with a message to people at the fifth failure. Handlers bear being run twice (operation ids).

There are two lanes, each with its stream and its due times: what people or incidents wait for, and what may wait
(indexing runs). One queue would let ten thousand finished runs stand in front of a page.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError

from bot.domain.base import Json, Value
from bot.domain.work import Due, Work, WorkItem
from bot.errors import StoreUnavailable
from bot.ports import Clock
from bot.timeline import keys, workscripts
from bot.timeline.connection import Client
from bot.timeline.times import moment, ms, span_ms

TRIES: Final = 5
"""After so many tries an item is set aside."""
_MOVED_AT_ONCE: Final = 100
_UNREADABLE_AGAIN: Final = timedelta(seconds=15)


_TOLD_TO_NOBODY: Final = frozenset({Work.DEAD_LETTER, Work.INDEX_RUN})
"""Given up with a line in the log, a count in the metrics and in ``doctor``: nobody is woken for it."""


@dataclass(frozen=True, slots=True)
class Lane:
    """The keys of one queue."""

    stream: keys.Key
    due: keys.Key
    items: keys.Key


FRONT: Final = Lane(keys.WORK(), keys.DUE(), keys.DUE_ITEMS())
"""What somebody waits for."""
BACKGROUND: Final = Lane(keys.BACKGROUND(), keys.BACKGROUND_DUE(), keys.BACKGROUND_ITEMS())
"""What may wait."""


class Leased(Value):
    """An item that this consumer holds while it renews it. ``deliveries`` counts tries, this one included."""

    id: str
    item: WorkItem
    deliveries: int


class Depth(Value):
    """How much waits: in the stream (of which ``leased`` is being done), as due times, and how much was set aside.

    ``oldest`` is when the oldest item of the stream was put there, ``next_due`` the earliest due time.
    """

    waiting: int
    leased: int
    due: int
    dead: int
    oldest: datetime | None
    next_due: datetime | None


class WorkStream:
    """Adds, schedules, leases and ends work."""

    def __init__(
        self, hot: Client, blocking: Client, clock: Clock, lifetimes: keys.Lifetimes, lane: Lane = FRONT
    ) -> None:
        """``blocking`` must bear a wait of the longest ``block_ms``."""
        self._work, self._due, self._items = lane.stream, lane.due, lane.items
        self._redis = hot
        self._blocking = blocking
        self._clock = clock
        self._seen_ms = span_ms(lifetimes.seen)

    async def make_group(self) -> None:
        """Make the consumer group if it is not there, from the stream's beginning. Done by ``Store.start``."""
        try:
            await self._redis.call("XGROUP", "CREATE", self._work, keys.GROUP, "0", "MKSTREAM")
        except StoreUnavailable as error:
            if "BUSYGROUP" not in str(error.__cause__):
                raise

    async def add(self, item: WorkItem, op: str | None = None) -> bool:
        """Put an item on the stream. False when this operation id was seen within ``Lifetimes.seen``."""
        once = int(op is not None)
        return bool(
            await workscripts.add(
                self._redis, self._work, keys.SEEN(op or "none"), once, self._seen_ms, item.model_dump_json().encode()
            )
        )

    async def schedule(self, due: Due) -> None:
        """Set a due time; one with the same id is replaced."""
        body = b"0 " + due.item.model_dump_json().encode()
        await workscripts.schedule(self._redis, self._due, self._items, ms(due.at), due.id, body)

    async def unschedule(self, *ids: str) -> int:
        """Clear due times; how many of them were there."""
        return await workscripts.unschedule(self._redis, self._due, self._items, ids)

    async def due_at(self, due_id: str) -> datetime | None:
        """When this due time falls due, or None when it is not set (or was moved already)."""
        score = await self._redis.call("ZSCORE", self._due, due_id)
        return None if score is None else moment(int(float(score)))

    async def move_due(self, now: datetime) -> int:
        """Move what is due by ``now`` onto the stream, at most 100 at once; how many were moved."""
        return await workscripts.move_due(self._redis, self._due, self._items, self._work, ms(now), _MOVED_AT_ONCE)

    async def take(self, consumer: str, count: int, block_ms: int) -> list[Leased]:
        """Lease up to ``count`` new items, waiting for the first for at most ``block_ms``."""
        reply: list[Any] = await self._blocking.call(
            "XREADGROUP", "GROUP", keys.GROUP, consumer, "COUNT", count, "BLOCK", block_ms, "STREAMS", self._work, ">"
        )
        entries = [(entry_id, fields, 1) for _, found in reply or () for entry_id, fields in found]
        return await self._readable(entries)

    async def takeover(self, consumer: str, idle_ms: int, count: int = 16) -> list[Leased]:
        """Take what nobody renewed for ``idle_ms``: its worker died. Each such delivery counts as a try."""
        reply: list[Any] = await workscripts.takeover(self._redis, self._work, keys.GROUP, consumer, idle_ms, count)
        entries = [(found, dict(zip(flat[::2], flat[1::2], strict=True)), int(times)) for found, flat, times in reply]
        return await self._readable(entries)

    async def renew(self, ids: list[str], consumer: str) -> list[str]:
        """Say that these are still worked on; those that are still this consumer's. Counts as no delivery."""
        kept = await workscripts.renew(self._redis, self._work, keys.GROUP, consumer, ids)
        return [entry_id.decode() for entry_id in kept]

    async def done(self, entry_id: str) -> None:
        """The item is done: off the stream."""
        await workscripts.done(self._redis, self._work, keys.GROUP, entry_id)

    async def retry(self, leased: Leased, at: datetime, *, counted: bool = True) -> bool:
        """Try the item again at a time. ``counted`` False: this try was not the item's fault (shutdown, store away).

        False when it is no longer pending: another took it over and ended it.
        """
        tries = leased.deliveries if counted else leased.deliveries - 1
        body = b"%d %b" % (tries, leased.item.model_dump_json().encode())
        due = (self._due, self._items)
        return bool(await workscripts.retry(self._redis, self._work, *due, keys.GROUP, leased.id, ms(at), body))

    async def bury(self, leased: Leased, reason: str) -> bool:
        """Set an item aside for good, and tell people by a DEAD_LETTER item in the front lane.

        Nobody is told of one that is such an item itself, nor of a run that could not be indexed.

        False when it is no longer pending.
        """
        return await self._bury(leased.id, leased.item.model_dump_json().encode(), leased.item, reason)

    async def claim_period(self, name: str, period: timedelta, now: datetime) -> bool:
        """True for the one replica that may do a recurring check in this period, ``floor(now / period)``."""
        length = span_ms(period)
        slot = ms(now) // length
        command = ("SET", keys.PERIOD(name, str(slot)), "1", "NX", "PX", 2 * length)
        return await self._redis.call(*command) is not None

    async def forget(self, consumer: str) -> bool:
        """Remove a consumer that holds nothing any more from the group."""
        return bool(await workscripts.forget_consumer(self._redis, self._work, keys.GROUP, consumer))

    async def forget_idle(self, idle: timedelta) -> int:
        """Remove consumers of processes that are long gone and hold nothing; how many."""
        gone = 0
        consumers: list[dict[str, Any]] = await self._redis.call("XINFO CONSUMERS", self._work, keys.GROUP)
        for known in consumers:
            if int(known["pending"]) == 0 and int(known["idle"]) > span_ms(idle):
                gone += await self.forget(known["name"].decode())
        return gone

    async def depth(self) -> Depth:
        """How much waits, for metrics and ``doctor``."""
        run = self._redis.call
        length = int(await run("XLEN", self._work))
        pending = await run("XPENDING", self._work, keys.GROUP)
        oldest = await run("XRANGE", self._work, "-", "+", "COUNT", 1)
        first = await run("ZRANGE", self._due, 0, 0, "WITHSCORES")
        leased = int(pending["pending"])
        return Depth(
            waiting=length - leased,
            leased=leased,
            due=int(await run("ZCARD", self._due)),
            dead=int(await run("XLEN", keys.DEAD())),
            oldest=moment(int(oldest[0][0].partition(b"-")[0])) if oldest else None,
            next_due=moment(int(float(first[1]))) if first else None,
        )

    async def _readable(self, entries: list[tuple[bytes, dict[bytes, bytes], int]]) -> list[Leased]:
        """The entries as leases. One that cannot be read is left to another replica, or set aside."""
        leased: list[Leased] = []
        for entry_id, fields, deliveries in entries:
            raw = fields.get(b"i", b"")
            try:
                item = WorkItem.model_validate_json(raw)
                tries = int(fields.get(b"n", b"0"))
            except (ValidationError, ValueError):
                await self._put_back(entry_id.decode(), fields, deliveries)
            else:
                leased.append(Leased(id=entry_id.decode(), item=item, deliveries=tries + deliveries))
        return leased

    async def _put_back(self, entry_id: str, fields: dict[bytes, bytes], deliveries: int) -> None:
        """An item of a newer Pullcord, during a rolling upgrade: offered again five times, then set aside."""
        raw, earlier = fields.get(b"i", b""), fields.get(b"n", b"0")
        tries = deliveries + (int(earlier) if earlier.isdigit() else TRIES)
        if tries >= TRIES:
            await self._bury(entry_id, raw, None, "no Pullcord here can read this item")
            return
        at = ms(self._clock.now() + _UNREADABLE_AGAIN)
        body = b"%d %b" % (tries, raw)
        await workscripts.retry(self._redis, self._work, self._due, self._items, keys.GROUP, entry_id, at, body)

    async def _bury(self, entry_id: str, raw: bytes, item: WorkItem | None, reason: str) -> bool:
        kind = "unreadable" if item is None else item.kind.value
        told: list[bytes] = []
        if item is None or item.kind not in _TOLD_TO_NOBODY:
            incident = None if item is None else item.incident
            payload: dict[str, Json] = {"work": kind, "reason": reason[:500], "entry": entry_id}
            if item is not None and "execution" in item.payload:
                payload["execution"] = item.payload["execution"]
            message = WorkItem(kind=Work.DEAD_LETTER, incident=incident, payload=payload)
            told.append(message.model_dump_json().encode())
        now = ms(self._clock.now())
        return bool(
            await workscripts.bury(
                self._redis, self._work, keys.DEAD(), keys.WORK(), keys.GROUP, entry_id, raw, reason[:2000], now, told
            )
        )
