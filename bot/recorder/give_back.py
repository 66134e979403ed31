"""Memory that was freed goes back to the system: glibc keeps it else, and a process stays as large as it ever was."""

import ctypes
import functools
from collections.abc import Callable

_THRESHOLD = 128 * 1024
_M_MMAP_THRESHOLD = -3  # mallopt(3)


def keep_large_apart() -> None:
    """Have large blocks in pages of their own, always, so that they go back the moment they are freed.

    glibc learns from the first large block that is freed to take the next ones from its heaps, where they leave holes.
    """
    try:
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _THRESHOLD)
    except (AttributeError, OSError):  # musl, macOS
        return


def give_back() -> None:
    """Hand free pages back (``malloc_trim(3)``); nothing where the C library has no such call. Takes milliseconds."""
    trim = _trim()
    if trim is not None:
        trim(0)


@functools.cache
def _trim() -> Callable[[int], int] | None:
    try:
        found: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):  # musl, macOS
        return None
    return found
