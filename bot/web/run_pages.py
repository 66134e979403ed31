"""The pages below an incident: one run, one step as it was recorded, and what changed line by line.

They show full (redacted) texts, and are reachable by those only who may see the page of their incident.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from bot.domain.effect import Effect
from bot.domain.incident import Incident
from bot.domain.run import Run
from bot.errors import Refused, StoreUnavailable
from bot.ports import Clock, EvidenceReader, RunTexts
from bot.timeline.store import Store
from bot.views import words
from bot.views.page_changes import changes_page, hashes
from bot.views.page_links import LaneView
from bot.views.page_one_run import run_page
from bot.views.page_step import step_page
from bot.web.access import Access
from bot.web.html import html, notice, rendered
from bot.web.query import lane_choice, number
from bot.web.viewing import refused

_TEXTS: Final = 80
"""Texts that one page of changes reads: forty changes."""
_STEP = re.compile(r"[0-9a-f]{16}|call-[0-9]{1,9}")
_Drawn = Callable[[], str]
_BACK = "Go back to the incident and choose one of its runs."


class RunPages:
    """``/incidents/{id}/runs/{trace}`` and below."""

    def __init__(self, store: Store, evidence: EvidenceReader, texts: RunTexts, access: Access, clock: Clock) -> None:
        """``texts`` are whole prompts and tool definitions by their hash."""
        self._store = store
        self._evidence = evidence
        self._texts = texts
        self._access = access
        self._clock = clock

    async def run(self, request: Request) -> Response:
        """``GET /incidents/{id}/runs/{trace}?only=&from=&within=``: all steps of one run, over the whole width."""
        return await self._shown(request, self._run)

    async def step(self, request: Request) -> Response:
        """``GET /incidents/{id}/runs/{trace}/steps/{step}?part=``: one step; with ``part`` only what it holds."""
        return await self._shown(request, self._step)

    async def changes(self, request: Request) -> Response:
        """``GET /incidents/{id}/runs/{trace}/changes``: what differs from the last good runs."""
        return await self._shown(request, self._changes)

    async def _shown(self, request: Request, make: Callable[[Request, Incident], Awaitable[_Drawn]]) -> Response:
        incident_id = request.path_params["id"]
        try:
            denied = await refused(self._access, request, incident_id)
            if denied is not None:
                return denied
            incident = await self._store.incidents.read(incident_id)
            drawn = await make(request, incident)
        except Refused as problem:
            status = 404 if problem.field in {"id", "trace_id"} else 410 if problem.field is None else 422
            return notice(status, "There is no such page", problem.message, problem.next_step or "")
        except StoreUnavailable:
            reply = notice(503, "The record cannot be read", "The store does not answer now.", "Load it again.")
            reply.headers["retry-after"] = "5"
            return reply
        return html(200, await asyncio.to_thread(drawn))

    async def _run(self, request: Request, incident: Incident) -> _Drawn:
        trace = request.path_params["trace"]
        only, within = lane_choice(request)
        begin = number(request.query_params.get("from"), "from") or 0
        view = LaneView(incident.id, trace, wide=True, only=only, within=within, begin=begin)
        found: Run | None = None
        if incident.run(trace) is not None:
            try:
                found = await self._evidence.run(incident, trace)
            except Refused:
                found = None  # its evidence is gone: the page says so
        now = self._clock.now()
        page = await asyncio.to_thread(lambda: run_page(incident, found, _effects(incident, trace, now), view, now))
        if page is None:
            raise _no_run(incident)
        return lambda: rendered("run.html", page)

    async def _step(self, request: Request, incident: Incident) -> _Drawn:
        trace, step = request.path_params["trace"], request.path_params["step"]
        if incident.run(trace) is None or not _STEP.fullmatch(step):
            raise _no_run(incident)
        run = await self._evidence.run(incident, trace)
        now = self._clock.now()
        page = await asyncio.to_thread(lambda: step_page(incident, run, _effects(incident, trace, now), step, now))
        if page is None:
            raise Refused("This run has no such step.", field="id", next_step=_BACK)
        template = "step_part.html" if request.query_params.get("part") else "step.html"
        return lambda: rendered(template, page)

    async def _changes(self, request: Request, incident: Incident) -> _Drawn:
        trace = request.path_params["trace"]
        if incident.run(trace) is None:
            raise _no_run(incident)
        wanted = hashes(incident.compared_run(trace))
        texts = {key: await self._texts.text(key) for key in wanted[:_TEXTS]}
        now = self._clock.now()
        return lambda: rendered("changes.html", changes_page(incident, trace, texts, now))


def _effects(incident: Incident, trace: str, now: datetime) -> tuple[Effect, ...]:
    return tuple(effect for effect in words.standing(incident, now) if effect.trace_id == trace)


def _no_run(incident: Incident) -> Refused:
    return Refused(f"{incident.id} names no such run.", field="id", next_step=_BACK)
