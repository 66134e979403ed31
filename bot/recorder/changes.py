"""What changed since the good runs before: a run's profile against those of its kind. Pure. It never says cause.

Each fact of a run (the model that served a role, a parameter, a tool's definition, a document's version) is a value in
a slot. A value is a change when it is new against what good runs had in that slot (``bot.recorder.newness``). Roles are
compared each with itself, and a role or document that this run did not have says nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from bot.domain.base import Json
from bot.domain.profile import ChangeKind, Difference, Grade, RunProfile
from bot.recorder.newness import New, newness, rarity
from bot.recorder.profile import version_words
from bot.recorder.prompt_changes import prompt_changes
from bot.recorder.run_times import since_and_after, when
from bot.recorder.tool_changes import tool_changes

MOST: Final = 40
FEW: Final = 20
"""Fewer good runs than so many are said to be few."""
_UNSET: Final = "not set"
_SHOWN: Final = 160
_SEEN: Final = 3


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs from how many good runs; ``note`` says in words why nothing could be compared or what limits it.

    ``unrecorded`` names what this run does not say of itself, so that nobody knows whether it changed.
    """

    compared: int
    changes: tuple[Difference, ...]
    note: str
    unrecorded: tuple[str, ...] = ()


class Slot(NamedTuple):
    """Where a value stands: what kind of fact, in which role, of which parameter, document or model."""

    kind: ChangeKind
    role: str = ""
    name: str = ""


Facts = dict[Slot, frozenset[str]]


def compare(failing: RunProfile, others: Iterable[RunProfile], texts: Mapping[str, str]) -> Comparison:
    """What differs in a run from the good ones among ``others`` that came before it, most telling first.

    ``others`` are runs of its kind, before and after it. ``texts`` are what the hashes point at, as far as they are
    kept: toolsets, prompts, and definitions of tools.
    """
    known = sorted((o for o in others if o.trace_id != failing.trace_id), key=lambda o: (when(o), o.trace_id))
    good = [o for o in known if o.grade is Grade.GOOD and when(o) <= when(failing)]
    if not good:
        return Comparison(0, (), _nobody(failing, bool(known)))
    facts = {run.trace_id: facts_of(run) for run in (*known, failing)}
    found = [*_values(failing, good, known, facts), *tool_changes(failing, good, known, texts)]
    found += prompt_changes(failing, good, known, texts)
    ordered = sorted(found, key=lambda change: (list(ChangeKind).index(change.kind), change.name))
    return Comparison(len(good), tuple(_distinct(ordered))[:MOST], _limits(good, failing), _unrecorded(failing))


def facts_of(run: RunProfile) -> Facts:
    """The values of a run by slot."""
    found: dict[Slot, set[str]] = {}

    def put(slot: Slot, value: str | None) -> None:
        if value is not None:
            found.setdefault(slot, set()).add(value)

    for call in run.calls:
        put(Slot(ChangeKind.MODEL_REQUESTED, call.role), call.requested)
        put(Slot(ChangeKind.MODEL_SERVED, call.role, call.requested or ""), call.served)
        put(Slot(ChangeKind.PROVIDER, call.role), call.provider)
        put(Slot(ChangeKind.FINGERPRINT, call.role), call.fingerprint)
        for name, value in call.parameters.items():
            put(Slot(ChangeKind.PARAMETER, call.role, name), _text(value))
    for name, version in run.documents.items():
        put(Slot(ChangeKind.DOCUMENT, name=name), version)
    for source in run.sources:
        put(Slot(ChangeKind.SOURCE), source)
    put(Slot(ChangeKind.SERVICE_VERSION), run.service_version)
    put(Slot(ChangeKind.AGENT_VERSION), run.agent_version)
    return {slot: frozenset(values) for slot, values in found.items()}


def _values(
    failing: RunProfile, good: Sequence[RunProfile], known: Sequence[RunProfile], facts: Mapping[str, Facts]
) -> Iterable[Difference]:
    mine = facts[failing.trace_id]
    roles = {call.role for call in failing.calls if call.parameters}
    wanted = {
        slot for run in good for slot in facts[run.trace_id] if slot.kind is ChangeKind.PARAMETER and slot.role in roles
    }
    for slot in dict.fromkeys((*mine, *sorted(wanted))):
        values = mine.get(slot, frozenset({_UNSET}))
        runs, history = _history(slot, good, facts)
        for value in sorted(values):
            new = newness(value, history) or rarity(value, history)
            if new is not None and _enough(slot, value, history, len(good)):
                yield _difference(slot, value, new, runs, failing, known, facts)


def _history(
    slot: Slot, good: Sequence[RunProfile], facts: Mapping[str, Facts]
) -> tuple[list[RunProfile], list[frozenset[str]]]:
    """The good runs that can be compared in a slot, with their values.

    A model that was asked for under a new name is compared with whatever served that role. A parameter that a role
    did not set is "not set" there.
    """
    pairs = [(run, facts[run.trace_id].get(slot) or frozenset()) for run in good]
    if slot.kind is ChangeKind.PARAMETER or not any(values for _, values in pairs):
        pairs = [(run, _at(slot, run, facts)) for run in good]
    kept = [(run, values) for run, values in pairs if values]
    return [run for run, _ in kept], [values for _, values in kept]


