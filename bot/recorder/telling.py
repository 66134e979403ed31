"""Which of a failing run's signatures tell anything: shared with others, and unusual among the good runs. Pure.

"Wrong" is not known. What good runs do every day is no sign, nor is that two runs were about the same order. So:

* A value of an argument is judged against the other values at that place. Where values hardly repeat (ids, amounts with
  cents) one that repeats far more than they do tells; where they repeat (reasons, currencies, orders of magnitude) one
  that is far rarer does; and so does one that came up only since some moment.
* A tool that good runs hardly ever call tells by itself.
* Whoever shares a telling value must be like the failing call in its other arguments too, those aside that differ in
  every call.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from math import comb
from typing import Final

from bot.domain.profile import Alike, SimilarKind
from bot.recorder.signatures import Level, Signature, Signed

_FEW: Final = 20
"""With fewer good runs nothing is known of how values vary: only runs that failed too, and are alike in all, count."""
_RARE_TOOL: Final = 0.02
_RARE: Final = 0.05
_OFTEN: Final = 3
_POOL: Final = 20
_OWN: Final = 0.3
"""Where at least so many of the values are different ones, an argument is this call's own: an id, a text."""
_MANY_VALUES: Final = 50
_LIKE: Final = 0.3
"""Of the arguments that say something: the telling one, and one more where there are many."""
_LIKE_RECORD: Final = 0.6
_LIKE_RARE_TOOL: Final = 0.5
_CHANCE: Final = 0.001
_SUMMED: Final = 50
_SAME_VALUE: Final = 5
_OF_ITS_SIZE: Final = 0.25
_OF_FEW: Final = 0.3


@dataclass(frozen=True, slots=True)
class Counts:
    """What the index says: ``alike`` by signature, ``spreads`` (different values) by place, the good runs in all.

    ``earlier`` is how many runs called the signature's tool before the first run with the signature.
    """

    alike: Mapping[str, Alike]
    spreads: Mapping[str, int]
    good: int
    earlier: Mapping[str, int]

    def of(self, signature: Signature) -> Alike:
        """How many runs share it."""
        return self.alike.get(signature.id, Alike())


@dataclass(frozen=True, slots=True)
class Leaf:
    """One argument of the failing call: the signatures of which a like call shares one."""

    path: str
    ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Telling:
    """What to look for: runs with any of ``signatures`` that have at least ``share`` of the ``leaves`` too."""

    kind: SimilarKind
    signatures: tuple[Signature, ...]
    leaves: tuple[Leaf, ...] = ()
    share: float = 0.0

    @property
    def words(self) -> str:
        """What these runs have in common."""
        first = self.signatures[0]
        if first.kind is not SimilarKind.CALL:
            return first.words
        said = [s.words for s in self.signatures if s.level not in {Level.TOOL, Level.LIKE, Level.TIMES}]
        if said:
            return f"called {first.tool} with {', '.join(dict.fromkeys(said))}"
        return first.words

    def fits(self, signatures: AbstractSet[str]) -> bool:
        """Whether a run with these signatures is like the failing one."""
        if not any(s.id in signatures for s in self.signatures):
            return False
        if not self.leaves:
            return True
        return sum(bool(leaf.ids & signatures) for leaf in self.leaves) >= self.share * len(self.leaves)


def telling(run: Signed, counts: Counts, stale: AbstractSet[str]) -> tuple[Telling, ...]:
    """What of a run to look for in others. ``stale``: signatures of document versions that good runs did not have."""
    found: list[Telling] = []
    for tool in dict.fromkeys(s.tool for s in run.signatures if s.kind is SimilarKind.CALL):
        found += _calls(run.of_tool(tool), counts)
    for signature in run.signatures:
        others = counts.of(signature)
        if others.runs == 0 or signature.kind is SimilarKind.CALL:
            continue
        if signature.kind is SimilarKind.CONTENT:
            if _untypical(others, counts):
                leaves = _leaves(run.of_tool(signature.tool), counts) if _by_tool(signature) else ()
                found.append(Telling(signature.kind, (signature,), leaves, _LIKE_RECORD))
        elif signature.kind is SimilarKind.MODEL_CHECK or signature.id in stale:
            found.append(Telling(signature.kind, (signature,)))
    return tuple(found)


def to_count(run: Signed) -> tuple[list[str], list[str]]:
    """The signatures and the places whose counts ``telling`` needs."""
    return [s.id for s in run.signatures], list(dict.fromkeys(s.place for s in run.signatures if s.place))


def _by_tool(signature: Signature) -> bool:
    """Whether content came from an ordinary tool's answer: the record of a customer, not a page from outside."""
    return signature.source.startswith("result of")


def _untypical(others: Alike, counts: Counts) -> bool:
    share = _OF_FEW if counts.good < _FEW else _RARE
    return others.good <= max(1, share * counts.good)


