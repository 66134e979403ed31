"""One recorded span in our own compact form: what the receiver keeps and what the normaliser reads.

It is not the wire format: ids are lower-case hex, attribute values are plain JSON values, the resource is repeated.
"""

import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, Self

from pydantic import Field

from bot.domain.base import Json, Value
from bot.domain.run import SpanId, TraceId

MAX_NANOSECONDS = 253_402_300_799 * 10**9
"""The end of the year 9999: the last time that Python can hold."""

LOG_MARK = "log"
"""The mark of a record that is no span but a log event of its parent span."""


class SpanEvent(Value):
    """A timed event of a span, such as an exception or, in older conventions, a message."""

    name: str = ""
    at_ns: int = Field(default=0, ge=0, le=MAX_NANOSECONDS)
    attributes: dict[str, Json] = Field(default_factory=dict)


class SpanRecord(Value):
    """One span. Times are Unix nanoseconds, 0 when not recorded; ``parent_id`` is ``None`` for a root.

    ``kind`` is OTLP's (1 internal, 2 server, 3 client, 4 producer, 5 consumer). ``remote_parent`` is what the span's
    flags say of its parent (``None``: they say nothing). ``marks`` are notes of ours, such as what was shortened.
    """

    trace_id: TraceId
    span_id: SpanId
    parent_id: SpanId | None = None
    name: str = ""
    kind: int = Field(default=0, ge=0, le=255)
    start_ns: int = Field(default=0, ge=0, le=MAX_NANOSECONDS)
    end_ns: int = Field(default=0, ge=0, le=MAX_NANOSECONDS)
    status: Literal["unset", "ok", "error"] = "unset"
    status_message: str = ""
    remote_parent: bool | None = None
    attributes: dict[str, Json] = Field(default_factory=dict)
    events: tuple[SpanEvent, ...] = ()
    resource: dict[str, Json] = Field(default_factory=dict)
    scope: str = ""
    scope_version: str = ""
    marks: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """As JSON, without the fields that hold their default. Compression is the store's."""
        return self.__pydantic_serializer__.to_json(self, exclude_defaults=True)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """The record that ``to_bytes`` wrote. Raises ``pydantic.ValidationError`` for anything else."""
        return cls.model_validate_json(raw)


class Rank(IntEnum):
    """What of a run is kept first when it is over its cap: what may have had an effect, and what shows who did it."""

    FIRST = 0
    """Tools, agents, hand-offs, guardrails, and the root."""
    MODEL = 1
    """Model calls and GenAI events: tool calls may stand in them alone."""
    OTHER = 2


@dataclass(frozen=True, slots=True)
class PackedSpan:
    """A redacted span ready for the store: ``packed`` is ``SpanRecord.to_bytes`` compressed by zlib, under the cap.

    ``agent`` and ``service`` are what the span says of itself (for tokens that may send one agent's runs only).
    """

    trace_id: str
    span_id: str
    parent_id: str | None
    agent: str | None
    service: str | None
    packed: bytes
    rank: Rank = Rank.MODEL

    @property
    def data(self) -> bytes:
        """What ``SpanRecord.from_bytes`` reads."""
        return zlib.decompress(self.packed)
