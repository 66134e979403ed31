"""Arize Phoenix: ``GET /v1/projects/{project}/spans?trace_id=`` with its cursor (Phoenix 20).

Phoenix keeps attributes flat and moves OpenInference's span kind aside; both are put back. It drops the resource and
the scope, and what was below a microsecond, so what our own receiver got of a span is always the fuller record.
"""

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any
from urllib.parse import quote

from pydantic import Field
from pydantic_core import to_json

from bot.domain.span import SpanRecord
from bot.domain.trace_ref import TraceRef
from bot.errors import ActionFailed, OutcomeUnknown
from bot.plugin import Fetched, StoreAnswer, StoreHttp, StoreSettings, trace_source
from bot.recorder.otlp_values import BadSpan, Unreadable, hex_id, parent_id, record
from bot.settings import Token
from handlers.traces.fields import below, document, gathered, hex_ref, mapping, nanoseconds, objects, text

_PAGE = "1000"  # the most that Phoenix answers at once
_PAGES = 100
_CURSOR = re.compile(rb'\]\s*,\s*"next_cursor"\s*:\s*(?:null|"([^"\\]*)")\s*\}\s*\Z')
"""At the very end, where Phoenix writes it: reading megabytes only for the cursor would hold the event loop."""
_TAIL = 2_000
_PARTIAL = "pullcord_partial"
_STATUS = {"OK": "ok", "ERROR": "error"}
_LINKS = (re.compile(r"/projects/[^/]+/(?:traces|spans)/([^/]+)"), re.compile(r"/redirects/traces/([^/]+)"))


class PhoenixSettings(StoreSettings):
    """``projects`` are names or ids, asked in this order; without any, all are tried, the agent's own name first."""

    projects: tuple[str, ...] = Field(default=(), max_length=50)
    api_key: Token | None = None


class Phoenix:
    """Talks to Phoenix's REST API."""

    def __init__(self, settings: PhoenixSettings, http: StoreHttp) -> None:
        """Nothing is asked yet."""
        self._settings = settings
        self._http = http
        key = settings.api_key
        self._headers = {} if key is None else {"authorization": f"Bearer {key.get_secret_value()}"}

    async def fetch(self, ref: TraceRef) -> Sequence[bytes] | None:
        """Every page of the trace's spans; when later pages fail, those before, marked as partial."""
        missing: list[str] = []
        async for project in self._projects(ref.agent):
            answers = await self._spans(project, ref.trace_id)
            if answers:
                return answers
            if answers is None:
                missing.append(project)
        if missing and self._settings.projects:
            named = ", ".join(missing)
            raise ActionFailed(f"Phoenix has no project {named}.", next_step="Correct projects of this trace store.")
        return None

    def ref_of(self, link: str) -> TraceRef | None:
        """``/projects/<id>/traces/<trace id>`` and ``/redirects/traces/<trace id>``."""
        found = below(link, (self._settings.url, *self._settings.links))
        if found is None:
            return None
        matches = (pattern.match(found.path) for pattern in _LINKS)
        return next((hex_ref(match.group(1), link) for match in matches if match), None)

    async def ping(self) -> str:
        """The projects that are seen, and that each configured one is there."""
        answer = await self._get("v1/projects", {"limit": "100"})
        seen = [name for name in map(_name, objects(_page(answer)[0])) if name]
        for project in self._settings.projects:
            if (await self._get(f"v1/projects/{quote(project, safe='')}", {})).status == 404:
                raise ActionFailed(
                    f"Phoenix has no project {project}.", next_step="Correct projects of this trace store."
                )
        count = len(self._settings.projects) or len(seen)
        return f"{count} project{'' if count == 1 else 's'} seen"

    async def _projects(self, agent: str | None) -> AsyncIterator[str]:
        if self._settings.projects:
            for configured in self._settings.projects:
                yield configured
            return
        cursor: str | None = None
        first: list[str] = []
        rest: list[str] = []
        for _ in range(_PAGES):
            params = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
            found, cursor = _page(await self._get("v1/projects", params))
            for project in objects(found):
                name, key = _name(project), text(project.get("id"), 200)
                if key:
                    (first if agent and name == agent else rest).append(key)
            if not cursor:
                break
        for key in (*first, *rest):
            yield key

    async def _spans(self, project: str, trace_id: str) -> list[bytes] | None:
        """The pages of one project; none when the trace is not there, None when the project is not."""
        path = f"v1/projects/{quote(project, safe='')}/spans"
        pages: list[bytes] = []
        cursor: str | None = None
        for _ in range(_PAGES):
            params = {"trace_id": trace_id, "limit": _PAGE} | ({"cursor": cursor} if cursor else {})
            try:
                answer = await self._get(path, params)
            except (ActionFailed, OutcomeUnknown) as error:
                if not pages:
                    raise
                return [*pages, to_json({_PARTIAL: f"only {len(pages)} pages of its spans came: {error.message}"})]
            if answer.status == 404:
                return pages or None
            cursor = _cursor(answer)
            if not pages and not cursor and len(answer.body) < _TAIL and not list(objects(_page(answer)[0])):
                return []
            pages.append(answer.body)
            if not cursor:
                return pages
        return [*pages, to_json({_PARTIAL: f"it has more than {_PAGES} pages of spans"})]

    async def _get(self, path: str, params: dict[str, str]) -> StoreAnswer:
        return await self._http.get(path, params, self._headers)


