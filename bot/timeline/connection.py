"""The two clients of the store, and how their errors reach the rest: as ``StoreUnavailable``, in time.

redis-py's defaults retry ten times (a lost reply then applies a command twice) and wait up to a minute (a click must be
answered in three seconds). So: a *hot* client that answers or gives up within half a second and never retries, and a
*blocking* one for reads that wait and for large values. Writes are repeated by their askers, with operation ids.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from bot.errors import Misconfigured, StoreUnavailable

HOT_SECONDS: Final = 0.45
"""From asking to giving up, waiting for a connection and connecting included: a clicker sees it within 500 ms."""
BLOCK_SECONDS: Final = 5.0
"""The longest that ``WorkStream.take`` may block."""
_BLOCKING_SECONDS: Final = 15.0
_HOT_CONNECTIONS: Final = 32
Word = str | bytes | int
"""One word of a command."""
_SCHEMES: Final = ("redis://", "rediss://", "unix://")


class Client:
    """A connection pool with a time budget. Every failure to get an answer within it is a StoreUnavailable."""

    def __init__(self, url: str, budget: float, connections: int) -> None:
        """``budget`` in seconds for each call; at most ``connections`` run at once, the others wait within theirs.

        Raises ValueError for an address that cannot be read.
        """
        self._budget = budget
        self._gate = asyncio.Semaphore(connections)
        self._redis = Redis.from_url(
            url,
            protocol=2,
            socket_timeout=budget,
            socket_connect_timeout=min(budget, 2.0),
            retry=Retry(NoBackoff(), 0),
            max_connections=connections + 8,
            health_check_interval=0,
        )

    async def call(self, *words: Word) -> Any:
        """Run one command. StoreUnavailable when it was not confirmed: it may have been done or not."""
        task = asyncio.current_task()
        cancelled = task.cancelling() if task is not None else 0
        try:
            async with asyncio.timeout(self._budget), self._gate:
                answer = await self._redis.execute_command(*words)  # type: ignore[no-untyped-call]
        except (RedisError, OSError, TimeoutError) as error:
            raise _unavailable(words[0], error) from error
        if task is not None and task.cancelling() > cancelled:
            # redis-py sends through asyncio.wait_for, which on Python 3.11 loses a cancellation that arrives as the
            # write ends (cpython#86296): a loop that only ends by cancellation would then run for ever
            raise asyncio.CancelledError
        return answer

    async def eval(self, digest: str, text: str, keys: int, words: Sequence[Word]) -> Any:
        """Run a script by its hash, or by its text on a server that does not know it (then nothing was run before)."""
        try:
            return await self.call("EVALSHA", digest, keys, *words)
        except StoreUnavailable as error:
            if not isinstance(error.__cause__, NoScriptError):
                raise
        return await self.call("EVAL", text, keys, *words)

    async def aclose(self) -> None:
        """Close the connections. Never raises for a store that is gone."""
        with suppress(RedisError, OSError):
            await self._redis.aclose()


def _unavailable(command: object, error: BaseException) -> StoreUnavailable:
    reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return StoreUnavailable(
        f"The store did not confirm {command} ({reason[:200]}).",
        next_step="Try again in a moment; it cannot happen twice.",
    )


class Connections:
    """The two clients on one store. ``hot`` for everything that someone waits for, ``blocking`` for the rest."""

    def __init__(self, hot: Client, blocking: Client) -> None:
        """Made by ``open``."""
        self.hot = hot
        self.blocking = blocking

    @classmethod
    async def open(cls, url: str) -> "Connections":
        """Clients for ``redis://``, ``rediss://`` (TLS) or ``unix://``; nothing is sent yet. Else Misconfigured."""
        if not url.startswith(_SCHEMES):
            raise Misconfigured(
                f"The address of the store begins with {url.split('://', maxsplit=1)[0][:20]!r}.",
                next_step=f"PULLCORD_REDIS_URL must begin with one of {', '.join(_SCHEMES)}.",
            )
        try:
            return cls(Client(url, HOT_SECONDS, _HOT_CONNECTIONS), Client(url, _BLOCKING_SECONDS, 16))
        except ValueError as error:
            raise Misconfigured(
                "The address of the store cannot be read.",
                next_step="Write PULLCORD_REDIS_URL as redis://[user:password@]host[:port][/db].",
            ) from error

    async def ping(self) -> None:
        """One round trip; StoreUnavailable when it does not come back in time."""
        await self.hot.call("PING")

    async def aclose(self) -> None:
        """Close both clients."""
        await self.hot.aclose()
        await self.blocking.aclose()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connections]:
    """Connections for the length of a block."""
    connections = await Connections.open(url)
    try:
        yield connections
    finally:
        await connections.aclose()
