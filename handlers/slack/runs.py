"""The runs of an incident in Slack: see the steps of one, add those that look the same, choose which one was meant."""

from collections.abc import Mapping, Sequence

from bot.domain.base import Json
from bot.domain.incident import Incident
from bot.errors import Refused
from bot.plugin import Click, FieldErrors, Kind, OpenModal, Quiet, Reply, Say, Services, interaction
from bot.views import limits, words
from bot.views.recorder_words import still_similar
from bot.views.run_modal import GROUPS, RUNS, offered_modal, run_modal, similar_modal
from handlers.slack.where import incident_id, seen_by, split

_STALE = "These are not offered any more: press Cancel and open this again from the card."


def _subject(value: str) -> tuple[str, str]:
    incident, _, trace = value.partition("|")
    found = incident_id(incident)
    if found is None:
        raise Refused("This button names no incident.", next_step="Use the button of the newest card.")
    return found, trace


def _trace(incident: Incident, named: str) -> str:
    """The run that is meant: named by the start of its trace id, or the worst one."""
    worst = words.worst_run(incident)
    if worst is None:
        raise Refused(f"{incident.id} has no run yet.", next_step="Wait for its trace, or choose a recorded run.")
    if not named:
        return worst.summary.trace_id
    fitting = [run.summary.trace_id for run in incident.runs if run.summary.trace_id.startswith(named.lower())]
    if len(fitting) != 1:
        raise Refused(f"{incident.id} has no single run with this id.", next_step="Give more of its trace id.")
    return fitting[0]


async def _show(services: Services, incident: Incident, trace: str) -> Reply:
    run = await services.incidents.run(incident, trace)
    now = services.clock()
    effects = [effect for effect in words.standing(incident, now) if effect.trace_id == trace]
    return OpenModal(run_modal(incident, trace, run, sorted(effects, key=lambda e: e.order), now))


@interaction("pullcord_show_run", Kind.BUTTON)
async def show_run(click: Click, services: Services) -> Reply:
    """The button on the card."""
    found, trace = _subject(click.value)
    incident = await seen_by(click, services, found)
    return await _show(services, incident, _trace(incident, trace))


@interaction("steps", Kind.COMMAND, help_text="steps [INC-42] [trace]: the steps of a run")
async def run_steps(click: Click, services: Services) -> Reply:
    """``/pullcord steps``."""
    named, trace = split(click.args)
    incident = await seen_by(click, services, named)
    return await _show(services, incident, _trace(incident, trace))


@interaction("pullcord_similar", Kind.BUTTON)
async def review(click: Click, services: Services) -> Reply:
    """Review what looks the same."""
    found, trace = _subject(click.value)
    incident = await seen_by(click, services, found)
    await services.requests.may_ask("add_runs", click.by, incident.id)
    similar = still_similar(incident, trace)
    if similar is None or not similar.groups:
        return Say(f"{incident.id}: no other run looks the same that is not part of it already.")
    return OpenModal(similar_modal(incident, trace, similar))


@interaction("pullcord_similar_submit", Kind.VIEW)
async def add_similar(click: Click, services: Services) -> Reply:
    """The ticked groups and runs join the incident; what an id means is looked up here, not taken from the client."""
    found, trace = _subject(click.metadata)
    incident = await seen_by(click, services, found)
    similar = still_similar(incident, trace)
    groups = {group.id: group for group in similar.groups} if similar is not None else {}
    ticked = [name for name in _ticked(click.values, GROUPS) if name in groups]
    # A group's listed runs join by name; where it has more, the worker looks the rest up by the group's id.
    chosen = [line.trace_id for name in ticked for line in groups[name].lines]
    more = [name for name in ticked if groups[name].runs > len(groups[name].lines)]
    known = {line.trace_id for group in groups.values() for line in group.lines}
    chosen += [one for one in _ticked(click.values, RUNS) if one in known]
    return await _add(click, services, incident, chosen, "similar", GROUPS, more)


@interaction("pullcord_offered", Kind.BUTTON)
async def choose(click: Click, services: Services) -> Reply:
    """No alert named a run: show those of the window."""
    found, _ = _subject(click.value)
    incident = await seen_by(click, services, found)
    await services.requests.may_ask("add_runs", click.by, incident.id)
    if incident.offered is None or not incident.offered.lines:
        return Say(f"{incident.id}: no run of its agent was recorded in the alert's window yet.")
    return OpenModal(offered_modal(incident, incident.offered))


@interaction("pullcord_offered_submit", Kind.VIEW)
async def add_offered(click: Click, services: Services) -> Reply:
    """The ticked runs join the incident."""
    found, _ = _subject(click.metadata)
    incident = await seen_by(click, services, found)
    known = {line.trace_id for line in incident.offered.lines} if incident.offered is not None else set()
    chosen = [one for one in _ticked(click.values, RUNS) if one in known]
    return await _add(click, services, incident, chosen, "offered", f"{RUNS}-0")


async def _add(
    click: Click,
    services: Services,
    incident: Incident,
    chosen: Sequence[str],
    why: str,
    field: str,
    groups: Sequence[str] = (),
) -> Reply:
    traces = list(dict.fromkeys(chosen))[: limits.RUNS_ADDED]
    if not traces and not groups:
        stale = any(_ticked(click.values, prefix) for prefix in (GROUPS, RUNS))
        return FieldErrors({field: _STALE if stale else "Tick at least one, or press Cancel."})
    await services.requests.lifecycle(
        incident.id,
        "add_runs",
        click.by,
        key=click.key,
        channel=incident.channel,
        traces=list(traces),
        groups=list(groups),
        why=why,
    )
    return Quiet()


def _ticked(values: Mapping[str, Json], prefix: str) -> list[str]:
    found: list[str] = []
    for block, value in values.items():
        if block.partition("-")[0] == prefix and isinstance(value, list):
            found += [one for one in value if isinstance(one, str)]
    return found
