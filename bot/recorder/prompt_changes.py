"""What differs in the system prompts of a run from those of the good runs, role by role. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot.domain.profile import ChangeKind, Difference, RunProfile
from bot.recorder.newness import newness
from bot.recorder.run_times import since_and_after
from bot.recorder.text_changes import closeness, line_changes, units

_SHOWN: Final = 200
_SAME_PROMPT: Final = 0.3
_KEPT: Final = 0.5
"""At least so many of the good runs' texts must be kept to compare sentences."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A good run and its prompt that is the same one as the failing run's, in sentences."""

    run: RunProfile
    prompt: str
    units: tuple[str, ...]


def prompt_changes(
    failing: RunProfile, good: Sequence[RunProfile], known: Sequence[RunProfile], texts: Mapping[str, str]
) -> Iterable[Difference]:
    """The changes of each prompt; ``known`` are all runs, for how many have it since."""
    read: dict[str, tuple[str, ...]] = {}

    def sentences(text_hash: str) -> tuple[str, ...]:
        if text_hash not in read:
            read[text_hash] = units(texts[text_hash])
        return read[text_hash]

    for role, prompt in dict.fromkeys((call.role, call.prompt) for call in failing.calls if call.prompt):
        own = [(run, [p for p in prompts_of(run, role) if p in texts]) for run in good if prompts_of(run, role)]
        if not own or prompt is None:
            continue
        if any(prompt in held for _, held in own[-3:]) and all(prompt in held for _, held in own):
            continue
        if prompt not in texts:
            yield from _replaced(role, prompt, good, known, failing)
            continue
        mine = frozenset(sentences(prompt))
        held = [
            _Held(run, best, sentences(best))
            for run, prompts in own
            if prompts
            for best in (max(prompts, key=lambda p: closeness(mine, frozenset(sentences(p)))),)
            if closeness(mine, frozenset(sentences(best))) >= _SAME_PROMPT
        ]
        if not held:
            yield from _replaced(role, prompt, good, known, failing)
            continue
        yield from _changed(role, prompt, held, known, failing, texts)


def prompts_of(run: RunProfile, role: str) -> list[str]:
    """The hashes of the prompts of one role."""
    return [call.prompt for call in run.calls if call.role == role and call.prompt]


def _changed(
    role: str,
    prompt: str,
    held: Sequence[_Held],
    known: Sequence[RunProfile],
    failing: RunProfile,
    texts: Mapping[str, str],
) -> Iterable[Difference]:
    found = line_changes(texts[prompt], [one.units for one in held])
    if not found:
        return
    earlier = held[: found.since] or held
    mine = frozenset(units(texts[prompt]))
    nearest = max(reversed(earlier), key=lambda one: closeness(mine, frozenset(one.units)))
    old = {one.run.trace_id for one in earlier}
    changed: dict[str, bool] = {}
    for name in dict.fromkeys(p for run in known for p in prompts_of(run, role) if p in texts):
        changed[name] = found.has(units(texts[name]))
    having = [run for run in known if any(changed.get(p, False) for p in prompts_of(run, role))]
    since, after = since_and_after([*having, failing], failing, old)
    yield Difference(
        kind=ChangeKind.PROMPT,
        name=role,
        before=_quoted(found.removed),
        after=_quoted(found.added),
        since=since,
        runs_before=sum(not found.has(one.units) for one in earlier),
        runs_after=after,
        detail=_counted(len(found.added), len(found.removed)),
        before_text=nearest.prompt,
        after_text=prompt,
    )


def _replaced(
    role: str, prompt: str, good: Sequence[RunProfile], known: Sequence[RunProfile], failing: RunProfile
) -> Iterable[Difference]:
    """Another prompt altogether, or one whose text is not kept."""
    runs = [run for run in good if prompts_of(run, role)]
    new = newness(prompt, [frozenset(prompts_of(run, role)) for run in runs])
    if new is None:
        return
    having = [run for run in (*known, failing) if prompt in prompts_of(run, role)]
    since, after = since_and_after(having, failing, {run.trace_id for run in runs[: new.since]})
    yield Difference(
        kind=ChangeKind.PROMPT,
        name=role,
        since=since,
        runs_before=new.runs_before,
        runs_after=after,
        detail="another prompt",
        before_text=new.before,
        after_text=prompt,
    )


def _quoted(lines: Sequence[str]) -> str | None:
    if not lines:
        return None
    text = " / ".join(lines)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _counted(added: int, removed: int) -> str:
    parts = [
        f"{number} sentence{'' if number == 1 else 's'} {what}"
        for number, what in ((added, "added"), (removed, "removed"))
        if number
    ]
    return ", ".join(parts)
