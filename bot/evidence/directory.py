"""Evidence in a directory: one file for each, named by its SHA-256, written whole or not at all.

``<directory>/<first two digits>/<sha256>``, files 0600 and folders 0700. A file's age counts from when it was last put
or named by an open incident (its modification time), so that a backup tool shows the same age as Pullcord.
"""

import asyncio
import contextlib
import os
import secrets
import time
from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

from bot.domain.frozen import damaged, gone, is_name, name_of
from bot.errors import StoreUnavailable

_UNFINISHED: Final = ".part"
_ASIDE: Final = ".aside"
_LEFT_OVER: Final = 3600.0
"""Seconds after which an unfinished file is of a process that died."""
T = TypeVar("T")


class DirectoryEvidence:
    """Implements ``ports.EvidenceStore``. Several replicas may share the directory."""

    def __init__(self, directory: Path, ttl: timedelta) -> None:
        """``directory`` is made when it is first written to; ``ttl`` counts from the last ``put`` or ``sweep``."""
        self._directory = directory
        self._ttl = ttl

    async def put(self, data: bytes) -> str:
        """Write the bytes, synced to the disk before they can be found. StoreUnavailable when the disk refuses."""
        return await self._off(lambda: self._put(data))

    async def get(self, sha256: str) -> bytes:
        """The bytes. Refused when they are gone or do not fit their hash."""
        return await self._off(lambda: self._get(sha256))

    async def holds(self, sha256: str) -> bool:
        """Whether there is a file of this name; says nothing of what is in it."""
        return await self._off(lambda: is_name(sha256) and self._path(sha256).is_file())

    async def sweep(self, named: Collection[str], now: datetime) -> int:
        """Remove what is past its retention and not in ``named``; those stay and count from ``now``. How many went."""
        return await self._off(lambda: self._sweep(set(named), now.timestamp()))

    async def _off(self, do: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(do)
        except OSError as error:
            raise StoreUnavailable(
                f"The directory of evidence cannot be used ({error.strerror or type(error).__name__}).",
                next_step=f"See that {self._directory} is there, has space and may be written to by Pullcord.",
            ) from error

    def _path(self, name: str) -> Path:
        return self._directory / name[:2] / name

    def _put(self, data: bytes) -> str:
        name = name_of(data)
        path = self._path(name)
        with contextlib.suppress(FileNotFoundError):
            os.utime(path)  # before the look: a sweep that runs now sees it young
            if path.read_bytes() == data:
                return name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = path.with_name(f".{name[:16]}-{secrets.token_hex(6)}{_UNFINISHED}")
        try:
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        for folder in (path.parent, self._directory):  # a new name is on the disk when its folder is
            _sync(folder)
        return name

    def _get(self, name: str) -> bytes:
        if not is_name(name):
            raise gone(name)
        try:
            data = self._path(name).read_bytes()
        except FileNotFoundError:
            raise gone(name) from None
        if name_of(data) != name:
            raise damaged(name)
        return data

    def _sweep(self, named: set[str], now: float) -> int:
        removed = 0
        for path in self._files():
            with contextlib.suppress(FileNotFoundError):  # another replica finished or removed it
                if path.name in named:
                    os.utime(path, (now, now))
                elif is_name(path.name):
                    removed += self._old(path, now) and self._remove(path, now)
                elif path.suffix in {_UNFINISHED, _ASIDE} and time.time() - path.stat().st_mtime > _LEFT_OVER:
                    self._settle(path)
        return removed

    def _files(self) -> Iterator[Path]:
        """Every file, folder by folder; one that goes meanwhile is passed over by its reader."""
        if self._directory.is_dir():
            for folder in sorted(self._directory.iterdir()):
                if len(folder.name) == 2 and folder.is_dir():
                    yield from sorted(folder.iterdir())

    def _old(self, path: Path, now: float) -> bool:
        try:
            return now - path.stat().st_mtime > self._ttl.total_seconds()
        except FileNotFoundError:
            return False

    def _remove(self, path: Path, now: float) -> bool:
        """Take it aside, look again, then remove: what another replica put meanwhile is put back."""
        aside = path.with_name(f"{path.name}{_ASIDE}")
        try:
            path.rename(aside)
        except FileNotFoundError:
            return False
        if self._old(aside, now):
            aside.unlink(missing_ok=True)
            return True
        self._settle(aside)
        return False

    def _settle(self, path: Path) -> None:
        """Put back what a sweep that died had taken aside; remove what was never finished."""
        name = path.name.removesuffix(_ASIDE)
        if path.suffix == _ASIDE and is_name(name) and not path.with_name(name).exists():
            path.rename(path.with_name(name))
        else:
            path.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
