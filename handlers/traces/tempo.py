"""Grafana Tempo, by its query API v2 (Tempo 2.7 and newer), with v1 for what is older.

``GET /api/v2/traces/<id>`` answers ``TraceByIDResponse`` (``pkg/tempopb/tempo.proto``): ``trace = 1``, which lies on
the wire as an OTLP export does, ``metrics = 2``, ``status = 3`` (0 complete, 1 partial) and ``message = 4``. Protobuf
is asked for: Tempo's JSON is protobuf's own, with ids in base64 and enums as names (read too). A tenant goes into
``X-Scope-OrgID``. An older Tempo answers 404 to v2 and has ``GET /api/traces/<id>`` with the bare ``Trace``.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # type: ignore[import-untyped]
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from pydantic import Field
from pydantic_core import from_json

from bot.domain.catalogue import Duration
from bot.domain.span import SpanRecord
from bot.domain.trace_ref import TraceRef
from bot.errors import ActionFailed, Refused
from bot.plugin import Fetched, StoreAnswer, StoreHttp, trace_source
from bot.recorder.otlp_values import BadSpan
from handlers.traces import fields
from handlers.traces.otlp_answers import GatewaySettings, spans_of_document, spans_of_protobuf

_PATH = re.compile(r"/traces?/([0-9a-fA-F]{1,32})/?$")
_ID = re.compile(r"[0-9a-fA-F]{16,32}")
_PROTOBUF = frozenset({"application/protobuf", "application/x-protobuf", "application/vnd.google.protobuf"})
_V2, _V1, _JSON = b"v2 protobuf", b"v1 protobuf", b"json"
"""What the body after it is: a protobuf body does not tell."""
_MAX_PANES = 1_000


class TempoSettings(GatewaySettings):
    """``trace_stores.<name>`` of type tempo.

    ``tenant`` is the value of ``X-Scope-OrgID``. ``window``: look so long before and after the alert first, and
    everywhere only when nothing is there (Tempo then reads fewer blocks); without it everywhere at once. ``links`` may
    name the Grafana in which people open traces.
    """

    tenant: Annotated[str, Field(min_length=1, max_length=150, pattern=r"^[A-Za-z0-9!\-_.*'()|]+$")] | None = None
    window: Duration | None = None


class Tempo:
    """The talking half."""

    def __init__(self, settings: TempoSettings, http: StoreHttp) -> None:
        """Nothing is asked before the first trace is wanted."""
        self._settings = settings
        self._http = http
        self._headers = dict(settings.headers)
        if settings.tenant is not None:
            self._headers["x-scope-orgid"] = settings.tenant

    async def fetch(self, ref: TraceRef) -> Sequence[bytes] | None:
        """What the answer is, and the answer; None where Tempo has no such trace (404)."""
        if ref.at is not None and self._settings.window is not None:
            first, last = (int((ref.at + way * self._settings.window).timestamp()) for way in (-1, 1))
            answer = await self._get(f"/api/v2/traces/{ref.trace_id}", {"start": str(first), "end": str(last)})
            if answer.status != 404:
                return [_kind(answer, _V2), answer.body]
        answer = await self._get(f"/api/v2/traces/{ref.trace_id}")
        if answer.status != 404:
            return [_kind(answer, _V2), answer.body]
        answer = await self._get(f"/api/traces/{ref.trace_id}")
        return None if answer.status == 404 else [_kind(answer, _V1), answer.body]

    async def _get(self, path: str, params: dict[str, str] | None = None) -> StoreAnswer:
        return await self._http.get(path, params, {"accept": "application/protobuf", **self._headers})

    def ref_of(self, link: str) -> TraceRef | None:
        """Tempo's own addresses, and links into Grafana (Explore, Drilldown) whose query is a trace id."""
        found = fields.below(link, (self._settings.url, *self._settings.links))
        if found is None:
            return None
        match = _PATH.search(found.path)
        if match is not None:
            return fields.hex_ref(match.group(1), link)
        named = fields.hex_ref(found.value("traceId", "traceID", "trace_id", "var-traceId", "var-traceID"), link)
        return named or next((ref for pane in _panes(found) if (ref := fields.hex_ref(pane, link))), None)

    async def ping(self) -> str:
        """Ask for the names of attributes: unlike Tempo's echo that needs the tenant, as a trace does."""
        answer = await self._http.get("/api/search/tags", headers={"accept": "application/json", **self._headers})
        if answer.status == 404:
            raise ActionFailed(
                "What stands at the configured address is no query frontend of Tempo.",
                next_step="Correct url of this trace store.",
            )
        names = fields.mapping(fields.document(answer.body, "Tempo")).get("tagNames")
        return f"{len(names) if isinstance(names, list) else 0} names of attributes seen"


