"""Outside programs that npm installs from a lock with hashes, into the cache that the other peers use.

``pins/<name>/package-lock.json`` pins the program and everything it needs; it names no registry. No script of any
package is run. A machine that cannot install it skips its tests and says why (``PEERS_INSTALL_SECONDS``).
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.peers.place import told

_PINS = Path(__file__).parent / "pins"
_SECONDS = 600.0


def npm_installed(name: str, *, node: int) -> Path:
    """The folder of a program's commands, installed if it was not. Skips the test with the reason when it cannot be."""
    programs = shutil.which("node"), shutil.which("npm")
    if programs[0] is None or programs[1] is None:
        pytest.skip(f"{name} is not installed: there is no node and npm here (Node {node} or later)")
    asked = [programs[0], "-p", "parseInt(process.versions.node)"]
    version = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
    if int(version) < node:
        pytest.skip(f"{name} is not installed: it needs Node {node} or later, this is {version}")
    lock = _PINS / name / "package-lock.json"
    made_of = hashlib.sha256(version.encode() + lock.read_bytes()).hexdigest()[:12]
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pullcord" / "peers"
    folder = home / f"{name}-{made_of}"
    home.mkdir(parents=True, exist_ok=True)
    with (home / f"{name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            _install(programs[1], name, folder)
            (folder / "ready").touch()
            for old in home.glob(f"{name}-*"):
                if old != folder:
                    shutil.rmtree(old, ignore_errors=True)
    return folder / "node_modules" / ".bin"


def _install(npm: str, name: str, folder: Path) -> None:
    seconds = float(os.environ.get("PEERS_INSTALL_SECONDS") or _SECONDS)
    before = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(_PINS / name, folder)
    command = ["nice", "-n", "15", npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"{name} is not installed: it took over {seconds:g} s (PEERS_INSTALL_SECONDS)")
    if done.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        said = (done.stdout + done.stderr).splitlines()
        last = next((line for line in said if "error" in line.lower()), "no reason was given")
        pytest.skip(f"{name} is not installed: {last[:300]}")
    told(f"{name} installed", f"{time.monotonic() - before:.0f} s")
