"""docs/recorder.md says which dialects are read and which settings record what; its tables are made from the code."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from bot.plugin import Dialect
from bot.recorder.capture import KINDS
from bot.recorder.dialects import BUILT_IN

DOCUMENT = Path(__file__).parents[3] / "docs" / "recorder.md"


def dialects() -> Iterator[str]:
    """The table of dialects in the order in which they are asked."""
    yield "| dialect | a span speaks it when it has |"
    yield "|---|---|"
    for dialect in BUILT_IN:
        marks = [*(f"`{mark}*`" if mark.endswith(".") else f"`{mark}`" for mark in dialect.marks)]
        marks += [f"an event `{event}`" for event in dialect.events]
        marks += [f"the scope `{scope}`" for scope in dialect.scopes]
        yield f"| {dialect.name} | {', '.join(marks)} |"


def settings() -> Iterator[str]:
    """The table of what records what, by library and for each dialect in general."""
    yield "| missing | written by | what records it |"
    yield "|---|---|---|"
    for field, words in {**KINDS, "tool_span": "a span of the tool"}.items():
        rows: dict[str, list[str]] = {}
        for name, hints in _sources():
            if field in hints:
                rows.setdefault(hints[field], []).append(name)
        for hint, names in rows.items():
            yield f"| {words} | {', '.join(names)} | {hint} |"


def _sources() -> Iterator[tuple[str, Mapping[str, str]]]:
    libraries = {library.name for dialect in BUILT_IN for library in dialect.instrumentations}
    for dialect in BUILT_IN:
        for library in dialect.instrumentations:
            yield library.name, library.hints
        if dialect.name not in libraries and not _same(dialect):
            yield f"{dialect.name} in general", dialect.hints


def _same(dialect: Dialect) -> bool:
    return any(library.hints == dialect.hints for library in dialect.instrumentations)


def kinds() -> Iterator[str]:
    """The kinds of facts that the verdict counts."""
    yield ", ".join(KINDS.values())


def test_the_tables_are_those_of_the_code() -> None:
    """To renew a table, put what this test expects between its markers."""
    text = DOCUMENT.read_text()
    for name, lines in (("dialects", dialects()), ("settings", settings()), ("kinds", kinds())):
        expected = "\n".join(lines)
        start, end = f"<!-- {name} -->\n", f"\n<!-- end of {name} -->"
        assert start in text, name
        held = text.partition(start)[2].partition(end)[0]
        assert held == expected, f"docs/recorder.md, {name}:\n{expected}"
