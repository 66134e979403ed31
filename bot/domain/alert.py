"""An alert: a firing or resolved signal from a source, with a fingerprint."""

import hashlib
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from bot.domain.base import Utc, Value

MAX_LABELS = 64
MAX_LABEL_CHARS = 512
MAX_SUMMARY_CHARS = 1000


class AlertStatus(StrEnum):
    """What the source says of the signal now."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Alert(Value):
    """One alert as its source told it, parsed and already redacted and cut to size. All text in it is hostile.

    ``trace_id`` is 32 lower-case hex digits (W3C Trace Context) or None when the alert names no run.
    """

    source: str
    fingerprint: str = Field(min_length=1, max_length=256)
    status: AlertStatus
    name: str = Field(min_length=1, max_length=200)
    starts_at: Utc
    start_known: bool = True
    """False when the source told no start time: then ``starts_at`` is when we got it, and ``episode`` makes the id."""
    episode: Utc | None = None
    """Set by intake where the start is not known: when this firing was first seen. The next one is another alert."""
    ends_at: Utc | None = None
    agent: str | None = Field(default=None, max_length=200)
    trace_id: str | None = Field(default=None, pattern=r"^[0-9a-f]{32}$")
    severity: str | None = Field(default=None, max_length=100)
    summary: str = Field(default="", max_length=MAX_SUMMARY_CHARS)
    labels: dict[str, str] = Field(default_factory=dict)
    link: str | None = Field(default=None, max_length=2000)
    links: tuple[Annotated[str, Field(max_length=2000)], ...] = Field(default=(), max_length=8)
    """Further web addresses that came with it, such as its annotations: one of them may name the run in a store."""

    @property
    def id(self) -> str:
        """Stable id: same source, fingerprint and start time (or episode) give the same alert, firing or resolved."""
        began = self.starts_at if self.start_known else self.episode
        start = began.isoformat() if began else ""
        key = f"{self.source}\x00{self.fingerprint}\x00{start}"
        return "al_" + hashlib.sha256(key.encode()).hexdigest()[:20]

    @property
    def operation(self) -> str:
        """Operation id of its intake: a firing and a resolved message of one alert are two operations."""
        return f"{self.id}:{self.status}"

    @property
    def group(self) -> str:
        """What joins alerts into one incident: the agent and the alert's name."""
        return hashlib.sha256(f"{self.agent or ''}\x00{self.name}".encode()).hexdigest()[:20]
