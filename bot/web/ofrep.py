"""OpenFeature Remote Evaluation Protocol: how agents read what restrains them (openfeature.dev, OFREP 0.2).

The bearer token decides the agent; a ``targetingKey`` that names another is refused. A known flag is always answered
200 with value, reason, variant and metadata, since plain providers fall back to the code's default otherwise.
"""

import hashlib
from collections.abc import Mapping, Sequence

from pydantic import SecretStr
from pydantic_core import from_json, to_json
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from bot import metrics
from bot.domain.action import Restraint
from bot.domain.base import Json
from bot.domain.desired import NEUTRAL, AgentState
from bot.errors import Busy, StoreUnavailable
from bot.ports import DesiredState
from bot.recorder.limits import TooLarge
from bot.web.answers import answer, busy, unauthorised
from bot.web.body import read_body, refused
from bot.web.credentials import bearer_of, owner

_MAX_BODY = 64 * 1024


class Ofrep:
    """Both OFREP endpoints."""

    def __init__(self, tokens: Mapping[str, SecretStr | None], desired: DesiredState) -> None:
        """``tokens``: agent name -> its bearer token."""
        self._tokens = tokens
        self._desired = desired

    async def one(self, request: Request) -> Response:
        """``POST /ofrep/v1/evaluate/flags/{key}``."""
        agent = await self._agent(request)
        if isinstance(agent, Response):
            return self._counted(agent)
        key = request.path_params["key"]
        if key not in NEUTRAL:
            details = f"There is no flag {key[:100]!r}. Known: {', '.join(NEUTRAL)}."
            return self._counted(
                answer(404, {"key": key[:100], "errorCode": "FLAG_NOT_FOUND", "errorDetails": details})
            )
        try:
            state = await self._desired.state(agent)
        except StoreUnavailable:
            return self._counted(busy("The desired state cannot be read now; keep the last known one."))
        reply = answer(200, evaluation(state, key))
        reply.background = BackgroundTask(self._note, agent, (key,), state.revision)
        return self._counted(reply)

    async def bulk(self, request: Request) -> Response:
        """``POST /ofrep/v1/evaluate/flags``: every flag; ``If-None-Match`` with the last ``ETag`` answers 304."""
        agent = await self._agent(request)
        if isinstance(agent, Response):
            return self._counted(agent)
        try:
            state = await self._desired.state(agent)
        except StoreUnavailable:
            return self._counted(busy("The desired state cannot be read now; keep the last known one."))
        flags: list[Json] = [evaluation(state, key) for key in NEUTRAL]
        tag = tag_of(state, flags)
        noted = BackgroundTask(self._note, agent, tuple(NEUTRAL), state.revision)
        known = {part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")}
        if tag in known:
            return self._counted(Response(status_code=304, headers={"etag": tag}, background=noted))
        reply = answer(200, {"flags": flags}, {"etag": tag})
        reply.background = noted
        return self._counted(reply)

    async def _agent(self, request: Request) -> str | Response:
        """The agent whose token this is, or the answer that says why not."""
        agent = owner(bearer_of(request), self._tokens)
        if agent is None:
            return unauthorised("Send the agent's own token (agents.<name>.token) as bearer.")
        try:
            raw = await read_body(request, _MAX_BODY)
            payload = from_json(raw, allow_inf_nan=False) if raw else {}
        except TooLarge as problem:
            return refused(problem, 413)
        except Busy as problem:
            return busy(problem.message, problem.retry_after)
        except ValueError:
            return _bad("PARSE_ERROR", "The body is not JSON.")
        return _named(payload, agent)

    async def _note(self, agent: str, flags: Sequence[str], revision: int) -> None:
        """Runs after the answer was sent. A read that cannot be noted only delays the green mark."""
        try:
            await self._desired.record_read(agent, flags, revision)
        except StoreUnavailable:
            return

    @staticmethod
    def _counted(reply: Response) -> Response:
        metrics.FLAG_READS.labels(str(reply.status_code)).inc()
        return reply


def evaluation(state: AgentState, key: str) -> dict[str, Json]:
    """One evaluated flag. Metadata is flat (OpenFeature allows only scalars there); tools have their own keys."""
    settings = [s for s in state.settings if s.flag == key]
    metadata: dict[str, Json] = {"revision": state.revision}
    for setting in settings:
        if setting.restraint is None:
            continue
        told = _told(setting.restraint)
        metadata.update(told)
        if setting.element is not None:
            metadata.update({f"tool.{setting.element}.{name}": value for name, value in told.items()})
    restrained = bool(settings) and state.value(key) != NEUTRAL[key]
    return {
        "key": key,
        "value": state.value(key),
        "reason": "STATIC" if restrained else "DEFAULT",
        "variant": "restrained" if restrained else "neutral",
        "metadata": metadata,
    }


def _named(payload: Json, agent: str) -> str | Response:
    """The agent, unless the body's context asks for another one."""
    context = payload.get("context", {}) if isinstance(payload, dict) else None
    if not isinstance(context, dict):
        return _bad("INVALID_CONTEXT", "The body must be an object whose context is an object.")
    key = context.get("targetingKey", agent)
    if not isinstance(key, str):
        return _bad("TARGETING_KEY_MISSING", "context.targetingKey must be a text: the agent's name.")
    if key not in {"", agent}:
        details = "This token belongs to another agent; an agent reads only its own state."
        return answer(403, {"errorCode": "INVALID_CONTEXT", "errorDetails": details})
    return agent


def tag_of(state: AgentState, flags: Json) -> str:
    """The entity tag: revision and content, since a store that was emptied counts up to the same revision again."""
    return f'"r{state.revision}-{hashlib.sha256(to_json(flags)).hexdigest()[:16]}"'


def _told(restraint: Restraint) -> dict[str, Json]:
    told: dict[str, Json] = {"incident": restraint.incident, "by": restraint.by, "why": restraint.why}
    if restraint.until is not None:
        told["until"] = restraint.until.isoformat()
    return told


def _bad(code: str, details: str) -> Response:
    return answer(400, {"errorCode": code, "errorDetails": details})
