"""MLflow: ``GET /api/3.0/mlflow/traces/get`` (MLflow 3.6 and later), and the trace's artifact for servers before it.

MLflow numbers traces ``tr-<trace id>``, writes OpenTelemetry's ids in base64 (OTLP as protobuf's own JSON), makes
structures of texts that hold JSON, and keeps the resource as the trace's tags.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError, from_json

from bot.domain.base import Json
from bot.domain.span import MAX_NANOSECONDS, SpanRecord
from bot.domain.trace_ref import TraceRef
from bot.errors import ActionFailed, Refused
from bot.plugin import Fetched, StoreAnswer, StoreHttp, StoreSettings, trace_source
from bot.recorder.otlp_values import BadSpan, Unreadable, hex_id, parent_id, record
from bot.settings import Secret, Token
from handlers.traces.fields import Link, below, document, gathered, hex_ref, mapping, native_ref, objects, text

_GET = "api/3.0/mlflow/traces/get"
_INFO = "api/3.0/mlflow/traces"
_ARTIFACTS = ("ajax-api/3.0/mlflow/get-trace-artifact", "ajax-api/2.0/mlflow/get-trace-artifact")
_PING = "api/2.0/mlflow/experiments/search"
_HEX = re.compile(r"(?:tr-)?([0-9a-f]{32})")
_PICKED = ("selectedEvaluationId", "selectedTraceId")
_STATUS = {0: "unset", 1: "ok", 2: "error", "STATUS_CODE_OK": "ok", "STATUS_CODE_ERROR": "error"}
_STATUS |= {"OK": "ok", "ERROR": "error"}
_KINDS = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
_KIND = {f"SPAN_KIND_{name}": number for number, name in enumerate(_KINDS)}
_HEAD = 4_000
_IN_PROGRESS = frozenset({"IN_PROGRESS", "TRACE_STATUS_UNSPECIFIED"})


class MlflowSettings(StoreSettings):
    """``token`` is sent as a bearer token, ``username`` and ``password`` as basic authentication: at most one of both.

    ``workspace`` is for servers that have workspaces.
    """

    token: Token | None = None
    username: str | None = Field(default=None, min_length=1, max_length=200, pattern=r"^[^:]+$")
    password: Secret | None = None
    workspace: str | None = Field(default=None, min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")

    @model_validator(mode="after")
    def _one_way_in(self) -> "MlflowSettings":
        if (self.username is None) != (self.password is None):
            raise PydanticCustomError("mlflow_basic", "needs username and password together")
        if self.token is not None and self.username is not None:
            raise PydanticCustomError("mlflow_auth", "takes a token or a username with password, not both")
        return self


class Mlflow:
    """Talks to MLflow's tracking server."""

    def __init__(self, settings: MlflowSettings, http: StoreHttp) -> None:
        """Nothing is asked yet."""
        self._settings = settings
        self._http = http
        self._headers: dict[str, str] = {}
        if settings.token is not None:
            self._headers["authorization"] = f"Bearer {settings.token.get_secret_value()}"
        elif settings.username is not None and settings.password is not None:
            pair = f"{settings.username}:{settings.password.get_secret_value()}".encode()
            self._headers["authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        if settings.workspace is not None:
            self._headers["x-mlflow-workspace"] = settings.workspace

    async def fetch(self, ref: TraceRef) -> Sequence[bytes] | None:
        """The trace with its spans; with the artifact as a second answer where the spans are only there."""
        number = ref.native or f"tr-{ref.trace_id}"
        answer = await self._http.get(_GET, {"trace_id": number, "allow_partial": "true"}, self._headers)
        if _not_there(answer):
            return None
        answers = [] if answer.status == 404 else [answer.body]
        if answers and _has_spans(answer.body):
            return answers
        if not answers:  # a server before traces/get: the tags stand in the trace's info
            info = await self._http.get(f"{_INFO}/{quote(number, safe='')}", None, self._headers)
            if _not_there(info):
                return None
            answers = [] if info.status == 404 else [info.body]
        for path in _ARTIFACTS:
            artifact = await self._http.get(path, {"request_id": number}, self._headers)
            if artifact.status != 404:
                return [*answers, artifact.body]
            if _not_there(artifact):
                return answers or None
        if not answers:
            raise _no_mlflow()
        return answers

    def ref_of(self, link: str) -> TraceRef | None:
        """``#/experiments/<id>/traces?selectedEvaluationId=tr-<trace id>``: what follows ``#`` is MLflow's own path."""
        base, _, own = link.partition("#")
        found = below(base, (self._settings.url, *self._settings.links))
        if found is None:
            return None
        query = Link("", tuple(parse_qsl(own.partition("?")[2])[:100]))
        number = found.value(*_PICKED) or query.value(*_PICKED)
        if number is None:
            return None
        plain_id = _HEX.fullmatch(number)
        return hex_ref(plain_id.group(1), link) if plain_id else native_ref(number, link)

    async def ping(self) -> str:
        """The experiments that these credentials may see."""
        answer = await self._http.get(_PING, {"max_results": "10"}, self._headers)
        if answer.status == 404:
            raise _no_mlflow()
        seen = len(list(objects(mapping(document(answer.body, "MLflow")).get("experiments"))))
        if not seen:
            return "it answers, and these credentials see no experiment"
        return f"{seen} experiment{'' if seen == 1 else 's'} seen"


def _no_mlflow() -> ActionFailed:
    return ActionFailed(
        "What stands at the configured address is no MLflow.", next_step="Correct url of this trace store."
    )


def _not_there(answer: StoreAnswer) -> bool:
    return answer.status == 404 and b"RESOURCE_DOES_NOT_EXIST" in answer.body[:_HEAD]


def _has_spans(body: bytes) -> bool:
    """Whether an answer of ``traces/get`` holds any span; only a small one can hold none."""
    return b'"span_id"' in body


def read(answers: Sequence[bytes], ref: TraceRef) -> Fetched:
    """MLflow's spans in our own form. Raises ``Refused`` for what is no answer of MLflow's."""
    notes: list[str] = []
    found: list[SpanRecord | BadSpan] = []
    resource: dict[str, Json] = {}
    for body in answers:
        answer = mapping(document(body, "MLflow"))
        trace = mapping(answer.get("trace"))
        info = mapping(trace.get("trace_info"))
        if not trace and not isinstance(answer.get("spans"), list):
            raise Refused("MLflow's answer holds no trace.", field="trace", next_step="Check the address of the store.")
        tags = mapping(info.get("tags"))
        resource = resource or {name: value for name, value in tags.items() if not name.startswith("mlflow.")}
        if text(info.get("state"), 100) in _IN_PROGRESS:
            notes.append("it is still in progress there")
        found += _spans(objects(trace.get("spans")), ref, resource, own_ids=True)
        found += _spans(objects(answer.get("spans")), ref, resource, own_ids=False)
    return gathered(found, ref, *notes)


def _spans(
    spans: Iterator[dict[str, Any]], ref: TraceRef, resource: dict[str, Json], *, own_ids: bool
) -> Iterator[SpanRecord | BadSpan]:
    """``own_ids`` False: the trace's artifact, whose spans may carry ids other than the one it was asked for by."""
    for number, span in enumerate(spans):
        where = f"spans[{number}]"
        try:
            trace_id = hex_id(_id(span.get("trace_id")), 32, f"{where}.trace_id") if own_ids else ref.trace_id
            yield _span(span, trace_id, resource, where)
        except Unreadable as error:
            yield BadSpan(error.field, error.reason)


def _span(span: dict[str, Any], trace_id: str, resource: dict[str, Json], where: str) -> SpanRecord | BadSpan:
    context = mapping(span.get("context"))  # MLflow 2 kept ids there, as 0x and hex
    status = mapping(span.get("status"))
    parent = _first(span, "parent_span_id", "parent_id")
    return record(
        {
            "trace_id": trace_id,
            "span_id": hex_id(_id(span.get("span_id") or context.get("span_id")), 16, f"{where}.span_id"),
            "parent_id": parent_id(_id(parent), f"{where}.parent_span_id") if parent else None,
            "name": text(span.get("name")) or "",
            "kind": _KIND.get(str(span.get("kind")), 0),
            "start_ns": _time(_first(span, "start_time_unix_nano", "start_time")),
            "end_ns": _time(_first(span, "end_time_unix_nano", "end_time")),
            "status": _status(status.get("code", span.get("status_code"))),
            "status_message": text(status.get("message") or span.get("status_message")) or "",
            "attributes": _attributes(span.get("attributes"), f"{where}.attributes"),
            "events": [
                {
                    "name": text(event.get("name")) or "",
                    "at_ns": _time(_first(event, "time_unix_nano", "timestamp")),
                    "attributes": _attributes(event.get("attributes"), f"{where}.events", plain=True),
                }
                for event in objects(span.get("events"))
            ],
            "resource": resource,
        },
        where,
    )


def _first(holder: dict[str, Any], *names: str) -> Any:
    return next((holder[name] for name in names if holder.get(name) is not None), None)


def _id(value: Any) -> Any:
    """An id as hex: MLflow writes base64, and before it wrote ``0x`` and hex."""
    if not isinstance(value, str) or len(value) > 40:
        return value
    if value.startswith("0x"):
        return value[2:]
    if len(value) in {12, 24} and value.endswith("="):
        try:
            return base64.b64decode(value, validate=True).hex()
        except (binascii.Error, ValueError):
            return value
    return value


def _time(value: Any) -> int:
    """Nanoseconds, which protobuf's JSON may write as text; 0 for none and for what is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 24:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_NANOSECONDS else 0


def _status(code: Any) -> str:
    return _STATUS.get(code, "unset") if isinstance(code, (int, str)) else "unset"


def _attributes(value: Any, where: str, *, plain: bool = False) -> dict[str, Json]:
    """OTLP's list of names and values, or the artifact's mapping, whose texts are JSON (``plain``: as they stand)."""
    if isinstance(value, dict):
        return {name: held if plain else _unquoted(held) for name, held in value.items()}
    return {str(item["key"]): _any(item.get("value"), where) for item in objects(value) if "key" in item}


def _unquoted(value: Any) -> Json:
    if not isinstance(value, str):
        kept: Json = value
        return kept
    try:
        read: Json = from_json(value, allow_inf_nan=False)
    except ValueError:
        return value
    return value if isinstance(read, float) and read in {float("inf"), float("-inf")} else read


def _any(value: Any, where: str) -> Json:
    """An ``AnyValue`` in protobuf's names or in OTLP/JSON's; an empty one is null."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise Unreadable(where, "must be an AnyValue object")
    for name, held in value.items():
        kind = name.removesuffix("_value").removesuffix("Value")
        if held is None:
            continue
        if kind == "array":
            return [_any(item, where) for item in _values(held)]
        if kind == "kvlist":
            return {str(item.get("key")): _any(item.get("value"), where) for item in _values(held) if "key" in item}
        if kind == "int" and isinstance(held, str):
            return _whole(held)
        found: Json = held
        return found
    return None


def _values(held: Any) -> list[dict[str, Any]]:
    return list(objects(held.get("values") if isinstance(held, dict) else held))


def _whole(value: str) -> Json:
    return int(value) if len(value) < 24 and re.fullmatch(r"-?\d+", value, re.ASCII) else value


mlflow = trace_source("mlflow", settings=MlflowSettings, read=read)(Mlflow)
