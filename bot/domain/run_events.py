"""The events about runs: what was read, what is missing, what differs, which others look alike, which were added."""

from typing import Literal

from bot.domain.base import Utc
from bot.domain.effect import Effect
from bot.domain.event_base import BaseEvent
from bot.domain.profile import Difference, RunLine, SimilarGroup
from bot.domain.run import RunSummary


class RunMissing(BaseEvent):
    """A run that was named could not be read yet, or none was named. Effects are unknown, not zero."""

    type: Literal["run_missing"] = "run_missing"
    trace_id: str | None
    reason: str
    until: Utc | None = None


class RunAttached(BaseEvent):
    """A run was read and frozen. A later one for the same trace replaces it (more spans came).

    ``evidence`` is the SHA-256 of the frozen bytes; ``parts`` how many EffectsListed follow it; ``source_note`` says
    why this source and not another, where there was a choice. ``configuration`` is the version of the settings by which
    it was read (a hash of them without their secrets; empty in entries of before it was noted).
    """

    type: Literal["run_attached"] = "run_attached"
    run: RunSummary
    evidence: str
    evidence_bytes: int
    source: str
    alerted: bool
    catalogue: str
    parts: int
    source_note: str = ""
    configuration: str = ""


class EffectsListed(BaseEvent):
    """Some of the effects of the run attached just before (all of its tool calls, in order).

    ``new`` are the ids of those that the thread was not told of yet; None: of none of them.
    """

    type: Literal["effects_listed"] = "effects_listed"
    trace_id: str
    evidence: str
    part: int
    effects: tuple[Effect, ...]
    new: tuple[str, ...] | None = None


class ChangesFound(BaseEvent):
    """What differs in a run from ``compared`` recent good runs of its kind. A later one for the same trace replaces it.

    ``note`` says in words why nothing could be compared, or what limits the comparison; no change is an answer too.
    ``new`` are the places in ``changes`` of those that this timeline did not name before, of any run; None where this
    is the first answer of its kind, so that all of it is new. ``unrecorded`` names what the run does not say of itself.
    """

    type: Literal["changes_found"] = "changes_found"
    trace_id: str
    compared: int
    changes: tuple[Difference, ...] = ()
    note: str = ""
    new: tuple[int, ...] | None = None
    unrecorded: tuple[str, ...] = ()


class SimilarRunsFound(BaseEvent):
    """Other recorded runs that did the same. ``runs`` counts each once, ``searched`` how many runs the index holds.

    ``new`` are the ids of the groups that this timeline did not name before; None: all of them.
    """

    type: Literal["similar_runs_found"] = "similar_runs_found"
    trace_id: str
    groups: tuple[SimilarGroup, ...] = ()
    runs: int = 0
    searched: int = 0
    new: tuple[str, ...] | None = None


class RunsOffered(BaseEvent):
    """No alert names a run: those of the agent that ended in the alert's window, errors first. A later one replaces."""

    type: Literal["runs_offered"] = "runs_offered"
    start: Utc
    end: Utc
    lines: tuple[RunLine, ...] = ()
    total: int = 0


class RunsAdded(BaseEvent):
    """A person added runs to the incident. ``why`` is ``similar`` or ``offered``."""

    type: Literal["runs_added"] = "runs_added"
    trace_ids: tuple[str, ...]
    why: str
