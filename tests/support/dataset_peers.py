"""Stores of data sets as their documents describe them: Langfuse, LangSmith, Braintrust and Phoenix.

Each refuses a field that the documents do not name, wrong credentials, and what lacks a required field.
"""

import json
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tests.support.trace_stores import Asked, Told, told

PROJECT = "0b5c0c1e-7d39-4b1a-9a39-0e4b8f2b6a11"


@dataclass
class Peer:
    """What a store holds, by the id that it knows an item by; ``writes`` counts requests that changed something."""

    secret: str
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    sets: dict[str, str] = field(default_factory=dict)
    writes: int = 0
    fail_after_doing: bool = False

    def wrote(self, answer: Told) -> Told:
        """A change that was made, answered honestly or not."""
        self.writes += 1
        return Told(502) if self.fail_after_doing else answer


def _only(body: dict[str, Any], allowed: set[str], required: set[str]) -> bool:
    return set(body) <= allowed and required <= set(body)


class Langfuse(Peer):
    """``/api/public``: items are upserted by their id."""

    def __call__(self, asked: Asked) -> Told:  # noqa: PLR0911 - one return per answer of the API
        """Answer."""
        wanted = "Basic " + b64encode(f"pk-1:{self.secret}".encode()).decode()
        if asked.headers.get("authorization") != wanted:
            return told({"message": "Invalid credentials"}, 401)
        body = json.loads(asked.body or b"{}")
        if asked.method == "POST" and asked.path == "/api/public/v2/datasets":
            if not _only(body, {"name", "description", "metadata"}, {"name"}):
                return told({"message": "Invalid request data"}, 400)
            self.sets[body["name"]] = body["name"]
            return told({"name": body["name"]})
        if asked.method == "POST" and asked.path == "/api/public/dataset-items":
            allowed = {"id", "datasetName", "input", "expectedOutput", "metadata", "sourceTraceId", "status"}
            if not _only(body, allowed, {"datasetName"}) or body["datasetName"] not in self.sets:
                return told({"message": "Invalid request data"}, 400)
            self.rows[body["id"]] = body
            return self.wrote(told(body))
        if asked.method == "GET" and asked.path.startswith("/api/public/dataset-items/"):
            row = self.rows.get(asked.path.rpartition("/")[2].replace("%3A", ":"))
            return told(row) if row is not None else told({"message": "not found"}, 404)
        return told({}, 405)


class LangSmith(Peer):
    """``/api/v1``: an example with an id that is there is a conflict."""

    def __call__(self, asked: Asked) -> Told:  # noqa: PLR0911 - one return per answer of the API
        """Answer."""
        if asked.headers.get("x-api-key") != self.secret:
            return told({"detail": "Unauthorized"}, 403)
        body = json.loads(asked.body or b"{}")
        if asked.path == "/api/v1/datasets":
            if asked.method == "GET":
                names = asked.query.get("name", [])
                return told([{"id": i, "name": n} for n, i in self.sets.items() if not names or n in names])
            self.sets[body["name"]] = PROJECT
            return told({"id": PROJECT, "name": body["name"]})
        if asked.method == "POST" and asked.path == "/api/v1/examples":
            allowed = {"id", "dataset_id", "inputs", "outputs", "metadata", "split", "source_run_id"}
            if not _only(body, allowed, {"dataset_id", "inputs"}) or body["dataset_id"] != PROJECT:
                return told({"detail": "unprocessable"}, 422)
            if str(UUID(body["id"])) in self.rows:
                return told({"detail": "already exists"}, 409)
            self.rows[body["id"]] = body
            return self.wrote(told(body))
        if asked.method == "GET" and asked.path.startswith("/api/v1/examples/"):
            row = self.rows.get(asked.path.rpartition("/")[2])
            return told(row) if row is not None else told({"detail": "not found"}, 404)
        return told({}, 405)


class Braintrust(Peer):
    """``/v1/dataset``: an event with an id that is there replaces it; events are fetched in pages."""

    def __call__(self, asked: Asked) -> Told:  # noqa: PLR0911 - one return per answer of the API
        """Answer."""
        if asked.headers.get("authorization") != f"Bearer {self.secret}":
            return told("Unauthorized", 401)
        body = json.loads(asked.body or b"{}")
        if asked.path == "/v1/dataset" and asked.method == "POST":
            if not _only(body, {"project_id", "name", "description"}, {"project_id", "name"}):
                return told("bad", 400)
            self.sets[body["name"]] = "ds-1"
            return told({"id": "ds-1", "name": body["name"]})
        if asked.path == "/v1/dataset":
            names = asked.query["dataset_name"]
            return told({"objects": [{"id": i, "name": n} for n, i in self.sets.items() if n in names]})
        if asked.path == "/v1/dataset/ds-1/insert":
            for event in body["events"]:
                if not _only(event, {"id", "input", "expected", "metadata", "tags"}, {"input"}):
                    return told("bad", 400)
                self.rows[event["id"]] = event
            return self.wrote(told({"row_ids": [e["id"] for e in body["events"]]}))
        if asked.path == "/v1/dataset/ds-1/fetch":
            rows, at = list(self.rows.values()), int(body.get("cursor", 0))
            page = rows[at : at + 1]  # pages of one, so that the way through them is tried
            cursor = str(at + 1) if at + 1 < len(rows) else None
            return told({"events": page, "cursor": cursor})
        return told("no", 405)


class Phoenix(Peer):
    """``/v1/datasets``: whatever is uploaded is appended under ids of Phoenix's own."""

    def __call__(self, asked: Asked) -> Told:
        """Answer."""
        if asked.headers.get("authorization") != f"Bearer {self.secret}":
            return told("Invalid token", 401)
        body = json.loads(asked.body or b"{}")
        if asked.path == "/v1/datasets":
            names = asked.query.get("name", [])
            return told({"data": [{"id": i, "name": n} for n, i in self.sets.items() if n in names]})
        if asked.path == "/v1/datasets/upload":
            allowed = {"name", "action", "inputs", "outputs", "metadata", "description"}
            exists = body.get("name") in self.sets
            if not _only(body, allowed, {"name", "inputs"}) or (body["action"] == "create") == exists:
                return told("unprocessable", 422)
            self.sets[body["name"]] = "RGF0YXNldDox"
            for given, out, metadata in zip(body["inputs"], body["outputs"], body["metadata"], strict=True):
                row = {"id": f"e{len(self.rows)}", "input": given, "output": out, "metadata": metadata}
                self.rows[row["id"]] = row
            return self.wrote(told({"data": {"dataset_id": "RGF0YXNldDox"}}))
        if asked.path == "/v1/datasets/RGF0YXNldDox/examples":
            return told({"data": {"examples": list(self.rows.values())}})
        return told("no", 405)
