"""Answers of the HTTP servers: one shape for every refusal, and the headers that every answer carries."""

from collections.abc import Mapping

from pydantic_core import to_json
from starlette.responses import Response

from bot.domain.base import Json

JSON_TYPE = "application/json"


def answer(status: int, body: Json, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(to_json(body), status, {"cache-control": "no-store", **(headers or {})}, JSON_TYPE)


def refusal(
    status: int,
    reason: str,
    *,
    field: str | None = None,
    next_step: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """``{"error": {"reason", "field", "next_step"}}``: what is wrong, where, and what to do."""
    error: dict[str, Json] = {"reason": reason}
    if field is not None:
        error["field"] = field
    if next_step is not None:
        error["next_step"] = next_step
    return answer(status, {"error": error}, headers)


def unauthorised(next_step: str) -> Response:
    """401 without a hint at what was wrong with the credentials."""
    return refusal(
        401,
        "The credentials are missing or wrong.",
        field="authorization",
        next_step=next_step,
        headers={"www-authenticate": 'Bearer realm="pullcord"'},
    )


def busy(reason: str, retry_after: int = 5) -> Response:
    """503 with ``Retry-After``: it was not stored, and sending it again is right."""
    return refusal(503, reason, next_step="Send it again.", headers={"retry-after": str(retry_after)})
