"""A span seen through the dialects: its kind and its fields, whichever convention wrote them."""

from datetime import UTC, datetime, timedelta
from functools import cache, cached_property

from bot.domain.base import Json
from bot.domain.run import Document, Message, RunError, RunStatus, StepKind, ToolDefinition
from bot.domain.span import SpanRecord
from bot.recorder.dialect import Dialect
from bot.recorder.dialects import DIALECTS
from bot.recorder.lenient import text_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STATUS = {"ok": RunStatus.OK, "error": RunStatus.ERROR}


def time_of(nanoseconds: int) -> datetime | None:
    """A recorded time, cut to microseconds; 0 means not recorded."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000) if nanoseconds else None


@cache
def _grouped(dialect: str, prefix: str) -> tuple[str, ...]:
    """The fields ``prefix.*`` that a dialect names."""
    names = next(d.names for d in DIALECTS if d.name == dialect)
    return tuple(name for name in names if name.startswith(f"{prefix}."))


class SpanView:
    """One span with the dialects that it speaks, in their order; for each field the first recorded one wins."""

    def __init__(self, span: SpanRecord) -> None:
        """Look once which dialects the span speaks."""
        self.span = span
        self.dialects: tuple[Dialect, ...] = tuple(d for d in DIALECTS if d.speaks(span))

    @cached_property
    def kind(self) -> StepKind:
        """The kind of the first dialect that knows; a span that none knows is a plain step."""
        return next((kind for d in self.dialects if (kind := d.kind(self.span)) is not None), StepKind.STEP)

    @cached_property
    def _derived(self) -> dict[str, Json]:
        found: dict[str, Json] = {}
        for dialect in self.dialects:
            for name, value in dialect.derived(self.span).items():
                if value is not None:
                    found.setdefault(name, value)
        return found

    def field(self, name: str) -> Json:
        """A recorded field as it was written, ``None`` when no dialect recorded it."""
        attributes = self.span.attributes
        for dialect in self.dialects:
            for attribute in dialect.names.get(name, ()):
                value = attributes.get(attribute)
                if value is not None:
                    return value
        return self._derived.get(name)

    def recorded(self, name: str) -> bool:
        """Whether the field was recorded at all: a recorded empty text is a value."""
        return self.field(name) is not None

    def text(self, name: str) -> str | None:
        """A field as text; ``None`` for nothing and for what instrumentations write instead of nothing."""
        return text_of(self.field(name))

    def group(self, prefix: str) -> dict[str, Json]:
        """The recorded fields ``prefix.*`` without the prefix (parameters, usage)."""
        names = {name for d in self.dialects for name in _grouped(d.name, prefix)}
        names |= {name for name in self._derived if name.startswith(f"{prefix}.")}
        return {name.partition(".")[2]: value for name in sorted(names) if (value := self.field(name)) is not None}

    def input_messages(self) -> tuple[Message, ...] | None:
        """The prompt as assembled."""
        return next((m for d in self.dialects if (m := d.input_messages(self.span)) is not None), None)

    def output_messages(self) -> tuple[Message, ...] | None:
        """What the model answered."""
        return next((m for d in self.dialects if (m := d.output_messages(self.span)) is not None), None)

    def tools_offered(self) -> tuple[ToolDefinition, ...] | None:
        """The tools that the model could choose from."""
        return next((t for d in self.dialects if (t := d.tools_offered(self.span)) is not None), None)

    def documents(self) -> tuple[Document, ...] | None:
        """What a retrieval found."""
        return next((f for d in self.dialects if (f := d.documents(self.span)) is not None), None)

    def hint(self, gap: str) -> str:
        """Which setting turns on what is missing, for the instrumentation that wrote this span."""
        found = next((d.hints[gap] for d in self.dialects if gap in d.hints), None)
        return found or "record it with the OpenTelemetry GenAI attributes"

    @property
    def status(self) -> RunStatus:
        """As recorded; unset is unknown, since instrumentations leave it so for success and for want of care."""
        return _STATUS.get(self.span.status, RunStatus.UNKNOWN)

    @cached_property
    def agent(self) -> str | None:
        """The agent that the span itself names."""
        return self.text("agent")

    @cached_property
    def error(self) -> RunError | None:
        """What the span says went wrong: ``error.type``, the status message, an exception event."""
        span = self.span
        recorded = span.attributes.get("error.type")
        thrown = next((e.attributes for e in reversed(span.events) if e.name == "exception"), {})
        if span.status != "error" and recorded is None and (not thrown or span.status == "ok"):
            return None
        kind = text_of(recorded) or text_of(thrown.get("exception.type"))
        message = span.status_message or text_of(thrown.get("exception.message")) or ""
        return RunError(type=kind, message=message)
