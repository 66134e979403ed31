"""The Home tab: made anew each time that somebody opens it. Full members only; a guest reads why."""

import asyncio

from bot.errors import Refused
from bot.plugin import Click, Kind, Quiet, Reply, Services, ShowHome, interaction
from bot.views.home import closed, home

_INCIDENTS = 50
_MITIGATIONS = 100


@interaction("app_home_opened", Kind.EVENT)
async def home_opened(click: Click, services: Services) -> Reply:
    """What waits for this person, what is theirs, and what is in force. The app's other tab needs nothing."""
    if click.event.get("tab", "home") != "home":
        return Quiet()
    try:
        await services.requests.may_look(click.by)
    except Refused as refused:
        return ShowHome(closed(str(refused)))
    waiting, mine, mitigations = await asyncio.gather(
        services.requests.waiting_for(click.by),
        services.incidents.mine(click.by, _INCIDENTS),
        services.incidents.mitigations(_MITIGATIONS),
    )
    return ShowHome(home(click.by.id, waiting, mine, mitigations, services.clock()))
