"""Frozen bytes by their SHA-256, in chunks: no value is over 900 kB, none is handed out that does not fit its hash."""

import asyncio
import hashlib
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from pydantic import ValidationError

from bot.domain.base import Value
from bot.domain.frozen import damaged, gone, is_name, name_of
from bot.timeline import keys
from bot.timeline.connection import Client
from bot.timeline.times import span_ms

CHUNK_BYTES: Final = 900_000


class _Manifest(Value):
    size: int
    chunks: tuple[str, ...]


class RedisEvidence:
    """Implements ``ports.EvidenceStore``: the same bytes are stored once, storing them again only refreshes their TTL.

    The store itself lets go of what is past its TTL.
    """

    def __init__(self, redis: Client, ttl: timedelta) -> None:
        """``redis`` is the blocking client: values are large. ``ttl`` counts from the last ``put`` or ``sweep``."""
        self._redis = redis
        self._ttl = span_ms(ttl)

    async def put(self, data: bytes) -> str:
        """Store the bytes; their SHA-256 in hex. The manifest comes last: what can be found is complete."""
        whole = await asyncio.to_thread(name_of, data)
        digests: list[str] = []
        for start in range(0, len(data), CHUNK_BYTES):
            chunk = data[start : start + CHUNK_BYTES]
            digest = hashlib.sha256(chunk).hexdigest()
            await self._redis.call("SET", keys.CHUNK(digest), chunk, "PX", self._ttl)
            digests.append(digest)
        manifest = _Manifest(size=len(data), chunks=tuple(digests)).model_dump_json()
        await self._redis.call("SET", keys.EVIDENCE(whole), manifest, "PX", self._ttl)
        return whole

    async def get(self, sha256: str) -> bytes:
        """The bytes. Refused when they are gone (past their TTL) or are not what was frozen."""
        manifest = await self._manifest(sha256)
        chunks: list[bytes] = []
        for digest in manifest.chunks:
            chunk = await self._redis.call("GET", keys.CHUNK(digest))
            if chunk is None:
                raise damaged(sha256)
            chunks.append(chunk)
        data = b"".join(chunks)
        if await asyncio.to_thread(name_of, data) != sha256:
            raise damaged(sha256)
        return data

    async def holds(self, sha256: str) -> bool:
        """Whether there is a manifest of this name; says nothing of its chunks."""
        return is_name(sha256) and bool(await self._redis.call("EXISTS", keys.EVIDENCE(sha256)))

    async def sweep(self, named: Collection[str], now: datetime) -> int:  # noqa: ARG002 - a TTL counts from the call
        """Let what open incidents name live on; removes nothing, since TTLs do that."""
        for name in named:
            if await self.holds(name):
                manifest = await self._manifest(name)
                for key in (*map(keys.CHUNK, manifest.chunks), keys.EVIDENCE(name)):
                    await self._redis.call("PEXPIRE", key, self._ttl)
        return 0

    async def _manifest(self, sha256: str) -> _Manifest:
        stored = await self._redis.call("GET", keys.EVIDENCE(sha256)) if is_name(sha256) else None
        if stored is None:
            raise gone(sha256)
        try:
            return _Manifest.model_validate_json(stored)
        except ValidationError as error:
            raise damaged(sha256) from error