def _kind(answer: StoreAnswer, protobuf: bytes) -> bytes:
    if answer.media_type in _PROTOBUF:
        return protobuf
    if answer.media_type == "application/json":
        return _JSON
    raise ActionFailed(
        f"Tempo's address answered {answer.media_type[:80] or 'without a type'}, neither protobuf nor JSON.",
        next_step="Check trace_stores: url must be Tempo's query frontend, not a page that asks to sign in.",
    )


def _panes(link: fields.Link) -> Iterator[str]:
    """The trace ids that Grafana's ``panes`` or, before Grafana 10, ``left`` and ``right`` hold as their queries."""
    for name, value in link.query:
        if name not in {"panes", "left", "right"}:
            continue
        try:
            level = [from_json(value, allow_inf_nan=False)]
        except ValueError:
            continue
        for _ in range(12):
            level = [inner for item in level[:_MAX_PANES] for inner in _inner(item)]
            for item in level:
                query = item.get("query") if isinstance(item, dict) and _asks_tempo(item) else None
                if isinstance(query, str) and _ID.fullmatch(query.strip()):
                    yield query


def _inner(item: Any) -> list[Any]:
    if isinstance(item, dict):
        return list(item.values())
    return item if isinstance(item, list) else []


def _asks_tempo(query: dict[str, Any]) -> bool:
    """Grafana writes the type of the source beside each query since version 9; where it does not, nobody knows."""
    source = query.get("datasource")
    return not isinstance(source, dict) or source.get("type") in {None, "tempo"}


def read(answers: Sequence[bytes], ref: TraceRef) -> Fetched:
    """The spans, and whether Tempo called the trace partial. Raises ``Refused`` where the answer is none of Tempo's."""
    kind, body = answers
    if kind == _JSON:
        return _read_json(body, ref)
    if kind == _V1:
        return fields.gathered(spans_of_protobuf(body), ref)
    try:
        response = _RESPONSE.FromString(body)
    except DecodeError as error:
        raise Refused(
            f"Tempo's answer is not protobuf: {error}.", field="body", next_step="Check the address of the store."
        ) from None
    found = spans_of_protobuf(response.trace)
    return fields.gathered(found, ref, _partial(response.status == 1, response.message))


def _read_json(body: bytes, ref: TraceRef) -> Fetched:
    answer = fields.mapping(fields.document(body, "Tempo"))
    status = answer.get("status")
    found: Iterator[SpanRecord | BadSpan] = spans_of_document(answer.get("trace", answer) or {})
    return fields.gathered(found, ref, _partial(status in ("PARTIAL", 1), answer.get("message")))


def _partial(is_partial: bool, message: Any) -> str | None:  # noqa: FBT001 - one truth value beside its reason
    if not is_partial:
        return None
    return f"Tempo called the trace partial: {fields.text(message, 300) or 'no reason given'}"


def _response_class() -> Any:
    """``TraceByIDResponse`` without its metrics; the trace stays bytes, for the reader of OTLP exports."""
    file = descriptor_pb2.FileDescriptorProto(name="pullcord/tempo.proto", package="pullcord", syntax="proto3")
    message = file.message_type.add(name="TraceByIDResponse")
    kinds = descriptor_pb2.FieldDescriptorProto
    for number, name, kind in (
        (1, "trace", kinds.TYPE_BYTES),
        (3, "status", kinds.TYPE_INT32),
        (4, "message", kinds.TYPE_STRING),
    ):
        message.field.add(name=name, number=number, type=kind, label=kinds.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("pullcord.TraceByIDResponse"))


_RESPONSE = _response_class()

tempo = trace_source("tempo", settings=TempoSettings, read=read)(Tempo)
