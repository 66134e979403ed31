"""``POST /alerts/{source}``: authenticate, parse, one durable write, 202.

Answers as PRODUCT.md's contract: 202 with accepted ids and what was rejected; 401; 413; 422 only when no alert could be
read; 503 with ``Retry-After`` when it cannot be stored now. Never 429: Alertmanager drops on it.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from bot import metrics
from bot.domain.base import Json
from bot.errors import Busy, Fault, Misconfigured, Refused, StoreUnavailable
from bot.plugin import AlertSource, ParsedAlerts, Rejected
from bot.ports import Clock
from bot.recorder.limits import Limits
from bot.recorder.redact import Redactor
from bot.settings import Settings, SourceSettings
from bot.timeline.store import Store
from bot.web.answers import answer, busy, refusal, unauthorised
from bot.web.body import read_body, refused, status_of
from bot.web.credentials import source_accepts
from bot.web.payload import read_alerts

_INLINE = 16 * 1024
"""Bodies up to this size are parsed on the event loop: a thread would cost more than it saves."""


@dataclass(frozen=True, slots=True)
class _Source:
    plugin: AlertSource
    access: SourceSettings
    options: Any


class Intake:
    """The alert endpoint, with every configured source ready."""

    def __init__(
        self, settings: Settings, sources: Mapping[str, AlertSource], store: Store, redactor: Redactor, clock: Clock
    ) -> None:
        """``sources`` are all known alert sources; only those in ``settings.sources`` are served.

        Raises Misconfigured, with every fault, for a source that nobody declares or options that are not understood.
        """
        self._max_body = settings.intake.max_body
        self._limits = Limits(body=settings.intake.max_body, inflated=settings.intake.max_inflated)
        self._store = store
        self._redactor = redactor
        self._clock = clock
        self._sources = _configured(settings, sources)

    async def receive(self, request: Request) -> Response:
        """``POST /alerts/{source}``."""
        began = time.perf_counter()
        name = request.path_params["source"]
        source = self._sources.get(name)
        if source is None:
            next_step = "Add it under sources: in the configuration, or correct the address."
            return refusal(404, "There is no alert source of this name.", field="source", next_step=next_step)
        if not source_accepts(request, source.access):
            metrics.ALERTS.labels(name, "unauthorised").inc()
            return unauthorised(f"Send the bearer token or basic credentials of sources.{name}.")
        reply = await self._take(request, name, source)
        metrics.INTAKE_SECONDS.labels(name).observe(time.perf_counter() - began)
        return reply

    async def _take(self, request: Request, name: str, source: _Source) -> Response:
        received_at = self._clock.now()
        try:
            body = await read_body(request, self._max_body)
            parsed = await self._parsed(body, request.headers.get("content-encoding", ""), source, received_at)
        except Busy as problem:
            return busy(problem.message, problem.retry_after)
        except Refused as problem:
            metrics.ALERTS.labels(name, "refused").inc()
            await self._trouble(name, problem.message)
            return _nothing_taken(problem)
        if parsed.rejected:
            metrics.ALERTS.labels(name, "rejected").inc(len(parsed.rejected))
            await self._trouble(name, f"{parsed.rejected[0].field}: {parsed.rejected[0].reason}")
        for notice in parsed.notices:
            await self._trouble(name, notice)
        if not parsed.alerts:
            first = (
                parsed.rejected[0] if parsed.rejected else Rejected(index=0, field="(body)", reason="holds no alert")
            )
            return _answer(422, (), parsed.rejected, {"field": first.field, "reason": first.reason})
        try:
            accepted = await self._store.intake.accept(parsed.alerts)
        except StoreUnavailable:
            return busy("The alerts could not be stored now.")
        fresh = sum(one.new for one in accepted)
        metrics.ALERTS.labels(name, "accepted").inc(fresh)
        metrics.ALERTS.labels(name, "repeated").inc(len(accepted) - fresh)
        return _answer(202, [one.id for one in accepted], parsed.rejected)

    async def _parsed(self, body: bytes, encoding: str, source: _Source, received_at: datetime) -> ParsedAlerts:
        def parse() -> ParsedAlerts:
            def by_source(payload: Json) -> ParsedAlerts:
                return source.plugin.parse(payload, source.options, received_at)

            return read_alerts(body, encoding, self._limits, self._redactor, by_source)

        if len(body) <= _INLINE and not encoding:
            return parse()
        return await asyncio.to_thread(parse)

    async def _trouble(self, source: str, reason: str) -> None:
        """What an authenticated sender sent and we refused is told to people: 4xx is dropped by most senders."""
        try:
            await self._store.intake.trouble(source, self._redactor.text(reason)[:500])
        except StoreUnavailable:
            return  # it is told by the next one; the sender has its answer


def _configured(settings: Settings, sources: Mapping[str, AlertSource]) -> dict[str, _Source]:
    found: dict[str, _Source] = {}
    faults: list[Fault] = []
    for name, access in settings.sources.items():
        plugin = sources.get(name)
        if plugin is None:
            known = ", ".join(sorted(sources)) or "none"
            faults.append(Fault(f"sources.{name}", "is no alert source that is known here", f"known: {known}"))
            continue
        try:
            found[name] = _Source(plugin, access, settings.options(name, plugin.settings))
        except Misconfigured as problem:
            faults += problem.faults
    if faults:
        raise Misconfigured("The alert sources cannot be served as configured.", tuple(faults))
    return found


def _nothing_taken(problem: Refused) -> Response:
    status = status_of(problem, 422)
    if status != 422:
        return refused(problem, status)
    error: dict[str, Json] = {"field": problem.field or "(body)", "reason": problem.message}
    if problem.next_step is not None:
        error["next_step"] = problem.next_step
    return _answer(422, (), (), error)


def _answer(
    status: int, ids: list[str] | tuple[()], rejected: tuple[Rejected, ...], error: dict[str, Json] | None = None
) -> Response:
    body: dict[str, Json] = {
        "accepted": len(ids),
        "ids": list(ids),
        "rejected": [{"index": one.index, "field": one.field, "reason": one.reason} for one in rejected],
    }
    if error is not None:
        body["error"] = error
    return answer(status, body)
