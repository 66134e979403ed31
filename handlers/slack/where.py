"""Which incident a click is about: named, or the one of this channel, thread or message, or the only open one."""

import re

from bot.domain.incident import Incident
from bot.errors import Refused
from bot.plugin import Click, Services

_EXECUTION = re.compile(r"^ex_[0-9a-z]{1,40}$")
_ID = re.compile(r"^(?:INC-|inc-)?(\d{1,15})$")


def incident_id(word: str) -> str | None:
    """``INC-42``, ``inc-42`` or ``42`` as an incident's id, None for anything else."""
    match = _ID.match(word.strip())
    return f"INC-{int(match[1])}" if match else None


def split(args: str) -> tuple[str | None, str]:
    """A leading incident id and the rest of the words."""
    first, _, rest = args.strip().partition(" ")
    found = incident_id(first) if first.lower().startswith("inc-") else None
    return (found, rest.strip()) if found else (None, args.strip())


def subject(value: str) -> tuple[str, str]:
    """Incident and execution that a button or a modal names. Raises Refused for a value that is none."""
    incident, _, execution = value.partition("|")
    found = incident_id(incident)
    if found is None or not _EXECUTION.match(execution):
        raise Refused("This button names no request.", next_step="Use the button of the newest card.")
    return found, execution


async def here(click: Click, services: Services) -> str | None:
    """The incident whose thread, message or channel this is, or None."""
    if click.channel is None:
        return None
    for ts in (click.thread_ts, click.message_ts):
        if ts is not None:
            found = await services.incidents.of_message(click.channel, ts)
            if found is not None:
                return found
    return await services.incidents.in_channel(click.channel)


async def seen_by(click: Click, services: Services, named: str | None = None) -> Incident:
    """The same for a command that tells what is in it. Refused for guests: they may run commands in their channels."""
    await services.requests.may_look(click.by)
    return await incident_of(click, services, named)


async def incident_of(click: Click, services: Services, named: str | None = None) -> Incident:
    """The incident. ``named`` wins, then the place, then the only open one; Refused when that leaves a choice."""
    found = named or await here(click, services)
    if found is None:
        open_ids = list(await services.incidents.open_ids(6))
        if len(open_ids) == 1:
            found = open_ids[0]
        elif not open_ids:
            raise Refused("There is no open incident.", next_step="`/pullcord declare <what happened>` opens one.")
        else:
            shown = ", ".join(open_ids[:5]) + (", …" if len(open_ids) > 5 else "")
            raise Refused(f"Several incidents are open: {shown}.", next_step="Name one, or ask in its channel.")
    return await services.incidents.get(found)
