"""The poster's views as ``bot.views`` makes them, with what only the configuration knows: who is on call."""

from collections.abc import Sequence
from datetime import datetime

from bot.domain.action import Execution
from bot.domain.events import Entry
from bot.domain.incident import Incident
from bot.engine.membership import COMMANDER, members_of
from bot.plugin import OfferView
from bot.settings import Settings
from bot.slack.render import Rendered
from bot.views.approval_blocks import called, question
from bot.views.card import card
from bot.views.messages import announcement, direct_message
from bot.views.thread_lines import thread_line


class BotViews:
    """Implements ``bot.slack.render.Views``."""

    def __init__(self, settings: Settings) -> None:
        """``settings`` names those on call and the address of the page."""
        self._settings = settings

    def card(self, incident: Incident, offers: Sequence[OfferView], now: datetime) -> Rendered:
        """The root message. A page is linked only where the operator named its public address."""
        base = self._settings.public_url
        made = card(incident, offers, now, page_url=f"{base}/incidents/{incident.id}" if base else None)
        return Rendered(text=made.text, blocks=made.blocks)

    def announcement(self, incident: Incident, now: datetime) -> Rendered:
        """The message in the fixed channel, with its mention of those on call."""
        made = announcement(incident, now, mention=self._settings.agent(incident.agent).on_call)
        return Rendered(text=made.text, blocks=made.blocks)

    def direct(self, incident: Incident, now: datetime, reason: str) -> Rendered:
        """The direct message to somebody who was woken."""
        made = direct_message(incident, now, reason=reason, announced=self._settings.slack.announce_channel)
        return Rendered(text=made.text, blocks=made.blocks)

    def approval(
        self, incident: Incident, execution: Execution, now: datetime, *, again: bool = False
    ) -> Rendered | None:
        """The question with its mention of those who may; in a drill nobody is called."""
        settings = self._settings
        role = execution.approval.role if execution.approval is not None else COMMANDER
        calls = ""
        if not incident.drill:
            members = [member for name in role.split(" and ") for member in members_of(settings.roles, name)]
            calls = called(members, incident, settings.agent(incident.agent).on_call, execution.by)
        glass = settings.approvals.break_glass
        made = question(incident, execution, now, calls=calls, glass=glass, again=again)
        return None if made is None else Rendered(text=made.text, blocks=made.blocks)

    def line(self, entry: Entry, incident: Incident) -> str | None:
        """The thread's line for an entry, None for one that the thread does not tell."""
        return thread_line(entry, incident)
