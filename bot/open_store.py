"""Opening the store as the settings say: Redis by its address, else the embedded Valkey in the data directory."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import structlog

from bot.evidence.chosen import chosen
from bot.ports import Clock
from bot.settings import Settings
from bot.timeline.chain import Chain, local_chain_key, written_key
from bot.timeline.connection import Connections
from bot.timeline.embedded import running_store, start_embedded
from bot.timeline.keys import Lifetimes
from bot.timeline.store import Store

_log = structlog.get_logger(__name__)


class SystemClock:
    """The machine's clock, as ``ports.Clock``."""

    def now(self) -> datetime:
        """Aware UTC now."""
        return datetime.now(UTC)


@asynccontextmanager
async def open_store(settings: Settings, clock: Clock | None = None, *, guest: bool = False) -> AsyncIterator[Store]:
    """The store: Redis where ``PULLCORD_REDIS_URL`` says so, else the embedded Valkey in the data directory.

    ``guest`` uses an embedded store that a running bot holds instead of being refused (for the command line).
    """
    environment = settings.environment
    async with AsyncExitStack() as stack:
        if environment.redis_url is not None:
            url = environment.redis_url.get_secret_value()
        else:
            running = await running_store(settings.data_dir) if guest else None
            if running is None:
                embedded = await start_embedded(settings.data_dir)
                stack.push_async_callback(embedded.aclose)
                running = embedded.url
                if not guest:
                    _log.info("embedded store", directory=str(settings.data_dir), adopted=embedded.adopted)
            url = running
        key = _chain_key(settings) or local_chain_key(settings.data_dir)
        connections = await Connections.open(url)
        stack.push_async_callback(connections.aclose)
        lifetimes = Lifetimes(
            join_window=settings.incidents.join_window,
            spans=settings.recorder.trace_ttl,
            evidence=settings.recorder.evidence_ttl,
            index=settings.recorder.index_ttl,
        )
        store = Store(connections, key, clock or SystemClock(), lifetimes)
        store.evidence = chosen(settings, store.evidence)
        await store.start()
        yield store


def chain_of(settings: Settings) -> Chain | None:
    """The chain with the configured key, else with the embedded store's; None where there is neither (none is made)."""
    key = _chain_key(settings) or written_key(settings.data_dir)
    return None if key is None else Chain(key)


def _chain_key(settings: Settings) -> bytes | None:
    configured = settings.environment.chain_key
    return None if configured is None else configured.get_secret_value().encode()
