"""Memory that was freed goes back to the system: glibc keeps it else, and a process stays as large as it ever was."""

import ctypes
import functools
from collections.abc import Callable


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
