"""Evidence: a run frozen because an incident opened. Content-addressed, deterministic, in chunks that the store takes.

The canonical bytes are one JSON document (run, spans, catalogue version) with sorted keys; their SHA-256 goes on the
timeline. The same spans, read by the same code, give the same hash in whatever order they came.
"""

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from bot.domain.base import Json, Value
from bot.domain.run import Run
from bot.domain.span import SpanRecord
from bot.errors import Refused
from bot.recorder.limits import Limits
from bot.recorder.normalise import latest
from bot.recorder.tool_call_draft import canonical

_FORMAT = 1
_SPANS: TypeAdapter[list[SpanRecord]] = TypeAdapter(list[SpanRecord])


@dataclass(frozen=True, slots=True)
class Evidence:
    """``sha256`` and ``size`` of the canonical bytes; ``chunks`` are pieces of their one zlib stream, in order."""

    sha256: str
    size: int
    chunks: tuple[bytes, ...]


class Frozen(Value):
    """What evidence holds. ``catalogue`` is the version of the rules by which the effects were read."""

    format: int = _FORMAT
    trace_id: str
    catalogue: str
    run: Run
    spans: tuple[SpanRecord, ...]


def freeze(run: Run, spans: Iterable[SpanRecord], catalogue_version: str, *, chunk: int | None = None) -> Evidence:
    """Freeze a run with the (already redacted) spans that it was read from; ``chunk`` in bytes.

    Costs a compression of the whole: call it off the event loop.
    """
    chosen = sorted(latest(spans).values(), key=lambda span: (span.start_ns, span.span_id))
    document: dict[str, Json] = {
        "format": _FORMAT,
        "trace_id": run.trace_id,
        "catalogue": catalogue_version,
        "run": run.model_dump(mode="json", exclude_defaults=True),
        "spans": _SPANS.dump_python(chosen, mode="json", exclude_defaults=True),
    }
    raw = canonical(document).encode()
    packed = zlib.compress(raw, 6)
    size = chunk or Limits().stored
    chunks = tuple(packed[at : at + size] for at in range(0, len(packed), size))
    return Evidence(sha256=hashlib.sha256(raw).hexdigest(), size=len(raw), chunks=chunks)


def thaw(chunks: Sequence[bytes], sha256: str | None = None, *, limit: int = 512_000_000) -> Frozen:
    """Read evidence back.

    Raises ``Refused`` when the chunks are damaged, over ``limit`` bytes, or not those of ``sha256``.
    """
    raw = canonical_bytes(chunks, sha256, limit=limit)
    try:
        return Frozen.model_validate(from_json(raw), strict=False)
    except (ValidationError, ValueError) as error:
        raise Refused(
            f"The evidence cannot be read: {str(error)[:200]}",
            next_step="It was written by another version; use that one.",
        ) from None


def canonical_bytes(chunks: Sequence[bytes], sha256: str | None = None, *, limit: int = 512_000_000) -> bytes:
    """The canonical bytes of evidence, checked against ``sha256``. Raises ``Refused`` as ``thaw``."""
    stream = zlib.decompressobj()
    try:
        raw = stream.decompress(b"".join(chunks), limit)
    except zlib.error as error:
        raise Refused(f"The evidence is damaged: {error}.", next_step="Run pullcord verify on the incident.") from None
    if not stream.eof:
        raise Refused(
            "The evidence is not whole, or larger than allowed.", next_step="Run pullcord verify on the incident."
        )
    if sha256 is not None and hashlib.sha256(raw).hexdigest() != sha256:
        raise Refused("The evidence is not what the timeline names.", next_step="Run pullcord verify on the incident.")
    return raw
