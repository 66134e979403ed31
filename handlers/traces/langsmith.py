"""LangSmith, by its API v2, with the legacy API (to be removed after January 2027) for what is older.

``GET /api/v2/traces/{trace}/runs`` wants ``project_id`` and each field in ``selects``. Self-hosted before 0.16 has
``POST /api/v1/runs/query``, which pages by ``cursors.next``. A link may name a run within a trace: the trace is then
asked for first. Authentication is ``X-API-Key``, with ``X-Tenant-Id`` where the key reaches several workspaces.
"""

import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator
from pydantic_core import to_json

from bot.domain.base import Json
from bot.domain.trace_ref import TraceRef
from bot.errors import ActionFailed, OutcomeUnknown
from bot.plugin import StoreHttp, StoreSettings, trace_source
from bot.settings import Token
from handlers.traces import fields
from handlers.traces.langsmith_runs import PARTIAL, page, read, runs_of

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_RUN = re.compile(rf"/r/({_UUID})/?$")
_SELECTS = (
    *("ID", "NAME", "RUN_TYPE", "STATUS", "START_TIME", "END_TIME", "ERROR", "EXTRA", "METADATA", "INPUTS", "OUTPUTS"),
    *("PARENT_RUN_IDS", "TRACE_ID", "DOTTED_ORDER", "THREAD_ID", "PROMPT_TOKENS", "COMPLETION_TOKENS", "TAGS"),
    "FEEDBACK_STATS",
)
_SELECT = (
    *("id", "name", "run_type", "status", "start_time", "end_time", "error", "extra", "inputs", "outputs"),
    *("parent_run_id", "parent_run_ids", "trace_id", "dotted_order", "prompt_tokens", "completion_tokens", "tags"),
    *("feedback_stats", "inputs_s3_urls", "outputs_s3_urls"),
)
_NEXT = re.compile(rb'"cursors"\s*:\s*\{[^{}]*?"next"\s*:\s*(?:null|"([^"\\]*)")')
_TAIL = 4_000
_PAGE = 100
_PAGES = 200


def _project(value: str) -> str:
    if not fields.is_uuid(value):
        raise ValueError("should be the project's id, a UUID: LangSmith shows it beside the project's name")
    return value.lower()


class LangSmithSettings(StoreSettings):
    """``trace_stores.<name>`` of type langsmith. ``url`` is the API's (``https://api.smith.langchain.com``).

    ``project`` is the tracing project's id; ``tenant`` the workspace's, where the key reaches several. ``links`` name
    the web address (``https://smith.langchain.com``).
    """

    project: Annotated[str, AfterValidator(_project)]
    api_key: Token
    tenant: Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9-]+$")] | None = None

    @field_validator("url")
    @classmethod
    def _base(cls, value: str) -> str:
        if value.endswith(("/api", "/api/v1", "/api/v2")):
            raise ValueError("should be the address without /api/v1: both versions of the API lie below it")
        return value


