"""Frozen bytes by their SHA-256: what they are called, and what is said when they are not there or not they. Pure."""

import hashlib
import re

from bot.errors import Refused

_NAME = re.compile(r"[0-9a-f]{64}")


def name_of(data: bytes) -> str:
    """The SHA-256 of the bytes in hex: their name in every store of evidence."""
    return hashlib.sha256(data).hexdigest()


def is_name(name: str) -> bool:
    """Whether this can be the name of evidence (64 hex digits); nothing else may become a path or a key."""
    return _NAME.fullmatch(name) is not None


def gone(name: str) -> Refused:
    """What is said of evidence that is not in the store."""
    return Refused(
        f"The evidence {name[:12]} is not in the store: it is past its retention, or was never frozen.",
        next_step="The timeline still says what was in it; raise the retention of evidence for others.",
    )


def damaged(name: str) -> Refused:
    """What is said of evidence that does not fit its hash."""
    return Refused(
        f"The evidence {name[:12]} in the store is not what was frozen: it was changed or damaged.",
        next_step="Restore the store from a backup; the timeline holds the hash that it must have.",
    )
