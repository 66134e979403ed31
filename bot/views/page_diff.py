"""A diff by lines that people can read: what stayed is folded, and in a changed line the changed words are marked.

Both texts are foreign. What both have in common at the start and the end is put aside first and the rest is bounded, so
that no text can make this slow.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

from bot.views.page_text import paragraphs

_CONTEXT = 3
_MOST_LINES = 600
"""Lines of each text that are compared; longer middles are shown as taken out and put in."""
_MOST_SHOWN = 800
_LONGEST_LINE = 2_000
_MOST_WORDS = 240
_MOST_MARKED = 150
"""Changed lines of which the words are compared; further ones are marked whole."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a line; ``marked`` where it differs from its counterpart."""

    text: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line. ``tone``: same, gone, new or skip; numbers count from 1 in the text before and now."""

    tone: str
    before: int | None
    after: int | None
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Diff:
    """The lines with what was taken out and put in; ``note`` says what is not shown."""

    lines: tuple[DiffLine, ...]
    gone: int
    new: int
    note: str = ""


def diff_of(before: str, after: str) -> Diff:
    """Compare two texts."""
    old, new = _lines(before), _lines(after)
    ops = list(_operations(old, new))
    made: list[DiffLine] = []
    pairs = 0
    for number, (kind, i1, i2, j1, j2) in enumerate(ops):
        if kind == "equal":
            made += _unchanged(old, i1, i2, j1, first=number == 0, last=number == len(ops) - 1)
        else:
            made += _changed(old[i1:i2], new[j1:j2], i1, j1, _MOST_MARKED - pairs)
            pairs += max(i2 - i1, j2 - j1)
    gone = sum(line.tone == "gone" for line in made)
    put = sum(line.tone == "new" for line in made)
    note = ""
    if len(made) > _MOST_SHOWN:
        note = f"{len(made) - _MOST_SHOWN:,} more lines are not shown."
    if not gone and not put:
        note = "The texts read the same: they differ in blanks or in characters that cannot be seen."
    return Diff(tuple(made[:_MOST_SHOWN]), gone, put, note)


def _lines(text: str) -> list[str]:
    return [line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…" for line in paragraphs(text).split("\n")]


def _operations(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, int, int, int, int]]:
    """What stayed, what differs: the ends that are the same are told at once, the middle is compared if it is small."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    if head:
        yield "equal", 0, head, 0, head
    last_old, last_new = len(old) - tail, len(new) - tail
    if max(last_old, last_new) - head <= _MOST_LINES:
        for kind, i1, i2, j1, j2 in SequenceMatcher(None, old[head:last_old], new[head:last_new]).get_opcodes():
            yield kind, head + i1, head + i2, head + j1, head + j2
    else:
        yield "replace", head, last_old, head, last_new
    if tail:
        yield "equal", last_old, len(old), last_new, len(new)


def _unchanged(old: Sequence[str], i1: int, i2: int, j1: int, *, first: bool, last: bool) -> list[DiffLine]:
    """Three lines around what changed; a gap between them says how many were left out."""
    before = 0 if first else _CONTEXT
    after = 0 if last else _CONTEXT
    count = i2 - i1
    if count <= before + after + 1:
        return [_same(old, i1, j1, n) for n in range(count)]
    hidden = count - before - after
    skip = DiffLine("skip", None, None, (Piece(f"{hidden:,} lines are the same"),))
    return [
        *(_same(old, i1, j1, n) for n in range(before)),
        skip,
        *(_same(old, i1, j1, n) for n in range(count - after, count)),
    ]


def _same(old: Sequence[str], i1: int, j1: int, n: int) -> DiffLine:
    return DiffLine("same", i1 + n + 1, j1 + n + 1, (Piece(old[i1 + n]),))


def _changed(old: Sequence[str], new: Sequence[str], i1: int, j1: int, room: int) -> list[DiffLine]:
    """Taken out first, then put in; lines that are counterparts by place mark only the words that differ.

    Words are compared in the first ``room`` lines only.
    """
    gone: list[DiffLine] = []
    put: list[DiffLine] = []
    for n, (was, now) in enumerate(zip_longest(old, new)):
        left, right = _words(was, now) if n < room else _whole(was, now)
        if was is not None:
            gone.append(DiffLine("gone", i1 + n + 1, None, left))
        if now is not None:
            put.append(DiffLine("new", None, j1 + n + 1, right))
    return [*gone, *put]


def _words(was: str | None, now: str | None) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    if was is None or now is None:
        return _whole(was, now)
    old, new = was.split(" "), now.split(" ")
    if max(len(old), len(new)) > _MOST_WORDS:
        return _whole(was, now)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    if matcher.quick_ratio() < 0.4:
        return _whole(was, now)
    left: list[Piece] = []
    right: list[Piece] = []
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if i2 > i1:
            left.append(Piece(" ".join(old[i1:i2]) + (" " if i2 < len(old) else ""), marked=kind != "equal"))
        if j2 > j1:
            right.append(Piece(" ".join(new[j1:j2]) + (" " if j2 < len(new) else ""), marked=kind != "equal"))
    return tuple(left), tuple(right)


def _whole(was: str | None, now: str | None) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    return (Piece(was or ""),), (Piece(now or ""),)
