"""Outside programs that pip installs: each in a virtual environment of its own, kept outside the checkout, reused.

``pins/<name>.txt`` pins a program and everything it needs. A machine that cannot install or start it (no network,
no disk, too slow) skips its tests and says why; ``PEERS_INSTALL_SECONDS`` bounds an installation (default 600).
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.peers.place import told

_PINS = Path(__file__).parent / "pins"
_INSTALL_SECONDS = 600.0
_START_SECONDS = 150.0
_DISK = 3_000_000_000
"""Bytes that must be free before one is installed: each takes under one gigabyte, and pip as much again meanwhile."""


def installed(name: str) -> Path:
    """The folder of a program's commands, installed if it was not. Skips the test with the reason when it cannot be."""
    pins = _PINS / f"{name}.txt"
    version = ".".join(map(str, sys.version_info[:2]))
    made_of = hashlib.sha256(f"{version}\n{pins.read_text(encoding='utf-8')}".encode()).hexdigest()[:12]
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pullcord" / "peers"
    folder = home / f"{name}-{made_of}"
    ready = folder / "ready"
    if ready.exists():
        return folder / "bin"
    home.mkdir(parents=True, exist_ok=True)
    with (home / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            free = shutil.disk_usage(home).free
            if free < _DISK:
                pytest.skip(
                    f"{name} is not installed: {free / 1e9:.1f} GB of disk are free, {_DISK / 1e9:.0f} are needed"
                )
            _install(name, pins, folder)
            ready.touch()
            for old in home.glob(f"{name}-*"):
                if old != folder:
                    shutil.rmtree(old, ignore_errors=True)
    return folder / "bin"


def _install(name: str, pins: Path, folder: Path) -> None:
    seconds = float(os.environ.get("PEERS_INSTALL_SECONDS") or _INSTALL_SECONDS)
    before = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    python = str(folder / "bin" / "python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"]
    steps = ([sys.executable, "-m", "venv", str(folder)], [*pip, "--no-deps", "--requirement", str(pins)])
    for step in steps:
        left = seconds - (time.monotonic() - before)
        try:
            done = subprocess.run(step, capture_output=True, text=True, timeout=max(1.0, left), check=False)
        except subprocess.TimeoutExpired:
            shutil.rmtree(folder, ignore_errors=True)
            pytest.skip(f"{name} is not installed: it took over {seconds:g} s (PEERS_INSTALL_SECONDS)")
        if done.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            last = (done.stderr.strip().splitlines() or ["no reason was given"])[-1]
            pytest.skip(f"{name} is not installed: {last[:300]}")
    told(f"{name} installed", f"{time.monotonic() - before:.0f} s")


@dataclass(frozen=True)
class Program:
    """A running one. ``url`` is its address."""

    url: str
    log: Path

    def tail(self) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])


@contextmanager
def running(
    name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path, url: str, healthy: str
) -> Iterator[Program]:
    """Start it in ``folder`` and wait until ``healthy`` answers 200; ended with all its children afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{name}.log"
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    program = Program(url, log)
    before = time.monotonic()
    with log.open("wb") as out:
        child = subprocess.Popen(
            command, cwd=folder, env={**kept, **environment}, stdout=out, stderr=out, start_new_session=True
        )
    try:
        with httpx.Client(timeout=5, trust_env=False) as http:
            while not _answers(http, f"{url}{healthy}"):
                if child.poll() is not None:
                    pytest.skip(f"{name} ended when it was started: {program.tail()[-600:]}")
                if time.monotonic() - before > _START_SECONDS:
                    pytest.skip(f"{name} was not ready within {_START_SECONDS:g} s: {program.tail()[-600:]}")
                time.sleep(0.3)
        told(f"{name} ready", f"{time.monotonic() - before:.0f} s")
        yield program
    finally:
        _end(child)


def _answers(http: httpx.Client, url: str) -> bool:
    try:
        return http.get(url).status_code == 200
    except httpx.TransportError:
        return False


def _end(child: "subprocess.Popen[bytes]") -> None:
    """It and its workers: they share a process group that nothing else is in."""
    for signal in (15, 9):
        try:
            os.killpg(child.pid, signal)
        except ProcessLookupError:
            break
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            continue
    child.wait(10)
