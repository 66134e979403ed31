"""Which dialects a span speaks, found in one look at its attribute names, however many dialects there are."""

from collections.abc import Iterator
from functools import cache

from bot.domain.span import SpanRecord
from bot.plugin.dialects import Dialect, Instrumentation

_EVENTS = 200
_FAILURES = 20
_GENERAL = "record it with the OpenTelemetry GenAI attributes"


@cache
def _fields(dialect: Dialect, prefix: str) -> tuple[str, ...]:
    return tuple(name for name in dialect.names if name.startswith(f"{prefix}."))


class Vocabulary:
    """The marks of all dialects in tables, for one reading; ``notes`` are the failures of their functions."""

    def __init__(self, dialects: tuple[Dialect, ...]) -> None:
        """Lay out the tables."""
        self.dialects = dialects
        self.notes: dict[str, None] = {}
        self._marks: dict[str, int] = {}
        self._beginnings: dict[str, list[tuple[str, int]]] = {}
        self._events: dict[str, int] = {}
        self._scopes: dict[str, int] = {}
        self._sets: dict[int, tuple[Dialect, ...]] = {0: ()}
        self._known: dict[str, Instrumentation] = {}
        for at, dialect in enumerate(dialects):
            bit = 1 << at
            for mark in dialect.marks:
                if mark.endswith("."):
                    self._beginnings.setdefault(mark.partition(".")[0], []).append((mark, bit))
                else:
                    self._marks[mark] = self._marks.get(mark, 0) | bit
            for event in dialect.events:
                self._events[event] = self._events.get(event, 0) | bit
            for scope in dialect.scopes:
                self._scopes[scope] = self._scopes.get(scope, 0) | bit
            for library in dialect.instrumentations:
                self._known.update(dict.fromkeys(library.scopes, library))

    def spoken(self, span: SpanRecord) -> tuple[Dialect, ...]:
        """The dialects that a span speaks, in their order."""
        found = 0
        for name in span.attributes:
            found |= self._marks.get(name, 0)
            beginnings = self._beginnings.get(name.partition(".")[0])
            if beginnings is not None:
                for beginning, bit in beginnings:
                    if name.startswith(beginning):
                        found |= bit
        for event in span.events[:_EVENTS]:
            found |= self._events.get(event.name, 0)
        if span.scope and self._scopes:
            for scope in _above(span.scope):
                found |= self._scopes.get(scope, 0)
        known = self._sets.get(found)
        if known is None:
            known = tuple(d for at, d in enumerate(self.dialects) if found >> at & 1)
            self._sets[found] = known
        return known

    @staticmethod
    def fields(dialect: Dialect, prefix: str) -> tuple[str, ...]:
        """The fields ``prefix.*`` that a dialect names."""
        return _fields(dialect, prefix)

    def instrumentation(self, span: SpanRecord) -> Instrumentation | None:
        """The instrumentation that wrote the span, where its scope is one that is known."""
        return next((self._known[scope] for scope in _above(span.scope) if scope in self._known), None)

    def hint(self, span: SpanRecord, dialects: tuple[Dialect, ...], gap: str) -> str:
        """Which setting records what is missing: of the library that wrote the span, else of the dialect in general."""
        known = self.instrumentation(span)
        if known is not None and gap in known.hints:
            return f"{known.name}: {known.hints[gap]}"
        general = next((d.hints[gap] for d in dialects if gap in d.hints), _GENERAL)
        if known is not None or not span.scope:
            return general
        return f"{general} ({span.scope[:80]} is no instrumentation whose settings Pullcord knows)"

    def failed(self, dialect: Dialect, error: Exception) -> None:
        """Note once that a dialect's function failed: what it reads counts as not recorded."""
        if len(self.notes) < _FAILURES:
            self.notes[f"the dialect {dialect.name} could not read every span ({type(error).__name__})"] = None


def _above(scope: str) -> Iterator[str]:
    """The scope, then what it lies below: ``a.b.c``, ``a.b``, ``a``."""
    at = len(scope) if len(scope) < 200 else 0
    while at > 0:
        yield scope[:at]
        at = scope.rfind(".", 0, at)


@cache
def for_single_spans(dialects: tuple[Dialect, ...]) -> Vocabulary:
    """The vocabulary for looking at spans one at a time, as the receiver does; its notes are nobody's."""
    return Vocabulary(dialects)
