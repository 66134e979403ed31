"""What is said of a handler that failed: in the log, and to people when it is given up. Never a secret."""

import traceback
from collections.abc import Callable
from datetime import timedelta

from bot.errors import PullcordError

Scrub = Callable[[str], str]
"""Takes secrets out of a text."""


def reason_of(error: Exception, scrub: Scrub | None, limit: timedelta) -> str:
    """One line: our own errors' messages (they hold no secrets), others' only scrubbed, else their type alone."""
    if isinstance(error, PullcordError):
        text = str(error)
    elif isinstance(error, TimeoutError) and not str(error):
        text = f"it did not end within {limit.total_seconds():.0f} s"
    else:
        text = type(error).__name__ + (f": {scrub(str(error))}" if scrub is not None else "")
    text = " ".join(text.split())
    return (scrub(text) if scrub is not None else text)[:500]


def trace_of(error: BaseException, scrub: Scrub | None) -> str:
    """Where it happened. Without ``scrub`` only places and types: a message or a source line may quote a secret."""
    if scrub is not None:
        return scrub("".join(traceback.format_exception(error)))
    places = [
        f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
    ]
    return "\n".join([*places, type(error).__name__])
