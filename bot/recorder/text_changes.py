"""What differs between a prompt and those of good runs, line by line, without what differs with every run. Pure.

Prompts hold names, dates and the like. A sentence that is other in each good run is other here too, which is no change;
but what all good runs have in that sentence must be there. So neither hides a change nor invents one.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from bot.recorder.newness import newness

MOST_UNITS: Final = 2000
_ENDS = re.compile(r"(?<=[.!?;])\s+(?=\S)")
_WORD = re.compile(r"[\w%€$£.-]*\w|[%€$£]")
_ALIKE: Final = 0.3
_STEADY_WORDS: Final = 0.9
_SHORT: Final = 3
_VOLATILE: Final = 0.3
"""A kind of sentence is volatile when at least so many of the good runs have one of their own."""
_ABSENT: Final = "absent"
_PRESENT: Final = "present"


@dataclass(frozen=True, slots=True)
class LineChanges:
    """Sentences that are new, and those that are gone. ``since`` is the place in the history of the first change."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    since: int

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return bool(self.added or self.removed)


def units(text: str) -> tuple[str, ...]:
    """The sentences and lines of a text, in order, blanks made one; at most 2,000."""
    found = (" ".join(unit.split()) for line in text.splitlines() for unit in _ENDS.split(line))
    return tuple(dict.fromkeys(unit for unit in found if unit))[:MOST_UNITS]


def closeness(one: AbstractSet[str], other: AbstractSet[str]) -> float:
    """Jaccard's index of two sets of sentences."""
    return len(one & other) / len(one | other) if one or other else 1.0


def line_changes(text: str, history: Sequence[tuple[str, ...]]) -> LineChanges:
    """What is new in a text, and gone from it. ``history``: the sentences of each good run's text, the oldest first."""
    mine, sets = units(text), [frozenset(one) for one in history]
    times = Counter(unit for one in sets for unit in one)
    own = [unit for unit, count in times.items() if count == 1]
    usual = max((sum(times[unit] == 1 for unit in one) for one in sets), default=0)
    since = len(history)
    added: dict[str, int] = {}
    explained: list[tuple[float, str]] = []
    for unit in mine:
        found = newness(unit, [{unit} if unit in one else {_ABSENT} for one in sets])
        if found is None:
            continue
        likeness = _explained(unit, own, len(history)) if times[unit] == 0 else None
        if likeness is None:
            added[unit] = found.since
        else:
            explained.append((likeness, unit))
    # more sentences of its own than any good run: the least explained are changes
    for _, unit in sorted(explained, key=lambda pair: -pair[0])[usual:]:
        added[unit] = len(history)
    removed: dict[str, int] = {}
    for unit, count in times.items():
        if unit in mine or count <= 1:
            continue
        gone = newness(_ABSENT, [{_PRESENT} if unit in one else {_ABSENT} for one in sets])
        if gone is not None:
            removed[unit] = gone.since
    since = min([since, *added.values(), *removed.values()])
    return LineChanges(tuple(unit for unit in mine if unit in added), _ordered(removed, history), since)


def _ordered(chosen: Iterable[str], history: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Sentences in the order in which they stood."""
    wanted = set(chosen)
    return tuple(dict.fromkeys(unit for one in history for unit in one if unit in wanted))


def _explained(unit: str, own: Sequence[str], runs: int) -> float | None:
    """How much a sentence is like those that each good run has of its own; None when that does not explain it.

    It does not when it lacks what all of those share.
    """
    words = _words(unit)
    if len(words) <= _SHORT:
        kin = [other for other in own if len(_words(other)) <= _SHORT]
        enough = len(kin) >= max(2, _VOLATILE * runs)
        return max(closeness(words, _words(other)) for other in kin) if enough else None
    kin = [other for other in own if closeness(words, _words(other)) >= _ALIKE]
    if len(kin) < max(2, _VOLATILE * runs):
        return None
    times = Counter(word for other in kin for word in _words(other))
    shared = {word for word, count in times.items() if count >= _STEADY_WORDS * len(kin)}
    return 1.0 + len(shared) if shared <= words else None


def _words(unit: str) -> frozenset[str]:
    return frozenset(_WORD.findall(unit.casefold()))
