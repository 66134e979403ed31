"""The smallest values of the page: a drawing, a time, a countdown."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Glyph:
    """A drawing: ``symbol`` is the id in the sprite, ``tone`` its colour. Shape says class, fill says outcome."""

    symbol: str
    tone: str


@dataclass(frozen=True, slots=True)
class When:
    """A time: ``iso`` for machines and the reader's own clock, ``text`` in UTC."""

    iso: str
    text: str


@dataclass(frozen=True, slots=True)
class Countdown:
    """Time left of a window: whole seconds from the server, counted on by the browser's monotonic clock."""

    seconds: int
    text: str
    soon: bool


def when(at: datetime) -> When:
    """Time of day with seconds."""
    return When(iso=at.strftime("%Y-%m-%dT%H:%M:%SZ"), text=at.strftime("%H:%M:%S"))


def when_day(at: datetime) -> When:
    """Day and time."""
    return When(iso=at.strftime("%Y-%m-%dT%H:%M:%SZ"), text=at.strftime("%-d %b %Y, %H:%M:%S UTC"))
