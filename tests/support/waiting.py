"""Waiting for a condition instead of sleeping for a guess."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def wait_until(condition: Callable[[], T | Awaitable[T]], timeout: float = 10.0, what: str = "") -> T:
    """Call ``condition`` until it is truthy and return what it said; AssertionError after ``timeout`` seconds."""
    end = time.monotonic() + timeout
    while True:
        said = condition()
        result: T = await said if inspect.isawaitable(said) else said
        if result:
            return result
        if time.monotonic() > end:
            message = f"not within {timeout} s: {what or inspect.getsource(condition).strip()}"
            raise AssertionError(message)
        await asyncio.sleep(0.01)
