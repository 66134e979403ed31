"""The hash chain of a timeline: each entry's code covers the one before, its place, its incident and its exact bytes.

``mac = HMAC-SHA256(key, format, incident, seq, key id, previous mac, event bytes)``, each part preceded by its length,
so that no two lists of parts look alike. The key is not in the store: who can write there cannot make a code that fits.
"""

import hmac
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from bot.domain.base import Value
from bot.domain.events import EVENT, Entry, Event
from bot.errors import Misconfigured, Refused

FORMAT: Final = b"pullcord-timeline-1"
MIN_KEY_BYTES: Final = 16
_FIELDS: Final = (b"f", b"k", b"m", b"e")


class Verdict(Value):
    """What ``verify`` found. ``first_bad`` is the place of the first entry that does not fit, ``reason`` says how.

    ``head`` is the code of the last entry that fits; ``entries`` counts those that do.
    """

    ok: bool
    entries: int
    head: str
    first_bad: int | None = None
    reason: str = ""


class Chain:
    """Makes and checks codes with one key."""

    def __init__(self, key: bytes) -> None:
        """Raises Misconfigured for a key under 16 bytes."""
        if len(key) < MIN_KEY_BYTES:
            raise Misconfigured(
                f"The chain key has {len(key)} bytes.",
                next_step=f"Set PULLCORD_CHAIN_KEY to {MIN_KEY_BYTES} random bytes or more: openssl rand -hex 32",
            )
        self._key = key
        self.key_id = hmac.digest(key, b"pullcord key id", "sha256").hex()[:12]
        self.fingerprint = hmac.digest(key, b"pullcord key fingerprint", "sha256").hex()

    def mac(self, incident_id: str, seq: int, before: str, event: bytes) -> str:
        """The code (64 hex digits) of an entry at place ``seq`` after the one with code ``before``."""
        parts = (FORMAT, incident_id.encode(), str(seq).encode(), self.key_id.encode(), before.encode(), event)
        message = b"".join(len(p).to_bytes(8, "big") + p for p in parts)
        return hmac.digest(self._key, message, "sha256").hex()

    def sign(self, purpose: str, data: bytes) -> str:
        """A code (64 hex digits) of something that is no entry, such as a bundle; ``purpose`` keeps kinds apart."""
        return hmac.digest(self._key, b"pullcord " + purpose.encode() + b"\0" + data, "sha256").hex()

    def extend(self, incident_id: str, seq: int, head: str, events: Sequence[Event]) -> list[tuple[Entry, bytes]]:
        """Entries for these events after the head at ``seq``, each with its exact bytes."""
        made: list[tuple[Entry, bytes]] = []
        for event in events:
            raw = event.model_dump_json().encode()
            seq += 1
            head = self.mac(incident_id, seq, head, raw)
            made.append((Entry(seq=seq, mac=head, key_id=self.key_id, event=event), raw))
        return made

    def fault(
        self, incident_id: str, seq: int, before: str, stored: bytes, fields: Mapping[bytes, bytes]
    ) -> str | None:
        """Why the stored entry does not fit at place ``seq`` after ``before``; None when it fits."""
        if stored != f"{seq}-0".encode():
            return f"entry {seq} is missing: the store has {stored.decode(errors='replace')} in its place"
        if tuple(fields) != _FIELDS:
            return f"entry {seq} has other fields than an entry has"
        if fields[b"f"] != FORMAT:
            return f"entry {seq} has an unknown format"
        if fields[b"k"] != self.key_id.encode():
            return f"entry {seq} was written with another key"
        expected = self.mac(incident_id, seq, before, fields[b"e"])
        if not hmac.compare_digest(expected.encode(), fields[b"m"]):
            return f"entry {seq} was changed, moved or put there by someone without the key"
        return None

    async def check(
        self,
        incident_id: str,
        entries: AsyncIterator[tuple[bytes, Mapping[bytes, bytes]]],
        head: str | None,
        known: int,
    ) -> Verdict | None:
        """Hold every stored entry against the one before it, and the end against ``head`` and ``known``.

        ``head`` is a posted code, or ``seq:code``; ``known`` is how many entries there must be at least. None when
        nothing is there and nothing says that there ever was.
        """
        before, seq, found_head = "", 0, False
        number, _, code = (head or "").rpartition(":")
        wanted = None if head is None else code.strip().lower()
        async for place, fields in entries:
            fault = self.fault(incident_id, seq + 1, before, place, fields)
            if fault is not None:
                return Verdict(ok=False, entries=seq, head=before, first_bad=seq + 1, reason=fault)
            seq, before = seq + 1, fields[b"m"].decode()
            found_head = found_head or (before == wanted and number.strip() in {"", str(seq)})
        lost = ""
        if seq == 0:
            if wanted is None and known == 0:
                return None
            lost = "the whole timeline is gone, or there never was this incident"
        elif seq < known:
            lost = f"entries after {seq} were cut off: the list of incidents counts {known}"
        elif wanted is not None and not found_head:
            lost = f"no entry has the given head: entries after {seq} were cut off, or the head is of another incident"
        return Verdict(ok=not lost, entries=seq, head=before, first_bad=seq + 1 if lost else None, reason=lost)


def written_key(data_dir: Path) -> bytes | None:
    """The key of the embedded store where there is one already; never makes one."""
    try:
        key = (data_dir / "chain.key").read_bytes().strip()
    except OSError:
        return None
    return key if len(key) >= MIN_KEY_BYTES else None


def parse(incident_id: str, stored: bytes, fields: Mapping[bytes, bytes]) -> Entry:
    """A stored entry as a value. Raises Refused for one that is damaged, or of a newer Pullcord."""
    try:
        return Entry(
            seq=int(stored.partition(b"-")[0]),
            mac=fields[b"m"].decode(),
            key_id=fields[b"k"].decode(),
            event=EVENT.validate_json(fields[b"e"]),
        )
    except (KeyError, ValueError) as error:
        place = stored.decode(errors="replace").partition("-")[0]
        raise Refused(
            f"Entry {place} of the timeline of {incident_id} cannot be read.",
            next_step=f"Run: pullcord verify {incident_id}",
        ) from error


def local_chain_key(data_dir: Path) -> bytes:
    """The key of the embedded store, made on first use (mode 0600). Whoever owns this disk owns store and key alike."""
    path = data_dir / "chain.key"
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            fresh = path.with_suffix(".new")
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(os.urandom(32).hex().encode())
                file.flush()
                os.fsync(file.fileno())
            fresh.rename(path)
        key = path.read_bytes().strip()
    except OSError as error:
        raise Misconfigured(
            f"The chain key {path} cannot be read or made ({error.strerror}).",
            next_step="Make the data directory writable for this user.",
        ) from error
    if len(key) < MIN_KEY_BYTES:
        raise Misconfigured(f"The chain key {path} is damaged.", next_step="Restore it from a backup.")
    return key
