"""What refund-bot needs of Pullcord over real HTTP: takes OTLP and alerts, and forwards OFREP to a stub."""

import gzip
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from sandbox.ofrep_stub import OfrepStub


def wait_until(holds: Callable[[], object], *, seconds: float = 10.0) -> None:
    """Return as soon as it holds; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never held"
        time.sleep(0.02)


class PullcordSink:
    """``spans`` and ``alerts`` arrived with the right token; ``answers`` are given to alerts in turn, then 202."""

    def __init__(self, control: OfrepStub) -> None:
        """Listen on loopback at once."""
        self.control = control
        self.spans: list[Span] = []
        self.resources: list[dict[str, str]] = []
        self.alerts: list[dict[str, Any]] = []
        self.answers: list[int] = []
        self.refused: list[tuple[str, int]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"sink": self}))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def trace(self, trace_id: str | None) -> list[Span]:
        """The spans of one trace in the order in which they began."""
        spans = [span for span in self.spans if span.trace_id.hex() == trace_id]
        return sorted(spans, key=lambda span: span.start_time_unix_nano)


def attributes(span: Span) -> dict[str, Any]:
    """The attributes of a span as Python values."""

    def value(of: Any) -> Any:
        kind = of.WhichOneof("value")
        return [value(item) for item in of.array_value.values] if kind == "array_value" else getattr(of, kind)

    return {item.key: value(item.value) for item in span.attributes}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"
    sink: PullcordSink

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        status, answer = self.take(body)
        if status >= 400:
            self.sink.refused.append((self.path, status))
        self.send_response(status)
        if status == 503:
            self.send_header("retry-after", "0.05")
        self.end_headers()
        self.wfile.write(answer)

    def take(self, body: bytes) -> tuple[int, bytes]:
        sink, authorization = self.sink, self.headers["authorization"]
        if self.path.startswith("/ofrep/"):
            headers = {name: self.headers[name] for name in ("authorization", "content-type") if name in self.headers}
            forwarded = httpx.post(sink.control.url + self.path, content=body, headers=headers)
            return forwarded.status_code, forwarded.content
        if self.path == "/v1/traces" and authorization == "Bearer otlp-token":
            assert self.headers["content-type"] == "application/x-protobuf"
            assert self.headers["content-encoding"] == "gzip"
            for resource in ExportTraceServiceRequest.FromString(gzip.decompress(body)).resource_spans:
                sink.resources.append({a.key: a.value.string_value for a in resource.resource.attributes})
                sink.spans += [span for scope in resource.scope_spans for span in scope.spans]
            return 200, b""
        if self.path == "/alerts/alertmanager" and authorization == "Bearer alert-token":
            status = sink.answers.pop(0) if sink.answers else 202
            if status == 202:
                sink.alerts.append(json.loads(body))
            return status, b'{"accepted": 1}'
        return 401, b""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name http.server gives it
        """Stay silent."""
