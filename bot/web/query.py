"""Parameters in the query of an address."""

import re

from starlette.requests import Request

from bot.errors import Refused
from bot.views.page_links import ONLY


def number(raw: str | None, name: str) -> int | None:
    """A whole number from 0 on, None where nothing was given. Raises Refused by name for anything else."""
    if raw is None or raw == "":
        return None
    if not (raw.isascii() and raw.isdigit() and len(raw) < 16):  # below 2**53
        raise Refused(f"{name} must be a whole number.", field=name)
    return int(raw)


def lane_choice(request: Request) -> tuple[str, str]:
    """``?only=`` and ``?within=``: which steps of a run are wanted. Raises Refused for what they cannot be."""
    only = request.query_params.get("only", "")
    within = request.query_params.get("within", "")
    if only and only not in ONLY:
        raise Refused(f"only must be {' or '.join(ONLY)}.", field="only")
    if within and not re.fullmatch(r"[0-9a-f]{16}", within):
        raise Refused("within must be the id of a span.", field="within")
    return only, within
