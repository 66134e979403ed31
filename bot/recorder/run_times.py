"""When runs began, and since when something is as it is now. Pure."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime

from bot.domain.profile import RunProfile

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def when(profile: RunProfile) -> datetime:
    """When a run began, or ended; for sorting."""
    return profile.started_at or profile.ended_at or _EPOCH


def since_and_after(
    having: Sequence[RunProfile], failing: RunProfile, before: AbstractSet[str]
) -> tuple[datetime, int]:
    """When a new value was first seen, and how many runs have it since; ``having`` are those that have it.

    ``before`` are the good runs (trace ids) that came before the value did. Those of them that had it are of an earlier
    time: it was gone in between. Runs that are no good ones count too, unless they are of that earlier time as well.
    """
    gone = max((when(run) for run in having if run.trace_id in before), default=None)
    later = [run for run in having if gone is None or when(run) > gone or run is failing]
    return min(when(run) for run in later), len(later)
