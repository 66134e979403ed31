"""Langfuse, by its observations API v2, with the trace API of self-hosted version 3 for what is older.

``GET /api/public/v2/observations?traceId=`` pages by ``meta.cursor``; inputs and outputs come as the texts that were
recorded, values of metadata cut at 200 characters where ``expandMetadata=*`` is not understood. A server without it (or
not in version 4's write mode) answers 404; ``GET /api/public/traces/{id}`` then has the observations, and the scores.
Authentication is HTTP Basic with the project's public and secret key.
"""

import re
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import quote

from pydantic import Field

from bot.domain.trace_ref import TraceRef
from bot.errors import ActionFailed, OutcomeUnknown
from bot.plugin import StoreHttp, StoreSettings, trace_source
from bot.settings import Secret
from handlers.traces import fields
from handlers.traces.langfuse_observations import V2, V3, cursor_of, page_of, read
from handlers.traces.otlp_answers import basic

_TRACE = re.compile(r"/(?:traces?)/([^/]{1,200})/?$")
_FIELDS = "core,basic,io,model,usage,metadata,prompt,trace_context"
_PAGE = 1_000
_PAGES = 100
_CURSOR = re.compile(rb'\]\s*,\s*"meta"\s*:\s*\{\s*(?:"cursor"\s*:\s*(?:null|"([^"\\]*)")\s*)?\}\s*\}\s*\Z')
"""At the very end, where Langfuse writes it."""
_TAIL = 2_000


class LangfuseSettings(StoreSettings):
    """``trace_stores.<name>`` of type langfuse. The keys are those of the project that the agent's traces are in."""

    public_key: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^:\s]+$")]
    secret_key: Secret


class Langfuse:
    """The talking half."""

    def __init__(self, settings: LangfuseSettings, http: StoreHttp) -> None:
        """Nothing is asked before the first trace is wanted."""
        self._settings = settings
        self._http = http
        self._headers = {"authorization": basic(settings.public_key, settings.secret_key.get_secret_value())}

    async def fetch(self, ref: TraceRef) -> Sequence[bytes] | None:
        """Which API answered, and its answers; None where Langfuse has no such trace.

        A trace of an older SDK is looked for as a UUID too, which is how those wrote their ids.
        """
        known = (ref.native,) if ref.native else (ref.trace_id, fields.uuid_of(ref.trace_id))
        for native in known:
            pages = await self._observations(native)
            if pages is None:
                return await self._trace(known)
            if pages:
                return [V2, *pages]
        try:  # a server that is just being moved to version 4 has older traces only there
            return await self._trace(known)
        except ActionFailed:
            return None

    async def _trace(self, known: Sequence[str]) -> list[bytes] | None:
        """Version 3's answer; None where it has no such trace. Raises ActionFailed where that API was taken away."""
        for native in known:
            answer = await self._http.get(f"/api/public/traces/{quote(native, safe='')}", headers=self._headers)
            if answer.status != 404:
                return [V3, answer.body]
        return None

    async def _observations(self, native: str) -> list[bytes] | None:
        """All pages, or as many as came in time; nothing where there is no such trace, None where there is no v2."""
        params = {"traceId": native, "fields": _FIELDS, "expandMetadata": "*", "limit": str(_PAGE)}
        pages: list[bytes] = []
        for _ in range(_PAGES):
            try:
                answer = await self._http.get("/api/public/v2/observations", params, self._headers)
            except OutcomeUnknown:
                if pages:
                    return pages  # the last one names a cursor, so that ``read`` says it is partial
                raise
            if answer.status == 404:
                return pages or None
            if not pages and len(answer.body) < _TAIL and not page_of(answer.body).get("data"):
                return []
            pages.append(answer.body)
            cursor = _next(answer.body)
            if cursor is None:
                break
            params["cursor"] = cursor
        return pages

    def ref_of(self, link: str) -> TraceRef | None:
        """``/project/<p>/traces/<id>``, ``?peek=<id>`` of the list of traces, and the short ``/trace/<id>``."""
        found = fields.below(link, (self._settings.url, *self._settings.links))
        if found is None:
            return None
        match = _TRACE.search(found.path)
        if match is not None:
            return fields.native_ref(match.group(1), link)
        listed = found.path.rstrip("/").endswith("/traces")
        return fields.native_ref(found.value("peek", "traceId"), link) if listed else None

    async def ping(self) -> str:
        """Ask which project the keys are of."""
        answer = await self._http.get("/api/public/projects", headers=self._headers)
        if answer.status == 404:
            raise ActionFailed(
                "What stands at the configured address is no Langfuse.", next_step="Correct url of this trace store."
            )
        projects = page_of(answer.body).get("data")
        name = next((fields.text(project.get("name"), 100) for project in fields.objects(projects)), None)
        return f"the keys are of project {name}" if name else "it answers"


def _next(body: bytes) -> str | None:
    """The cursor of the next page. Megabytes are not read for it: that would hold the event loop."""
    end = _CURSOR.search(body[-_TAIL:])
    if end is None:
        return cursor_of(page_of(body))
    return end.group(1).decode() if end.group(1) else None


langfuse = trace_source("langfuse", settings=LangfuseSettings, read=read)(Langfuse)
