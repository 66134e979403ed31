"""What every event of a timeline has: who did it and when."""

from enum import StrEnum

from bot.domain.base import Utc, Value


class ActorKind(StrEnum):
    """Who did something."""

    PERSON = "person"
    PULLCORD = "pullcord"
    SOURCE = "source"
    AGENT = "agent"


class Actor(Value):
    """Who did something. ``id`` is a Slack user id, a source's or an agent's name; ``team`` the Slack workspace."""

    kind: ActorKind
    id: str
    team: str | None = None

    @property
    def mention(self) -> str:
        """Slack mention of a person, the plain name of anything else (ours, not foreign text)."""
        return f"<@{self.id}>" if self.kind is ActorKind.PERSON else self.id


PULLCORD = Actor(kind=ActorKind.PULLCORD, id="pullcord")


class BaseEvent(Value):
    """What happened, in the past tense, with who and when."""

    at: Utc
    by: Actor
