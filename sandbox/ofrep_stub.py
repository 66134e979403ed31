"""A stand-in for Pullcord's control plane, for the tests of agents: OFREP over real HTTP, with faults on demand.

Contract followed: PRODUCT.md, "control plane for agents". A known flag is always answered 200 with key, value, reason,
variant and metadata; 401 without the token, 403 for another agent's ``targetingKey``, 404 for an unknown key; ETag and
304 on the bulk read.
"""

import hashlib
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Literal

Fault = Literal["none", "hang", "error", "cut", "not_json", "wrong_shape", "drip"]

NEUTRAL: Final[Mapping[str, Any]] = {
    "agent.model": "",
    "agent.fallback_model": "",
    "agent.paused": False,
    "agent.tools.denied": {"tools": []},
    "agent.validation": {},
    "agent.prompt.suffix": "",
}
_PREFIX: Final = "/ofrep/v1/evaluate/flags"
_Answer = tuple[int, bytes, str | None]
_BROKEN: Final[Mapping[Fault, _Answer]] = {
    "error": (500, b"{}", None),
    "not_json": (200, b"<html>gateway</html>", None),
    "wrong_shape": (200, b'{"flags": {"agent.paused": false}}', None),
}


class OfrepStub:
    """One agent's control plane. ``restrain`` and ``lift`` change it; ``fault`` breaks it; ``requests`` counts reads.

    ``replace`` swaps single entries of the bulk answer for what the test gives (``None`` leaves the entry out).
    """

    def __init__(self, *, agent: str, token: str, port: int = 0) -> None:
        """Start serving on loopback at once; ``port`` 0 takes a free one."""
        self.agent = agent
        self.token = token
        self.fault: Fault = "none"
        self.requests: list[int] = []
        self.replace: dict[str, dict[str, Any] | None] = {}
        self.revision = 0
        self._flags: dict[str, tuple[Any, dict[str, Any]]] = {}
        self.stopping = threading.Event()
        """Set when the stub closes; ends hanging and trickling answers."""
        self._server = _Server(("127.0.0.1", port), type("Handler", (_Handler,), {"stub": self}))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def restrain(self, key: str, value: object, **metadata: object) -> None:
        """Set a flag. ``metadata`` such as ``by=``, ``why=``, ``until=``; a double underscore becomes a dot."""
        self.revision += 1
        self._flags[key] = (value, {name.replace("__", "."): v for name, v in metadata.items()})

    def lift(self, key: str) -> None:
        """Back to neutral."""
        self.revision += 1
        self._flags.pop(key, None)

    def entry(self, key: str) -> dict[str, Any]:
        """The evaluated flag."""
        value, metadata = self._flags.get(key, (NEUTRAL[key], {}))
        reason, variant = ("STATIC", "restrained") if key in self._flags else ("DEFAULT", "neutral")
        return {
            "key": key, "value": value, "reason": reason, "variant": variant,
            "metadata": {"revision": self.revision, **metadata},
        }  # fmt: skip

    def bulk(self) -> tuple[bytes, str]:
        """The body of the bulk answer, and its ETag."""
        entries = [self.replace.get(key, self.entry(key)) for key in NEUTRAL]
        body = json.dumps({"flags": [entry for entry in entries if entry is not None]}).encode()
        return body, f'"{hashlib.sha256(body).hexdigest()[:16]}"'

    def close(self) -> None:
        """Stop at once, as a killed process does: the port refuses connections afterwards."""
        self.stopping.set()
        self._server.shutdown()
        self._server.cut_connections()
        self._server.server_close()
        self._thread.join()


@contextmanager
def ofrep_stub(*, agent: str = "refund-bot", token: str = "agent-token") -> Iterator[OfrepStub]:  # noqa: S107 - made up
    """A stub for the length of a ``with``."""
    stub = OfrepStub(agent=agent, token=token)
    try:
        yield stub
    finally:
        stub.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._connections: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection: clients keep it alive, and a killed process would drop it."""
        self._connections.add(request)
        super().process_request(request, client_address)

    def cut_connections(self) -> None:
        """Drop every connection, used or idle."""
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent: clients that give up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stub: OfrepStub

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.stub.fault == "hang":
            self.close_connection = True
            self.stub.stopping.wait(5)
            return
        status, answer, etag = _BROKEN.get(self.stub.fault) or self.answer(body)
        self.stub.requests.append(status)
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        if etag:
            self.send_header("etag", etag)
        self.end_headers()
        if self.stub.fault == "cut":
            self.wfile.write(answer[: len(answer) // 2])
            self.close_connection = True
        elif self.stub.fault == "drip":
            self.drip(answer)
        else:
            self.wfile.write(answer)

    def answer(self, body: bytes) -> _Answer:
        stub = self.stub
        if self.headers.get("authorization") != f"Bearer {stub.token}":
            return 401, b"{}", None
        if json.loads(body or b"{}").get("context", {}).get("targetingKey", stub.agent) != stub.agent:
            return 403, b"{}", None
        if self.path == _PREFIX:
            answer, etag = stub.bulk()
            unchanged = stub.fault == "none" and self.headers.get("if-none-match") == etag
            return (304, b"", etag) if unchanged else (200, answer, etag)
        key = self.path.removeprefix(f"{_PREFIX}/")
        if key in NEUTRAL:
            return 200, json.dumps(stub.entry(key)).encode(), None
        error = {"key": key, "errorCode": "FLAG_NOT_FOUND", "errorDetails": f"no flag {key}"}
        return 404, json.dumps(error).encode(), None

    def drip(self, answer: bytes) -> None:
        for byte in answer:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            if self.stub.stopping.wait(0.01):
                return

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name http.server gives it
        """Stay silent."""
