"""The door of the Web API.

Reads arguments, applies outage, faults, limits, token and scopes, then runs the method, and records it all.
"""

import asyncio
import json
import secrets
import time
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from sandbox.slack.backend import Backend
from sandbox.slack.calls import Recorded
from sandbox.slack.errors import SlackError
from sandbox.slack.faults import Fault
from sandbox.slack.model import Json
from sandbox.slack.scopes import APP_TOKEN_METHODS, METHOD_SCOPES
from sandbox.slack.webapi import METHODS
from sandbox.slack.webapi.registry import Args

DROP = "sandbox.drop"
"""Key of the ASGI scope under which `server.py` puts the function that cuts this TCP connection."""


class Endpoint:
    """`/api/{method}`; `answer` is the Starlette endpoint."""

    def __init__(self, slack: Backend) -> None:
        self._slack = slack

    async def answer(self, request: Request) -> Response:
        """Answer one call as Slack would, or as badly as it was told to."""
        name = request.path_params["method"]
        try:
            args, token = await _arguments(request)
        except ClientDisconnect:
            return Response()
        except SlackError as refusal:
            return JSONResponse(refusal.body())
        call = self._slack.calls.add(Recorded(self._slack.now(), name, args.values, token))
        started = time.monotonic()
        try:
            response = await self._answer(request, call, args)
        finally:
            call.took_ms = (time.monotonic() - started) * 1000
        return response

    async def _answer(self, request: Request, call: Recorded, args: Args) -> Response:
        outage = self._slack.faults.outage
        if outage is not None:
            call.error = f"outage_{outage}"
            call.status = 503 if outage == "503" else 0
            return await self._fail(request, outage)
        fault = self._slack.faults.hit(call.method)
        if fault is not None and fault.kind != "lost_reply":
            return await self._faulty(request, call, fault)
        wait = self._slack.limits.refuse(call.method, call.args, time.monotonic())
        if wait is not None:
            return _too_many(call, wait)
        body = await self._run(call, args)
        if fault is not None:
            call.status, call.error = 0, "lost_reply"
            return await self._fail(request, "refuse")
        return self._reply(call, body)

    async def _faulty(self, request: Request, call: Recorded, fault: Fault) -> Response:
        if fault.kind == "429":
            return _too_many(call, fault.retry_after)
        if fault.kind == "500":
            call.status, call.error = 500, "internal_error"
            return Response("Internal Server Error", status_code=500)
        if fault.kind == "ok_false":
            call.error = fault.error
            return self._reply(call, {"ok": False, "error": fault.error})
        call.status, call.error = 0, "hang"
        return await self._fail(request, "hang")

    async def _fail(self, request: Request, how: str) -> Response:
        if how == "hang":
            # ASGI tells of a disconnect only when asked.
            while not await request.is_disconnected() and not self._slack.feed.closed:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        if how == "503":
            return Response("Service Unavailable", status_code=503)
        request.scope[DROP]()
        return Response(status_code=500)

    async def _run(self, call: Recorded, args: Args) -> Json:
        try:
            self._authorise(call)
            return {"ok": True} | await METHODS[call.method](self._slack, args)
        except SlackError as refusal:
            call.error = refusal.error
            return refusal.body()

    def _authorise(self, call: Recorded) -> None:
        if call.method not in METHODS:
            raise SlackError("unknown_method", req_method=call.method)
        if not call.token:
            raise SlackError("not_authed")
        known = {self._slack.bot_token: False, self._slack.app_token: True}
        if call.token not in known:
            raise SlackError("invalid_auth")
        if known[call.token] != (call.method in APP_TOKEN_METHODS):
            raise SlackError("not_allowed_token_type")
        needed = METHOD_SCOPES[call.method]
        provided = self._slack.registration.scopes | {"connections:write"}
        if needed and not provided.intersection(needed):
            listed = ",".join(sorted(self._slack.registration.scopes))
            raise SlackError("missing_scope", needed=",".join(needed), provided=listed)

    def _reply(self, call: Recorded, body: Json) -> Response:
        headers = {
            "x-oauth-scopes": ",".join(sorted(self._slack.registration.scopes)),
            "x-accepted-oauth-scopes": ",".join(METHOD_SCOPES.get(call.method, ())),
            "x-slack-req-id": secrets.token_hex(16),
        }
        return JSONResponse(body, headers=headers)


def _too_many(call: Recorded, seconds: int) -> Response:
    call.status, call.error = 429, "ratelimited"
    return JSONResponse({"ok": False, "error": "ratelimited"}, status_code=429, headers={"retry-after": str(seconds)})


async def _arguments(request: Request) -> tuple[Args, str]:
    values: dict[str, Any] = dict(request.query_params)
    body = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if body and kind == "application/json":
        try:
            parsed = json.loads(body)
        except ValueError:
            raise SlackError("invalid_json") from None
        if not isinstance(parsed, dict):
            raise SlackError("json_not_object")
        values |= parsed
    elif body:
        try:
            values |= dict(parse_qsl(body.decode(), keep_blank_values=True))
        except UnicodeDecodeError:
            raise SlackError("invalid_charset") from None
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given = values.pop("token", "")
    return Args(values), token.strip() if scheme.lower() == "bearer" else str(given)
