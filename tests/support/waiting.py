"""Waiting for a condition instead of sleeping for a guess."""

import asyncio
import inspect
import time
from collections.abc import Callable


async def wait_until(condition: Callable[[], object], timeout: float = 10.0, what: str = "") -> object:
    """Call ``condition`` (it may be async) until it says something true, and return that.

    AssertionError after ``timeout`` seconds, with ``what`` or the condition's source.
    """
    end = time.monotonic() + timeout
    while True:
        said = condition()
        if inspect.isawaitable(said):
            said = await said
        if said:
            return said
        if time.monotonic() > end:
            message = f"not within {timeout} s: {what or inspect.getsource(condition).strip()}"
            raise AssertionError(message)
        await asyncio.sleep(0.01)
