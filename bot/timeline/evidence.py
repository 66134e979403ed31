"""Frozen bytes by their SHA-256, in chunks: no value is over 900 kB, none is handed out that does not fit its hash."""

import asyncio
import hashlib
from datetime import timedelta
from typing import Final

from pydantic import ValidationError

from bot.domain.base import Value
from bot.errors import Refused
from bot.timeline import keys
from bot.timeline.connection import Client
from bot.timeline.times import span_ms

CHUNK_BYTES: Final = 900_000


class _Manifest(Value):
    size: int
    chunks: tuple[str, ...]


class EvidenceStore:
    """Content-addressed: the same bytes are stored once, and storing them again only refreshes their TTL."""

    def __init__(self, redis: Client, ttl: timedelta) -> None:
        """``redis`` is the blocking client: values are large. ``ttl`` counts from the last ``put``."""
        self._redis = redis
        self._ttl = span_ms(ttl)

    async def put(self, data: bytes) -> str:
        """Store the bytes; their SHA-256 in hex. The manifest comes last: what can be found is complete."""
        whole = await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())
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
        stored = await self._redis.call("GET", keys.EVIDENCE(sha256))
        if stored is None:
            raise Refused(
                f"The evidence {sha256[:12]} is not in the store: it is past its retention, or was never frozen.",
                next_step="The timeline still says what was in it; raise the retention of evidence for others.",
            )
        try:
            manifest = _Manifest.model_validate_json(stored)
        except ValidationError as error:
            raise _damaged(sha256) from error
        chunks: list[bytes] = []
        for digest in manifest.chunks:
            chunk = await self._redis.call("GET", keys.CHUNK(digest))
            if chunk is None:
                raise _damaged(sha256)
            chunks.append(chunk)
        data = b"".join(chunks)
        if await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest()) != sha256:
            raise _damaged(sha256)
        return data


def _damaged(sha256: str) -> Refused:
    return Refused(
        f"The evidence {sha256[:12]} in the store is not what was frozen: it was changed or damaged.",
        next_step="Restore the store from a backup; the timeline holds the hash that it must have.",
    )
