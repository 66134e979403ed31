"""Jaeger, by its API v3: OTLP in JSON, wrapped in ``result``.

``GET /api/v3/traces/{id}`` (Jaeger 1.35 and newer, Jaeger 2). The answer is one JSON object; the API is a gRPC stream
and may come as several, one after the other, so several are read. ``result`` holds ``resourceSpans``; an object
``error`` in a later one says that the stream broke off.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from bot.domain.span import SpanRecord
from bot.domain.trace_ref import TraceRef
from bot.errors import ActionFailed
from bot.plugin import Fetched, StoreHttp, trace_source
from bot.recorder.otlp_values import BadSpan
from handlers.traces import fields
from handlers.traces.otlp_answers import GatewaySettings, spans_of_document

_TRACE = re.compile(r"/traces?/([0-9a-fA-F]{1,32})/?$")


class JaegerSettings(GatewaySettings):
    """``trace_stores.<name>`` of type jaeger. ``url`` is where the UI and ``/api/v3`` are, with its base path."""


class Jaeger:
    """The talking half."""

    def __init__(self, settings: JaegerSettings, http: StoreHttp) -> None:
        """Nothing is asked before the first trace is wanted."""
        self._settings = settings
        self._http = http

    async def fetch(self, ref: TraceRef) -> Sequence[bytes] | None:
        """One answer; None where Jaeger has no such trace (404)."""
        answer = await self._http.get(
            f"/api/v3/traces/{ref.trace_id}", headers={"accept": "application/json", **self._settings.headers}
        )
        return None if answer.status == 404 else [answer.body]

    def ref_of(self, link: str) -> TraceRef | None:
        """``/trace/<id>`` of the UI, and the API's own addresses."""
        found = fields.below(link, (self._settings.url, *self._settings.links))
        match = _TRACE.search(found.path) if found is not None else None
        return fields.hex_ref(match.group(1), link) if match is not None else None

    async def ping(self) -> str:
        """Ask for the services that it has spans of."""
        answer = await self._http.get("/api/v3/services", headers=self._settings.headers)
        if answer.status == 404:
            raise ActionFailed(
                "What stands at the configured address is no query service of Jaeger with its API v3.",
                next_step="Correct url of this trace store; it takes the base path too.",
            )
        services = fields.mapping(fields.document(answer.body, "Jaeger")).get("services")
        return f"spans of {len(services) if isinstance(services, list) else 0} services seen"


def read(answers: Sequence[bytes], ref: TraceRef) -> Fetched:
    """The spans. Raises ``Refused`` where the answer is none of Jaeger's."""
    found: list[SpanRecord | BadSpan] = []
    broken = None
    for part in _parts(answers):
        if isinstance(part.get("error"), dict):
            broken = f"Jaeger broke off: {fields.text(part['error'].get('message'), 300) or 'no reason given'}"
            continue
        found += spans_of_document(part.get("result") or {})
    return fields.gathered(found, ref, broken)


def _parts(answers: Sequence[bytes]) -> Iterator[dict[str, Any]]:
    """Each JSON object of the answers: one as a whole, or one a line where it was streamed."""
    for body in answers:
        lines = [line for line in body.split(b"\n") if line.strip()] if b"}\n{" in body.replace(b"\r", b"") else [body]
        for line in lines:
            yield fields.mapping(fields.document(line, "Jaeger"))


jaeger = trace_source("jaeger", settings=JaegerSettings, read=read)(Jaeger)
