"""Request bodies: read as raw bytes with a cap, in bounded time. Inflating is ``bot.recorder.otlp.inflate``."""

import asyncio

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from bot.errors import Busy, Refused
from bot.recorder.limits import TooLarge, UnsupportedMedia
from bot.web.answers import refusal

_READ_SECONDS = 30.0


async def read_body(request: Request, limit: int, seconds: float = _READ_SECONDS) -> bytes:
    """The raw bytes of the body, as sent. Raises as ``read_pieces``."""
    parts = await read_pieces(request, limit, seconds)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def read_pieces(request: Request, limit: int, seconds: float = _READ_SECONDS) -> list[bytes]:
    """The raw bytes of the body in the pieces in which they came: a large one is not held twice to be joined.

    Raises TooLarge over ``limit``, and Busy for a sender that stalls or goes away: what did not arrive was not refused
    for what it says, so sending it again is right.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    total = 0
    try:
        async with asyncio.timeout(seconds):
            async for part in request.stream():
                total += len(part)
                if total > limit:
                    raise _too_large(limit)
                parts.append(part)
    except (TimeoutError, ClientDisconnect) as error:
        raise Busy("The body did not arrive whole.", retry_after=1) from error
    return parts


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"The body is larger than {limit:,} bytes.",
        field="(body)",
        next_step="Send fewer at a time, or raise the limit in the configuration.",
    )


def status_of(problem: Refused, otherwise: int) -> int:
    """The status for a body that cannot be taken: 413, 415, or ``otherwise`` (422 at intake, 400 in OTLP)."""
    if isinstance(problem, TooLarge):
        return 413
    return 415 if isinstance(problem, UnsupportedMedia) else otherwise


def refused(problem: Refused, otherwise: int) -> Response:
    """The answer to a body that cannot be taken."""
    status = status_of(problem, otherwise)
    return refusal(status, problem.message, field=problem.field or "(body)", next_step=problem.next_step)
