"""A span seen through the dialects: its kind and its fields, whichever convention wrote them."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar

from bot.domain.base import Json, lean
from bot.domain.run import Document, Message, RunError, RunStatus, StepKind, ToolDefinition
from bot.domain.span import SpanRecord
from bot.plugin.dialects import Dialect
from bot.recorder.documents import documents, unflattened
from bot.recorder.lenient import flag, text_of, unflatten
from bot.recorder.messages import message, messages
from bot.recorder.parts import definitions
from bot.recorder.vocabulary import Vocabulary, for_single_spans

_T = TypeVar("_T")
_NOTHING: dict[str, Json] = {}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STATUS = {"ok": RunStatus.OK, "error": RunStatus.ERROR}


def time_of(nanoseconds: int) -> datetime | None:
    """A recorded time, cut to microseconds; 0 means not recorded."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000) if nanoseconds else None


class SpanView:
    """One span with the dialects that it speaks, in their order; for each field the first recorded one wins."""

    __slots__ = ("_agent", "_derived", "_error", "_kind", "_vocabulary", "dialects", "span")

    def __init__(self, span: SpanRecord, vocabulary: Vocabulary) -> None:
        """Look once which dialects the span speaks."""
        self.span = span
        self.dialects: tuple[Dialect, ...] = vocabulary.spoken(span)
        self._vocabulary = vocabulary
        self._kind: StepKind | None = None
        self._derived: tuple[tuple[Dialect, Mapping[str, Json]], ...] | None = None
        self._agent: str | Literal[False] | None = False
        self._error: RunError | Literal[False] | None = False
        """False: not looked for yet."""

    @property
    def kind(self) -> StepKind:
        """The kind of the first dialect that knows; a span that none knows is a plain step."""
        if self._kind is None:
            found = (kind for d in self.dialects if (kind := self._kind_in(d)) is not None)
            self._kind = next(found, StepKind.STEP)
        return self._kind

    def _kind_in(self, dialect: Dialect) -> StepKind | None:
        found = self._ask(dialect, dialect.kind)
        if found is not None:
            return found
        attributes = self.span.attributes
        for name, kinds in dialect.kinds.items():
            value = attributes.get(name)
            if value is None:
                continue
            kind = kinds.get(value.strip(' "').lower()) if isinstance(value, str) else None
            if kind is not None or (kind := kinds.get("*")) is not None:
                return kind
        return None

    def _ask(self, dialect: Dialect, reader: Callable[[SpanRecord], _T | None]) -> _T | None:
        """A dialect's function; one that fails has recorded nothing, and the run says so in its notes."""
        try:
            return reader(self.span)
        except Exception as error:  # noqa: BLE001 - a pack's function must not keep a run from being read
            self._vocabulary.failed(dialect, error)
            return None

    @property
    def _sources(self) -> tuple[tuple[Dialect, Mapping[str, Json]], ...]:
        """Each dialect with what its function derives from the span."""
        if self._derived is None:
            self._derived = tuple((dialect, self._ask(dialect, dialect.derived) or {}) for dialect in self.dialects)
        return self._derived

    def field(self, name: str) -> Json:
        """A recorded field as it was written, ``None`` when no dialect recorded it."""
        attributes = self.span.attributes
        for dialect, derived in self._sources:
            for attribute in dialect.names.get(name, ()):
                value = attributes.get(attribute)
                if value is not None:
                    return value
            if derived and (value := derived.get(name)) is not None:
                return value
        return None

    def text(self, name: str) -> str | None:
        """A field as text; ``None`` for nothing and for what instrumentations write instead of nothing."""
        return text_of(self.field(name))

    def flag(self, name: str) -> bool | None:
        """A field as yes or no."""
        return flag(self.field(name))

    def group(self, prefix: str) -> dict[str, Json]:
        """The recorded fields ``prefix.*`` without the prefix (parameters, usage)."""
        names = {name for d in self.dialects for name in self._vocabulary.fields(d, prefix)}
        names |= {name for _, derived in self._sources for name in derived if name.startswith(f"{prefix}.")}
        return {name.partition(".")[2]: value for name in sorted(names) if (value := self.field(name)) is not None}

    def input_messages(self) -> tuple[Message, ...] | None:
        """The prompt as assembled."""
        return self._fullest(lambda d: self._ask(d, d.input_messages) or self._messages(d, "input_messages", "user"))

    def output_messages(self) -> tuple[Message, ...] | None:
        """What the model answered."""
        return self._fullest(
            lambda d: self._ask(d, d.output_messages) or self._messages(d, "output_messages", "assistant")
        )

    def tools_offered(self) -> tuple[ToolDefinition, ...] | None:
        """The tools that the model could choose from."""

        def read(dialect: Dialect) -> tuple[ToolDefinition, ...] | None:
            found = self._ask(dialect, dialect.tools_offered)
            if found is not None:
                return found
            value = self._value(dialect, "tools_offered")
            flat: Any = self._flattened(dialect, "tools_offered") if value is None else value
            return definitions(flat) or None

        return self._first(read)

    def documents(self) -> tuple[Document, ...] | None:
        """What a retrieval found."""

        def read(dialect: Dialect) -> tuple[Document, ...] | None:
            found = self._ask(dialect, dialect.documents)
            if found is not None:
                return found
            value = self._value(dialect, "documents")
            if value is not None:
                return documents(value)
            return unflattened(self._flattened(dialect, "documents"))

        return self._first(read)

    def _first(self, read: Callable[[Dialect], _T | None]) -> _T | None:
        return next((found for dialect in self.dialects if (found := read(dialect)) is not None), None)

    def _fullest(self, read: Callable[[Dialect], tuple[Message, ...] | None]) -> tuple[Message, ...] | None:
        """Of dialects that wrote the same messages, the first; one that wrote more of them comes before it."""
        found = [said for dialect in self.dialects if (said := read(dialect)) is not None]
        return max(found, key=_fullness) if found else None

    def _messages(self, dialect: Dialect, field: str, role: str) -> tuple[Message, ...] | None:
        value = self._value(dialect, field)
        if value is not None:
            return messages(value, role) or None
        return tuple(message(item, role) for item in self._flattened(dialect, field)) or None

    def _value(self, dialect: Dialect, field: str) -> Json:
        attributes = self.span.attributes
        names = dialect.names.get(field, ())
        return next((attributes[name] for name in names if attributes.get(name) is not None), None)

    def _flattened(self, dialect: Dialect, field: str) -> list[dict[str, Any]]:
        for prefix in dialect.flattened.get(field, ()):
            found = unflatten(self.span.attributes, prefix)
            if found:
                return found
        return []

    def hint(self, gap: str) -> str:
        """Which setting turns on what is missing, for the instrumentation that wrote this span."""
        return self._vocabulary.hint(self.span, self.dialects, gap)

    def let_go(self) -> None:
        """Forget attributes and events once all was read that anybody wants of them; kind, agent and error stay.

        Of a large run they are most of the memory beside the texts.
        """
        _ = self.kind, self.agent, self.error
        self._derived = ()
        self.span = lean(self.span.model_copy(update={"attributes": _NOTHING, "events": ()}))

    @property
    def status(self) -> RunStatus:
        """As recorded; unset is unknown, since instrumentations leave it so for success and for want of care."""
        return _STATUS.get(self.span.status, RunStatus.UNKNOWN)

    @property
    def agent(self) -> str | None:
        """The agent that the span itself names."""
        if self._agent is False:
            self._agent = self.text("agent")
        return self._agent

    @property
    def error(self) -> RunError | None:
        """What the span says went wrong: ``error.type``, the status message, an exception event."""
        if self._error is False:
            self._error = self._wrong()
        return self._error

    def _wrong(self) -> RunError | None:
        span = self.span
        recorded = span.attributes.get("error.type")
        thrown = next((e.attributes for e in reversed(span.events) if e.name == "exception"), {})
        if span.status != "error" and recorded is None and (not thrown or span.status == "ok"):
            return None
        kind = text_of(recorded) or text_of(thrown.get("exception.type"))
        message = span.status_message or text_of(thrown.get("exception.message")) or ""
        return RunError(type=kind, message=message)


def _fullness(said: tuple[Message, ...]) -> int:
    """How much was said, without the system's texts, which dialects keep in different places."""
    return sum(part.kind != "other" for message in said if message.role != "system" for part in message.parts)


def agent_named(span: SpanRecord, dialects: Iterable[Dialect]) -> str | None:
    """The agent that a single span names, if any."""
    return SpanView(span, for_single_spans(tuple(dialects))).agent
