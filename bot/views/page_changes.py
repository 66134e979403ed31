"""What changed since the last good runs, as rows and as a diff by lines. Never a cause: "changed", with counts."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from bot.domain.incident import Compared, Incident
from bot.domain.profile import ChangeKind, Difference
from bot.views import recorder_words, words
from bot.views.page_diff import Diff, diff_of
from bot.views.page_links import changes_href, run_href
from bot.views.page_run_models import ChangeRow, ChangesSection
from bot.views.page_text import first_upper, short
from bot.views.page_values import Link, When, when, when_day
from bot.views.text import number

_NAMES = {
    ChangeKind.MODEL_SERVED: "Model served",
    ChangeKind.MODEL_REQUESTED: "Model asked for",
    ChangeKind.PROVIDER: "Provider",
    ChangeKind.FINGERPRINT: "System fingerprint",
    ChangeKind.PROMPT: "System prompt",
    ChangeKind.TOOL_CHANGED: "Tool definition",
    ChangeKind.TOOL_ADDED: "New tool",
    ChangeKind.TOOL_REMOVED: "Tool gone",
    ChangeKind.DOCUMENT: "Document",
    ChangeKind.SOURCE: "Retrieval source",
    ChangeKind.PARAMETER: "Parameter",
    ChangeKind.SERVICE_VERSION: "Service version",
    ChangeKind.AGENT_VERSION: "Agent version",
}
_TONES = {ChangeKind.TOOL_ADDED: "added", ChangeKind.TOOL_REMOVED: "gone"}
_DEEPEST = 30
_BRACKET = re.compile(r"[][{}]")
_MOST = 40
_VALUE = 120


@dataclass(frozen=True, slots=True)
class ChangeDiff:
    """One change with its texts line by line; ``diff`` is None where there is no text to compare, ``why`` says why."""

    id: str
    row: ChangeRow
    diff: Diff | None
    why: str


@dataclass(frozen=True, slots=True)
class ChangesPage:
    """All that ``changes.html`` shows."""

    head_title: str
    incident: str
    run: str
    back: Link
    section: ChangesSection
    diffs: tuple[ChangeDiff, ...]
    as_of: When


def changes_section(incident: Incident, trace: str | None, now: datetime) -> ChangesSection:
    """The section of one run; the others that were compared are linked."""
    if trace is None:
        return ChangesSection(note="", lead="Not known before a run is read.", rows=(), foot="")
    found = incident.compared_run(trace)
    others = [c for c in incident.compared if c.trace_id != trace and incident.run(c.trace_id) is not None]
    links = tuple(
        Link(
            f"{words.short_trace(c.trace_id)} · {number(len(c.changes), 'change')}",
            f"/incidents/{incident.id}?run={c.trace_id}#changed",
        )
        for c in others[:12]
    )
    if found is None:
        return ChangesSection(note="", lead="Not compared yet.", rows=(), foot="", others=links)
    rows = tuple(_row(change, changes_href(incident.id, trace), n, now) for n, change in enumerate(found.changes))
    return ChangesSection(
        note=_note(found, trace),
        lead=_lead(found),
        rows=rows[:_MOST],
        foot=_foot(found, len(rows)),
        others=links,
    )


def _note(found: Compared, trace: str) -> str:
    run = f"run {words.short_trace(trace)}"
    return f"{run} against {number(found.compared, 'recent good run')}" if found.compared else run


def _lead(found: Compared) -> str:
    if found.changes:
        return ""
    said = short(recorder_words.compared_words(found), 300) or "not compared: no reason was recorded"
    return first_upper(f"{said.rstrip('.')}.")


def _foot(found: Compared, rows: int) -> str:
    parts = [f"{rows - _MOST:,} more are on the page of all changes."] if rows > _MOST else []
    if found.note and (found.changes or found.compared):
        parts.append(short(found.note, 300))
    return " ".join(parts)


def _row(change: Difference, href: str, place: int, now: datetime) -> ChangeRow:
    since = change.since
    texts = change.before_text is not None or change.after_text is not None
    before = f"{number(change.runs_before, 'run')} before" if change.runs_before else ""
    after = f"{change.runs_after:,} after" if change.runs_after else ""
    return ChangeRow(
        what=_NAMES[change.kind],
        name=short(change.name, 80),
        before=_value(change.before, there=change.kind is not ChangeKind.TOOL_ADDED),
        after=_value(change.after, there=change.kind is not ChangeKind.TOOL_REMOVED),
        tone=_TONES.get(change.kind, "swap"),
        detail=short(change.detail, 200),
        since=None if since is None else when(since) if since.date() == now.date() else when_day(since),
        runs=", ".join(part for part in (before, after) if part),
        diff=Link("Show the lines", f"{href}#change-{place + 1}") if texts else None,
    )


def _value(value: str | None, *, there: bool) -> str:
    if value is None:
        return "" if there else "was not there"
    return short(value, _VALUE) or "empty"


def changes_page(
    incident: Incident, trace: str, texts: Mapping[str, str | None], now: datetime, notice: str = ""
) -> ChangesPage:
    """The page of all differences of one run. ``texts`` are whole texts by their hash, None for one that is gone."""
    found = incident.compared_run(trace)
    section = changes_section(incident, trace, now)
    href = changes_href(incident.id, trace)
    made = []
    for place, change in enumerate(found.changes if found is not None else ()):
        diff, why = _diff(change, texts, notice)
        made.append(ChangeDiff(f"change-{place + 1}", _row(change, href, place, now), diff, why))
    return ChangesPage(
        head_title=f"What changed · {incident.id} · Pullcord",
        incident=incident.id,
        run=words.short_trace(trace),
        back=Link(f"Run {words.short_trace(trace)}", run_href(incident.id, trace)),
        section=section,
        diffs=tuple(made),
        as_of=when_day(now),
    )


def hashes(compared: Compared | None) -> tuple[str, ...]:
    """The texts that the page of this run needs."""
    changes: Sequence[Difference] = compared.changes if compared is not None else ()
    found = [one for change in changes for one in (change.before_text, change.after_text) if one is not None]
    return tuple(dict.fromkeys(found))


def _diff(change: Difference, texts: Mapping[str, str | None], notice: str) -> tuple[Diff | None, str]:
    if change.before_text is None and change.after_text is None:
        return None, ""
    before = _text(change.before_text, texts)
    after = _text(change.after_text, texts)
    lost = [
        name
        for name, wanted, held in (("before", change.before_text, before), ("now", change.after_text, after))
        if wanted is not None and held is None
    ]
    if lost:
        return None, notice or f"The text {' and '.join(lost)} is not kept any more; its hash differs."
    return diff_of(_readable(before or ""), _readable(after or "")), ""


def _text(key: str | None, texts: Mapping[str, str | None]) -> str | None:
    return None if key is None else texts.get(key)


def _readable(text: str) -> str:
    """A JSON text over several lines, so that lines can be compared; any other as it is.

    One that nests deeper than a person writes stays as it is too: with its blanks it would be a thousand times as long.
    """
    if not text.lstrip().startswith(("{", "[")) or _depth(text) > _DEEPEST:
        return text
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _depth(text: str) -> int:
    """How deep brackets nest, at most (those within strings are counted too)."""
    return max(accumulate(1 if bracket[0] in "{[" else -1 for bracket in _BRACKET.finditer(text)), default=0)
