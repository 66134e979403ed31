"""Evidence: a run frozen because an incident opened. Content-addressed, deterministic, in chunks that the store takes.

The canonical bytes are lines of JSON with sorted keys: a head (format, trace, catalogue version, reader), the rules of
the catalogue, the run in its pieces, each effect, each span. Their SHA-256 names the evidence: the same spans, read by
the same code and rules, give the same hash in whatever order they came. Lines, so that a large run is written and read
in small steps that never hold up a click.

Format 1 (before 2026-11) had neither rules, effects nor reader; it still reads. The effects are those as the run ended:
what they were at the moment of the incident stands on the timeline, and a hash must not depend on the hour.
"""

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from bot.domain.base import Value
from bot.domain.catalogue import Catalogue, ToolRule
from bot.domain.effect import Effect
from bot.domain.run import Run
from bot.domain.span import SpanRecord
from bot.errors import Refused
from bot.recorder.limits import Limits
from bot.recorder.normalise import latest
from bot.recorder.reader import reader
from bot.recorder.run_lines import run_lines, run_of
from bot.recorder.tool_call_draft import canonical

FORMAT = 2
"""What is written; this and every earlier one is read."""
_LEVEL = 3
"""Of zlib: 6 takes twice as long for a tenth less."""
_LARGEST = 512_000_000
_STEP = 1_000_000
_LONGEST_LINE = 300_000_000
_VERIFY = "Run pullcord verify on the incident."


@dataclass(frozen=True, slots=True)
class Evidence:
    """``sha256`` and ``size`` of the canonical bytes; ``chunks`` are pieces of their one zlib stream, in order."""

    sha256: str
    size: int
    chunks: tuple[bytes, ...]


class Frozen(Value):
    """What evidence holds. ``catalogue`` is the version of the rules by which the effects were read.

    ``rules``, ``effects`` and ``reader`` (the version that read the run) are empty in evidence of format 1.
    """

    trace_id: str
    catalogue: str
    run: Run
    spans: tuple[SpanRecord, ...]
    rules: Catalogue = Catalogue()
    effects: tuple[Effect, ...] = ()
    reader: str = ""
    format: int = 1


def freeze(
    run: Run,
    spans: Iterable[SpanRecord],
    catalogue: Catalogue,
    effects: Iterable[Effect] = (),
    *,
    chunk: int | None = None,
) -> Evidence:
    """Freeze a run with the (already redacted) spans that it was read from; ``chunk`` in bytes.

    ``effects`` are those by ``catalogue`` as the run ended. Costs a compression of the whole: call it off the event
    loop.
    """
    writer = FrozenWriter(run, spans, catalogue, effects, chunk=chunk)
    chunks = tuple(writer)
    return Evidence(sha256=writer.sha256, size=writer.size, chunks=chunks)


class FrozenWriter:
    """Freezes a run chunk by chunk: the whole is never held twice. ``sha256`` and ``size`` are known at the end.

    ``spans`` may come in any order and more than once, but an iterator of them is taken as it is: each once, by start
    and id.
    """

    def __init__(
        self,
        run: Run,
        spans: Iterable[SpanRecord],
        catalogue: Catalogue,
        effects: Iterable[Effect] = (),
        *,
        chunk: int | None = None,
        read_by: str | None = None,
    ) -> None:
        """As ``freeze``. ``read_by`` names the code that read the run (``reader``); None: this one, without packs."""
        self._lines = _lines(run, spans, catalogue, effects, read_by or reader())
        self._most = chunk or Limits().stored
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        """Of the canonical bytes that were written so far."""
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        """The pieces of one zlib stream, each of ``chunk`` bytes but the last."""
        packer, held = zlib.compressobj(_LEVEL), bytearray()
        for line in self._lines:
            raw = canonical(line).encode() + b"\n"
            self._digest.update(raw)
            self.size += len(raw)
            held += packer.compress(raw)
            while len(held) >= self._most:
                yield bytes(held[: self._most])
                del held[: self._most]
        held += packer.flush()
        for at in range(0, len(held), self._most):
            yield bytes(held[at : at + self._most])


