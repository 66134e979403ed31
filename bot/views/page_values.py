"""The smallest values of the page: a drawing, a time, a countdown, a number with its shape, a link."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


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


@dataclass(frozen=True, slots=True)
class Count:
    """One number of the blast radius, with its shape."""

    glyph: Glyph
    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link within our own pages, or to Slack."""

    text: str
    href: str
    current: bool = False


class ChainVerdict(Protocol):
    """What checking the chain found (``bot.timeline`` has it)."""

    @property
    def ok(self) -> bool:
        """Whether every entry fits."""
        ...

    @property
    def entries(self) -> int:
        """How many entries fit."""
        ...

    @property
    def head(self) -> str:
        """The code of the last entry that fits."""
        ...

    @property
    def first_bad(self) -> int | None:
        """The place of the first entry that does not fit."""
        ...

    @property
    def reason(self) -> str:
        """How it does not fit."""
        ...


def when(at: datetime) -> When:
    """Time of day with seconds."""
    return When(iso=at.strftime("%Y-%m-%dT%H:%M:%SZ"), text=at.strftime("%H:%M:%S"))


def when_day(at: datetime) -> When:
    """Day and time."""
    return When(iso=at.strftime("%Y-%m-%dT%H:%M:%SZ"), text=at.strftime("%-d %b %Y, %H:%M:%S UTC"))
