"""An OTLP/HTTP export in, span records out (OTLP 1.x, *OTLP/HTTP Request*).

A body that cannot be read at all is refused. A body in which only some spans are bad keeps the rest and says how many
were rejected and why, which is OTLP's ``partial_success``.
"""

import zlib
from collections import Counter
from collections.abc import Iterator

from bot.domain.base import Value
from bot.domain.span import SpanRecord
from bot.errors import Refused
from bot.recorder.limits import Limits, TooLarge, UnsupportedMedia
from bot.recorder.otlp_json import read_json
from bot.recorder.otlp_protobuf import read_protobuf
from bot.recorder.otlp_values import TRACES, BadSpan, Passed, Signal

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


def parse_export(
    body: bytes, content_type: str, encoding: str = "", limits: Limits | None = None, signal: Signal = TRACES
) -> Export:
    """Read one export in protobuf or OTLP/JSON, gzip or plain, at once.

    Raises ``UnsupportedMedia`` for another content type or encoding, ``TooLarge`` over a cap, ``Refused`` with the
    field where nothing in the body can be read; never anything else.
    """
    found = Items(body, content_type, encoding, limits or Limits(), signal)
    spans = tuple(found)
    return Export(spans=spans, rejected=found.rejected, reason=found.reason)


class Items:
    """The readable spans of an export, one at a time. ``rejected``, ``reason`` and ``passed`` are whole at its end.

    Iterating raises as ``parse_export``, also after it gave some: then nothing of the export may be kept. ``passed``
    counts by a word why records were passed over that are none of a run.
    """

    def __init__(self, body: bytes, content_type: str, encoding: str, limits: Limits, signal: Signal = TRACES) -> None:
        """Inflate; nothing is read yet. Raises ``TooLarge``, ``UnsupportedMedia`` and ``Refused`` as ``inflate``."""
        self._limits = limits
        self._signal = signal
        plain = inflate(body, encoding, limits)
        kind = content_type.partition(";")[0].strip().lower()
        if kind not in {PROTOBUF, JSON}:
            raise UnsupportedMedia(
                f"Content type {kind[:80]!r} is not one of OTLP/HTTP.",
                field="content-type",
                next_step=f"Send {PROTOBUF} or {JSON}.",
            )
        read = read_protobuf if kind == PROTOBUF else read_json
        self._found = read(plain, limits, signal)
        self.rejected = 0
        self.reason = ""
        self.passed: Counter[str] = Counter()

    def __iter__(self) -> Iterator[SpanRecord]:
        """Each readable span."""
        good = 0
        first: BadSpan | None = None
        for item in self._found:
            if isinstance(item, SpanRecord):
                good += 1
                if good > self._limits.spans:
                    raise TooLarge(
                        f"The export has more than the {self._limits.spans:,} {self._signal.items} allowed.",
                        field=self._signal.resources,
                        next_step="Send smaller batches.",
                    )
                yield item
            elif isinstance(item, Passed):
                self.passed[item.why] += 1
            else:
                first = first or item
                self.rejected += 1
        if first is None:
            return
        if not good and not self.passed:
            raise Refused(first.reason, field=first.field, next_step="Nothing of this export was taken.")
        self.reason = f"{first.field}: {first.reason}"


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
    plain = bytearray()  # grows in place; joining pieces would hold the body twice
    rest, members = body, 0
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
                if len(plain) + len(piece) > limits.inflated:
                    raise TooLarge(
                        f"The body inflates to more than the {limits.inflated:,} bytes allowed.",
                        field="body",
                        next_step="Send smaller batches.",
                    )
                plain += piece
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
    return bytes(plain)
