"""What changed and who else was hit over 100,000 indexed runs: time of each answer, cost and memory of indexing a run.

Floor: one ``GET`` of a run's record in the same minute. Run: ``python -m bench.alikes [runs]``.
"""

import asyncio
import gc
import random
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from redis import Redis

from bot.domain.effect import Effect
from bot.domain.profile import IndexedRun, RunProfile
from bot.engine.alikes import Alikes, changes_of
from bot.open_store import SystemClock
from bot.recorder.profile import Profiled, profile_of
from bot.recorder.signatures import Level, Signed, signed
from bot.timeline import keys
from bot.timeline.connection import Connections
from bot.timeline.embedded import start_embedded
from bot.timeline.index_records import pack_run
from bot.timeline.store import Store
from bot.timeline.times import ms
from tests.support.recorded_runs import Planted, recorded

_MADE = 3_000
"""Different runs; the others are these with ids and times of their own."""
_PUT = 2_000
"""Runs that are put one by one, as in service; the others are filled in."""
_ASKED = 60
_AT_ONCE = 48
_FAMILY = 40
_WRONG = Planted(calls=(("issue_refund", {"reason": "goodwill gesture"}),), documents={"policy.md": "v2"})


async def main(runs: int) -> None:
    """Fill, ask, tell."""
    drawn = random.Random(7)  # noqa: S311 - the same runs each time
    with tempfile.TemporaryDirectory(prefix="pullcord-bench-") as folder:
        embedded = await start_embedded(Path(folder))
        connections = await Connections.open(embedded.url)
        store = Store(connections, secrets.token_bytes(32), SystemClock())
        await store.start()
        try:
            await _measure(store, connections, embedded.url, runs, drawn)
        finally:
            await connections.aclose()
            await embedded.aclose()


async def _measure(store: Store, connections: Connections, url: str, runs: int, drawn: random.Random) -> None:
    made = [recorded(number) for number in range(min(runs, _MADE))]
    began = time.process_time()
    profiled = [(profile_of(run, effects), effects) for run, effects in made]
    marked = [(one, signed(one.profile, effects)) for one, effects in profiled]
    print(f"profile and signatures of a run       {(time.process_time() - began) / len(made) * 1e6:8.0f} us of CPU")
    before = await _memory(connections)
    start = datetime.now(UTC) - timedelta(days=20)
    step = timedelta(days=20) / runs
    family = set(drawn.sample(range(runs), _FAMILY))
    wrong = []
    for number in range(_FAMILY):
        run, effects = recorded(number, _WRONG)
        one = profile_of(run, effects)
        wrong.append((one, signed(one.profile, effects)))
    chosen = [drawn.choice(wrong) if n in family else marked[n % len(marked)] for n in range(runs)]
    puts = min(runs, _PUT)
    began = time.perf_counter()
    for first in range(0, puts, _AT_ONCE):
        some = range(first, min(first + _AT_ONCE, puts))
        await asyncio.gather(
            *(
                store.run_index.put(
                    _own(*chosen[n], n, start + n * step, drawn), chosen[n][0].texts, chosen[n][1].spreads
                )
                for n in some
            )
        )
    took = (time.perf_counter() - began) / puts
    print(f"putting a run into the index          {took * 1e6:8.0f} us ({_AT_ONCE} at once)")
    rest = [_own(*chosen[n], n, start + n * step, drawn) for n in range(puts, runs)]
    await asyncio.to_thread(_fill, url, rest, chosen)
    used = await _memory(connections) - before
    print(f"memory of an indexed run              {used / runs:8.0f} bytes ({used / 1e6:.0f} MB in all)")
    await _ask(store, runs)


def _own(one: Profiled, marks: Signed, number: int, at: datetime, drawn: random.Random) -> IndexedRun:
    """A run with ids and times of its own: an account and a text that nobody shares."""
    profile = one.profile.model_copy(update={"trace_id": f"{number + 1:032x}", "started_at": at, "ended_at": at})
    own = [s.level is Level.VALUE and s.path in {"account", "body"} for s in marks.signatures]
    ids = [f"{drawn.getrandbits(80):020x}" if mine else s.id for mine, s in zip(own, marks.signatures, strict=True)]
    return IndexedRun(profile=profile, signatures=tuple(ids))


