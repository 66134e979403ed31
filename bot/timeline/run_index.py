"""The index of runs: a small profile of each, by agent, kind and time, and which runs share a signature.

Nothing here reads spans. A run is one compressed value; a signature is a sorted set of 16-byte trace ids by the run's
end, so that "who else" is one range of one key, however many runs there are. Indexing a run again replaces what it was:
signatures that no longer hold are taken away in the same script. Texts are kept once per hash.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from bot.domain.profile import Alike, Grade, IndexedRun
from bot.errors import StoreUnavailable
from bot.ports import Clock
from bot.timeline import keys
from bot.timeline.connection import Client
from bot.timeline.index_records import pack_run, pack_text, unpack_run, unpack_text
from bot.timeline.index_scripts import counted, put_run
from bot.timeline.times import ms, span_ms

MOST_RUNS: Final = 100_000
"""Of one agent, and of one kind."""
MOST_ALIKE: Final = 20_000
"""Of one signature: what more runs share is no sign of anything."""
MOST_SIGNATURES: Final = 64
_MOST_PROMPTS: Final = 1000
_AT_ONCE: Final = 500
_TRIES: Final = 5


class RunIndex:
    """Profiles of runs. Implements ``bot.ports.RunTexts``."""

    def __init__(self, hot: Client, blocking: Client, clock: Clock, lifetimes: keys.Lifetimes) -> None:
        """Texts are read with ``hot`` (a page waits), everything else with ``blocking``."""
        self._hot = hot
        self._redis = blocking
        self._clock = clock
        self._ttl = span_ms(lifetimes.index)

    # ------------------------------------------------------------------------------------------------ writing

    async def put(
        self, run: IndexedRun, texts: Mapping[str, str] | None = None, spreads: Mapping[str, str] | None = None
    ) -> IndexedRun:
        """Index a run, or replace what is indexed of it; answers what is kept now.

        ``texts`` are the prompts and tool definitions that the profile points at, by hash; ``spreads`` says for places
        (an argument of a tool) which value stood there. A run that was named once stays named, so failed.
        """
        before, raw = None, None  # most runs are new: the script says when this one is not
        for _ in range(_TRIES):
            wanted = _settled(run, before)
            missing = await self._put(wanted, before, raw, texts or {}, spreads or {})
            if missing is not None:
                await self._put_texts(wanted, missing, texts or {})
                return wanted
            raw = await self._redis.call("GET", keys.INDEX_RUN(run.profile.trace_id))
            before = unpack_run(raw) if raw else None
        raise StoreUnavailable(
            f"Run {run.profile.trace_id} is indexed by several at once.", next_step="It is tried again."
        )

    async def _put(
        self,
        run: IndexedRun,
        before: IndexedRun | None,
        raw: bytes | None,
        texts: Mapping[str, str],
        spreads: Mapping[str, str],
    ) -> list[str] | None:
        """The hashes of texts that are not kept; None when the record is not the one that was read any more."""
        profile, now = run.profile, ms(self._clock.now())
        oldest = now - self._ttl
        ended = profile.ended_at or profile.started_at
        at = now if ended is None else min(ms(ended), now)
        hashes = list(texts)
        answer = await put_run(
            self._redis,
            keys.INDEX_RUN(profile.trace_id),
            keys.INDEX_AGENTS(),
            keys.INDEX_AGENT(profile.agent),
            keys.INDEX_FAILED(profile.agent),
            keys.INDEX_KIND(profile.agent, profile.kind),
            [keys.INDEX_SIGN(s) for s in run.signatures],
            [keys.INDEX_SIGN_FAILED(s) for s in run.signatures],
            _gone(run, before),
            [keys.INDEX_TEXT(h) for h in hashes],
            [keys.INDEX_SPREAD(place) for place in spreads],
            "" if raw is None else hashlib.sha1(raw, usedforsecurity=False).hexdigest(),
            profile.agent,
            bytes.fromhex(profile.trace_id),
            at,
            int(profile.grade is Grade.FAILED),
            pack_run(run),
            self._ttl,
            oldest,
            MOST_RUNS,
            MOST_ALIKE,
            list(spreads.values()),
        )
        return [hashes[i - 1] for i in answer[1:]] if answer[0] else None

    async def _put_texts(self, run: IndexedRun, missing: Iterable[str], texts: Mapping[str, str]) -> None:
        """Keep new texts. Prompts that hold a name or the like are new with every run: only the newest are kept."""
        prompts = {call.prompt for call in run.profile.calls}
        for text_hash in missing:
            packed = await asyncio.to_thread(pack_text, texts[text_hash])
            await self._redis.call("SET", keys.INDEX_TEXT(text_hash), packed, "PX", self._ttl)
            if text_hash in prompts:
                listed = keys.INDEX_TEXTS(run.profile.agent)
                await self._redis.call("ZADD", listed, ms(self._clock.now()), text_hash)
                await self._redis.call("PEXPIRE", listed, self._ttl)
                over = await self._redis.call("ZRANGE", listed, 0, -(_MOST_PROMPTS + 1))
                if over:
                    await self._redis.call("ZREM", listed, *over)
                    await self._redis.call("UNLINK", *(keys.INDEX_TEXT(old.decode()) for old in over))

    # ------------------------------------------------------------------------------------------------ reading

    async def get(self, trace_id: str) -> IndexedRun | None:
        """What is indexed of a run, or None."""
        return next(iter(await self.many((trace_id,))), None)

    async def many(self, trace_ids: Sequence[str]) -> list[IndexedRun]:
        """What is indexed of these runs, in their order, without those that are not (any more)."""
        found: list[IndexedRun] = []
        for start in range(0, len(trace_ids), _AT_ONCE):
            wanted = [keys.INDEX_RUN(trace_id) for trace_id in trace_ids[start : start + _AT_ONCE]]
            raw: list[bytes | None] = await self._redis.call("MGET", *wanted)
            found += await asyncio.to_thread(_unpacked, raw)
        return found

    async def of_kind(self, agent: str, kind: str, until: datetime, newest: int, sampled: int) -> list[str]:
        """Trace ids of the runs that ended by then, newest first: the ``newest``, and a sample of all older ones."""
        key = keys.INDEX_KIND(agent, kind)
        total: int = await self._redis.call("ZCOUNT", key, "-inf", ms(until))
        ids: list[bytes] = await self._redis.call("ZRANGE", key, max(0, total - newest), total - 1) if total else []
        older = total - newest
        if older > 0 and sampled > 0:
            step = max(1, older // sampled)
            places = range(older - 1, -1, -step)
            some = [await self._redis.call("ZRANGE", key, place, place) for place in places[:sampled]]
            return [i.hex() for i in [*reversed(ids), *(one for found in some for one in found)]]
        return [i.hex() for i in reversed(ids)]

    async def of_kind_since(self, agent: str, kind: str, after: datetime, limit: int) -> list[str]:
        """Trace ids of the runs that ended later than then, oldest first."""
        command = ("ZRANGEBYSCORE", keys.INDEX_KIND(agent, kind), f"({ms(after)}", "+inf", "LIMIT", 0, limit)
        ids: list[bytes] = await self._redis.call(*command)
        return [i.hex() for i in ids]

    async def in_window(self, agent: str, start: datetime, end: datetime, limit: int) -> tuple[list[str], int]:
        """Trace ids of the agent's runs that ended within [start, end], newest first, failed ones first of all.

        And how many there are in all.
        """
        failed: list[bytes] = await self._redis.call(
            "ZREVRANGEBYSCORE", keys.INDEX_FAILED(agent), ms(end), ms(start), "LIMIT", 0, limit
        )
        newest: list[bytes] = await self._redis.call(
            "ZREVRANGEBYSCORE", keys.INDEX_AGENT(agent), ms(end), ms(start), "LIMIT", 0, limit
        )
        total: int = await self._redis.call("ZCOUNT", keys.INDEX_AGENT(agent), ms(start), ms(end))
        return [i.hex() for i in dict.fromkeys((*failed, *newest))], total

    async def alike(self, signatures: Sequence[str], since: int = 0) -> dict[str, Alike]:
        """How many runs (that ended since a time in ms) share each signature. One call, however many runs there are."""
        found = await counted(
            self._redis,
            [keys.INDEX_SIGN(s) for s in signatures],
            [keys.INDEX_SIGN_FAILED(s) for s in signatures],
            since,
            ms(self._clock.now()) - self._ttl,
            self._ttl,
        )
        return {s: _alike(raw) for s, raw in zip(signatures, found, strict=True)}

    async def members(self, signature: str, limit: int = MOST_ALIKE) -> list[str]:
        """Trace ids of the runs with this signature, newest first."""
        ids: list[bytes] = await self._redis.call("ZREVRANGE", keys.INDEX_SIGN(signature), 0, limit - 1)
        return [i.hex() for i in ids]

    async def spreads(self, places: Sequence[str]) -> dict[str, int]:
        """About how many different values stood at each place."""
        return {place: await self._redis.call("PFCOUNT", keys.INDEX_SPREAD(place)) for place in places}

    async def before(self, signature: str, ended: int) -> int:
        """How many runs with this signature ended before a time (ms since 1970)."""
        found: int = await self._redis.call("ZCOUNT", keys.INDEX_SIGN(signature), "-inf", f"({ended}")
        return found

    async def runs_of(self, agents: Sequence[str]) -> Alike:
        """How many runs of these agents are indexed, and how many of them failed."""
        if not agents:
            return Alike()
        found = await counted(
            self._redis,
            [keys.INDEX_AGENT(agent) for agent in agents],
            [keys.INDEX_FAILED(agent) for agent in agents],
            0,
            ms(self._clock.now()) - self._ttl,
            self._ttl,
        )
        each = [_alike(raw) for raw in found]
        return Alike(runs=sum(one.runs for one in each), failed=sum(one.failed for one in each))

    async def agents(self, limit: int = 1000) -> list[str]:
        """Agents with indexed runs, those with the newest first."""
        names: list[bytes] = await self._redis.call("ZREVRANGE", keys.INDEX_AGENTS(), 0, limit - 1)
        return [name.decode() for name in names]

    async def text(self, hash: str) -> str | None:  # noqa: A002 - the port's name
        """The text with this hash; None when it is not kept (any more)."""
        raw: bytes | None = await self._hot.call("GET", keys.INDEX_TEXT(hash))
        return None if raw is None else unpack_text(raw)

    async def texts(self, hashes: Iterable[str]) -> dict[str, str]:
        """The texts of these hashes that are kept."""
        wanted, found = list(dict.fromkeys(hashes)), dict[str, str]()
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            raw: list[bytes | None] = await self._redis.call("MGET", *(keys.INDEX_TEXT(h) for h in some))
            found.update({h: unpack_text(text) for h, text in zip(some, raw, strict=True) if text is not None})
        return found


def _settled(run: IndexedRun, before: IndexedRun | None) -> IndexedRun:
    """A run that an alert or an incident named stays failed, whatever its spans say later."""
    named = run.named or (before is not None and before.named)
    grade = Grade.FAILED if named else run.profile.grade
    profile = run.profile.model_copy(update={"grade": grade})
    return run.model_copy(
        update={
            "profile": profile,
            "named": named,
            "signatures": tuple(dict.fromkeys(run.signatures))[:MOST_SIGNATURES],
        }
    )


def _gone(run: IndexedRun, before: IndexedRun | None) -> list[keys.Key]:
    """The sets that the run was in and is not any more."""
    if before is None:
        return []
    gone = [s for s in before.signatures if s not in run.signatures]
    found = [key for s in gone for key in (keys.INDEX_SIGN(s), keys.INDEX_SIGN_FAILED(s))]
    old, new = before.profile, run.profile
    if (old.agent, old.kind) != (new.agent, new.kind):
        found.append(keys.INDEX_KIND(old.agent, old.kind))
    if old.agent != new.agent:
        found += [keys.INDEX_AGENT(old.agent), keys.INDEX_FAILED(old.agent)]
    return found


def _unpacked(raw: Sequence[bytes | None]) -> list[IndexedRun]:
    return [run for run in (unpack_run(one) for one in raw if one is not None) if run is not None]


def _alike(raw: Sequence[Any]) -> Alike:
    runs, failed, first = raw
    return Alike(runs=int(runs), failed=int(failed), first=int(float(first)) if first else None)
