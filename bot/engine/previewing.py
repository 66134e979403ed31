"""What an action would do, at every enforcement point: the path of an execution up to its write, and no further.

A preview and a drill prepare an execution exactly as A3 does (the same plan, the same reading of the target), so that
what they say is what would be done. Nothing here can write: a deed is made and never told to ``do``.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from bot.domain.action import Change, Execution, ExecutionState, Snapshot
from bot.domain.base import Json
from bot.domain.events import Actor
from bot.domain.incident import Incident
from bot.engine import names
from bot.engine.deed import READ_SECONDS, ApplyChange, Deed, RestoreChange, RunOnce, bounded
from bot.engine.deeds import deed_of
from bot.engine.offers import why_not_undone
from bot.engine.parts import Parts, scrubbed
from bot.engine.planning import SILENT, duration, said, shown
from bot.errors import PullcordError, Refused, StoreUnavailable
from bot.plugin import Action, ActionContext, Params
from bot.ports import Progress

log = structlog.get_logger(__name__)

CLICK_SECONDS: Final = 0.8
"""A modal must open within Slack's three seconds (trigger_id); without the current value rather than not at all."""
BUTTON_SECONDS: Final = 2.0
"""So long a press of Preview may take: the modal is open already."""
_MOST_POINTS: Final = 12
"""So many points are read for one preview; a fleet has more, and its preview says so."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """An execution up to its write: what it would do, what the target holds now, and its sentence."""

    deed: Deed
    snapshot: Snapshot | None
    summary: str


@dataclass(frozen=True, slots=True)
class PointPreview:
    """What would happen at one enforcement point. ``field`` is the parameter at which the verb says no."""

    where: str
    words: str
    goes: bool = True
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What a press would do, point by point."""

    points: tuple[PointPreview, ...]
    left: int = 0

    @property
    def text(self) -> str:
        """One line for each point, named where there are several. Foreign text in it is not escaped."""
        if not self.points:
            return "Nothing would be done: there is no agent that this could touch."
        several = len(self.points) + self.left > 1
        lines = [f"{p.where}: {p.words}" if several and p.where else p.words for p in self.points]
        if self.left:
            lines.append(f"and {self.left} more, which were not asked")
        return "\n".join(lines)

    @property
    def goes(self) -> bool:
        """False when it would be refused, or cannot be said, at some point."""
        return bool(self.points) and all(point.goes for point in self.points)


async def prepare(
    parts: Parts, incident: Incident, execution: Execution, team: str | None, progress: Progress = SILENT
) -> Prepared:
    """Plan, and read what is there now. Only reads.

    Raises Refused when the verb says no, and ActionFailed, OutcomeUnknown or TimeoutError when it cannot be read.
    """
    deed, summary = await deed_of(parts, incident, execution, team, progress)
    if isinstance(deed, RunOnce):
        return Prepared(deed, None, summary)
    if not isinstance(deed, ApplyChange | RestoreChange):
        raise Refused(f"{execution.title} made no plan that can be carried out.")
    snapshot = await bounded(deed.plane.current(deed.change.target), READ_SECONDS)
    no_secret(parts, deed.change, snapshot)
    if isinstance(deed, ApplyChange):
        deed = ApplyChange(deed.plane, deed.change, snapshot, deed.key, deed.restraint)
    return Prepared(deed, snapshot, summary)


def no_secret(parts: Parts, change: Change, snapshot: Snapshot) -> None:
    """Raise Refused where the target holds a secret: to be put back it would have to be stored and shown."""
    held: Json = snapshot.model_dump(mode="json", include={"value", "restraint"})
    if scrubbed(held, parts.scrub) == held and scrubbed(change.before, parts.scrub) == change.before:
        return
    message = f"{change.target.control} holds something with a secret in it there, and Pullcord stores no secrets."
    raise Refused(message, next_step="Take the secret out of it there, or change it there by hand.")


def words_of(prepared: Prepared) -> str:
    """What it would do, in one line: the target, its value now, the value after, and for how long."""
    deed, now = prepared.deed, prepared.snapshot
    if isinstance(deed, RunOnce):
        return deed.once.preview or deed.once.summary
    if not isinstance(deed, ApplyChange | RestoreChange) or now is None:
        return prepared.summary
    change = deed.change
    if isinstance(deed, ApplyChange) and change.look_at is not None:
        return f"Pullcord looks again at {change.look_at:%H:%M} UTC on {change.look_at:%d %b}; nothing is restrained."
    until = f", for {duration(change.expires_in)}" if change.expires_in is not None else ""
    if isinstance(deed, RestoreChange) and _another(deed, now):
        return (
            f"{change.target}: now {_held(now)}, which is not what this action set ({shown(change.before)}). "
            "It would be refused, and stay as it is."
        )
    note = f". {change.note}" if change.note else ""
    return f"{change.target}: now {_held(now)}, then {shown(change.desired)}{until}{note}"


