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

from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import Response

from bot import metrics
from bot.domain.alert import Alert
from bot.domain.base import Json
from bot.errors import Busy, Refused, StoreUnavailable
from bot.plugin import AlertSource, ParsedAlerts, Rejected
from bot.ports import Clock
from bot.recorder.limits import Limits
from bot.recorder.otlp import inflate
from bot.recorder.redact import Redactor
from bot.settings import Settings, SourceSettings
from bot.timeline.store import Store
from bot.web.answers import answer, busy, refusal, unauthorised
from bot.web.body import read_body, refused
from bot.web.credentials import source_accepts

_INLINE = 64 * 1024
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

        Raises Misconfigured for options that a source does not understand.
        """
        self._limits = settings.intake
        self._store = store
        self._redactor = redactor
        self._clock = clock
        self._known = sorted(sources)
        self._sources = {
            name: _Source(sources[name], access, settings.options(name, sources[name].settings))
            for name, access in settings.sources.items()
            if name in sources
        }

    async def receive(self, request: Request) -> Response:
        """``POST /alerts/{source}``."""
        began = time.perf_counter()
        name = request.path_params["source"]
        source = self._sources.get(name)
        if source is None:
            known = ", ".join(sorted(self._sources)) or "none yet"
            return refusal(
                404,
                "There is no alert source of this name.",
                field="source",
                next_step=f"Add it under sources: in the configuration. Configured: {known}.",
            )
        if not source_accepts(request, source.access):
            return unauthorised(f"Send the bearer token or basic credentials of sources.{name}.")
        reply = await self._take(request, name, source)
        metrics.INTAKE_SECONDS.labels(name).observe(time.perf_counter() - began)
        return reply

    async def _take(self, request: Request, name: str, source: _Source) -> Response:
        received_at = self._clock.now()
        try:
            body = await read_body(request, self._limits.max_body)
            encoding = request.headers.get("content-encoding", "")
            if len(body) <= _INLINE and not encoding:
                parsed = self._read(body, encoding, source, received_at)
            else:
                parsed = await asyncio.to_thread(self._read, body, encoding, source, received_at)
        except Refused as problem:
            await self._trouble(name, problem.message)
            return refused(problem, 422)
        if parsed.rejected:
            metrics.ALERTS.labels(name, "rejected").inc(len(parsed.rejected))
            await self._trouble(name, f"{parsed.rejected[0].field}: {parsed.rejected[0].reason}")
        if not parsed.alerts:
            first = (
                parsed.rejected[0] if parsed.rejected else Rejected(index=0, field="(body)", reason="holds no alert")
            )
            return answer(
                422,
                {
                    "accepted": 0,
                    "ids": [],
                    "rejected": [_shown(r) for r in parsed.rejected],
                    "error": {"field": first.field, "reason": first.reason},
                },
            )
        try:
            accepted = await self._store.intake.accept(parsed.alerts)
        except (StoreUnavailable, Busy):
            return busy("The alerts could not be stored now; none of them was taken.")
        fresh = sum(one.new for one in accepted)
        metrics.ALERTS.labels(name, "accepted").inc(fresh)
        metrics.ALERTS.labels(name, "repeated").inc(len(accepted) - fresh)
        body_out: dict[str, Json] = {
            "accepted": len(accepted),
            "ids": [one.id for one in accepted],
            "rejected": [_shown(r) for r in parsed.rejected],
        }
        return answer(202, body_out)

    def _read(self, body: bytes, encoding: str, source: _Source, received_at: datetime) -> ParsedAlerts:
        plain = inflate(body, encoding, Limits(body=self._limits.max_body, inflated=self._limits.max_inflated))
        try:
            payload = from_json(plain, allow_inf_nan=False, cache_strings="none")
        except ValueError as error:
            reason = f"The body is not JSON: {str(error)[:160]}."
            raise Refused(reason, field="(body)", next_step="Send UTF-8 JSON.") from error
        parsed = source.plugin.parse(payload, source.options, received_at)
        return ParsedAlerts(tuple(self._redacted(alert) for alert in parsed.alerts), parsed.rejected)

    def _redacted(self, alert: Alert) -> Alert:
        plain = alert.model_dump(include={"name", "summary", "labels", "link", "agent", "severity"})
        clean, marks = self._redactor.marked_value(plain)
        if not marks:
            return alert
        return Alert.model_validate({**alert.model_dump(), **_fitting(clean)})

    async def _trouble(self, source: str, reason: str) -> None:
        """What an authenticated sender sent and we refused is told to people: 4xx is dropped by most senders."""
        try:
            await self._store.intake.trouble(source, self._redactor.text(reason)[:500])
        except StoreUnavailable:
            return


def _fitting(clean: Any) -> dict[str, Any]:
    """Redacted fields, cut again where a mark made them longer than the field may be."""
    limits = {"name": 200, "summary": 1000, "agent": 200, "severity": 100, "link": 2000}
    return {
        key: value[: limits[key]] if key in limits and isinstance(value, str) else value for key, value in clean.items()
    }


def _shown(rejected: Rejected) -> dict[str, Json]:
    return {"index": rejected.index, "field": rejected.field, "reason": rejected.reason}
