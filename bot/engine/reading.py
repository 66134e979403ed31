"""Finding a run's spans and reading them: from what Pullcord itself received, else from the team's trace stores.

Reading and freezing are CPU work and run off the event loop. What other stores answer is redacted before anything else.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

import structlog

from bot.domain.catalogue import Catalogue, ToolRule
from bot.domain.desired import TOOL_CLASS, Setting, catalogue_of
from bot.domain.effect import Reversibility
from bot.engine.attaching import Reading
from bot.errors import PullcordError, StoreUnavailable
from bot.plugin import Registry
from bot.ports import Clock
from bot.recorder.limits import Limits
from bot.recorder.normalise import normalise
from bot.recorder.otlp import JSON, PROTOBUF
from bot.recorder.pack import read_body
from bot.recorder.redact import Redactor
from bot.recorder.run_reading import RunReading, read_run, reading_of
from bot.settings import Settings
from bot.timeline.store import Store

log = structlog.get_logger(__name__)

FETCH_SECONDS = 10.0
OWN = "otlp"
"""What a run's ``source`` says when the spans came to our own receiver."""

_CLASSES = frozenset(Reversibility) - {Reversibility.UNCLASSIFIED}


class RunReader(Protocol):
    """Reads runs off the event loop, large ones in a process of its own (``bot.recorder.offload.Parser``)."""

    async def read(
        self, records: Sequence[bytes], catalogue: Catalogue, now: datetime, notes: Sequence[str] = ()
    ) -> RunReading:
        """The summary, the effects and the frozen bytes of these stored spans. Raises Refused and Busy."""
        ...


def read_export(
    body: bytes, trace_id: str, redactor: Redactor, catalogue: Catalogue, now: datetime
) -> RunReading | None:
    """From another store's OTLP export (JSON or protobuf) to the run of one trace, redacted first. None: not in it."""
    kind = JSON if body.lstrip()[:1] == b"{" else PROTOBUF
    export = read_body(body, kind, "", redactor, Limits())
    spans = [span for span in export.spans if span.trace_id == trace_id]
    return reading_of(normalise(spans), spans, catalogue, now) if spans else None


def _why(setting: Setting) -> str:
    """Who said so, and where."""
    said = setting.restraint
    return f"classified by {said.by} in {said.incident}" if said is not None else "classified by a person"


class Reader:
    """Finds, reads and freezes runs."""

    def __init__(
        self,
        store: Store,
        registry: Registry,
        settings: Settings,
        clock: Clock,
        redactor: Redactor,
        parser: RunReader | None = None,
    ) -> None:
        """``parser`` reads large runs off this process. A trace store without its settings is left out and logged."""
        self._store = store
        self._catalogue = settings.catalogue
        self._clock = clock
        self._redactor = redactor
        self._parser = parser
        self._sources: list[tuple[str, Any]] = []

    async def read(self, trace_id: str, agent: str | None) -> Reading | None:
        """The run of this trace, frozen as evidence; None when nobody has it (yet). Refused when it cannot be read."""
        now, source = self._clock.now(), OWN
        catalogue = await self._catalogue_for(agent)
        records = await self._store.spans.load(trace_id)
        found: RunReading | None
        if records and self._parser is not None:
            found = await self._parser.read(records, catalogue, now)
        elif records:
            found = await asyncio.to_thread(read_run, records, catalogue, now)
        else:
            source, found = await self._elsewhere(trace_id, catalogue, now)
        if found is None:
            return None
        digest = await self._store.evidence.put(found.frozen)
        return Reading(
            summary=found.summary,
            effects=found.effects,
            evidence=digest,
            evidence_bytes=len(found.frozen),
            source=source,
            catalogue=catalogue.version,
        )

    async def _catalogue_for(self, agent: str | None) -> Catalogue:
        """The configured rules, then what people said of the agent's tools in incidents."""
        if agent is None:
            return self._catalogue
        said = (await self._store.desired.state(catalogue_of(agent))).settings
        rules = [
            ToolRule(name=s.element, reversibility=Reversibility(s.value), reason=_why(s))
            for s in said
            if s.flag == TOOL_CLASS and s.element and s.value in _CLASSES
        ]
        return Catalogue(rules=(*self._catalogue.rules, *rules))

    async def _elsewhere(self, trace_id: str, catalogue: Catalogue, now: datetime) -> tuple[str, RunReading | None]:
        for name, source in self._sources:
            try:
                async with asyncio.timeout(FETCH_SECONDS):
                    body = await source.fetch(trace_id)
            except StoreUnavailable:
                raise
            except (PullcordError, TimeoutError, OSError) as error:
                log.warning("trace_source_failed", source=name, error=type(error).__name__)
                continue
            if body:
                found = await asyncio.to_thread(read_export, body, trace_id, self._redactor, catalogue, now)
                if found is not None:
                    return name, found
        return OWN, None
