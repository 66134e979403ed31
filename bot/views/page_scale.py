"""The time scale of one run: where bars lie, which marks stand above them."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.run import Run, Step
from bot.views.page_run_models import Bar, Tick

_NICE = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)
_LEAST = 1.2
"""Percent of the lane that 4 px are; bars are at least that wide (DESIGN.md)."""


@dataclass(frozen=True, slots=True)
class Scale:
    """From the first start to the last end. ``start`` is None where no step recorded a time."""

    start: datetime | None
    seconds: float

    def bar(self, step: Step, end: datetime | None) -> Bar | None:
        """The bar of a step, or of several that end at ``end``."""
        if self.start is None or step.started_at is None:
            return None
        begin = max(0.0, (step.started_at - self.start).total_seconds()) / self.seconds * 100
        lasted = max(0.0, ((end or step.started_at) - step.started_at).total_seconds()) / self.seconds * 100
        wide = lasted >= _LEAST
        x = min(begin, 100 - (lasted if wide else _LEAST))
        return Bar(x=f"{max(0.0, x):.2f}%", width=f"{min(lasted, 100):.2f}%" if wide else "4")

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


def ticks(scale: Scale) -> tuple[Tick, ...]:
    """At most six marks at round times."""
    if scale.start is None:
        return ()
    step = next((s for s in _NICE if scale.seconds / s <= 5), scale.seconds / 4)
    marks = [n * step for n in range(int(scale.seconds / step) + 1) if n == 0 or n * step <= scale.seconds * 0.97]
    return tuple(
        Tick(x=f"{mark / scale.seconds * 100:.2f}%", text=_mark(mark, step), anchor="middle" if mark else "start")
        for mark in marks
    )


def _mark(seconds: float, step: float) -> str:
    if step < 1:
        return f"{seconds:g} s"
    if step < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if step < 3600 else f"{seconds / 3600:.0f} h"
