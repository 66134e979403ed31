"""The format of a bundle: lines of JSON in parts, each with its hash, the whole with its own (docs/evidence.md).

Line by line so that a run of any size is written and checked in small steps, and so that ``jq`` and ``grep`` read it.
The same incident gives the same bytes: nothing in it says when or where it was exported.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from pydantic import Field

from bot.domain.base import Json, Value
from bot.recorder.tool_call_draft import canonical

FORMAT: Final = 1
HEAD: Final = "head"
TIMELINE: Final = "timeline"
INCIDENT: Final = "incident"
STORED_BYTES: Final = 600_000
"""Of compressed evidence in one line."""
LONGEST_LINE: Final = 300_000_000
PART: Final = b'{"part":'
MANIFEST: Final = b'{"manifest":'
SEAL: Final = b'{"seal":'


class Part(Value):
    """One part as the manifest lists it. ``sha256`` is of its lines, its heading and line ends included."""

    part: str
    lines: int
    sha256: str


class Manifest(Value):
    """The last line but one: every part in order, and the code of all before it with the chain key ``key_id``."""

    parts: tuple[Part, ...]
    key_id: str
    code: str


class RunHeading(Value):
    """What opens a run's part. ``missing`` says why its evidence is not in the bundle; empty when it is."""

    trace_id: str
    evidence: str
    size: int = Field(ge=0)
    source: str
    catalogue: str
    configuration: str = ""
    missing: str = ""


def run_part(trace_id: str) -> str:
    """The name of a run's part."""
    return f"run {trace_id}"


def line(value: Json) -> bytes:
    """A value as a line of the bundle."""
    return canonical(value).encode() + b"\n"


def entry_line(raw: bytes, key_id: str, mac: str, seq: int) -> bytes:
    """A timeline entry. ``raw`` stands in it byte for byte as it was stored, since its code is of these bytes."""
    return b'{"entry":' + raw + entry_end(key_id, mac, seq)


def entry_end(key_id: str, mac: str, seq: int) -> bytes:
    """What follows the event in an entry's line."""
    return b"," + canonical({"key_id": key_id, "mac": mac, "seq": seq}).encode()[1:] + b"\n"


def entry_raw(written: bytes, key_id: str, mac: str, seq: int) -> bytes | None:
    """The event's own bytes out of an entry's line; None when the line was not written so."""
    end = entry_end(key_id, mac, seq)
    if not (written.startswith(b'{"entry":') and written.endswith(end)):
        return None
    return written[len(b'{"entry":') : -len(end)]


@dataclass
class Hashing:
    """Hashes of the parts and of the whole, while lines go by. Feed it every line up to the manifest."""

    parts: list[Part] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Nothing yet: the first lines are the head's."""
        self._whole = hashlib.sha256()
        self._name, self._lines, self._part = HEAD, 0, hashlib.sha256()

    def begin(self, name: str) -> None:
        """The lines from here on are of another part."""
        self.parts.append(Part(part=self._name, lines=self._lines, sha256=self._part.hexdigest()))
        self._name, self._lines, self._part = name, 0, hashlib.sha256()

    def feed(self, written: bytes) -> None:
        """One line of the part that was begun last."""
        self._lines += 1
        self._part.update(written)
        self._whole.update(written)

    def end(self) -> bytes:
        """Close the last part; the digest of all lines."""
        self.begin("")
        return self._whole.digest()

    def over(self, written: bytes) -> str:
        """The hash of all lines and this one after them: the seal."""
        whole = self._whole.copy()
        whole.update(written)
        return whole.hexdigest()


def lines_in(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file, each with its end; a line that is far too long is cut there, so that nothing fits."""
    while written := file.readline(LONGEST_LINE):
        yield written
