"""Which buttons an incident has now: pure, from its projection, the verbs and the configuration.

An offer's id is made from what it does, so that rendering the card again changes nothing; once an offer was used, the
same verb with the same parameters gets the next attempt's id.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import ValidationError

from bot.domain.action import Execution, ExecutionState, Verified
from bot.domain.base import Json
from bot.domain.events import PULLCORD
from bot.domain.incident import Incident
from bot.engine import names
from bot.engine.ladders import climb, ranked
from bot.engine.planning import read_params, shown
from bot.plugin import Action, ActionContext, AgentProfile, Hidden, Offered, OfferView, Registry

CHECK = "check"
MARK_DONE = "mark_done"
MARK_NOT_DONE = "mark_not_done"
ABOUT_UNKNOWN = frozenset({CHECK, MARK_DONE, MARK_NOT_DONE})
"""Actions of the engine itself: what people can do about an execution whose outcome nobody knows."""

IN_FLIGHT = frozenset({ExecutionState.REQUESTED, ExecutionState.APPROVED, ExecutionState.STARTED})
UNSETTLED = IN_FLIGHT | {ExecutionState.UNKNOWN}
_MAX_LABEL = 70
DRILLED = "A drill: nothing is written. "


@dataclass(frozen=True, slots=True)
class HiddenVerb:
    """A verb that is not offered now, and why (said in the tray and in help)."""

    action: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class Menu:
    """What may be done now, most useful first, and what may not, with reasons."""

    offers: tuple[OfferView, ...]
    hidden: tuple[HiddenVerb, ...]


def menu(
    incident: Incident,
    registry: Registry,
    profile: AgentProfile,
    missing: Callable[[Action], str | None],
    now: datetime,
) -> Menu:
    """Everything that this incident offers. ``missing`` says why a verb has not all its ports, or None."""
    ctx = ActionContext(incident=incident, agent=profile, by=PULLCORD, now=now)
    chosen = climb(incident, registry.ladders)
    offers: list[OfferView] = []
    hidden: list[HiddenVerb] = []
    for verb in registry.actions.values():
        for found in _verb(verb, ctx, missing, {} if chosen is None else chosen.params(verb.id)):
            if isinstance(found, Hidden):
                hidden.append(HiddenVerb(verb.id, verb.title, found.reason))
            else:
                offers.append(found)
    for execution in incident.executions:
        if execution.state is ExecutionState.UNKNOWN:
            offers += _about_unknown(incident, execution)
        reason = why_not_undone(incident, execution)
        if reason is None:
            offers.append(_undo(incident, execution))
        elif execution.result is not None and execution.undo_of is None:
            hidden.append(HiddenVerb(execution.action, f"Undo {execution.title}", reason))
    return Menu(ranked(offers, chosen), tuple(hidden))


def _verb(
    verb: Action, ctx: ActionContext, missing: Callable[[Action], str | None], starts: Mapping[str, Json]
) -> list[OfferView | Hidden]:
    """``starts`` are parameters that a ladder's step lets the verb's modal start with."""
    if not ctx.incident.open:
        return [Hidden(f"{ctx.incident.id} is resolved")]
    reason = missing(verb)
    if reason is not None:
        return [Hidden(reason)]
    try:
        offered: Offered | Hidden = verb.offer(ctx)
    except Exception as error:  # noqa: BLE001 - one verb's fault must not take every button from the card
        return [Hidden(f"its own offer failed ({type(error).__name__})")]
    if isinstance(offered, Hidden):
        return [offered]
    if starts:
        offered = replace(offered, params={**offered.params, **starts}, always_ask=True)
    first, *others = [_view(verb, ctx.incident, one) for one in (offered, *offered.beside)]
    return [first, *(one for one in others if isinstance(one, OfferView))]


def _view(verb: Action, incident: Incident, offered: Offered) -> OfferView | Hidden:
    """One button, or why it makes no sense while the same thing is running."""
    params = dict(offered.params)
    asks = offered.always_ask or not _complete(verb, params)
    running = next((e for e in incident.executions if _same(e, verb.id, params) and e.state in UNSETTLED), None)
    if running is not None and not asks:
        doing = (
            "its outcome is not known: check it first" if running.state is ExecutionState.UNKNOWN else "it is running"
        )
        return Hidden(doing)
    return OfferView(
        id=_next_id(incident, verb.id, params),
        incident=incident.id,
        action=verb.id,
        params=params,
        label=_cut(offered.label),
        asks=asks,
        danger=offered.danger,
        consequence=(DRILLED if incident.drill else "") + offered.consequence,
        rank=offered.rank,
    )


def _complete(verb: Action, params: Mapping[str, Json]) -> bool:
    try:
        read_params(verb, params)
    except ValidationError:
        return False
    return True


def _same(execution: Execution, action: str, params: Mapping[str, Json]) -> bool:
    return (
        execution.action == action
        and execution.undo_of is None
        and all(execution.params.get(name) == value for name, value in params.items())
    )


def _next_id(incident: Incident, action: str, params: Mapping[str, Json], undo_of: str | None = None) -> str:
    attempt = 1
    while True:
        offer = names.offer_id(incident.id, action, params, undo_of=undo_of, attempt=attempt)
        if incident.execution(names.execution_id(offer)) is None:
            return offer
        attempt += 1


def why_not_undone(incident: Incident, execution: Execution) -> str | None:  # noqa: PLR0911 - one reason per line
    """Why an execution cannot be undone now, or None when it can: also after the incident is resolved."""
    if execution.undo_of is not None:
        return "an undo is not undone; run the action again"
    if execution.result is not None and not execution.result.undo:
        where = f" ({execution.result.url or execution.result.ref})"
        return f"what {execution.title} did cannot be taken back from here{where}; close it where it is"
    if execution.undone_by is not None:
        by = incident.execution(execution.undone_by)
        return (
            "it is already undone" if by is None or by.undo_of is not None else f"since then: {by.summary or by.title}"
        )
    if execution.state is not ExecutionState.SUCCEEDED or (execution.change is None and execution.result is None):
        return "it is not in force"
    if execution.lifts:
        return "it only lifted something; to restrain again, run the action for it again"
    if execution.result is None and (execution.snapshot is None or execution.applied is None):
        return "what was there before is not known"
    if any(e.undo_of == execution.id and e.state in UNSETTLED for e in incident.executions):
        return "an undo of it is running or has an unknown outcome"
    if execution.verified is Verified.MISMATCH and any(
        e.undo_of == execution.id and e.state is ExecutionState.FAILED for e in incident.executions
    ):
        return "somebody changed it since, so that there is nothing of ours to take back"
    return None


def _undo(incident: Incident, execution: Execution) -> OfferView:
    done = execution.summary or execution.title
    before = execution.snapshot.value if execution.snapshot is not None else None
    target = execution.change.target if execution.change is not None else execution.title
    says = f"Puts back what {target} held before: {shown(before)}. Done only while it is still what we set."
    if execution.result is not None:
        says = f"This {execution.result.undo}. Done only while nobody merged or closed it."
    return OfferView(
        id=_next_id(incident, execution.action, {}, undo_of=execution.id),
        incident=incident.id,
        action=execution.action,
        params={},
        label=_cut(f"Undo: {done}"),
        asks=False,
        danger=True,
        consequence=says,
        rank=60,
        undo_of=execution.id,
    )


def _about_unknown(incident: Incident, execution: Execution) -> list[OfferView]:
    done = execution.summary or execution.title
    rows = ((CHECK, f"Check: {done}", False), (MARK_DONE, f"Mark done: {done}", True))
    return [
        OfferView(
            id=names.offer_id(incident.id, action, {"execution": execution.id}),
            incident=incident.id,
            action=action,
            params={"execution": execution.id},
            label=_cut(label),
            asks=asks,
            consequence="Reads only." if action == CHECK else "Say how you know; it goes on the timeline.",
            rank=5 + place,
        )
        for place, (action, label, asks) in enumerate((*rows, (MARK_NOT_DONE, f"Mark not done: {done}", True)))
    ]


def _cut(label: str) -> str:
    return label if len(label) <= _MAX_LABEL else label[: _MAX_LABEL - 1] + "…"
