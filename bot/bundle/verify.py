"""Checking a bundle: offline, part by part, naming the first that does not fit and what could not be checked.

First the hashes of everything, which finds any change to the file. Then what the parts say of each other, which finds
a file that was made anew: with the chain key the codes of the timeline, and always that each run is the one whose hash
the timeline names, and that its spans give it when this version reads them again.
"""

import hmac
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError
from pydantic_core import from_json

from bot.bundle.lines import FORMAT, MANIFEST, PART, SEAL, Hashing, Manifest, line, lines_in
from bot.bundle.parts import Inside
from bot.errors import Refused
from bot.plugin import Dialect
from bot.recorder.dialects import BUILT_IN
from bot.recorder.reader import reader
from bot.timeline.chain import Chain


@dataclass(slots=True)
class Checked:
    """What was found. ``problem`` names the first part that does not fit; ``open`` is what could not be checked."""

    problem: str = ""
    incident: str = ""
    entries: int = 0
    runs: int = 0
    notes: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything that could be checked fits."""
        return not self.problem


class _Misfit(Exception):
    """A part does not fit, with why."""


def check_bundle(path: Path, chain: Chain | None, dialects: tuple[Dialect, ...] = BUILT_IN) -> Checked:
    """Check a bundle file. ``chain`` None: the codes cannot be checked, which is said. ``dialects`` read its runs.

    Raises Refused when the file cannot be read or is no bundle.
    """
    checked = Checked()
    try:
        with path.open("rb") as file:
            try:
                manifest, whole = _hashes(file)
                _signature(manifest, whole, chain, checked)
                file.seek(0)
                _meaning(file, chain, checked, dialects)
            except _Misfit as misfit:
                checked.problem = str(misfit)
    except OSError as error:
        raise Refused(
            f"{path} cannot be read ({error.strerror}).", next_step="Name a file that pullcord export wrote."
        ) from error
    return checked


def _hashes(file: BinaryIO) -> tuple[Manifest, bytes]:
    """The manifest, and the digest of all before it; every byte of the file fits them."""
    hashing, last = _read_through(file)
    whole = hashing.end()
    if len(last) != 2 or not last[0].startswith(MANIFEST):
        raise _Misfit(f"the {'manifest or seal' if last else 'end'} is missing: the bundle is cut off or was changed")
    try:
        manifest = Manifest.model_validate(from_json(last[0])["manifest"])
    except (ValueError, ValidationError, KeyError, TypeError):
        raise _Misfit("the manifest does not fit: it cannot be read") from None
    for listed, found in zip(manifest.parts, hashing.parts, strict=False):
        if listed != found:
            raise _Misfit(f"part “{listed.part[:80]}” does not fit: its bytes are not what the manifest says")
    if len(manifest.parts) != len(hashing.parts):
        raise _Misfit("the manifest does not fit: it lists other parts than there are")
    if last[0] != line({"manifest": manifest.model_dump(mode="json")}):
        raise _Misfit("the manifest does not fit: it was written anew")
    if last[1] != line({"seal": hashing.over(last[0])}):
        raise _Misfit("the seal does not fit: it is not of this bundle")
    return manifest, whole


def _read_through(file: BinaryIO) -> tuple[Hashing, list[bytes]]:
    """The hashes of the parts, and the lines from the manifest on."""
    hashing = Hashing()
    last: list[bytes] = []
    for number, written in enumerate(lines_in(file)):
        if number == 0 and not written.startswith(b'{"incident":'):
            raise _Misfit("the head does not fit: this is no bundle of Pullcord")
        if last or written.startswith((MANIFEST, SEAL)):
            last.append(written)
            if len(last) > 2:
                raise _Misfit("the seal does not fit: something follows it")
            continue
        if written.startswith(PART):
            hashing.begin(_name(written))
        hashing.feed(written)
    return hashing, last


def _name(heading: bytes) -> str:
    try:
        return str(from_json(heading)["part"])
    except (ValueError, KeyError, TypeError):
        return "?"


def _signature(manifest: Manifest, whole: bytes, chain: Chain | None, checked: Checked) -> None:
    if chain is None:
        checked.open.append(
            "whether Pullcord wrote it: the chain key is not here (PULLCORD_CHAIN_KEY, or chain.key in the data "
            "directory), so the codes of the timeline and of the bundle prove nothing"
        )
    elif manifest.key_id != chain.key_id:
        checked.open.append(
            f"whether Pullcord wrote it: its codes are of the chain key {manifest.key_id[:12]}, here is {chain.key_id}"
        )
    elif not hmac.compare_digest(chain.sign("bundle", whole).encode(), manifest.code.encode()):
        raise _Misfit("the manifest does not fit: its code was made without the chain key")


def _meaning(file: BinaryIO, chain: Chain | None, checked: Checked, dialects: tuple[Dialect, ...]) -> None:
    """What the parts say, in their order. Every line is one that ``write_bundle`` could have written."""
    lines = lines_in(file)
    part = "head"
    try:
        head = from_json(next(lines))
        if head["pullcord_bundle"] != FORMAT:
            raise _Misfit(f"the head does not fit: format {head['pullcord_bundle']!r}, this version reads {FORMAT}")
        checked.incident = str(head["incident"])
        same = head["written_by"] == reader()
        inside = Inside(checked.incident, chain, dialects, same_version=same)
        for written in lines:
            if written.startswith((MANIFEST, SEAL)):
                break
            if written.startswith(PART):
                inside.end()
                part = str(from_json(written)["part"])
                inside.begin(part)
            else:
                inside.take(written)
        inside.end()
    except Refused as refused:
        raise _Misfit(f"part “{part[:80]}” does not fit: {refused.message}") from None
    except (ValueError, ValidationError, KeyError, TypeError, AttributeError) as error:
        raise _Misfit(f"part “{part[:80]}” does not fit: it cannot be read ({str(error)[:150]})") from None
    checked.entries, checked.runs = inside.entries, inside.runs
    checked.notes += inside.notes
    checked.open += inside.open
    if lost := inside.lost():
        raise _Misfit(lost)