def _name(project: dict[str, Any]) -> str | None:
    return text(project.get("name"), 200)


def _page(answer: StoreAnswer) -> tuple[Any, str | None]:
    """What a page lists, and the cursor of the next."""
    if answer.status == 404:
        raise ActionFailed(
            "What stands at the configured address is no Phoenix.", next_step="Correct url of this trace store."
        )
    page = mapping(document(answer.body, "Phoenix"))
    return page.get("data"), text(page.get("next_cursor"), 1_000)


def _cursor(answer: StoreAnswer) -> str | None:
    end = _CURSOR.search(answer.body[-_TAIL:])
    if end is None:
        return _page(answer)[1]
    return end.group(1).decode() if end.group(1) else None


def read(answers: Sequence[bytes], ref: TraceRef) -> Fetched:
    """Phoenix's spans as they were sent to it, as far as it keeps that. Raises ``Refused`` for what it never writes."""
    notes: list[str] = []

    def spans() -> Iterator[SpanRecord | BadSpan]:
        for body in answers:
            page = mapping(document(body, "Phoenix"))
            if isinstance(note := page.get(_PARTIAL), str):
                notes.append(note)
            for number, span in enumerate(objects(page.get("data"))):
                yield _span(span, f"data[{number}]")

    found = list(spans())
    return gathered(found, ref, *notes)


def _span(span: dict[str, Any], where: str) -> SpanRecord | BadSpan:
    attributes = dict(mapping(span.get("attributes")))
    kind = text(span.get("span_kind"), 100)
    if kind and kind != "UNKNOWN":
        attributes.setdefault("openinference.span.kind", kind)
    context = mapping(span.get("context"))
    try:
        return record(
            {
                "trace_id": hex_id(context.get("trace_id"), 32, f"{where}.context.trace_id"),
                "span_id": hex_id(context.get("span_id"), 16, f"{where}.context.span_id"),
                "parent_id": parent_id(span.get("parent_id"), f"{where}.parent_id"),
                "name": text(span.get("name")) or "",
                "start_ns": nanoseconds(span.get("start_time")),
                "end_ns": nanoseconds(span.get("end_time")),
                "status": _STATUS.get(str(span.get("status_code")), "unset"),
                "status_message": text(span.get("status_message")) or "",
                "attributes": attributes,
                "events": [
                    {
                        "name": text(event.get("name")) or "",
                        "at_ns": nanoseconds(event.get("timestamp")),
                        "attributes": mapping(event.get("attributes")),
                    }
                    for event in objects(span.get("events"))
                ],
            },
            where,
        )
    except Unreadable as error:
        return BadSpan(error.field, error.reason)


phoenix = trace_source("phoenix", settings=PhoenixSettings, read=read)(Phoenix)
