"""Where an incident stands, who has it, and what the run did: for the asker alone."""

from bot.domain.action import ExecutionState
from bot.domain.incident import Incident
from bot.plugin import Click, Kind, Reply, Say, Services, interaction
from bot.views import words
from bot.views.card_rows import effect_row
from bot.views.text import foreign as plain
from bot.views.text import number
from bot.views.text import person as _person
from handlers.slack.where import incident_id, seen_by
from handlers.slack.words import ago

_SHOWN = 20


@interaction("status", Kind.COMMAND, help_text="status [INC-42]: where it stands; without one, all that is open")
async def status_command(click: Click, services: Services) -> Reply:
    """One incident, or the list of open ones where no single one is meant."""
    await services.requests.may_look(click.by)
    named = incident_id(click.args)
    open_ids = list(await services.incidents.open_ids(_SHOWN))
    if named is None and len(open_ids) != 1:
        here = await services.incidents.in_channel(click.channel) if click.channel else None
        if here is None:
            if not open_ids:
                return Say("No incident is open.")
            lines = [_line(await services.incidents.get(one)) for one in open_ids]
            return Say("\n".join(lines))
    incident = await seen_by(click, services, named)
    now = services.clock()
    lines = [_line(incident), f"Opened {ago(incident.opened_at, now)} · alert {incident.alert_state.value}"]
    lines += [f"⚠ {plain(text, 200)}" for text in incident.degraded[-3:]]
    running = [e for e in incident.executions if e.in_force_or_may_be or e.state is ExecutionState.UNKNOWN]
    lines += [
        f"• {plain(e.summary or e.title, 200)} by {_person(e.by)}: {_how(e.state, e.verified)}" for e in running[:10]
    ]
    return Say("\n".join(lines))


def _how(state: ExecutionState, verified: str | None) -> str:
    return f"{state.value}, {str(verified).replace('_', ' ')}" if verified else state.value


def _line(incident: Incident) -> str:
    what = plain(words.about(incident), 120)
    return f"*{incident.id}* {plain(incident.severity, 10)} · {incident.state.value} · {what} · {_owners(incident)}"


def _owners(incident: Incident) -> str:
    has = f"{_person(incident.acknowledged_by)} has it" if incident.acknowledged_by else "nobody has it yet"
    return f"{has} · {f'commander {_person(incident.commander)}' if incident.commander else 'no commander'}"


@interaction("who", Kind.COMMAND, help_text="who [INC-42]: who was woken, who has it, who leads")
async def who_command(click: Click, services: Services) -> Reply:
    """People and pages of one incident."""
    incident = await seen_by(click, services, incident_id(click.args))
    now = services.clock()
    lines = [f"*{incident.id}* · {_owners(incident)}"]
    for page in incident.pages[-_SHOWN:]:
        outcome = "delivered" if page.delivered else f"not delivered: {plain(page.detail, 80) or 'no reason given'}"
        lines.append(f"• {_person(page.user)} by {page.how.replace('_', ' ')} {ago(page.at, now)}, {outcome}")
    if not incident.pages:
        lines.append("Nobody was woken yet.")
    if incident.escalation_ended:
        lines.append(f"⚠ {plain(incident.escalation_ended, 200)}")
    return Say("\n".join(lines))


@interaction("effects", Kind.COMMAND, help_text="effects [INC-42]: what the run changed, the worst first")
async def effects_command(click: Click, services: Services) -> Reply:
    """What changed something outside the run."""
    incident = await seen_by(click, services, incident_id(click.args))
    now = services.clock()
    changes = [e for e in words.standing(incident, now) if e.changes]
    if not incident.runs:
        return Say(f"{incident.id}: no run was read yet. Effects are unknown, not zero.")
    if not changes:
        return Say(f"{incident.id}: the run changed nothing outside itself.")
    lines = [f"*{incident.id}*: {number(len(changes), 'effect')}"]
    lines += [effect_row(effect, now, lambda full: full) for effect in changes[:_SHOWN]]
    if len(changes) > _SHOWN:
        lines.append(f"and {len(changes) - _SHOWN} more, on the timeline page (`/pullcord timeline`)")
    return Say("\n".join(lines))
