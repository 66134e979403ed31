"""What differs in the tools that were offered to a run's models from those of the good runs. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from bot.domain.profile import ChangeKind, Difference, RunProfile
from bot.recorder.newness import New, newness, steady
from bot.recorder.profile import toolset_of
from bot.recorder.run_times import since_and_after

_ABSENT: Final = ""


def tool_changes(
    failing: RunProfile, good: Sequence[RunProfile], known: Sequence[RunProfile], texts: Mapping[str, str]
) -> Iterable[Difference]:
    """Definitions that changed, tools that are offered now, tools that are not any more; each role with itself."""
    mine = _toolsets(failing, texts)
    theirs = {run.trace_id: _toolsets(run, texts) for run in known}
    for role, tools in mine.items():
        runs = [run for run in good if role in theirs[run.trace_id]]
        sets = [theirs[run.trace_id][role] for run in runs]
        names = [frozenset(one) for one in sets]
        offered = steady(names) if names else False
        for name in sorted({*tools, *(name for one in names for name in one)}):
            value = tools.get(name, _ABSENT)
            new = newness(value, [frozenset({one.get(name, _ABSENT)}) for one in sets])
            if new is None or (value and new.before is None) or (new.before == _ABSENT and not offered):
                continue
            having = [
                run
                for run in (*known, failing)
                if role in (own := mine if run is failing else theirs[run.trace_id])
                and own[role].get(name, _ABSENT) == value
            ]
            since, after = since_and_after(having, failing, {run.trace_id for run in runs[: new.since]})
            yield _tool_difference(name, role, value, new, since, after, texts)


def _tool_difference(
    name: str, role: str, value: str, new: New, since: datetime, after: int, texts: Mapping[str, str]
) -> Difference:
    kind, detail = ChangeKind.TOOL_CHANGED, _tool_detail(texts.get(new.before or ""), texts.get(value))
    if not value:
        kind, detail = ChangeKind.TOOL_REMOVED, "not offered to the model any more"
    elif new.before == _ABSENT:
        kind, detail = ChangeKind.TOOL_ADDED, "was not offered to the model before"
    return Difference(
        kind=kind,
        name=f"{name} ({role})" if role else name,
        before="offered"
        if kind is ChangeKind.TOOL_REMOVED
        else None
        if kind is ChangeKind.TOOL_ADDED
        else "definition",
        after="offered"
        if kind is ChangeKind.TOOL_ADDED
        else None
        if kind is ChangeKind.TOOL_REMOVED
        else "new definition",
        since=since,
        runs_before=new.runs_before,
        runs_after=after,
        detail=detail,
        before_text=new.before or None,
        after_text=value or None,
    )


def _tool_detail(before: str | None, after: str | None) -> str:
    """Which half of a definition changed. Its text has the description first, then the schema as JSON."""
    if before is None or after is None:
        return "its definition changed"
    old, new = before.rsplit("\n\n{", 1), after.rsplit("\n\n{", 1)
    changed = [
        part for part, one, other in (("description", old[0], new[0]), ("parameters", old[1:], new[1:])) if one != other
    ]
    return " and ".join(changed) + " changed" if changed else "its definition changed"


def _toolsets(run: RunProfile, texts: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The tools offered in each role, together over its calls."""
    found: dict[str, dict[str, str]] = {}
    for call in run.calls:
        tools = toolset_of(texts.get(call.tools)) if call.tools else {}
        if tools:
            found.setdefault(call.role, {}).update(tools)
    return found
