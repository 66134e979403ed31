import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bot.web import connection
from bot.web.connection import BoundedHttp
from tests.support.waiting import wait_until


async def _whole(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


async def _at_once(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("no", 401)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A server with the bounded protocol on a free port."""
    app = Starlette(routes=[Route("/", _whole, methods=["GET", "POST"]), Route("/no", _at_once, methods=["POST"])])
    config = uvicorn.Config(app, port=0, log_config=None, http=BoundedHttp, ws="none", lifespan="off")
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
    serving = asyncio.create_task(server.serve())
    await wait_until(lambda: server.started)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = server.force_exit = True
    await serving


async def _sent(port: int, *parts: bytes) -> bytes:
    """What the server answers until it closes the connection; it may close while we are sending."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError):
        for part in parts:
            writer.write(part)
            await writer.drain()
    answer = b""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(5):
            answer = await reader.read()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return answer


async def test_usual_requests_are_answered_one_after_the_other_and_pipelined(port: int) -> None:
    """Bodies of any size, several requests in one connection, two in one packet."""
    one = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc"
    large = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 200000\r\n\r\n" + b"a" * 200_000
    last = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    answer = await _sent(port, one + one, large, last)
    assert [answer.count(b"200 OK"), answer.count(b"200000")] == [4, 1]


@pytest.mark.parametrize("piece", [b"x: " + b"a" * 900 + b"\r\n", b"a" * 1000])
async def test_headers_without_an_end_are_refused(port: int, piece: bytes) -> None:
    """Many headers, or one that never ends: 431 after 64 kB, not memory until there is none."""
    answer = await _sent(port, b"GET / HTTP/1.1\r\nhost: x\r\nx: ", *[piece] * 2_000)
    assert answer == b"" or b" 431 " in answer or b" 400 " in answer


async def test_a_head_that_does_not_come_is_not_waited_for(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing at all, or a piece of a request line: the connection is closed."""
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.2)
    for sent in (b"", b"GET / HT", b"\r\n"):
        assert await _sent(port, sent) == b""


async def test_a_sender_that_was_refused_cannot_go_on_sending_for_ever(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """401 comes before the body; what trickles in afterwards holds the connection for a moment only."""
    monkeypatch.setattr(connection, "LINGER_SECONDS", 0.2)
    answer = await _sent(port, b"POST /no HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n", b"a")
    assert b" 401 " in answer
