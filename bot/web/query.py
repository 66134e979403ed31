"""Parameters in the query of an address."""

from bot.errors import Refused


def number(raw: str | None, name: str) -> int | None:
    """A whole number from 0 on, None where nothing was given. Raises Refused by name for anything else."""
    if raw is None or raw == "":
        return None
    if not (raw.isascii() and raw.isdigit() and len(raw) < 16):  # below 2**53
        raise Refused(f"{name} must be a whole number.", field=name)
    return int(raw)