class LangSmith:
    """The talking half."""

    def __init__(self, settings: LangSmithSettings, http: StoreHttp) -> None:
        """Nothing is asked before the first trace is wanted."""
        self._settings = settings
        self._http = http
        self._headers = {"x-api-key": settings.api_key.get_secret_value()}
        if settings.tenant is not None:
            self._headers["x-tenant-id"] = settings.tenant

    async def fetch(self, ref: TraceRef) -> Sequence[bytes] | None:
        """The answers about this trace; None where neither version of the API knows it, as a trace or as a run."""
        wanted = fields.uuid_of(ref.trace_id)
        try:
            found = await self._runs(wanted)
            if found is not None:
                return found or await self._of_run(wanted)
        except ActionFailed as error:  # 405 or 501, as a deployment without v2 says; or a no that legacy says too
            try:
                return await self._legacy(wanted)
            except ActionFailed:
                raise error from None
        return await self._of_run(wanted) or await self._legacy(wanted)

    async def _runs(self, trace: str) -> list[bytes] | None:
        """The runs of a trace; empty when there are none, None when the address is unknown (404)."""
        params = {"project_id": self._settings.project, "selects": _SELECTS}
        answer = await self._http.get(f"/api/v2/traces/{trace}/runs", params, self._headers)
        if answer.status == 404:
            return None
        if len(answer.body) < _TAIL and not runs_of(page(answer.body)):
            return []
        return [answer.body]

    async def _of_run(self, run: str) -> list[bytes] | None:
        """The runs of the trace that a run within it names."""
        params = {"project_id": self._settings.project, "selects": ("ID", "TRACE_ID")}
        answer = await self._http.get(f"/api/v2/runs/{run}", params, self._headers)
        trace = None if answer.status == 404 else _trace_of(answer.body)
        return await self._runs(trace) or None if trace is not None and trace != run else None

    async def _legacy(self, wanted: str) -> list[bytes] | None:
        found = await self._query(wanted)
        if found:
            return found
        answer = await self._http.get(f"/api/v1/runs/{wanted}", None, self._headers)
        trace = None if answer.status == 404 else _trace_of(answer.body)
        return await self._query(trace) or None if trace is not None and trace != wanted else None

    async def _query(self, trace: str) -> list[bytes]:
        """All pages; when a later one does not come, those before and a note of that."""
        asked: dict[str, Json] = {
            "trace": trace,
            "session": [self._settings.project],
            "select": list(_SELECT),
            "limit": _PAGE,
        }
        pages: list[bytes] = []
        for _ in range(_PAGES):
            try:
                answer = await self._http.post("/api/v1/runs/query", asked, self._headers)
            except OutcomeUnknown as error:
                if not pages:
                    raise
                return [*pages, to_json({PARTIAL: f"only {len(pages)} pages of its runs came: {error.message}"})]
            if answer.status == 404 or (len(answer.body) < _TAIL and not runs_of(page(answer.body))):
                return pages
            pages.append(answer.body)
            cursor = _cursor(answer.body)
            if cursor is None:
                return pages
            asked["cursor"] = cursor
        return [*pages, to_json({PARTIAL: f"it has more than {_PAGES} pages of runs"})]

    def ref_of(self, link: str) -> TraceRef | None:
        """``/o/<org>/projects/p/<p>/r/<run>`` and ``?peek=<run>``; ``trace_id`` or ``peeked_trace`` says the trace."""
        found = fields.below(link, (self._settings.url, *self._settings.links))
        if found is None or not found.path.startswith(("/o/", "/public/")):
            return None
        match = _RUN.search(found.path)
        told = found.value("peeked_trace", "trace_id") or (match.group(1) if match else found.value("peek"))
        return fields.hex_ref(told, link) if told is not None and fields.is_uuid(told) else None

    async def ping(self) -> str:
        """Ask for the project by its id."""
        answer = await self._http.get(f"/api/v1/sessions/{self._settings.project}", None, self._headers)
        if answer.status == 404:
            raise ActionFailed(
                "LangSmith has no project with that id, or the key does not reach it.",
                next_step="Correct project (and tenant) of this trace store.",
            )
        name = fields.text(fields.mapping(fields.document(answer.body, "LangSmith")).get("name"), 100)
        return f"project {name} seen" if name else "it answers"


def _trace_of(body: bytes) -> str | None:
    trace = fields.text(page(body).get("trace_id"), 100)
    return trace.lower() if trace is not None and fields.is_uuid(trace) else None


def _cursor(body: bytes) -> str | None:
    """The cursor of the next page. Megabytes are not read for it where it stands at the end."""
    end = _NEXT.search(body[-_TAIL:])
    if end is None:
        return fields.text(fields.mapping(page(body).get("cursors")).get("next"), 10_000)
    return end.group(1).decode() if end.group(1) else None


langsmith = trace_source("langsmith", settings=LangSmithSettings, read=read)(LangSmith)
