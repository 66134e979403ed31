"""All that is in force: ``GET /mitigations`` for people, ``GET /api/mitigations`` for programs. Read from the index."""

import asyncio
import dataclasses
from datetime import datetime
from typing import Final

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.base import Json
from bot.domain.mitigation import MitigationRow, rows_of
from bot.errors import Refused, StoreUnavailable
from bot.ports import Clock
from bot.timeline.sessions import Session
from bot.timeline.store import Store
from bot.views.mitigations import state_words
from bot.views.page_mitigations import MitigationsPage, mitigations_page
from bot.views.page_models import Strip
from bot.web.access import Access
from bot.web.answers import answer, busy, refusal, unauthorised
from bot.web.credentials import bearer_of, matches
from bot.web.html import html, notice, rendered
from bot.web.query import number
from bot.web.viewing import nobody

_ROWS: Final = 500
_PAGE: Final = 200
_MOST: Final = 1000


class Mitigations:
    """The page and the API."""

    def __init__(self, token: SecretStr | None, store: Store, access: Access, clock: Clock) -> None:
        """``token`` is the API token; without one nobody may read the API."""
        self._token = token
        self._store = store
        self._access = access
        self._clock = clock
        self._copy: tuple[datetime, MitigationsPage] | None = None
        self._away: datetime | None = None

    async def api(self, request: Request) -> Response:
        """``GET /api/mitigations?limit=&skip=``: the newest first; ``next`` is the ``skip`` of the next page."""
        if not matches(bearer_of(request), (self._token,)):
            return unauthorised("Send PULLCORD_API_TOKEN as bearer.")
        try:
            limit = max(1, min(number(request.query_params.get("limit"), "limit") or _PAGE, _MOST))
            skip = number(request.query_params.get("skip"), "skip") or 0
            rows = await self._store.mitigations.rows(limit, skip)
            total = await self._store.mitigations.total()
        except Refused as problem:
            return refusal(422, problem.message, field=problem.field, next_step=problem.next_step)
        except StoreUnavailable:
            return busy("The store does not answer now.")
        following = skip + limit if skip + limit < total else None
        shown: list[Json] = [
            {**row.model_dump(mode="json"), "in_force": row.green, "says": state_words(row)} for row in rows
        ]
        return answer(200, {"mitigations": shown, "total": total, "next": following})

    async def page(self, request: Request) -> Response:
        """``GET /mitigations``. Who came by a link of one incident sees what that incident set, and nothing else."""
        try:
            viewer = await self._access.viewer(request)
        except StoreUnavailable:
            return self._no_copy()
        if viewer is None:
            return nobody()
        now = self._clock.now()
        try:
            rows, total = await self._rows(viewer)
            names = await self._store.names.all()
        except StoreUnavailable:
            return await self._stale(viewer)
        self._away = None
        only = viewer.incidents or ()
        made = await asyncio.to_thread(mitigations_page, rows, now, total=total, names=names, only=only)
        if viewer.incidents is None:
            self._copy = (now, made)
        return html(200, await asyncio.to_thread(rendered, "mitigations.html", made))

    async def _rows(self, viewer: Session) -> tuple[list[MitigationRow], int]:
        if viewer.incidents is None:
            return await self._store.mitigations.rows(_ROWS), await self._store.mitigations.total()
        rows = [row for one in viewer.incidents for row in rows_of(await self._store.incidents.read(one))]
        return rows, len(rows)

    async def _stale(self, viewer: Session) -> Response:
        """The copy, said to be one, for those who may see all of it."""
        if self._copy is None or viewer.incidents is not None:
            return self._no_copy()
        self._away = self._away or self._clock.now()
        at, page = self._copy
        said = f"The record cannot be read since {self._away:%H:%M:%S}. This is the copy of {at:%H:%M:%S} (UTC)."
        shown = dataclasses.replace(page, strips=(Strip("warn", said),))
        return html(200, await asyncio.to_thread(rendered, "mitigations.html", shown))

    def _no_copy(self) -> Response:
        self._away = self._away or self._clock.now()
        since = f"The store does not answer since {self._away:%H:%M:%S} UTC, and there is no copy of this page."
        reply = notice(503, "The record cannot be read", since, "Load it again in a moment.")
        reply.headers["retry-after"] = "5"
        return reply
