"""Request bodies: read as raw bytes with a cap, in bounded time. Inflating is ``bot.recorder.otlp.inflate``."""

import asyncio

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from bot.errors import Refused
from bot.recorder.limits import TooLarge, UnsupportedMedia
from bot.web.answers import refusal

_READ_SECONDS = 30.0


async def read_body(request: Request, limit: int) -> bytes:
    """The raw bytes of the body. Raises TooLarge over ``limit``, Refused for a sender that stalls or goes away."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced[:20]) > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    total = 0
    try:
        async with asyncio.timeout(_READ_SECONDS):
            async for part in request.stream():
                total += len(part)
                if total > limit:
                    raise _too_large(limit)
                parts.append(part)
    except (TimeoutError, ClientDisconnect) as error:
        message = "The body did not arrive whole."
        raise Refused(message, field="(body)", next_step="Send it again.") from error
    return b"".join(parts)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"The body is larger than {limit:,} bytes.",
        field="(body)",
        next_step="Send fewer at a time, or raise the limit in the configuration.",
    )


def refused(problem: Refused, otherwise: int) -> Response:
    """The answer to a body that cannot be taken: 413, 415, or ``otherwise`` (422 at intake, 400 in OTLP)."""
    status = 413 if isinstance(problem, TooLarge) else 415 if isinstance(problem, UnsupportedMedia) else otherwise
    return refusal(status, problem.message, field=problem.field or "(body)", next_step=problem.next_step)
