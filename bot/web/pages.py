"""The pages: ``/incidents`` and ``/incidents/{id}``, read-only. What stands on them is made by ``bot.views``.

What a page was made of is kept, so that it can still be shown, and said to be a copy, while the store is away.
"""

import asyncio
import dataclasses
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from bot.domain.incident import Incident, IncidentRow
from bot.domain.run import Run
from bot.errors import Refused, StoreUnavailable
from bot.ports import Clock, EvidenceReader
from bot.settings import Settings
from bot.timeline.rows import row_of
from bot.timeline.sessions import Session
from bot.timeline.store import Store
from bot.views.page import incident_page
from bot.views.page_links import LaneView
from bot.views.page_list import list_page
from bot.views.page_models import IncidentPage, ListPage, Strip
from bot.views.words import worst_run
from bot.web.access import Access
from bot.web.html import html, notice, rendered
from bot.web.query import lane_choice, number
from bot.web.viewing import nobody, refused

_ROWS = 100
_ENTRIES = 1000
_CHECKED = 10_000
"""Longer timelines are not checked for each view of their page; it says so."""
_COPIES = 32

_Made = TypeVar("_Made")
_Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Copy(Generic[_Made]):
    """What a page can be made of again, and when it was read."""

    make: Callable[[datetime, str | None], _Made]
    at: datetime


