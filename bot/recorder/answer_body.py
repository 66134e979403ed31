"""The body of another program's answer: counted while it comes, inflated in pieces, never held over its cap."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator

_PIECE = 262_144
"""Bytes that are inflated at a time, so that the event loop is never held for long."""


class OverCap(Exception):
    """More came than may, before or after inflating."""


class Damaged(Exception):
    """The gzip stream cannot be read."""


class EndsEarly(Exception):
    """The gzip stream began, and the answer ended before it did."""


async def read_raw(chunks: AsyncIterator[bytes], most: int, *, inflate: bool) -> bytes:
    """The body of at most ``most`` bytes, of which no more came either. ``inflate``: it is a gzip stream.

    A bomb is stopped as soon as it is over ``most``. Raises ``OverCap``, ``Damaged`` and ``EndsEarly``.
    """
    gunzip = _Gunzip() if inflate else None
    parts: list[bytes] = []
    came = size = 0
    async for chunk in chunks:
        came += len(chunk)
        if came > most:
            raise OverCap
        for part in (chunk,) if gunzip is None else gunzip.feed(chunk):
            size += len(part)
            if size > most:
                raise OverCap
            parts.append(part)
            if gunzip is not None:
                await asyncio.sleep(0)
    if gunzip is not None and came and not gunzip.ended:
        raise EndsEarly
    if size < _PIECE:
        return b"".join(parts)
    return await asyncio.to_thread(b"".join, parts)  # a large join lets go of the interpreter: the loop runs on


class _Gunzip:
    """Inflates in pieces of bounded size."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=31)

    @property
    def ended(self) -> bool:
        """Whether the stream's own end was seen."""
        return self._stream.eof

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """What this chunk inflates to. Raises ``Damaged``."""
        while chunk and not self._stream.eof:
            try:
                piece = self._stream.decompress(chunk, _PIECE)
            except zlib.error:
                raise Damaged from None
            chunk = self._stream.unconsumed_tail
            if piece:
                yield piece
