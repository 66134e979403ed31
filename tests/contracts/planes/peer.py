"""What stands behind a control plane in the suite: a scripted HTTP peer on loopback, or what else can tell writes."""

import asyncio
import contextlib
import copy
import json
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from bot.domain.action import Target
from bot.timeline.store import Store
from tests.support.clock import ManualClock

SECRET = "s3cret-0f-the-peer-0123456789"
"""What ``${PEER_SECRET}`` stands for in the options of a case."""
BASE = "/some/base"


class Trouble(Enum):
    """How the peer misbehaves."""

    HANG = "takes a write and never answers; nothing is done"
    DROP = "closes every connection without an answer"
    FAIL_AFTER = "does what it is asked and answers 500"
    FAIL = "answers 503 to everything"
    NOTHING = "answers as if it had done it, and does nothing"
    CREDENTIALS = "refuses the credentials, and says them in its answer"


@dataclass(frozen=True)
class Setup:
    """What a peer may be made from."""

    folder: Path
    store: Store
    clock: ManualClock


class Peer(AbstractAsyncContextManager["Peer"]):
    """Anything that a control plane writes to. ``trouble`` is obeyed by those that say so (``PlaneCase.lacks``)."""

    trouble: Trouble | None = None

    def __init__(self, setup: Setup) -> None:
        self.setup = setup

    async def __aenter__(self) -> Self:
        """Start."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Stop."""

    @abstractmethod
    async def mark(self) -> object:
        """Compares unequal after every write."""

    def services(self) -> Mapping[type, object]:
        """Further ports of the kernel that its control plane is made with."""
        return {}

    async def enforce(self, target: Target) -> None:
        """Let the enforcing side show what was written (an agent reads, a cache ends)."""
        del target


@dataclass(frozen=True)
class Asked:
    """One request. ``path`` as sent, below the base; ``query`` and ``headers`` (lower case) with their last values."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def parts(self) -> list[str]:
        """The decoded segments of the path."""
        return [unquote(part) for part in self.path.strip("/").split("/")]

    @property
    def json(self) -> Any:
        """The body; None for an empty or unreadable one."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True)
class Told:
    """An answer; a ``body`` that is not bytes goes out as JSON."""

    status: int = 200
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)


def no(status: int, why: str = "") -> Told:
    """The peer says no."""
    return Told(status, {"error": why or f"refused with {status}"})


class HttpPeer(Peer):
    """Answers below ``url``. What leaves that base is noted in ``strayed``, every write in ``written``."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.state: Any = {}
        self.asked: list[Asked] = []
        self.written: list[Asked] = []
        self.strayed: list[str] = []
        self.url = ""
        self._tasks: set[asyncio.Task[None]] = set()

    @abstractmethod
    def answer(self, asked: Asked) -> Told:
        """Serve one request, changing ``self.state`` when it is a write."""

    def writes_with(self, asked: Asked) -> bool:
        """Whether this request is one that changes something."""
        return asked.method not in {"GET", "HEAD", "OPTIONS"}

    def decisive(self, asked: Asked) -> bool:
        """Whether this write is the one that makes the change, where several are needed."""
        del asked
        return True

    async def mark(self) -> object:
        """The number of writes."""
        return len(self.written)

    async def __aenter__(self) -> Self:
        """Listen on a free port of loopback."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}{BASE}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Stop; requests that were left hanging end."""
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=5)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while (told := await self._one(reader)) is not None:
                    sent = told.body if isinstance(told.body, bytes) else json.dumps(told.body).encode()
                    sent = b"" if told.status == 204 or told.body is None else sent
                    head = {"content-length": str(len(sent)), "content-type": "application/json", **told.headers}
                    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
                    writer.write(f"HTTP/1.1 {told.status} X\r\n{lines}\r\n".encode() + sent)
                    await writer.drain()
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _one(self, reader: asyncio.StreamReader) -> Told | None:
        """Read one request and answer it as the trouble says; None closes the connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *rest = head.split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        split = urlsplit(target)
        below = split.path.removeprefix(BASE)
        segments = [part for segment in split.path.split("/") for part in unquote(segment).split("/")]
        if not split.path.startswith(f"{BASE}/") or {".", ".."} & set(segments):
            self.strayed.append(f"{method} {target}")
            return no(404)
        asked = Asked(method, below, dict(parse_qsl(split.query, keep_blank_values=True)), headers, body)
        self.asked.append(asked)
        return await self._troubled(asked)

    async def _troubled(self, asked: Asked) -> Told | None:
        writes = self.writes_with(asked)
        if writes:
            self.written.append(asked)
        match self.trouble:
            case Trouble.DROP:
                return None
            case Trouble.FAIL:
                return no(503)
            case Trouble.CREDENTIALS:
                return Told(401, {"error": f"wrong credentials: {dict(asked.headers)}"})
            case Trouble.HANG if writes and self.decisive(asked):
                await asyncio.Event().wait()
            case Trouble.FAIL_AFTER if writes and self.decisive(asked):
                self.answer(asked)
                return no(500)
            case Trouble.NOTHING if writes and self.decisive(asked):
                held = copy.deepcopy(self.state)
                told = self.answer(asked)
                self.state = held
                return told
        return self.answer(asked)
