"""What differs between a prompt and those of good runs, line by line, without what differs with every run. Pure.

Prompts hold names, dates and the like. A sentence that is other in each good run is other here too, which is no change;
but the words that those sentences share must be there. So names neither hide a change nor make one.
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
_WORD = re.compile(r"[\w%€$£.'-]*\w|[%€$£]")
_ALIKE: Final = 0.3
_SHORT: Final = 3
_VOLATILE: Final = 0.3
"""A kind of sentence is volatile when at least so many of the good runs have one of their own."""
_COMMON: Final = 0.3
"""A word that so many of the kin have may be missed; rarer ones come and go."""
_SEEDS: Final = 20
_ABSENT: Final = "\x00absent"
_PRESENT: Final = "\x00present"
_SETTLED: Final = 12
"""Texts have many parts: of a few runs one part or other always begins somewhere by chance."""


@dataclass(frozen=True, slots=True)
class Reworded:
    """A sentence of a volatile kind that differs from its kin in ``missing`` and ``new`` words."""

    words: frozenset[str]
    missing: frozenset[str]
    new: frozenset[str]

    def like(self, unit: str) -> bool:
        """Whether another sentence differs in the same way."""
        words = _words(unit)
        return closeness(words, self.words) >= _ALIKE and not self.missing & words and self.new <= words


@dataclass(frozen=True, slots=True)
class LineChanges:
    """Sentences that are new, and those that are gone. ``since`` is the place in the history of the first change."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    since: int
    reworded: tuple[Reworded, ...] = ()
    exact: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return bool(self.added or self.removed)

    def has(self, other: Sequence[str]) -> bool:
        """Whether another text (its sentences) has changed in the same way."""
        there = frozenset(other)
        return (
            all(unit in there for unit in self.exact)
            and not any(unit in there for unit in self.removed)
            and all(any(change.like(unit) for unit in other) for change in self.reworded)
        )


def units(text: str) -> tuple[str, ...]:
    """The sentences and lines of a text, in order, blanks made one; at most 2,000."""
    found = (" ".join(unit.split()) for line in text.splitlines() for unit in _ENDS.split(line))
    return tuple(dict.fromkeys(unit for unit in found if unit))[:MOST_UNITS]


def closeness(one: AbstractSet[str], other: AbstractSet[str]) -> float:
    """Jaccard's index of two sets."""
    return len(one & other) / len(one | other) if one or other else 1.0


def line_changes(text: str, history: Sequence[tuple[str, ...]]) -> LineChanges:
    """What is new in a text, and gone from it. ``history``: the sentences of each good run's text, the oldest first."""
    mine, sets = units(text), [frozenset(one) for one in history]
    times = Counter(unit for one in sets for unit in one)
    own = [(place, unit) for place, one in enumerate(history) for unit in one if times[unit] == 1]
    usual = max(Counter(place for place, _ in own).values(), default=0)
    added: dict[str, int] = {}
    reworded: dict[str, Reworded] = {}
    explained: list[tuple[float, str]] = []
    for unit in mine:
        found = newness(unit, [{unit} if unit in one else {_ABSENT} for one in sets], _SETTLED)
        if found is None:
            continue
        kin = _kin(unit, own, len(history))
        if not kin:
            added[unit] = found.since
            continue
        change = _reworded(unit, kin)
        if change is None:
            explained.append((max(closeness(_words(unit), _words(other)) for _, other in kin), unit))
        else:
            reworded[unit], added[unit] = change
    # more sentences of its own than any good run: those least like the others' are changes
    for _, unit in sorted(explained, key=lambda pair: -pair[0])[usual:]:
        added[unit] = len(history)
    removed: dict[str, int] = {}
    for unit, count in times.items():
        if unit in mine or count == 1:
            continue
        gone = newness(_ABSENT, [{_PRESENT} if unit in one else {_ABSENT} for one in sets], _SETTLED)
        if gone is not None:
            removed[unit] = gone.since
    return LineChanges(
        added=tuple(unit for unit in mine if unit in added),
        removed=_ordered(removed, history),
        since=min([len(history), *added.values(), *removed.values()]),
        reworded=tuple(reworded.values()),
        exact=tuple(unit for unit in mine if unit in added and unit not in reworded),
    )


def _ordered(chosen: Iterable[str], history: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Sentences in the order in which they stood."""
    wanted = set(chosen)
    return tuple(dict.fromkeys(unit for one in history for unit in one if unit in wanted))


def _kin(unit: str, own: Sequence[tuple[int, str]], runs: int) -> list[tuple[int, str]]:
    """Sentences of this kind that good runs have of their own, with their places; none when it is no volatile kind."""
    words = _words(unit)
    read = [(place, other, _words(other)) for place, other in own]
    if len(words) <= _SHORT:
        kin = [(place, other) for place, other, theirs in read if len(theirs) <= _SHORT]
    else:
        seeds = [theirs for _, _, theirs in read if closeness(words, theirs) >= _ALIKE]
        seeds = seeds[:: max(1, len(seeds) // _SEEDS)]
        kin = [
            (place, other) for place, other, theirs in read if any(closeness(theirs, one) >= _ALIKE for one in seeds)
        ]
    return kin if len({place for place, _ in kin}) >= max(2, _VOLATILE * runs) else []


def _reworded(unit: str, kin: Sequence[tuple[int, str]]) -> tuple[Reworded, int] | None:
    """What of the words of its kin a sentence lacks, or has since lately; None when it is one of them."""
    words = _words(unit)
    if len(words) <= _SHORT:
        return None
    history = [_words(other) for _, other in kin]
    times = Counter(word for other in history for word in other)
    missing: dict[str, int] = {}
    for word, count in times.items():
        if word not in words and count >= _COMMON * len(kin):
            gone = newness(_ABSENT, [{_PRESENT} if word in other else {_ABSENT} for other in history], _SETTLED)
            if gone is not None:
                missing[word] = gone.since
    new: dict[str, int] = {}
    for word in words & times.keys():
        found = newness(word, [{word} if word in other else {_ABSENT} for other in history], _SETTLED)
        if found is not None and all(word in other for other in history[found.since :]):  # names come and go
            new[word] = found.since
    if not missing and not new:
        return None
    places = [kin[since][0] for since in (*missing.values(), *new.values()) if since < len(kin)]
    since = min(places, default=kin[-1][0] + 1)
    return Reworded(words, frozenset(missing), frozenset(new)), since


def _words(unit: str) -> frozenset[str]:
    return frozenset(_WORD.findall(unit.casefold()))
