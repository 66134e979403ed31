"""Which code read a run: the version of the package, and a hash of the modules that turn spans into effects.

Dialects of packs are such modules too.

A version number alone would call two readings the same that a patched copy read differently.
"""

import hashlib
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_READ_BY = ("recorder", "effects", "domain")


@cache
def package_version() -> str:
    """The installed version, such as ``0.1.0``."""
    try:
        return version("pullcord")
    except PackageNotFoundError:  # run from a copy of the source that was never installed
        return "unknown"


@cache
def reader(packs: tuple[str, ...] = ()) -> str:
    """Such as ``0.1.0+9f3c2a1b04de``. The same in every process that runs the same code.

    ``packs`` are the modules of dialects that are not built in (``dialects.pack_modules``); they are imported already.
    """
    digest = hashlib.sha256()
    root = Path(__file__).resolve().parents[1]
    for package in _READ_BY:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    for name in packs:
        file = getattr(sys.modules.get(name), "__file__", None)
        digest.update(name.encode() + b"\0" + (Path(file).read_bytes() if file else b"") + b"\0")
    return f"{package_version()}+{digest.hexdigest()[:12]}"
