"""Every byte that the store holds, decompressed where it is compressed: for tests of what must not be there."""

import zlib
from collections.abc import Iterator
from typing import Any

from redis import Redis


def stored_bytes(client: Redis) -> bytes:
    """All keys and values, one after the other, each also decompressed if it is zlib data anywhere in it."""
    return b"\n".join(_all(client))


def _all(client: Any) -> Iterator[bytes]:
    for key in client.scan_iter(count=1000):
        yield key
        for value in _values(client, key):
            yield value
            yield from _plain(value)


def _values(client: Any, key: bytes) -> Iterator[bytes]:
    kind = client.type(key)
    if kind == b"string":
        yield client.get(key) or b""
    elif kind == b"hash":
        for field, value in client.hgetall(key).items():
            yield field
            yield value
    elif kind == b"set":
        yield from client.smembers(key)
    elif kind == b"zset":
        yield from client.zrange(key, 0, -1)
    elif kind == b"stream":
        for _, fields in client.xrange(key):
            for field, value in fields.items():
                yield field
                yield value
    else:
        message = f"{key!r} is a {kind!r}, which this test cannot read"
        raise AssertionError(message)


def _plain(value: bytes) -> Iterator[bytes]:
    """A stored value may start with a short head before its compressed part."""
    start = value.find(b"\x78")
    while 0 <= start < 64:
        stream = zlib.decompressobj()
        try:
            yield stream.decompress(value[start:], 200_000_000)
        except zlib.error:
            pass
        else:
            return
        start = value.find(b"\x78", start + 1)
