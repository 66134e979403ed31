"""An OTLP/HTTP export in, span records out (OTLP 1.x, *OTLP/HTTP Request*).

A body that cannot be read at all is refused. A body in which only some spans are bad keeps the rest and says how many
were rejected and why, which is OTLP's ``partial_success``.
"""

import zlib
from collections.abc import Iterator

from bot.domain.base import Value
from bot.domain.span import SpanRecord
from bot.errors import Refused
from bot.recorder.limits import Limits, TooLarge, UnsupportedMedia
from bot.recorder.otlp_json import read_json
from bot.recorder.otlp_protobuf import read_protobuf
from bot.recorder.otlp_values import BadSpan

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
_GZIP_BITS = 31  # zlib: a gzip header is expected
_PIECE = 1 << 20
_MEMBERS = 100
"""Members of one gzip body. Each costs a copy of what follows it, so very many tiny ones would cost n squared."""


class Export(Value):
    """What one export held: the readable spans, how many were rejected, and the first reason."""

    spans: tuple[SpanRecord, ...] = ()
    rejected: int = 0
    reason: str = ""


def parse_export(body: bytes, content_type: str, encoding: str = "", limits: Limits | None = None) -> Export:
    """Read one ``ExportTraceServiceRequest`` in protobuf or OTLP/JSON, gzip or plain.

    Raises ``UnsupportedMedia`` for another content type or encoding, ``TooLarge`` over a cap, ``Refused`` with the
    field where nothing in the body can be read; never anything else.
    """
    limits = limits or Limits()
    plain = inflate(body, encoding, limits)
    kind = content_type.partition(";")[0].strip().lower()
    if kind == PROTOBUF:
        return _collect(read_protobuf(plain, limits), limits)
    if kind == JSON:
        return _collect(read_json(plain, limits), limits)
    raise UnsupportedMedia(
        f"Content type {kind[:80]!r} is not one of OTLP/HTTP.",
        field="content-type",
        next_step=f"Send {PROTOBUF} or {JSON}.",
    )


def inflate(body: bytes, encoding: str, limits: Limits) -> bytes:
    """The plain body, capped before and after inflating. Raises ``TooLarge``, ``UnsupportedMedia`` or ``Refused``."""
    if len(body) > limits.body:
        raise TooLarge(
            f"The body has {len(body):,} bytes, more than the {limits.body:,} allowed.",
            field="body",
            next_step="Send smaller batches.",
        )
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return body
    if name != "gzip":
        raise UnsupportedMedia(
            f"Content encoding {name[:80]!r} is not supported.",
            field="content-encoding",
            next_step="Send gzip or no encoding.",
        )
    return _gunzip(body, limits)


def _gunzip(body: bytes, limits: Limits) -> bytes:
    pieces: list[bytes] = []
    size, rest, members = 0, body, 0
    try:
        while rest:  # a gzip file may hold several members (RFC 1952)
            members += 1
            if members > _MEMBERS:
                raise Refused(
                    f"The gzip body has more than {_MEMBERS} members.",
                    field="body",
                    next_step="Compress it as a whole.",
                )
            stream = zlib.decompressobj(_GZIP_BITS)
            while not stream.eof:
                piece = stream.decompress(rest, _PIECE)
                size += len(piece)
                if size > limits.inflated:
                    raise TooLarge(
                        f"The body inflates to more than the {limits.inflated:,} bytes allowed.",
                        field="body",
                        next_step="Send smaller batches.",
                    )
                pieces.append(piece)
                rest = stream.unconsumed_tail
                if not piece and not rest and not stream.eof:
                    raise Refused("The gzip body ends early.", field="body", next_step="Send the whole body.")
            rest = stream.unused_data
    except zlib.error as error:
        raise Refused(
            f"The body is not gzip: {error}.",
            field="body",
            next_step="Drop the content-encoding header or compress it.",
        ) from None
    return b"".join(pieces)


def _collect(found: Iterator[SpanRecord | BadSpan], limits: Limits) -> Export:
    good: list[SpanRecord] = []
    bad: list[BadSpan] = []
    rejected = 0
    for item in found:
        if isinstance(item, SpanRecord):
            if len(good) >= limits.spans:
                raise TooLarge(
                    f"The export has more than the {limits.spans:,} spans allowed.",
                    field="resourceSpans",
                    next_step="Send smaller batches.",
                )
            good.append(item)
            continue
        rejected += 1
        if len(bad) < 1:
            bad.append(item)
    if bad and not good:
        raise Refused(bad[0].reason, field=bad[0].field, next_step="Nothing of this export was taken.")
    reason = f"{bad[0].field}: {bad[0].reason}" if bad else ""
    return Export(spans=tuple(good), rejected=rejected, reason=reason)
