"""A trace that is written span by span and read as an OTLP/JSON export."""

import hashlib
import json
from typing import Any

from bot.domain.span import SpanRecord
from bot.recorder.otlp import JSON, parse_export
from bot.recorder.otlp_values import LOGS

START = 1_780_000_000_000_000_000
STEP = 50_000_000


class Trace:
    """Spans and log records of one trace, in OTLP/JSON."""

    def __init__(self, name: str, scope: str, service: str = "agent-service") -> None:
        self.id = hashlib.sha256(name.encode()).hexdigest()[:32]
        self.scope = scope
        self.service = service
        self._spans: list[tuple[str, str, dict[str, Any]]] = []
        self._logs: list[dict[str, Any]] = []
        self._now = START

    def tick(self) -> int:
        """A later time each time."""
        self._now += STEP
        return self._now

    def span(  # noqa: PLR0913 - what a span has
        self,
        name: str,
        attributes: dict[str, Any],
        parent: str | None = None,
        *,
        kind: int = 1,
        error: str | None = None,
        events: list[tuple[str, dict[str, Any]]] | None = None,
        ended: bool = True,
        service: str | None = None,
        scope: str | None = None,
    ) -> str:
        """Write a span and give its id; ``error`` is ``Type: message`` of an exception."""
        number = f"{len(self._spans) + 1:016x}"
        begin = self.tick()
        all_events = list(events or [])
        if error:
            kind_of, _, message = error.partition(": ")
            all_events.append(("exception", {"exception.type": kind_of, "exception.message": message}))
        record: dict[str, Any] = {
            "traceId": self.id,
            "spanId": number,
            "name": name,
            "kind": kind,
            "startTimeUnixNano": str(begin),
            "attributes": encoded(attributes),
            "events": [
                {"name": title, "timeUnixNano": str(self.tick()), "attributes": encoded(held)}
                for title, held in all_events
            ],
            "status": {"code": 2, "message": error} if error else {},
        }
        if ended:
            record["endTimeUnixNano"] = str(self.tick())
        if parent:
            record["parentSpanId"] = parent
        self._spans.append((service or self.service, scope or self.scope, record))
        return number

    def log(self, span: str, name: str, body: Any) -> None:
        """Write a log record of a span."""
        self._logs.append(
            {
                "traceId": self.id,
                "spanId": span,
                "timeUnixNano": str(self.tick()),
                "eventName": name,
                "body": value(body),
                "attributes": encoded({"gen_ai.system": "openai"}),
            }
        )

    def drop_first(self) -> None:
        """The root never arrived."""
        del self._spans[0]

    def records(self) -> list[SpanRecord]:
        """What the receiver makes of it."""
        groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for service, scope, record in self._spans:
            groups.setdefault((service, scope), []).append(record)
        body = {
            "resourceSpans": [
                {
                    "resource": {"attributes": encoded({"service.name": service})},
                    "scopeSpans": [{"scope": {"name": scope, "version": "1.0"}, "spans": spans}],
                }
                for (service, scope), spans in groups.items()
            ]
        }
        export = parse_export(json.dumps(body).encode(), JSON)
        assert not export.rejected, export.reason
        found = list(export.spans)
        if self._logs:
            resource = {"attributes": encoded({"service.name": self.service})}
            scoped = [{"scope": {"name": self.scope}, "logRecords": self._logs}]
            logs = {"resource": resource, "scopeLogs": scoped}
            export = parse_export(json.dumps({"resourceLogs": [logs]}).encode(), JSON, signal=LOGS)
            assert not export.rejected, export.reason
            found += export.spans
        return found


def encoded(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    """Attributes as OTLP/JSON has them; ``None`` is left out."""
    return [{"key": key, "value": value(held)} for key, held in attributes.items() if held is not None]


def value(held: Any) -> dict[str, Any]:
    """One value."""
    if isinstance(held, dict):
        return {"kvlistValue": {"values": [{"key": str(key), "value": value(one)} for key, one in held.items()]}}
    if isinstance(held, (list, tuple)):
        return {"arrayValue": {"values": [value(one) for one in held]}}
    if isinstance(held, int) and not isinstance(held, bool):
        return {"intValue": str(held)}
    names: dict[type, str] = {bool: "boolValue", float: "doubleValue", str: "stringValue"}
    return {names[type(held)]: held} if type(held) in names else {}


def dumped(held: Any) -> str:
    """JSON text."""
    return json.dumps(held, ensure_ascii=False)
