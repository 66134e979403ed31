"""The fields of a protobuf message, found but not read (protobuf.dev, *Encoding*), so that one piece is read at a time.

Reading 50 MB of OTLP in one go makes several times that in objects.
"""

from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10
_MORE, _SEVEN = 0x80, 7


class Torn(Exception):
    """The bytes are no protobuf message."""


def fields(body: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Number and content of each field that holds bytes (messages, texts); other fields are passed over.

    Raises ``Torn`` where the bytes end early or are no field.
    """
    at, end = 0, len(body)
    while at < end:
        tag, at = _varint(body, at)
        kind = tag & 7
        if tag >> 3 == 0:
            raise Torn("a field has the number 0")
        if kind == _BYTES:
            size, at = _varint(body, at)
            if size > end - at:
                raise Torn("a field is longer than its message")
            yield tag >> 3, body[at : at + size]
            at += size
        elif kind == _VARINT:
            _, at = _varint(body, at)
        elif kind in {_FIXED64, _FIXED32}:
            at += 8 if kind == _FIXED64 else 4
            if at > end:
                raise Torn("a field ends early")
        else:
            raise Torn(f"a field is of the unknown kind {kind}")


def _varint(body: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    for byte in body[at : at + _LONGEST_VARINT]:
        at += 1
        value |= (byte & ~_MORE) << shift
        if byte < _MORE:
            return value, at
        shift += _SEVEN
    raise Torn("a number ends early")
