"""A model provider on loopback: speaks chat completions, answers what a test scripted, and keeps what it was asked."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]


class ModelProvider:
    """``asked`` holds the bodies in order. ``calls`` are the tool calls of the next answers: (tool, arguments' JSON).

    ``down`` names models that answer 500.
    """

    def __init__(self) -> None:
        """Serve at once."""
        self.asked: list[Json] = []
        self.calls: list[tuple[str, str]] = []
        self.down: set[str] = set()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                provider.asked.append(body)
                if body["model"] in provider.down:
                    self._answer(500, "application/json", b'{"error": {"message": "down", "type": "server_error"}}')
                elif body.get("stream"):
                    self._answer(200, "text/event-stream", provider.streamed(body["model"]))
                else:
                    self._answer(200, "application/json", json.dumps(provider.whole(body["model"])).encode())

            def _answer(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def whole(self, model: str) -> Json:
        """One answer."""
        calls = [
            {"id": f"call_{i}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for i, (name, arguments) in enumerate(self.calls)
        ]
        message: Json = {"role": "assistant", "content": None if calls else f"I am {model}"}
        if calls:
            message["tool_calls"] = calls
        return {
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model,
            "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }  # fmt: skip

    def streamed(self, model: str) -> bytes:
        """The same in pieces: a text first, then each call's name and its arguments in two halves."""
        deltas: list[Json] = [{"role": "assistant", "content": f"I am {model}"}]
        for i, (name, arguments) in enumerate(self.calls):
            half = len(arguments) // 2
            start: Json = {"index": i, "id": f"call_{i}", "type": "function"}
            deltas.append({"tool_calls": [{**start, "function": {"name": name, "arguments": arguments[:half]}}]})
            deltas.append({"tool_calls": [{"index": i, "function": {"arguments": arguments[half:]}}]})
        ends: list[tuple[Json, str | None]] = [(delta, None) for delta in deltas] + [
            ({}, "tool_calls" if self.calls else "stop")
        ]
        lines = []
        for delta, finish in ends:
            chunk = {
                "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model,
                "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
            }  # fmt: skip
            lines.append(f"data: {json.dumps(chunk)}\n\n")
        return "".join([*lines, "data: [DONE]\n\n"]).encode()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def model_provider() -> Iterator[ModelProvider]:
    """One for a test module."""
    made = ModelProvider()
    try:
        yield made
    finally:
        made.close()
