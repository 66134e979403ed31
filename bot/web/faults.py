"""What no endpoint answered: unknown paths, wrong methods, and our own failures, in the one shape of ``answers``.

A failure of ours is logged whole and told as one sentence: its text may hold what nobody outside should read.
"""

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.errors import Busy, Refused, StoreUnavailable
from bot.web.answers import busy, refusal

_log = structlog.get_logger(__name__)
_NEXT_STEPS = {
    404: "Check the address; paths have no slash at the end.",
    405: "Use one of the methods in the Allow header.",
}


async def no_route(_request: Request, problem: Exception) -> Response:
    """404 for a path that is not there, 405 with ``Allow`` for a method that it has not."""
    status = problem.status_code if isinstance(problem, HTTPException) else 500
    headers = problem.headers if isinstance(problem, HTTPException) else None
    reason = {404: "There is nothing at this path.", 405: "This path has no such method."}.get(
        status, "The request cannot be answered."
    )
    return refusal(status, reason, next_step=_NEXT_STEPS.get(status), headers=headers)


class Faults:
    """ASGI middleware: whatever an endpoint let through becomes an answer, never a stack trace.

    Innermost but for the routes, so that neither Starlette nor uvicorn writes the exception to their own logs, where
    nothing takes secrets out.
    """

    def __init__(self, app: ASGIApp) -> None:
        """``app`` is what comes next."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and answer for what failed."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception as problem:  # noqa: BLE001 - the last line before the sender
            reply = _answer(problem, str(scope["method"]), _route(scope))
            if not begun:
                await reply(scope, receive, send)


def _answer(problem: Exception, method: str, route: str) -> Response:
    if isinstance(problem, StoreUnavailable):
        return busy("The store does not answer now.")
    if isinstance(problem, Busy):
        return busy(problem.message, problem.retry_after)
    if isinstance(problem, Refused):
        return refusal(422, problem.message, field=problem.field, next_step=problem.next_step)
    _log.error("a request failed", method=method, route=route, exc_info=problem)
    return refusal(500, "Pullcord failed at this request; the reason is in its log.", next_step="Tell its operator.")


def _route(scope: Scope) -> str:
    """The path as far as it is ours: what a path holds beyond its route may be a token."""
    path = str(scope.get("path", ""))
    first = path.strip("/").split("/", 1)[0]
    return f"/{first[:40]}"
