"""What every part of the engine works with, passed as one value, and small readings of work items."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.base import Json
from bot.domain.events import PULLCORD, Actor, ActorKind
from bot.domain.incident import Incident
from bot.domain.work import Work, WorkItem
from bot.engine.membership import Membership
from bot.engine.offers import Menu, menu
from bot.engine.planning import ControlPlanes
from bot.errors import Refused
from bot.plugin import Registry
from bot.ports import Chat, Clock
from bot.settings import Settings
from bot.timeline.store import Store


@dataclass(frozen=True, slots=True)
class Parts:
    """The store, the plug-ins, the settings, the control planes, Slack and the clock."""

    store: Store
    registry: Registry
    settings: Settings
    planes: ControlPlanes
    chat: Chat
    clock: Clock
    scrub: Callable[[str], str]
    """Takes secrets out of a text: what people type is stored and shown like everything else."""
    people: Membership = field(init=False)
    """Who holds which role now."""

    def __post_init__(self) -> None:
        """Its own reader of roles, which remembers what Slack said."""
        object.__setattr__(self, "people", Membership(self.settings, self.chat, self.clock))

    def now(self) -> datetime:
        """Aware UTC now, from the injected clock."""
        return self.clock.now()

    def menu(self, incident: Incident) -> Menu:
        """What the incident offers now."""
        profile = self.planes.profile(incident)
        return menu(incident, self.registry, profile, lambda verb: self.planes.missing(verb, profile), self.now())


def scrubbed(value: Json, scrub: Callable[[str], str]) -> Json:
    """A value with secrets taken out of every text in it."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {key: scrubbed(held, scrub) for key, held in value.items()}
    return [scrubbed(held, scrub) for held in value] if isinstance(value, list) else value


def text_of(item: WorkItem, name: str) -> str:
    """A required text of a work item's payload. Raises Refused for an item that some other version wrote."""
    value = item.payload.get(name)
    if not isinstance(value, str) or not value:
        message = f"Work item {item.kind} has no {name}."
        raise Refused(message, field=name, next_step="It was written by another version of Pullcord.")
    return value


def optional_text(item: WorkItem, name: str) -> str | None:
    """A text of a work item's payload, or None."""
    value = item.payload.get(name)
    return value if isinstance(value, str) and value else None


def number_of(item: WorkItem, name: str, default: int = 0) -> int:
    """A whole number of a work item's payload."""
    value = item.payload.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def incident_of(item: WorkItem) -> str:
    """The incident that a work item is about. Raises Refused when it names none."""
    if item.incident is None:
        message = f"Work item {item.kind} names no incident."
        raise Refused(message, field="incident")
    return item.incident


def person(user: str, team: str | None) -> Actor:
    """The actor that an execution's ``by`` means: a person, or Pullcord itself."""
    if user == PULLCORD.id:
        return PULLCORD
    return Actor(kind=ActorKind.PERSON, id=user, team=team)


def tell(incident: str | None, channel: str | None, user: str, text: str, key: str) -> WorkItem:
    """Work that tells one person something, visible to that person only."""
    payload: dict[str, Json] = {"channel": channel, "user": user, "text": text[:2500], "key": key}
    return WorkItem(kind=Work.REFUSAL, incident=incident, payload=payload)