class Pages:
    """The list and the page of one incident."""

    def __init__(
        self, settings: Settings, store: Store, evidence: EvidenceReader, access: Access, clock: Clock
    ) -> None:
        """``settings`` say in which workspace a channel is opened."""
        self._teams = settings.slack.team_ids
        self._store = store
        self._evidence = evidence
        self._access = access
        self._clock = clock
        self._lists: OrderedDict[_Key, _Copy[ListPage]] = OrderedDict()
        self._incidents: OrderedDict[_Key, _Copy[IncidentPage]] = OrderedDict()
        self._away: datetime | None = None

    async def incidents(self, request: Request) -> Response:
        """``GET /incidents?before=``."""
        try:
            viewer = await self._access.viewer(request)
        except StoreUnavailable:
            return self._no_copy()
        if viewer is None:
            return nobody()
        try:
            before = number(request.query_params.get("before"), "before")
            copy = await self._read_list(viewer, before)
        except Refused as problem:
            return notice(422, "This address cannot be read", problem.message)
        except StoreUnavailable:
            key = (viewer.incidents, request.query_params.get("before"))
            return await self._stale(self._lists.get(key), "incidents.html")
        self._away = None
        _keep(self._lists, (viewer.incidents, request.query_params.get("before")), copy)
        return await _shown(copy, "incidents.html", copy.at, None)

    async def incident(self, request: Request) -> Response:
        """``GET /incidents/{id}?run=&from=&only=&within=``.

        ``run`` chooses whose steps are shown, the others which of them.
        """
        incident_id = request.path_params["id"]
        try:
            denied = await refused(self._access, request, incident_id)
        except StoreUnavailable:
            return self._no_copy()
        if denied is not None:
            return denied
        query = request.query_params
        key = (incident_id, *(query.get(name) for name in ("run", "from", "only", "within")))
        try:
            only, within = lane_choice(request)
            view = LaneView(
                incident_id,
                query.get("run", ""),
                only=only,
                within=within,
                begin=number(query.get("from"), "from") or 0,
            )
            copy = await self._read_incident(view)
        except Refused as problem:
            status = 404 if problem.field == "id" else 410 if problem.field is None else 422
            return notice(status, "There is no such page", problem.message, problem.next_step or "")
        except StoreUnavailable:
            return await self._stale(self._incidents.get(key), "incident.html")
        self._away = None
        _keep(self._incidents, key, copy)
        return await _shown(copy, "incident.html", copy.at, None)

    async def _read_list(self, viewer: Session, before: int | None) -> _Copy[ListPage]:
        following: int | None = None
        if viewer.incidents is None:
            page = await self._store.incidents.rows(before, _ROWS)
            rows: tuple[IncidentRow, ...] = page.rows
            following = page.next
        else:
            rows = tuple([row_of(await self._store.incidents.read(one)) for one in viewer.incidents])

        names = await self._store.names.all()

        def make(now: datetime, stale: str | None) -> ListPage:
            made = list_page(rows, now, next_before=following, names=names)
            return dataclasses.replace(made, strips=(Strip("warn", stale), *made.strips)) if stale else made

        return _Copy(make, self._clock.now())

    async def _read_incident(self, view: LaneView) -> _Copy[IncidentPage]:
        incident_id, wanted = view.incident, view.trace or None
        timelines = self._store.incidents
        incident = await timelines.read(incident_id)
        entries = await timelines.entries(incident_id, max(0, incident.seq - _ENTRIES), _ENTRIES)
        verdict = await timelines.verify(incident_id) if incident.seq <= _CHECKED else None
        repeats = {alert: repeat.count for alert, repeat in (await timelines.repeats(incident_id)).items()}
        link = self._slack(incident)
        names = await self._store.names.all()
        now = self._clock.now()

        def page(at: datetime, stale: str | None, runs: dict[str, Run]) -> IncidentPage:
            return incident_page(
                incident,
                at,
                runs=runs,
                entries=entries,
                verdict=verdict,
                repeats=repeats,
                slack_url=link,
                rows_from=view.begin,
                run=wanted,
                only=view.only,
                within=view.within,
                stale=stale,
                names=names,
            )

        whole = await asyncio.to_thread(page, now, None, await self._run(incident, wanted))

        def make(at: datetime, stale: str | None) -> IncidentPage:
            if stale is None:
                return whole
            again = page(at, stale, {})  # the run may be large: of it only the steps that were shown are kept
            return dataclasses.replace(
                again, agent=whole.agent, agent_absent=whole.agent_absent, chain=whole.chain, as_of=whole.as_of
            )

        return _Copy(make, now)

    async def _run(self, incident: Incident, wanted: str | None) -> dict[str, Run]:
        """The run whose steps are shown; empty when its evidence is gone, which the page says."""
        attached = incident.run(wanted) if wanted else None
        attached = attached or worst_run(incident)
        if attached is None:
            return {}
        try:
            return {attached.summary.trace_id: await self._evidence.run(incident, attached.summary.trace_id)}
        except Refused:
            return {}

    def _slack(self, incident: Incident) -> str | None:
        if incident.channel is None or len(self._teams) != 1:
            return None
        return f"slack://channel?team={self._teams[0]}&id={incident.channel}"

    async def _stale(self, copy: "_Copy[ListPage] | _Copy[IncidentPage] | None", template: str) -> Response:
        """The copy, said to be one; 503 where there is none."""
        if copy is None:
            return self._no_copy()
        now = self._clock.now()
        self._away = self._away or now
        stale = f"The record cannot be read since {self._away:%H:%M:%S}. This is the copy of {copy.at:%H:%M:%S} (UTC)."
        return await _shown(copy, template, now, stale)

    def _no_copy(self) -> Response:
        self._away = self._away or self._clock.now()
        reply = notice(
            503,
            "The record cannot be read",
            f"The store does not answer since {self._away:%H:%M:%S} UTC, and there is no copy of this page.",
            "Load it again in a moment.",
        )
        reply.headers["retry-after"] = "5"
        return reply


async def _shown(
    copy: "_Copy[ListPage] | _Copy[IncidentPage]", template: str, now: datetime, stale: str | None
) -> Response:
    return html(200, await asyncio.to_thread(lambda: rendered(template, copy.make(now, stale))))


def _keep(copies: "OrderedDict[_Key, _Copy[_Made]]", key: _Key, copy: "_Copy[_Made]") -> None:
    copies.pop(key, None)
    copies[key] = copy
    while len(copies) > _COPIES:
        copies.popitem(last=False)
