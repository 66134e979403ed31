"""How much of a trace is taken, and the refusal when it is more."""

from pydantic import Field

from bot.domain.base import Value
from bot.errors import Refused


class TooLarge(Refused):
    """The body is over the cap, before or after it was inflated (HTTP: 413)."""


class UnsupportedMedia(Refused):
    """A content type or an encoding that OTLP/HTTP does not have (HTTP: 415)."""


class Limits(Value):
    """Caps on one export. Sizes in bytes; ``depth`` counts nested values of one attribute."""

    body: int = Field(default=64_000_000, gt=0)
    inflated: int = Field(default=64_000_000, gt=0)
    spans: int = Field(default=50_000, gt=0)
    attributes: int = Field(default=20_000, gt=0)
    events: int = Field(default=2_000, gt=0)
    depth: int = Field(default=32, gt=0)
    stored: int = Field(default=900_000, gt=0)
    """The most that one stored value may hold, compressed; the store refuses more than 1 MB."""
