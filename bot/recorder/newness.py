"""Is a value new, or one of those that good runs have anyway? The tests behind "what changed". Pure.

Good runs differ among themselves: two models side by side, a seed drawn each time, another document for each question.
A value is called new only when that does not explain it:

* never seen, where values never seen are rare (Good-Turing: the share of values seen once estimates how often a new one
  comes by itself), or
* seen only since some moment, which by chance would be very unlikely (all its runs at the end: a hypergeometric tail),
* or seen in every run since some moment, in none before it, where all runs before had one and the same: few runs show
  no tail yet, but "nothing changed" would be untrue of them,
* or seen long ago and not since, equally unlikely.
"""

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from math import comb
from typing import Final

CHANCE: Final = 0.001
"""What is likelier than this is taken for normal variation."""
_BACK: Final = 0.0001
"""The same for a value that good runs had, but not lately."""
_ENOUGH: Final = 100
_RARE: Final = 0.01
_DOMINANT: Final = 0.95
_MANY: Final = 20
SETTLED: Final = 5
"""So many runs with one and the same value before a switch: fewer are too often alike by chance."""
_NOVEL_OF_MANY: Final = 0.05
_NOVEL_OF_FEW: Final = 0.1


@dataclass(frozen=True, slots=True)
class New:
    """A value is new. ``since`` is the place in the history of the first run that had it (its length: none had).

    ``before`` is what most runs before had instead, None when there was nothing; ``runs_before`` how many had that.
    """

    since: int
    before: str | None
    runs_before: int


def newness(value: str, history: Sequence[AbstractSet[str]], settled: int = SETTLED) -> New | None:
    """Whether a value of the failing run is new. ``history``: what each good run had, the oldest first.

    ``settled`` is how many runs with one and the same value there must be before a switch without a tail.

    None: good runs have it, or differ so much that a new one is nothing special, or there is no history.
    """
    if not history:
        return None
    places = [place for place, values in enumerate(history) if value in values]
    if not places:
        return _new(value, history, len(history)) if steady(history) else None
    total, count, first, last = len(history), len(places), places[0], places[-1]
    if first and comb(total + 1 - first, count + 1) <= CHANCE * comb(total + 1, count + 1):
        return _new(value, history, first)
    if first >= settled and _switched(value, history, first):
        return _new(value, history, first)
    quiet = total - 1 - last
    gone = quiet and comb(total - quiet, count) <= _BACK * comb(total, count)
    if gone and steady(history[last + 1 :]):
        return _new(value, history[last + 1 :], quiet, offset=last + 1)
    return None


def rarity(value: str, history: Sequence[AbstractSet[str]]) -> New | None:
    """Whether hardly any good run has a value, where nearly all have another one: not new, but not as they are."""
    total = len(history)
    having = sum(value in values for values in history)
    if total < _ENOUGH or having > _RARE * total:
        return None
    found = _new(value, history, total)
    return found if found.runs_before >= _DOMINANT * total else None


def steady(history: Sequence[AbstractSet[str]]) -> bool:
    """Whether a value that no run had before would be unusual."""
    if all(values == history[0] for values in history):
        return True
    times = Counter(value for values in history for value in values)
    once = sum(count == 1 for count in times.values())
    return once <= (_NOVEL_OF_MANY if len(history) >= _MANY else _NOVEL_OF_FEW) * len(history)


def _switched(value: str, history: Sequence[AbstractSet[str]], first: int) -> bool:
    """Whether all runs before had the same and none of it is left since: the value is in each run from there on."""
    before = history[0]
    return all(values == before for values in history[:first]) and all(
        value in values and before.isdisjoint(values) for values in history[first:]
    )


def _new(value: str, history: Sequence[AbstractSet[str]], since: int, offset: int = 0) -> New:
    earlier = Counter(other for values in history[:since] for other in values if other != value)
    if not earlier:
        return New(since + offset, None, 0)
    before, count = max(earlier.items(), key=lambda pair: (pair[1], pair[0]))
    return New(since + offset, before, count)
