"""A store's plug-in talking over HTTP with a scripted peer, as it does in a fetch."""

import functools
import ssl
from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain.trace_ref import TraceRef
from bot.plugin import Fetched, StoreHttp, TraceSource, TraceStore
from bot.plugin.traces import QueryParams, StoreAnswer
from bot.recorder.fetch import StoreClient, tls_context


@functools.cache
def tls() -> ssl.SSLContext:
    """One context for all tests: making one takes time."""
    return tls_context()


def settings_of(source: TraceSource, url: str, **options: Any) -> Any:
    """The store's settings as the configuration gives them; secrets as ``SecretStr``."""
    told = {"url": url, "deadline": "5s", **options}
    return source.settings.model_validate(told)


async def fetched(source: TraceSource, url: str, ref: TraceRef, **options: Any) -> Fetched | None:
    """One fetch of a run, and what is read from it; None when the store does not have it."""
    answers = await answered(source, url, ref, **options)
    return None if answers is None else source.read(answers, ref)


async def answered(source: TraceSource, url: str, ref: TraceRef, **options: Any) -> Sequence[bytes] | None:
    """One fetch of a run: the answers as ``read`` gets them."""
    settings = settings_of(source, url, **options)
    async with StoreClient(source.name, settings, tls()) as http:
        store: TraceStore = source.make(settings, http)
        return await store.fetch(ref)


async def pinged(source: TraceSource, url: str, **options: Any) -> str:
    """What the store's ping says."""
    settings = settings_of(source, url, **options)
    async with StoreClient(source.name, settings, tls()) as http:
        store: TraceStore = source.make(settings, http)
        return await store.ping()


def ref_of(source: TraceSource, link: str, url: str, **options: Any) -> TraceRef | None:
    """What a link means to a store with this address."""
    store: TraceStore = source.make(settings_of(source, url, **options), _silent())
    return store.ref_of(link)


def _silent() -> StoreHttp:
    """For a store that is only asked about links."""

    class Silent:
        async def get(
            self, path: str, params: QueryParams | None = None, headers: Mapping[str, str] | None = None
        ) -> StoreAnswer:
            raise AssertionError(path)

        async def post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> StoreAnswer:
            raise AssertionError(path)

    return Silent()
