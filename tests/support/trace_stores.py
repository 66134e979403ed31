"""Loopback HTTP stores for tests: one that answers as told and remembers what it was asked, and raw hostile peers.

``plain`` is a kind of store for the engine's tests: its answer is ``{"spans": [...], "partial": null}``, spans as we
store them.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from pydantic import SecretStr
from pydantic_core import from_json

from bot.domain.span import SpanRecord
from bot.domain.trace_ref import TraceRef
from bot.errors import Refused
from bot.plugin import Fetched, StoreHttp, StoreSettings, trace_source
from bot.settings import Secret

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def peer(talk: Talk) -> AsyncIterator[str]:
    """A TCP server whose every connection is handled by ``talk``; yields its base address."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await talk(reader, writer)
        finally:
            tasks.discard(task)
            writer.close()
            with suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(list(tasks), timeout=5)


@dataclass(frozen=True)
class Asked:
    """One request as the store got it. ``path`` without the query, header names in lower case."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Told:
    """What the store answers. ``length`` False leaves the content length out, as for a body without end."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def told(value: object, status: int = 200) -> Told:
    """A JSON answer."""
    return Told(status, json.dumps(value).encode(), {"content-type": "application/json"})


@dataclass
class LoopbackStore:
    """A store over HTTP whose ``answer`` may be changed while it runs."""

    answer: Callable[[Asked], Told]
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests on one connection until it is closed."""
        while True:
            request = await read_request(reader)
            if request is None:
                return
            self.asked.append(request)
            reply = self.answer(request)
            head = {"content-length": str(len(reply.body)), **reply.headers}
            lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
            writer.write(f"HTTP/1.1 {reply.status} X\r\n{lines}\r\n".encode() + reply.body)
            await writer.drain()


async def read_request(reader: asyncio.StreamReader) -> Asked | None:
    """The next request; None when the connection ended."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    first, *rest = head.split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    split = urlsplit(target)
    return Asked(method, split.path, parse_qs(split.query), headers, body)


@asynccontextmanager
async def loopback_store(answer: Callable[[Asked], Told]) -> AsyncIterator[LoopbackStore]:
    """A running store that answers as told."""
    store = LoopbackStore(answer)
    async with peer(store.talk) as url:
        store.url = url
        yield store


async def hanging(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Takes the request and never answers."""
    await read_request(reader)
    await asyncio.Event().wait()


async def trickling(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Sends its answer a byte now and then, without end."""
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


class PlainSettings(StoreSettings):
    """A key, as stores have one."""

    key: Secret = SecretStr("open")


class Plain:
    """Asks ``/runs/<native or trace id>``; its links are ``<base>/open/<trace id>`` and ``<base>/native/<id>``."""

    def __init__(self, settings: PlainSettings, http: StoreHttp) -> None:
        """Nothing is asked yet."""
        self._headers = {"authorization": f"Bearer {settings.key.get_secret_value()}"}
        self._http = http

    async def fetch(self, ref: TraceRef) -> Sequence[bytes] | None:
        """One answer."""
        answer = await self._http.get(f"runs/{ref.native or ref.trace_id}", None, self._headers)
        return None if answer.status == 404 else [answer.body]

    def ref_of(self, link: str) -> TraceRef | None:
        """The last part of the path."""
        kind, _, found = link.partition("?")[0].rpartition("/")
        if kind.endswith("/native"):
            return TraceRef(trace_id=NATIVE_TRACE, native=found, link=link)
        return TraceRef(trace_id=found, link=link) if kind.endswith("/open") else None

    async def ping(self) -> str:
        """That it answers."""
        await self._http.get("ping", None, self._headers)
        return "it answers"


NATIVE_TRACE = "d" * 32
"""The trace id of whatever a ``/native/`` link names."""


def read(answers: Sequence[bytes], ref: TraceRef) -> Fetched:
    """Spans as we store them."""
    try:
        answer = from_json(answers[0])
    except ValueError:
        raise Refused("The answer is not JSON.", field="body") from None
    return Fetched(tuple(SpanRecord.model_validate(span) for span in answer["spans"]), answer.get("partial"))


plain = trace_source("plain", settings=PlainSettings, read=read)(Plain)


def answer_of(spans: Sequence[SpanRecord], partial: str | None = None) -> Told:
    """What a ``plain`` store answers."""
    return told({"spans": [span.model_dump(mode="json") for span in spans], "partial": partial})
