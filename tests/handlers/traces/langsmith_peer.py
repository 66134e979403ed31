"""A LangSmith that enforces what its API definition says: the key, ``project_id``, ``selects``, cursors."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from tests.handlers.traces.recorded import load
from tests.support.trace_stores import Asked, Told, told

PROJECT = "8b1f4d0a-5b77-4c53-9a6e-0c7d8d3f1a11"
OPTIONS = {"project": PROJECT, "api_key": SecretStr("lsv2_pt_1")}
SELECTS = """
ID NAME RUN_TYPE STATUS START_TIME END_TIME LATENCY_SECONDS ERROR EXTRA METADATA EVENTS INPUTS OUTPUTS MANIFEST
PARENT_RUN_IDS PROJECT_ID TRACE_ID THREAD_ID DOTTED_ORDER IS_ROOT TOTAL_TOKENS PROMPT_TOKENS COMPLETION_TOKENS TAGS
FEEDBACK_STATS
"""
SELECT = """
id name run_type status start_time end_time error extra inputs outputs parent_run_id parent_run_ids trace_id
dotted_order prompt_tokens completion_tokens tags feedback_stats inputs_s3_urls outputs_s3_urls
"""
CHILD = "9228c40d-cd3f-5b95-bbe5-849dd72fa7c9"


class Scripted:
    """A LangSmith workspace. ``v2`` is the status that v2's addresses answer where a deployment does not have them."""

    def __init__(self, *, v2: int = 200, size: int = 100, tenant: str | None = None) -> None:
        self.v2, self.size, self.tenant = v2, size, tenant
        self.fails_after: int | None = None

    def __call__(self, asked: Asked) -> Told:
        """One answer."""
        if asked.headers.get("x-api-key") != "lsv2_pt_1" or asked.headers.get("x-tenant-id") != self.tenant:
            return told({"detail": "Invalid token"}, 401)
        if asked.path == f"/api/v1/sessions/{PROJECT}":
            return told({"id": PROJECT, "name": "refunds"})
        if asked.path.startswith("/api/v2/"):
            return self._v2(asked) if self.v2 == 200 else told({"detail": "Not Found"}, self.v2)
        if asked.path == "/api/v1/runs/query" and asked.method == "POST":
            return self._query(json.loads(asked.body))
        known = {run["id"]: run for run in load("langsmith_runs_legacy.json")}
        found = known.get(asked.path.removeprefix("/api/v1/runs/"))
        return told(found) if found else told({"detail": "Run not found"}, 404)

    def _v2(self, asked: Asked) -> Told:
        if set(asked.query) - {"project_id", "selects"} or set(asked.query["selects"]) - set(SELECTS.split()):
            return told({"error": "invalid request"}, 400)
        runs = load("langsmith_runs_v2.json") if asked.query["project_id"] == [PROJECT] else []
        wanted = asked.query["selects"]
        if asked.path.startswith("/api/v2/traces/"):
            trace = asked.path.split("/")[4]
            return told({"items": [_selected(run, wanted) for run in runs if run["trace_id"] == trace]})
        found = [_selected(run, wanted) for run in runs if run["id"] == asked.path.removeprefix("/api/v2/runs/")]
        return told(found[0]) if found else told({"error": "not found"}, 404)

    def _query(self, body: dict[str, Any]) -> Told:
        if set(body) - {"trace", "session", "select", "limit", "cursor"} or set(body["select"]) - set(SELECT.split()):
            return told({"detail": "unprocessable"}, 422)
        if body["session"] != [PROJECT] or not 1 <= body["limit"] <= 100:
            return told({"detail": "unprocessable"}, 422)
        first = int(body.get("cursor", "0"))
        if self.fails_after is not None and first >= self.fails_after:
            return Told(503)
        held = [run for run in load("langsmith_runs_legacy.json") if run["trace_id"] == body["trace"]]
        last = first + min(body["limit"], self.size)
        return told({"runs": held[first:last], "cursors": {"next": str(last) if last < len(held) else None}})


def _selected(run: Mapping[str, Any], wanted: list[str]) -> dict[str, Any]:
    return {name: value for name, value in run.items() if name.upper() in wanted}
