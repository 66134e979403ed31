"""What one wants to write on a timeline, and what came of it."""

from typing import Literal

from bot.domain.base import Json, Value
from bot.domain.events import Event
from bot.domain.incident import Incident
from bot.domain.work import Due, WorkItem


class Claim(Value):
    """A name that the first writer gets, for the life of the incident (``offer:ab12``). ``value`` says who won."""

    key: str
    value: dict[str, Json]


class Write(Value):
    """What to write at once: events, work, due times to set and to clear, claims. ``answer`` is told to any repeat.

    ``dirty`` False leaves the card as it is: the poster's own bookkeeping must not make it post again.
    """

    events: tuple[Event, ...]
    work: tuple[WorkItem, ...] = ()
    due: tuple[Due, ...] = ()
    clear: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    dirty: bool = True
    answer: Json = None


class Written(Value):
    """What came of a write. ``seen``: this operation was done before, ``answer`` is its answer of then.

    ``claimed``: another was first, ``answer`` holds the winner's claim value. ``nothing``: there was nothing to write.
    ``incident`` is up to date in each case.
    """

    status: Literal["written", "seen", "claimed", "nothing"]
    answer: Json
    incident: Incident


class OpenResult(Value):
    """The incident that was opened, or (``opened`` False) the one to join, or the one this operation opened before.

    ``seen`` is True for the latter.
    """

    incident_id: str
    opened: bool
    seen: bool = False
