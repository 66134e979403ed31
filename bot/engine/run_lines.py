"""Runs as lines to choose from, and which of them to show first."""

from typing import Final

from bot.domain.profile import Grade, RunLine, RunProfile
from bot.domain.run import RunStatus
from bot.recorder.run_times import when

_MOST_NAME: Final = 120


def line_of(profile: RunProfile, why: str) -> RunLine:
    """One run of the index as a line; ``why`` says why it is there. Foreign names are cut: an entry holds 200 lines."""
    served = profile.model_served
    return RunLine(
        trace_id=profile.trace_id,
        agent=profile.agent[:_MOST_NAME] or None,
        ended_at=profile.ended_at,
        status=profile.status,
        model_served=None if served is None else served[:_MOST_NAME],
        counts=profile.counts,
        why=why[:300],
    )


def why_first(profile: RunProfile) -> str:
    """What speaks for a run being the one that an alert is about."""
    counts = profile.counts
    said = []
    if profile.status is RunStatus.ERROR:
        said.append("ended with an error")
    said += [f"failed {check}" for check in profile.checks if not check.startswith("error ")][:2]
    if profile.grade is Grade.FAILED and not said:
        said.append("named by an incident")
    if counts.no_way_back:
        said.append(f"{counts.no_way_back} effect{'' if counts.no_way_back == 1 else 's'} that cannot be undone")
    elif counts.changes:
        said.append(f"{counts.changes} effect{'' if counts.changes == 1 else 's'}")
    return ", ".join(said) or "no error and no effect recorded"


def worst_first(profile: RunProfile) -> tuple[int, int, int, int, float]:
    """Sort key: errors and failed checks, then what cannot be undone, then what can only be compensated, the newest."""
    counts = profile.counts
    return (
        0 if profile.grade is Grade.FAILED or profile.status is RunStatus.ERROR else 1,
        -counts.no_way_back,
        -counts.compensable,
        -counts.reversible,
        -when(profile).timestamp(),
    )