def _another(deed: RestoreChange, now: Snapshot) -> bool:
    """Whether an undo meets something else than what was set, as far as the control plane tells."""
    applied = deed.of.applied
    ours = {deed.of.id, applied.key if applied is not None else None}
    return now.value != deed.change.before or (now.owner is not None and now.owner not in ours)


def _held(now: Snapshot) -> str:
    """What the target holds, and where that is known who set it, and why."""
    restraint = now.restraint
    if restraint is None:
        return shown(now.value)
    why = f": {restraint.why[:100]}" if restraint.why else ""
    return f"{shown(now.value)} (set by {restraint.by} in {restraint.incident}{why})"


async def preview_press(
    parts: Parts,
    incident: Incident,
    verb: Action,
    params: Params | None,
    by: Actor,
    *,
    undo_of: str | None = None,
    seconds: float = CLICK_SECONDS,
) -> Preview:
    """What a press would do, at every agent and enforcement point, all asked at once. ``params`` None for an undo.

    Never raises for what a verb or a control plane says; StoreUnavailable when the store does not answer.
    """
    if undo_of is not None:
        executions = undone_with(incident, undo_of, by, parts.now())
    else:
        executions = _points(parts, incident, verb, params, by)
    asked, left = executions[:_MOST_POINTS], max(0, len(executions) - _MOST_POINTS)
    found = await asyncio.gather(*(preview_point(parts, incident, e, by.team, seconds) for e in asked))
    return Preview(tuple(found), left)


async def preview_point(
    parts: Parts, incident: Incident, execution: Execution, team: str | None, seconds: float
) -> PointPreview:
    """What one execution would do, or why that is refused or not known. Bounded by ``seconds``."""
    where = ": ".join(filter(None, (execution.agent, execution.control)))
    try:
        async with asyncio.timeout(seconds):
            prepared = await prepare(parts, incident, execution, team)
    except StoreUnavailable:
        raise
    except Refused as refused:
        return PointPreview(
            where, f"This would be refused: {parts.scrub(said(refused))}", goes=False, field=refused.field
        )
    except TimeoutError:
        why = f"the control plane did not answer within {seconds:g} s, so what is there now is not known."
    except PullcordError as error:
        why = f"it could not be read what is there now. {parts.scrub(said(error))}"
    except Exception as error:
        log.exception("preview_broke", incident=incident.id, action=execution.action)
        why = f"its plan broke ({type(error).__name__})."
    else:
        return PointPreview(where, words_of(prepared))
    return PointPreview(where, f"There is no preview: {why}", goes=False)


def undone_with(incident: Incident, undo_of: str, by: Actor, now: datetime) -> list[Execution]:
    """The executions that an undo of this one would ask for: of all that was asked for together and still stands."""
    first = incident.execution(undo_of)
    if first is None:
        return []
    group = [e for e in incident.executions if e.lead == first.lead and e.undo_of is None]
    standing = [e for e in group if e.id == first.id or why_not_undone(incident, e) is None]
    several = len(standing) > 1
    return [
        Execution(
            id=names.point_id(e.id, e.agent, e.control),
            action=e.action,
            title=f"Undo {e.title}",
            state=ExecutionState.REQUESTED,
            by=by.id,
            at=now,
            undo_of=e.id,
            agent=e.agent if several else None,
            control=e.control if several else None,
        )
        for e in standing
    ]


def _points(parts: Parts, incident: Incident, verb: Action, params: Params | None, by: Actor) -> list[Execution]:
    """The executions that a press would ask for, the first agent's first point first."""
    dumped: dict[str, Json] = {} if params is None else params.model_dump(mode="json")
    now = parts.now()
    ctx = ActionContext(incident=incident, agent=parts.planes.profile(incident), by=by, now=now)
    agents: Sequence[str | None] = (None,) if verb.agents is None else tuple(verb.agents(ctx, params))
    return [
        Execution(
            id=names.point_id(verb.id, agent, control),
            action=verb.id,
            title=verb.title,
            params=dumped,
            state=ExecutionState.REQUESTED,
            by=by.id,
            at=now,
            agent=agent,
            control=control,
        )
        for agent in agents
        for control in parts.planes.points(verb, parts.planes.profile(incident, agent)) or (None,)
    ]
