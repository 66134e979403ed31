"""Records that are read twice, held outside the memory when they are many: in a file that has no name."""

import tempfile
import weakref
from collections.abc import Iterable, Iterator
from typing import BinaryIO

_IN_MEMORY = 1_000_000


class Spool:
    """Bytes by their number, in the order in which they came. Where no file can be made they stay in memory."""

    def __init__(self, records: Iterable[bytes]) -> None:
        """Take all of them; of an iterator none is kept in memory beyond the first megabyte."""
        self._held: list[bytes] = []
        self._places: list[tuple[int, int]] = []
        self._file: BinaryIO | None = None
        size = 0
        for record in records:
            size += len(record)
            if size > _IN_MEMORY and self._file is None and not self._places:
                self._file = _unnamed()
                if self._file is not None:
                    weakref.finalize(self, self._file.close)
            if self._file is None:
                self._held.append(record)
            else:
                self._places.append((self._file.tell(), len(record)))
                self._file.write(record)

    def __iter__(self) -> Iterator[bytes]:
        """Each in its order."""
        return (self[at] for at in range(len(self._held) + len(self._places)))

    def __getitem__(self, at: int) -> bytes:
        """The record of this number."""
        if at < len(self._held):
            return self._held[at]
        place, size = self._places[at - len(self._held)]
        if self._file is None:
            raise IndexError(at)
        self._file.seek(place)
        return self._file.read(size)


def _unnamed() -> BinaryIO | None:
    """A file that is gone with its last handle; None where the system has no place for it."""
    try:
        return tempfile.TemporaryFile()
    except OSError:
        return None
