"""Filling the index of runs of a real store with recorded runs."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta

from bot.domain.effect import Effect
from bot.domain.profile import IndexedRun, RunProfile
from bot.domain.run import Run
from bot.recorder.profile import profile_of
from bot.recorder.signatures import signed
from bot.timeline.run_index import RunIndex
from tests.support.recorded_runs import Planted, recorded

_AT_ONCE = 24


async def enter(
    index: RunIndex, run: Run, effects: tuple[Effect, ...], *, named: bool = False, texts: bool = True
) -> RunProfile:
    """Index one run, as ``bot.engine.indexing`` does."""
    made = profile_of(run, effects, named=named)
    marks = signed(made.profile, effects)
    entry = IndexedRun(profile=made.profile, signatures=tuple(s.id for s in marks.signatures), named=named)
    kept = await index.put(entry, made.texts if texts else {}, marks.spreads)
    return kept.profile


async def fill(
    index: RunIndex,
    numbers: Iterable[int],
    planted: Mapping[int, Planted],
    *,
    every: timedelta = timedelta(minutes=1),
    texts: bool = True,
) -> None:
    """Index runs by their numbers, some with something planted."""
    waiting = list(numbers)
    for start in range(0, len(waiting), _AT_ONCE):
        some = waiting[start : start + _AT_ONCE]
        runs = (recorded(n, planted.get(n), every=every) for n in some)
        await asyncio.gather(*(enter(index, run, effects, texts=texts) for run, effects in runs))