def _lines(
    run: Run, spans: Iterable[SpanRecord], catalogue: Catalogue, effects: Iterable[Effect], read_by: str
) -> Iterator[dict[str, Any]]:
    head = {"format": FORMAT, "trace_id": run.trace_id, "catalogue": catalogue.version, "reader": read_by}
    yield {"head": head}
    for rule in catalogue.rules:
        yield {"rule": rule.model_dump(mode="json", by_alias=True, exclude_defaults=True)}
    pieces = run_lines(run)
    del run  # of a large one nothing is held that was written
    yield from pieces
    for effect in effects:
        yield {"effect": effect.model_dump(mode="json", exclude_defaults=True)}
    del effects
    ordered = spans if isinstance(spans, Iterator) else in_order(spans)
    for span in ordered:
        yield {"span": span.model_dump(mode="json", exclude_defaults=True)}


def in_order(spans: Iterable[SpanRecord]) -> list[SpanRecord]:
    """Each span once, by start and id: the order in which they are frozen."""
    return sorted(latest(spans).values(), key=lambda span: (span.start_ns, span.span_id))


def thaw(chunks: Sequence[bytes], sha256: str | None = None, *, limit: int = _LARGEST) -> Frozen:
    """Read evidence back.

    Raises ``Refused`` when the chunks are damaged, over ``limit`` bytes, or not those of ``sha256``.
    """
    return thaw_lines(canonical_bytes(chunks, sha256, limit=limit).splitlines())


def thaw_lines(lines: Iterable[bytes]) -> Frozen:
    """Read evidence from its canonical lines. Raises ``Refused`` when they are not those of evidence."""
    head: dict[str, Any] = {}
    spans: list[SpanRecord] = []
    rules: list[ToolRule] = []
    effects: list[Effect] = []

    def of_the_run() -> Iterator[dict[str, Any]]:
        for raw in lines:
            line = from_json(raw)
            if "head" in line:
                head.update(line["head"])
            elif "span" in line:
                spans.append(SpanRecord.model_validate(line["span"]))
            elif "rule" in line:
                rules.append(ToolRule.model_validate(line["rule"]))
            elif "effect" in line:
                effects.append(Effect.model_validate(line["effect"]))
            else:
                yield line

    try:
        run = run_of(of_the_run())
        return Frozen(
            trace_id=head["trace_id"],
            catalogue=head["catalogue"],
            run=run,
            spans=tuple(spans),
            rules=Catalogue(rules=tuple(rules)),
            effects=tuple(effects),
            reader=head.get("reader", ""),
            format=head["format"],
        )
    except (ValidationError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise Refused(
            f"The evidence cannot be read: {str(error)[:200]}", next_step="Another version wrote it; use that one."
        ) from None


_BESIDE_THE_RUN = (b'{"head":', b'{"span":', b'{"rule":', b'{"effect":')


def thaw_run(packed: bytes) -> Run:
    """Only the run of evidence, for showing it: its spans, most of the bytes, are passed over. Raises as ``thaw``."""
    try:
        return run_of(from_json(line) for line in lines_of(packed) if not line.startswith(_BESIDE_THE_RUN))
    except (ValidationError, ValueError) as error:
        raise Refused(
            f"The evidence cannot be read: {str(error)[:200]}", next_step="Another version wrote it; use that one."
        ) from None


def lines_of(packed: bytes) -> Iterator[bytes]:
    """The canonical lines, each with its line end, one after the other: never the whole in memory.

    Raises ``Refused`` when the bytes are damaged or not whole.
    """
    stream, rest, left = zlib.decompressobj(), b"", packed
    try:
        while left and not stream.eof:
            rest += stream.decompress(left, _STEP)
            left = stream.unconsumed_tail
            *whole, rest = rest.split(b"\n")
            for line in whole:
                yield line + b"\n"
            if len(rest) > _LONGEST_LINE:
                raise Refused("The evidence has a line that no evidence has.", next_step=_VERIFY)
    except zlib.error as error:
        raise Refused(f"The evidence is damaged: {error}.", next_step=_VERIFY) from None
    if not stream.eof or stream.unused_data or rest:
        raise Refused("The evidence is not whole.", next_step=_VERIFY)


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
