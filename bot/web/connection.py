"""HTTP connections with bounds that uvicorn's httptools server has not: on a request's head, in bytes and in seconds.

Without them anyone, before any token is looked at, could fill the memory with headers that never end, or hold
connections open for ever by sending a byte now and then. Bodies are bounded where they are read (``bot.web.body``).
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES: Final = 64 * 1024
"""The longest request line with all its headers."""
HEAD_SECONDS: Final = 15.0
"""From the first byte (or the connection) to the end of the head."""
LINGER_SECONDS: Final = 5.0
"""How long a sender that was answered before its body had come may go on sending."""

_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain\r\ncontent-length: 0\r\n"
    b"connection: close\r\n\r\n"
)


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's protocol; a head that is too long is answered 431, what is too slow is closed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As uvicorn makes it."""
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._in_head = True
        self._in_message = False
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The first request has to come soon."""
        super().connection_made(transport)
        self._close_in(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is left to wait for."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what belongs to a head. httptools holds a header back until it is whole, so bytes are counted here."""
        if self.transport.is_closing():
            return
        if self._in_head:
            self._head_bytes += len(data)
            if self._deadline is None:
                self._close_in(HEAD_SECONDS)
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        """A new head."""
        self._in_head = self._in_message = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head, self._head_bytes = False, 0
        self._wait_no_more()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The next byte begins another head; until then uvicorn's own keep-alive bounds the waiting."""
        self._in_head, self._in_message = True, False
        self._wait_no_more()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Answered, perhaps before the body had come (401, 413)."""
        if self._in_message:
            self._close_in(LINGER_SECONDS)
        super().on_response_complete()

    def _close_in(self, seconds: float) -> None:
        self._wait_no_more()
        self._deadline = self.loop.call_later(seconds, self.transport.close)

    def _wait_no_more(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
