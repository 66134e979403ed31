"""Evidence in a bucket of S3-compatible storage, through obstore (Rust's object_store): one object for each.

``<prefix>/<first two digits>/<sha256>``. Path-style addresses with an ``endpoint``, since few others have a name for
each bucket. obstore's calls are futures of its own threads: they never hold up the event loop, and cancelling one ends
its request. Its defaults wait for minutes (ten retries in three minutes), so every call has a deadline of ours.
"""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import structlog

from bot.domain.frozen import damaged, gone, is_name, name_of
from bot.errors import Refused, StoreUnavailable
from bot.settings_schema import EvidenceSettings

if TYPE_CHECKING:
    from obstore.store import S3Store

_SECONDS: Final = 20.0
_SWEEP_SECONDS: Final = 600.0
_LARGEST: Final = 512_000_000
_CLIENT: Final = {"connect_timeout": timedelta(seconds=3), "timeout": timedelta(seconds=15)}
_RETRY: Final = {
    "max_retries": 3,
    "retry_timeout": timedelta(seconds=12),
    "backoff": {"init_backoff": timedelta(milliseconds=200), "max_backoff": timedelta(seconds=2), "base": 2},
}
log = structlog.get_logger(__name__)


class BucketEvidence:
    """Implements ``ports.EvidenceStore``. obstore is imported at the first use: most installations never need it."""

    def __init__(self, settings: EvidenceSettings, ttl: timedelta, *, seconds: float = _SECONDS) -> None:
        """``settings`` names the bucket; ``ttl`` counts from the last write of an object; ``seconds`` for each call."""
        self._settings = settings
        self._ttl = ttl
        self._seconds = seconds
        self._made: S3Store | None = None

    async def put(self, data: bytes) -> str:
        """Store the bytes; the same again is the same object, younger. StoreUnavailable when it is not confirmed."""
        import obstore  # noqa: PLC0415 - 15 MB that only a bucket needs

        name = await asyncio.to_thread(name_of, data)
        async with self._asked(self._seconds) as store:
            await obstore.put_async(store, _path(name), data, use_multipart=False)
        return name

    async def get(self, sha256: str) -> bytes:
        """The bytes. Refused when they are gone or do not fit their hash, StoreUnavailable without an answer."""
        import obstore  # noqa: PLC0415

        if not is_name(sha256):
            raise gone(sha256)
        try:
            async with self._asked(self._seconds) as store:
                found = await obstore.get_async(store, _path(sha256))
                if found.meta["size"] > _LARGEST:
                    raise damaged(sha256)
                data = bytes(await found.bytes_async())
        except FileNotFoundError:
            raise gone(sha256) from None
        if await asyncio.to_thread(name_of, data) != sha256:
            raise damaged(sha256)
        return data

    async def holds(self, sha256: str) -> bool:
        """Whether there is an object of this name; says nothing of what is in it."""
        import obstore  # noqa: PLC0415

        if not is_name(sha256):
            return False
        try:
            async with self._asked(self._seconds) as store:
                await obstore.head_async(store, _path(sha256))
        except FileNotFoundError:
            return False
        return True

    async def sweep(self, named: Collection[str], now: datetime) -> int:
        """Delete what is past its retention and not in ``named``; of those the older ones are written again.

        S3 has no way to make an object younger but to write it. How many went.
        """
        import obstore  # noqa: PLC0415

        kept, old, ageing = set(named), list[str](), list[str]()
        async with self._asked(_SWEEP_SECONDS) as store:
            async for page in obstore.list(store):
                for meta in page:
                    name, age = meta["path"].rpartition("/")[2], now - meta["last_modified"]
                    if is_name(name) and name in kept and age > self._ttl / 2:
                        ageing.append(name)
                    elif is_name(name) and name not in kept and age > self._ttl:
                        old.append(name)
            removed = 0
            for name in old:
                removed += await self._removed(store, name, now)
        for name in ageing:
            try:
                await self.put(await self.get(name))
            except Refused as error:  # verify tells people; the others must live on
                log.warning("evidence cannot be renewed", reason=error.message)
        return removed

    async def _removed(self, store: "S3Store", name: str, now: datetime) -> bool:
        """Look again, then delete: a listing takes minutes, in which it may have been put for a new incident."""
        import obstore  # noqa: PLC0415

        try:
            if now - (await obstore.head_async(store, _path(name)))["last_modified"] <= self._ttl:
                return False
        except FileNotFoundError:
            return False
        await obstore.delete_async(store, _path(name))
        return True

    @asynccontextmanager
    async def _asked(self, seconds: float) -> "AsyncIterator[S3Store]":
        from obstore.exceptions import BaseError  # noqa: PLC0415

        try:
            async with asyncio.timeout(seconds):
                yield self._store()
        except FileNotFoundError:
            raise
        except (BaseError, OSError, ValueError, TimeoutError) as error:
            raise StoreUnavailable(
                f"The bucket of evidence did not confirm ({_reason(error)}).",
                next_step="It is tried again; see recorder.evidence and the storage's own log.",
            ) from error

    def _store(self) -> "S3Store":
        if self._made is None:
            from obstore.store import S3Store  # noqa: PLC0415

            settings = self._settings
            # One DELETE each: DeleteObjects is not in every S3-compatible storage.
            config: dict[str, Any] = {"region": settings.region or "us-east-1", "disable_bulk_delete": True}
            if settings.endpoint is not None:
                config |= {"endpoint": settings.endpoint, "virtual_hosted_style_request": False}
            if settings.access_key_id is not None and settings.secret_access_key is not None:
                config |= {
                    "access_key_id": settings.access_key_id.get_secret_value(),
                    "secret_access_key": settings.secret_access_key.get_secret_value(),
                }
            client: Any = {**_CLIENT, "allow_http": (settings.endpoint or "").startswith("http://")}
            retry: Any = _RETRY
            self._made = S3Store(
                settings.bucket or "",
                prefix=settings.prefix.strip("/") or None,
                config=config,  # type: ignore[arg-type]  # a TypedDict in a stub that cannot be imported
                client_options=client,
                retry_config=retry,
            )
        return self._made


def _path(name: str) -> str:
    return f"{name[:2]}/{name}"


def _reason(error: BaseException) -> str:
    """The kind of failure and obstore's first line: without the address' query, which could be signed."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    first = str(error).strip().partition("\n")[0].partition("?")[0]
    return f"{type(error).__name__}: {first[:200]}"
