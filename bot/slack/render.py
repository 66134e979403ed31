"""What the poster shows, as text and blocks with a fingerprint: the one place where it touches ``bot.views``."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.domain.action import Execution
from bot.domain.base import Json
from bot.domain.effect import EffectOutcome
from bot.domain.events import Entry
from bot.domain.incident import Incident
from bot.plugin import OfferView

COUNTDOWN = tuple(timedelta(minutes=m) for m in (60, 30, 10, 0))
"""A card with an undo window is rendered again when so much of it is left: not each minute."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message's ``text`` (a full sentence, under 3,000 characters) and ``blocks``, always sent together."""

    text: str
    blocks: tuple[dict[str, Json], ...]

    @property
    def digest(self) -> str:
        """Fingerprint of what is shown."""
        body = json.dumps([self.text, self.blocks], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(body.encode()).hexdigest()[:32]

    def arguments(self) -> dict[str, Any]:
        """As arguments of ``chat.*``."""
        return {"text": self.text, "blocks": [dict(block) for block in self.blocks]}

    def plain(self) -> "Rendered":
        """The same sentence in one block, for a workspace that refuses the blocks."""
        body: dict[str, Json] = {
            "type": "section",
            "text": {"type": "mrkdwn", "text": self.text[:2900], "verbatim": True},
        }
        return Rendered(text=self.text, blocks=(body,))


class Views(Protocol):
    """What the poster needs rendered. Pure."""

    def card(self, incident: Incident, offers: Sequence[OfferView], now: datetime) -> Rendered:
        """The root message."""
        ...

    def announcement(self, incident: Incident, now: datetime) -> Rendered:
        """The message in the fixed channel, with its mention of those on call."""
        ...

    def direct(self, incident: Incident, now: datetime, reason: str) -> Rendered:
        """The direct message to somebody who was woken, with why; ``reason`` is empty once somebody has it."""
        ...

    def approval(
        self, incident: Incident, execution: Execution, now: datetime, *, again: bool = False
    ) -> Rendered | None:
        """The question to a second person, or how it was decided; ``again``: the reminder. None: nothing is asked."""
        ...

    def line(self, entry: Entry, incident: Incident) -> str | None:
        """The thread's line for an entry, None for one that the thread does not tell."""
        ...


def next_countdown(incident: Incident, now: datetime) -> datetime | None:
    """When the class of a shown undo deadline changes next, or None while no window is open."""
    deadlines = [e.undo_deadline for e in incident.effects if e.undo_deadline and e.outcome is not EffectOutcome.FAILED]
    moments = [d - left for d in deadlines for left in COUNTDOWN if d - left > now]
    return min(moments, default=None)