def _calls(signatures: Sequence[Signature], counts: Counts) -> list[Telling]:
    tool = next((s for s in signatures if s.level is Level.TOOL), None)
    if tool is None:
        return []
    users = counts.of(tool).good
    found: list[Telling] = []
    repeated = [s for s in signatures if s.level is Level.TIMES and _untypical(counts.of(s), counts)]
    found += [Telling(s.kind, (s,)) for s in repeated]
    if counts.good >= _FEW and users <= max(1.0, _RARE_TOOL * counts.good):
        return [*found, Telling(tool.kind, (tool,), _leaves(signatures, counts), _LIKE_RARE_TOOL)]
    like = [s for s in signatures if s.level is Level.LIKE]
    if users < _FEW:
        alike = tuple(s for s in like if counts.of(s).runs and not counts.of(s).good)
        return [*found, Telling(tool.kind, alike)] if alike else found
    chosen = [
        s for path in _paths(signatures) for s in _of_path([x for x in signatures if x.path == path], users, counts)
    ]
    if not chosen:
        chosen = [s for s in like if _new_together(s, users, counts)]
        return [*found, Telling(tool.kind, tuple(chosen))] if chosen else found
    return [*found, Telling(tool.kind, tuple(chosen), _leaves(signatures, counts, {s.path for s in chosen}), _LIKE)]


def _paths(signatures: Sequence[Signature]) -> list[str]:
    return list(dict.fromkeys(s.path for s in signatures if s.level in {Level.VALUE, Level.REACH, Level.SIZE}))


def _of_path(signatures: Sequence[Signature], users: int, counts: Counts) -> list[Signature]:
    """The readings of one argument that tell: the value where it stands for its order of magnitude, else that."""
    unusual = [s for s in signatures if _unusual(s, users, counts)]
    values = [s for s in unusual if s.level is Level.VALUE]
    sizes = [s for s in unusual if s.level is Level.SIZE]
    if len(sizes) < sum(s.level is Level.SIZE for s in signatures):
        sizes = []  # usual in one of the two staggered scales: at the edge of what is usual
    hosts = [s for s in unusual if s.level is Level.REACH]
    if values and sizes:
        most = max(counts.of(s).runs for s in sizes)
        strong = [s for s in values if counts.of(s).runs >= max(_SAME_VALUE, _OF_ITS_SIZE * most)]
        return strong or sizes
    return values or hosts or sizes


def _unusual(signature: Signature, users: int, counts: Counts) -> bool:
    """Whether a value is unusual at its place, among ``users`` good runs that called the tool."""
    others = counts.of(signature)
    if others.runs == 0:
        return False
    usual = users / max(1, counts.spreads.get(signature.place, 1))
    if others.good == 0:
        return True
    if usual <= _POOL and others.good >= _OFTEN * usual + _OFTEN:
        return others.good <= max(_OFTEN, users / 2)
    if usual > _OFTEN and others.good <= min(usual / 4, max(_RARE * users, _OFTEN)):
        return True
    earlier = counts.earlier.get(signature.id, 0)
    share = others.good / users
    return usual > _OFTEN and share <= 1 / 2 and earlier >= _FEW and _only_since(others.good, users, earlier)


def _new_together(signature: Signature, users: int, counts: Counts) -> bool:
    """Whether usual values came together only lately, or only in failed runs: rare combinations are nothing special."""
    others = counts.of(signature)
    if others.runs == 0 or others.good == 0:
        return others.runs > 0
    earlier = counts.earlier.get(signature.id, 0)
    return earlier >= _FEW and _only_since(others.good, users, earlier)


def _only_since(having: int, users: int, earlier: int) -> bool:
    """Whether it is no chance that none of the first ``earlier`` of the runs had a value that so many have."""
    if having > _SUMMED:
        return (1 - having / users) ** earlier <= _CHANCE
    rest = max(0, users + 1 - earlier)
    return comb(rest, having + 1) <= _CHANCE * comb(users + 1, having + 1)


def _leaves(
    signatures: Sequence[Signature], counts: Counts, chosen: AbstractSet[str] = frozenset()
) -> tuple[Leaf, ...]:
    """The arguments in which a like call should agree: the chosen ones, and those that do not differ in every call.

    Numbers and addresses agree by their size and host.
    """
    tool = next((s for s in signatures if s.level is Level.TOOL), None)
    users = counts.of(tool).runs if tool is not None else 0
    found: list[Leaf] = []
    for path in _paths(signatures):
        held = [s for s in signatures if s.path == path]
        few = min(_OWN * users, _MANY_VALUES)
        if users <= 1 or path in chosen or any(counts.spreads.get(s.place, 1) < max(few, 2) for s in held):
            found.append(Leaf(path, frozenset(s.id for s in held)))
    return tuple(found)
