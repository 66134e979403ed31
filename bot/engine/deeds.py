"""From an execution on a timeline to its deed: the same one at each try, also after a crash."""

from datetime import datetime
from typing import Final

from pydantic import ValidationError

from bot.domain.action import Change, Execution, Restraint, Snapshot
from bot.domain.events import PULLCORD
from bot.domain.incident import Incident
from bot.engine.deed import ApplyChange, Deed, RestoreChange, RunOnce, way_back
from bot.engine.parts import Parts, person
from bot.engine.planning import SILENT, read_params
from bot.errors import Refused, StoreUnavailable
from bot.plugin import ActionContext, Once
from bot.ports import Progress
from bot.views.text import cut, visible

_HEADLINE: Final = 200
"""So much of an incident's headline is shown to an agent's callers where the person gave no reason."""
_DEEPEST: Final = 50
"""So many temporary mitigations on top of each other are followed down."""


async def deed_of(
    parts: Parts, incident: Incident, execution: Execution, team: str | None = None, progress: Progress = SILENT
) -> tuple[Deed, str]:
    """What this execution does, with its sentence: from its undo, its stored change, or a plan made (again).

    ``progress`` is how a long one says how far it is; nobody looks at that of a preview. Only reads.
    Raises Refused when the verb says no, its parameters are not acceptable or a port is missing.
    """
    if execution.undo_of is not None:
        of = incident.execution(execution.undo_of)
        if of is not None and of.change is None and of.result is not None:
            return await _taken_back(parts, incident, execution, of, team)
        if of is None or of.change is None or of.snapshot is None:
            raise Refused("There is nothing to undo: what was there before is not on the timeline.")
        of = of.model_copy(update={"snapshot": await _still_wanted(parts, of.snapshot, of.change, execution.at)})
        back = way_back(of, expired=execution.by == PULLCORD.id)
        return RestoreChange(parts.planes.plane(back.target.control), of, back, execution.id), back.summary
    change, snapshot = execution.change, execution.snapshot
    if change is not None and snapshot is not None:
        deed: Deed = ApplyChange(parts.planes.plane(change.target.control), change, snapshot, execution.id, None)
        return await restrained(parts, deed, incident, execution), change.summary
    verb = parts.registry.action(execution.action)
    try:
        params = read_params(verb, execution.params)
    except ValidationError as error:
        raise Refused(f"{verb.title}: its parameters are not acceptable ({error.error_count()} faults).") from error
    # the same time and person at each try, so that a plan made again after a crash is the same plan
    ctx = ActionContext(
        incident=incident,
        agent=parts.planes.profile(incident, execution.agent),
        by=person(execution.by, team),
        now=execution.at,
        execution_id=execution.id,
    )
    outcome = await parts.planes.plan(verb, ctx, params, execution.control, progress)
    if isinstance(outcome, Once):
        return RunOnce(outcome, execution.id), outcome.summary
    if not verb.tightens:
        outcome = outcome.model_copy(update={"lifts": True})
    unread = Snapshot(value=None, at=execution.at)
    return ApplyChange(parts.planes.plane(outcome.target.control), outcome, unread, execution.id, None), outcome.summary


async def _taken_back(
    parts: Parts, incident: Incident, execution: Execution, of: Execution, team: str | None
) -> tuple[Deed, str]:
    """How a one-off's result is taken back: a pull request is closed."""
    verb = parts.registry.action(of.action)
    if of.result is None or not of.result.undo:
        raise Refused(f"What {verb.title} did cannot be taken back from here.")
    try:
        params = read_params(verb, of.params)
    except ValidationError as error:
        raise Refused(f"{verb.title}: its parameters are not acceptable ({error.error_count()} faults).") from error
    ctx = ActionContext(
        incident=incident,
        agent=parts.planes.profile(incident, of.agent),
        by=person(execution.by, team),
        now=execution.at,
        execution_id=execution.id,
    )
    once = await parts.planes.take_back(verb, ctx, params, of.result, of.control)
    return RunOnce(once, execution.id), once.summary


async def _still_wanted(parts: Parts, before: Snapshot, change: Change, now: datetime) -> Snapshot:
    """What an undo puts back: what was there before, unless its time is over; then what was there before that.

    ``now`` is when the undo was asked for, so that each try finds the same. Where it cannot be followed: nothing set.
    """
    for _ in range(_DEEPEST):
        over = before.restraint
        if over is None or over.until is None or over.until > now:
            return before
        try:
            incident = await parts.store.incidents.read(over.incident)
        except Refused:
            break
        below = incident.execution(before.owner or "")
        if below is None or below.change is None or below.change.target != change.target or below.snapshot is None:
            break
        before = below.snapshot
    return Snapshot(value=None, at=before.at)


async def restrained(parts: Parts, deed: Deed, incident: Incident, execution: Execution) -> Deed:
    """The deed of a started execution with the restraint that the agent and its callers are shown.

    A verb that loosens has none. The restraint's end counts from the start on the timeline.
    """
    verb = parts.registry.actions.get(execution.action)
    if not isinstance(deed, ApplyChange) or verb is None or not verb.tightens:
        return deed
    change = execution.change or deed.change
    since, life = execution.started_at, change.expires_in
    # never the execution's reason: that changes with its state, and a restraint is the same one at each try
    headline = ": ".join(filter(None, (incident.name, incident.summary)))
    restraint = Restraint(
        incident=incident.id,
        by=await _called(parts, execution.by),
        why=change.why or cut(visible(headline), _HEADLINE),
        until=since + life if since is not None and life is not None else None,
    )
    return ApplyChange(deed.plane, change, execution.snapshot or deed.before, deed.key, restraint)


async def _called(parts: Parts, user: str) -> str:
    """``@dana`` where the name is known: an agent's callers do not know Slack's ids. A convenience, never a proof."""
    try:
        name = (await parts.store.names.all()).get(user, "")
    except StoreUnavailable:
        return user
    shown = visible(name).lstrip("@")
    return f"@{shown}" if shown else user
