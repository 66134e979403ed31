"""What was worked out from large frozen values, kept for the next who asks: the card, its lines and its messages do.

A frozen value never changes, so that its identity says enough. Pure: who asks twice is answered the same.
"""

from collections import OrderedDict
from threading import Lock
from typing import Final, Generic, TypeVar

_T = TypeVar("_T")
_MOST: Final = 4


class Kept(Generic[_T]):
    """The newest few answers. What they were made from lives as long as they do, so that no identity comes twice."""

    def __init__(self, most: int = _MOST) -> None:
        """Keep so many."""
        self._most = most
        self._answers: OrderedDict[tuple[int, ...], tuple[tuple[object, ...], _T]] = OrderedDict()
        self._lock = Lock()

    def get(self, *made_from: object) -> _T | None:
        """The answer that was kept for exactly these values, or None."""
        key = tuple(map(id, made_from))
        with self._lock:
            found = self._answers.get(key)
            if found is None:
                return None
            self._answers.move_to_end(key)
        return found[1]

    def keep(self, answer: _T, *made_from: object) -> _T:
        """Keep an answer and return it; the one that was not asked for longest gives way."""
        with self._lock:
            self._answers[tuple(map(id, made_from))] = (made_from, answer)
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)
        return answer
