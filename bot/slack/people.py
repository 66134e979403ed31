"""Learns the display names of the people whom the configuration names, once at the start. Never in anybody's way."""

import structlog

from bot.errors import PullcordError
from bot.settings import Settings
from bot.slack.chat import SlackChat

_LOG = structlog.get_logger(__name__)


def configured(settings: Settings) -> tuple[str, ...]:
    """Ids of everybody on call, in reserve or in a role."""
    crews = [settings.default_agent, *settings.agents.values()]
    ids = [user for crew in crews for user in (*crew.on_call, *crew.fallback)]
    named = [user for role in settings.roles.names for user in settings.roles.members(role) if user[:1] in "UW"]
    return tuple(dict.fromkeys([*ids, *named]))


async def learn_people(chat: SlackChat, settings: Settings) -> None:
    """Look each of them up. What Slack does not tell now is shown as an id."""
    for user in configured(settings):
        try:
            await chat.is_full_member(user, None)
        except PullcordError as error:
            _LOG.info("names are not known yet", reason=error.message)
            return
