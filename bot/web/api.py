"""The read API: incidents, timelines and evidence as JSON, for bearers of ``PULLCORD_API_TOKEN``."""

import asyncio
from collections.abc import Mapping
from typing import Final

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.action import Execution
from bot.domain.base import Json
from bot.domain.effect import Effect
from bot.domain.incident import AttachedRun, Incident
from bot.errors import Refused, StoreUnavailable
from bot.ports import EvidenceReader
from bot.timeline.lookups import Repeat
from bot.timeline.store import Store
from bot.views import recorder_words
from bot.web.answers import answer, busy, refusal, unauthorised
from bot.web.credentials import bearer_of, matches
from bot.web.query import number

_PAGE = 50
_MOST = 200
_OWN: Final = {
    *("id", "number", "state", "alert_state", "severity", "severity_why", "agent", "name", "summary"),
    *("opened_at", "opened_by", "acknowledged_by", "acknowledged_at", "commander", "contained_at"),
    *("resolved_by", "resolved_at", "resolution", "missing", "pages", "degraded", "notes"),
    *("channel", "root_ts", "seq", "head", "drill"),
}
"""Fields of an incident that the API shows as they are."""


class ReadApi:
    """``/api/incidents`` and below."""

    def __init__(self, token: SecretStr | None, store: Store, evidence: EvidenceReader) -> None:
        """Without a token nobody may read: every request is answered 401."""
        self._token = token
        self._store = store
        self._evidence = evidence

    async def incidents(self, request: Request) -> Response:
        """``GET /api/incidents?limit=&before=``: newest first; ``next`` is the ``before`` of the next page."""
        denied = self._guarded(request)
        if denied is not None:
            return denied
        try:
            before = number(request.query_params.get("before"), "before")
            page = await self._store.incidents.rows(before, _limit(request))
        except Refused as problem:
            return _not_there(problem)
        except StoreUnavailable:
            return _away()
        return answer(200, {"incidents": [row.model_dump(mode="json") for row in page.rows], "next": page.next})

    async def incident(self, request: Request) -> Response:
        """``GET /api/incidents/{id}``: the contract's object."""
        denied = self._guarded(request)
        if denied is not None:
            return denied
        try:
            incident = await self._store.incidents.read(request.path_params["id"])
            repeats = await self._store.incidents.repeats(incident.id)
        except Refused as problem:
            return _not_there(problem)
        except StoreUnavailable:
            return _away()
        return await asyncio.to_thread(lambda: answer(200, incident_body(incident, repeats)))

    async def timeline(self, request: Request) -> Response:
        """``GET /api/incidents/{id}/timeline?after=&limit=``: entries oldest first with their codes."""
        denied = self._guarded(request)
        if denied is not None:
            return denied
        try:
            limit = _limit(request)
            after = number(request.query_params.get("after"), "after") or 0
            entries = await self._store.incidents.entries(request.path_params["id"], after, limit)
            if not entries and not after:
                await self._store.incidents.read(request.path_params["id"])
        except Refused as problem:
            return _not_there(problem)
        except StoreUnavailable:
            return _away()
        following = entries[-1].seq if len(entries) == limit else None

        def body() -> Response:
            return answer(200, {"entries": [entry.model_dump(mode="json") for entry in entries], "next": following})

        return await asyncio.to_thread(body)

    async def evidence(self, request: Request) -> Response:
        """``GET /api/incidents/{id}/evidence``: the frozen runs; with ``?trace_id=`` one of them whole."""
        denied = self._guarded(request)
        if denied is not None:
            return denied
        try:
            incident = await self._store.incidents.read(request.path_params["id"])
            trace_id = request.query_params.get("trace_id")
            if trace_id is None:
                return answer(200, {"evidence": [_evidence(run) for run in incident.runs]})
            run = await self._evidence.run(incident, trace_id)
        except Refused as problem:
            return _not_there(problem)
        except StoreUnavailable:
            return _away()
        return await asyncio.to_thread(lambda: answer(200, {"run": run.model_dump(mode="json")}))

    def _guarded(self, request: Request) -> Response | None:
        if matches(bearer_of(request), (self._token,)):
            return None
        return unauthorised("Send PULLCORD_API_TOKEN as bearer.")


def incident_body(incident: Incident, repeats: Mapping[str, Repeat]) -> dict[str, Json]:
    """The object of PRODUCT.md's contract, with more beside it."""
    own = incident.model_dump(mode="json", include=_OWN)
    counted = {alert: repeat.model_dump(mode="json") for alert, repeat in repeats.items()}
    return {
        **own,
        "alerts": [{**a.model_dump(mode="json"), "id": a.id, "repeats": counted.get(a.id)} for a in incident.alerts],
        "runs": [_run(incident, run) for run in incident.runs],
        "effects": [_effect(effect) for effect in incident.effects],
        "executions": [_execution(execution) for execution in incident.executions],
        "offered": incident.offered.model_dump(mode="json", exclude={"lines"}) if incident.offered else None,
        "offered_runs": [line.model_dump(mode="json") for line in incident.offered.lines] if incident.offered else [],
        "added_runs": list(incident.added),
    }


def _run(incident: Incident, run: AttachedRun) -> Json:
    """``changes`` and ``similar`` are null as long as nobody compared or looked."""
    trace = run.summary.trace_id
    compared = incident.compared_run(trace)
    similar = recorder_words.still_similar(incident, trace)
    return {
        **run.summary.model_dump(mode="json"),
        "alerted": run.alerted,
        "evidence": run.evidence,
        "source": run.source,
        "source_note": run.source_note,
        "changes": None if compared is None else compared.model_dump(mode="json", exclude={"trace_id"}),
        "similar": None if similar is None else similar.model_dump(mode="json", exclude={"trace_id"}),
    }


def _effect(effect: Effect) -> Json:
    suggested = effect.suggestion
    return {
        **effect.model_dump(mode="json", exclude={"suggestion"}),
        "suggested_class": suggested.reversibility.value if suggested is not None else None,
        "suggested_why": suggested.reason if suggested is not None else None,
    }


def _execution(execution: Execution) -> Json:
    return execution.model_dump(mode="json")


def _evidence(run: AttachedRun) -> Json:
    return {
        "trace_id": run.summary.trace_id,
        "sha256": run.evidence,
        "bytes": run.evidence_bytes,
        "source": run.source,
        "catalogue": run.catalogue,
        "frozen_at": run.attached_at.isoformat(),
    }


def _limit(request: Request) -> int:
    return max(1, min(number(request.query_params.get("limit"), "limit") or _PAGE, _MOST))


def _not_there(problem: Refused) -> Response:
    """404 for what there is not, 422 for a bad parameter, 410 for what was here and cannot be read any more."""
    status = 410 if problem.field is None else 404 if problem.field in {"id", "trace_id"} else 422
    return refusal(status, problem.message, field=problem.field, next_step=problem.next_step)


def _away() -> Response:
    return busy("The store does not answer now.")