def _fill(url: str, runs: Sequence[IndexedRun], chosen: Sequence[tuple[Profiled, Signed]]) -> None:
    """What the script of ``put`` would write one by one, a set at a time: the benchmark is about the answers."""
    pipe, life = Redis.from_url(url).pipeline(transaction=False), 20 * 86_400_000
    sets: dict[str, dict[bytes, int]] = {}
    for number, run in enumerate(runs):
        profile = run.profile
        at, member = ms(profile.ended_at or datetime.now(UTC)), bytes.fromhex(profile.trace_id)
        names = [keys.INDEX_AGENT(profile.agent), keys.INDEX_KIND(profile.agent, profile.kind)]
        for name in (*names, *(keys.INDEX_SIGN(s) for s in run.signatures)):
            sets.setdefault(name, {})[member] = at
        pipe.set(keys.INDEX_RUN(profile.trace_id), pack_run(run), px=life)
        if number % 1000 == 0:
            pipe.execute()
    for number, (place, members) in enumerate(sets.items()):
        newest = sorted(members.items(), key=lambda pair: pair[1])[-20_000 if ":sign:" in place else 0 :]
        for first in range(0, len(newest), 2000):
            pipe.zadd(place, dict(newest[first : first + 2000]))
        pipe.pexpire(place, life)
        if number % 500 == 0:
            pipe.execute()
    places: dict[str, set[str]] = {}
    for _, marks in chosen[:_MADE]:
        for place, value in marks.spreads.items():
            places.setdefault(place, set()).add(value)
    for place, values in places.items():
        pipe.pfadd(keys.INDEX_SPREAD(place), *values)
        pipe.pexpire(keys.INDEX_SPREAD(place), life)
    pipe.execute()


async def _ask(store: Store, runs: int) -> None:
    index = store.run_index
    gc.collect()
    gc.freeze()  # what filling left behind is no part of an answer's time
    asked: list[tuple[RunProfile, tuple[Effect, ...]]] = []
    for number in range(_ASKED):
        run, effects = recorded(900_000 + number, _WRONG if number % 2 else None)
        now = datetime.now(UTC)
        run = run.model_copy(update={"started_at": now, "ended_at": now})
        one = profile_of(run, effects, named=True)
        marks = signed(one.profile, effects)
        kept = await index.put(
            IndexedRun(profile=one.profile, signatures=tuple(s.id for s in marks.signatures), named=True), one.texts
        )
        asked.append((kept.profile, effects))
    floor = await _timed(lambda n: store.connections.hot.call("GET", keys.INDEX_RUN(asked[n][0].trace_id)))
    changes = await _timed(lambda n: changes_of(index, asked[n][0]))
    found: list[int] = []

    async def look(number: int) -> None:
        profile, effects = asked[number]
        known = {p.trace_id for p, _ in asked}
        differs = await changes_of(index, profile)
        found.append((await Alikes(index).find(profile, effects, differs.changes, known)).runs)

    both = await _timed(look)
    print(f"found: {sorted(set(found))} of {_FAMILY} planted, in {runs} runs")
    _tell("one GET (the floor)", floor, floor)
    _tell("what changed", changes, floor)
    _tell("what changed and who else", both, floor)


async def _timed(ask: Callable[[int], Awaitable[Any]]) -> list[float]:
    times = []
    for number in range(_ASKED):
        began = time.perf_counter()
        await ask(number)
        times.append(time.perf_counter() - began)
    return times


async def _memory(connections: Connections) -> int:
    told: Any = await connections.blocking.call("INFO", "memory")
    if isinstance(told, dict):
        return int(told["used_memory"])
    return int(next(line for line in told.decode().splitlines() if line.startswith("used_memory:")).split(":")[1])


def _tell(what: str, times: Sequence[float], floor: Sequence[float]) -> None:
    middle, worst = statistics.median(times), sorted(times)[int(len(times) * 0.99)]
    ratio = middle / statistics.median(floor)
    print(f"{what:36}  p50 {middle * 1e3:8.2f} ms   p99 {worst * 1e3:8.2f} ms   {ratio:6.0f} x the floor")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
