"""The time scale of one run: where bars lie, which marks stand above them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from bot.domain.run import Run, Step
from bot.views.page_run_models import Bar, Tick

_NICE = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)
_LEAST = 1.2
"""Percent of the lane that 4 px are; bars are at least that wide (DESIGN.md)."""


@dataclass(frozen=True, slots=True)
class Scale:
    """From the first start to the last end; ``start`` is None where no step recorded a time.

    The window that is drawn begins ``begin`` seconds after the start and is ``seconds`` long.
    """

    start: datetime | None
    seconds: float
    begin: float = 0.0

    def bar(self, step: Step, end: datetime | None) -> Bar | None:
        """The bar of a step, or of several that end at ``end``."""
        if self.start is None or step.started_at is None:
            return None
        first = (step.started_at - self.start).total_seconds() - self.begin
        last = first + max(0.0, ((end or step.started_at) - step.started_at).total_seconds())
        left, right = (min(max(at / self.seconds * 100, 0.0), 100.0) for at in (first, last))
        wide = right - left >= _LEAST
        x = left if wide else min(left, 100 - _LEAST)
        return Bar(x=f"{x:.2f}%", width=f"{right - left:.2f}%" if wide else "4")

    def offset(self, at: datetime) -> float:
        """Seconds since the start of the run, never negative."""
        return max(0.0, (at - self.start).total_seconds()) if self.start is not None else 0.0


def scale_of(run: Run) -> Scale:
    """The scale of a run."""
    starts = [s.started_at for s in run.steps if s.started_at is not None]
    ends = [s.ended_at for s in run.steps if s.ended_at is not None]
    start = min(starts, default=run.started_at)
    end = max([*ends, *starts], default=run.ended_at)
    lasted = (end - start).total_seconds() if start is not None and end is not None else 0.0
    return Scale(start, max(lasted, 0.001))


def window(scale: Scale, steps: Sequence[Step]) -> Scale:
    """The part of a run's scale in which these steps lie."""
    times = [s for s in steps if s.started_at is not None]
    if scale.start is None or not times:
        return scale
    begin = min(scale.offset(s.started_at) for s in times if s.started_at is not None)
    end = max(scale.offset(s.ended_at or s.started_at) for s in times if s.started_at is not None)
    return Scale(scale.start, max(end - begin, 0.001), begin)


def ticks(scale: Scale) -> tuple[Tick, ...]:
    """At most six marks at round times."""
    if scale.start is None:
        return ()
    step = next((s for s in _NICE if scale.seconds / s <= 5), scale.seconds / 4)
    first = ceil(scale.begin / step - 1e-9)
    marks = [n * step for n in range(first, first + int(scale.seconds / step) + 1)]
    shown = [(mark, (mark - scale.begin) / scale.seconds) for mark in marks]
    return tuple(
        Tick(x=f"{place * 100:.2f}%", text=_mark(mark, step), anchor="middle" if place > 0.02 else "start")
        for mark, place in shown
        if place <= 0.97 or mark == 0
    )


def _mark(seconds: float, step: float) -> str:
    if step < 1:
        return f"{seconds:g} s"
    if step < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if step < 3600 else f"{seconds / 3600:.0f} h"
