"""Child processes of the demo: started, waited for until ready, logged to a file, stopped in order."""

import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

READY_SECONDS = 40.0
_STOP_SECONDS = 10.0


@dataclass(slots=True)
class Process:
    """A running child. ``origin`` is its HTTP address."""

    name: str
    child: subprocess.Popen[bytes]
    log: Path
    origin: str

    def stop(self) -> None:
        """SIGTERM, then SIGKILL after ten seconds."""
        if self.child.poll() is not None:
            return
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """As ``kill -9``: no time to say goodbye."""
        self.child.kill()
        self.child.wait()

    def tail(self, lines: int = 15) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def start(
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    *,
    ready: str | None = None,
    ready_url: str | None = None,
    origin: str = "",
) -> Process:
    """Start a child and wait until it is ready.

    ``ready`` is a pattern in its log whose group is its address; ``ready_url`` an address that answers 200. Raises
    RuntimeError with the end of the log when it ends or is not ready in time.
    """
    beginning = log.stat().st_size if log.exists() else 0
    with log.open("ab") as out:
        child = subprocess.Popen(
            list(command), env=dict(environment), stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        )
    process = Process(name, child, log, origin)
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        if child.poll() is not None:
            message = f"{name} ended with {child.returncode}:\n{process.tail()}"
            raise RuntimeError(message)
        if ready is not None:
            found = re.search(ready, log.read_bytes()[beginning:].decode(errors="replace"))
            if found is not None:
                process.origin = found.group(1)
                return process
        elif ready_url is not None and _answers(ready_url):
            return process
        time.sleep(0.05)
    process.stop()
    message = f"{name} was not ready within {READY_SECONDS:.0f} s:\n{process.tail()}"
    raise RuntimeError(message)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
