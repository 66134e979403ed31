"""Evidence: a run frozen because an incident opened. Content-addressed, deterministic, in chunks that the store takes.

The canonical bytes are lines of JSON with sorted keys: a head (format, trace, catalogue version), the run in its
pieces, each span. Their SHA-256 names the evidence: the same spans, read by the same code, give the same hash in
whatever order they came. Lines, so that a large run is written and read in small steps that never hold up a click.
"""

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from bot.domain.base import Value
from bot.domain.run import Run
from bot.domain.span import SpanRecord
from bot.errors import Refused
from bot.recorder.limits import Limits
from bot.recorder.normalise import latest
from bot.recorder.run_lines import run_lines, run_of
from bot.recorder.tool_call_draft import canonical

_FORMAT = 1
_LARGEST = 512_000_000
_VERIFY = "Run pullcord verify on the incident."


@dataclass(frozen=True, slots=True)
class Evidence:
    """``sha256`` and ``size`` of the canonical bytes; ``chunks`` are pieces of their one zlib stream, in order."""

    sha256: str
    size: int
    chunks: tuple[bytes, ...]


class Frozen(Value):
    """What evidence holds. ``catalogue`` is the version of the rules by which the effects were read."""

    trace_id: str
    catalogue: str
    run: Run
    spans: tuple[SpanRecord, ...]


def freeze(run: Run, spans: Iterable[SpanRecord], catalogue_version: str, *, chunk: int | None = None) -> Evidence:
    """Freeze a run with the (already redacted) spans that it was read from; ``chunk`` in bytes.

    Costs a compression of the whole: call it off the event loop.
    """
    digest, packer, size = hashlib.sha256(), zlib.compressobj(6), 0
    packed: list[bytes] = []
    for line in _lines(run, spans, catalogue_version):
        raw = canonical(line).encode() + b"\n"
        digest.update(raw)
        size += len(raw)
        packed.append(packer.compress(raw))
    packed.append(packer.flush())
    whole = b"".join(packed)
    most = chunk or Limits().stored
    chunks = tuple(whole[at : at + most] for at in range(0, len(whole), most))
    return Evidence(sha256=digest.hexdigest(), size=size, chunks=chunks)


def _lines(run: Run, spans: Iterable[SpanRecord], catalogue: str) -> Iterator[dict[str, Any]]:
    yield {"head": {"format": _FORMAT, "trace_id": run.trace_id, "catalogue": catalogue}}
    yield from run_lines(run)
    for span in sorted(latest(spans).values(), key=lambda span: (span.start_ns, span.span_id)):
        yield {"span": span.model_dump(mode="json", exclude_defaults=True)}


def thaw(chunks: Sequence[bytes], sha256: str | None = None, *, limit: int = _LARGEST) -> Frozen:
    """Read evidence back.

    Raises ``Refused`` when the chunks are damaged, over ``limit`` bytes, or not those of ``sha256``.
    """
    head: dict[str, Any] = {}
    spans: list[SpanRecord] = []

    def lines() -> Iterator[dict[str, Any]]:
        for raw in canonical_bytes(chunks, sha256, limit=limit).splitlines():
            line = from_json(raw)
            if "head" in line:
                head.update(line["head"])
            elif "span" in line:
                spans.append(SpanRecord.model_validate(line["span"]))
            else:
                yield line

    try:
        run = run_of(lines())
        return Frozen(trace_id=head["trace_id"], catalogue=head["catalogue"], run=run, spans=tuple(spans))
    except (ValidationError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise Refused(
            f"The evidence cannot be read: {str(error)[:200]}", next_step="Another version wrote it; use that one."
        ) from None


def canonical_bytes(chunks: Sequence[bytes], sha256: str | None = None, *, limit: int = _LARGEST) -> bytes:
    """The canonical bytes of evidence, checked against ``sha256``. Raises ``Refused`` as ``thaw``."""
    stream = zlib.decompressobj()
    try:
        raw = stream.decompress(b"".join(chunks), limit)
    except zlib.error as error:
        raise Refused(f"The evidence is damaged: {error}.", next_step=_VERIFY) from None
    if not stream.eof:
        raise Refused("The evidence is not whole, or larger than allowed.", next_step=_VERIFY)
    if sha256 is not None and hashlib.sha256(raw).hexdigest() != sha256:
        raise Refused("The evidence is not what the timeline names.", next_step=_VERIFY)
    return raw