def _at(slot: Slot, run: RunProfile, facts: Mapping[str, Facts]) -> frozenset[str]:
    """The values of a run in a slot: a model whatever it was asked for as, a parameter that was not set as that."""
    own = facts[run.trace_id]
    if slot.kind is ChangeKind.MODEL_SERVED:
        return frozenset().union(*(v for s, v in own.items() if s[:2] == slot[:2]))
    if slot.kind is ChangeKind.PARAMETER and slot not in own:
        set_at_all = any(call.role == slot.role and call.parameters for call in run.calls)
        return frozenset({_UNSET}) if set_at_all else frozenset()
    return own.get(slot, frozenset())


def _enough(slot: Slot, value: str, history: Sequence[frozenset[str]], good: int) -> bool:
    """Whether a slot was seen often enough to know how it varies. The version of a document is what it is."""
    if slot.kind is ChangeKind.DOCUMENT:
        return not value.startswith("#") or len(history) >= _SEEN
    return len(history) >= min(_SEEN, good)


def _difference(
    slot: Slot,
    value: str,
    new: New,
    runs: Sequence[RunProfile],
    failing: RunProfile,
    known: Sequence[RunProfile],
    facts: Mapping[str, Facts],
) -> Difference:
    having = [o for o in (*known, failing) if value in _at(slot, o, facts)]
    since, after = since_and_after(having, failing, {run.trace_id for run in runs[: new.since]})
    words = version_words if slot.kind is ChangeKind.DOCUMENT else _same
    before = words(new.before)
    name = slot.name if slot.kind in {ChangeKind.DOCUMENT, ChangeKind.PARAMETER} else slot.role
    if slot.kind is ChangeKind.PARAMETER and slot.role:
        name = f"{slot.name} ({slot.role})"
    return Difference(
        kind=slot.kind,
        name=name,
        before=_short(before),
        after=_short(words(value)),
        since=since,
        runs_before=new.runs_before,
        runs_after=after,
        detail=_detail(slot, value, new),
    )


def _detail(slot: Slot, value: str, new: New) -> str:
    if slot.kind is ChangeKind.DOCUMENT and new.before is not None and _older(value, new.before):
        return "stale: an older version than the good runs had"
    if slot.kind is ChangeKind.MODEL_SERVED and slot.name:
        return f"asked for {slot.name}"
    return ""


def _older(value: str, before: str) -> bool:
    """Whether a version is older, where that can be told: numbers, or dates written year first."""
    one, other = _parts(value), _parts(before)
    return bool(one and other and len(one) == len(other) and one < other)


def _parts(version: str) -> tuple[int, ...]:
    pieces = version.removeprefix("v").replace("-", ".").replace(":", ".").replace("T", ".").rstrip("Z").split(".")
    return tuple(int(piece) for piece in pieces) if all(piece.isdigit() for piece in pieces) else ()


def _distinct(changes: Iterable[Difference]) -> Iterable[Difference]:
    """Each change once: a model that moved in every role is one change."""
    seen: set[tuple[object, ...]] = set()
    for change in changes:
        key = (change.kind, change.before, change.after, change.name if change.kind not in _OF_ROLES else "")
        if key not in seen:
            seen.add(key)
            yield change


_OF_ROLES = frozenset(
    {ChangeKind.MODEL_SERVED, ChangeKind.MODEL_REQUESTED, ChangeKind.PROVIDER, ChangeKind.FINGERPRINT}
)


def _nobody(failing: RunProfile, known: bool) -> str:  # noqa: FBT001 - private
    whose = failing.agent or "this agent"
    kind = f" of the kind {_short(failing.kind)}" if failing.kind else ""
    if known:
        return f"No good run of {whose}{kind} is recorded before this one, so nothing can be compared."
    return f"No other run of {whose}{kind} is recorded, so nothing can be compared."


def _limits(good: Sequence[RunProfile], failing: RunProfile) -> str:
    if len(good) < FEW:
        return f"Only {len(good)} good run{'s' if len(good) > 1 else ''} to compare with: what differs may be chance."
    return "" if failing.calls else "This run recorded no model call: models, prompts and tools cannot be compared."


def _unrecorded(run: RunProfile) -> tuple[str, ...]:
    facts = {
        "served model": any(call.served for call in run.calls),
        "parameters": any(call.parameters for call in run.calls),
        "system prompt": any(call.prompt for call in run.calls),
        "tool definitions": any(call.tools for call in run.calls),
    }
    return tuple(name for name, recorded in facts.items() if not recorded)


def _text(value: Json) -> str:
    """A number alike in every dress: 0 and 0.0, 0.7 and what a float of 32 bits makes of it (0.699999988)."""
    if isinstance(value, float) and not value.is_integer():
        return f"{value:g}"
    return str(int(value) if isinstance(value, float) else value)


def _same(value: str | None) -> str | None:
    return value


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
