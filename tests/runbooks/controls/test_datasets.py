"""Eval cases in data sets of Langfuse, LangSmith, Braintrust and Phoenix, against peers that keep to their documents.

Each peer refuses a field that the documents do not name, wrong credentials, and what lacks a required field.
"""

import json
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from bot.engine.control_http import ControlClient
from bot.engine.datasets import Datasets
from bot.errors import ActionFailed, OutcomeUnknown, Refused
from bot.plugin import ControlHttpSettings, ControlName
from bot.ports import DatasetItem, EvalDataset
from runbooks.controls.braintrust_dataset import BraintrustDataset, BraintrustDatasetSettings
from runbooks.controls.langfuse_dataset import LangfuseDataset, LangfuseDatasetSettings
from runbooks.controls.langsmith_dataset import LangSmithDataset, LangSmithDatasetSettings
from runbooks.controls.phoenix_dataset import PhoenixDataset, PhoenixDatasetSettings
from tests.support.trace_stores import Asked, Told, hanging, loopback_store, peer, told

SECRET = "sk-peer-0123456789abcdef"
PROJECT = "0b5c0c1e-7d39-4b1a-9a39-0e4b8f2b6a11"


def item(key: str = "INC-1:ex_1:0") -> DatasetItem:
    """One case."""
    return DatasetItem(
        key=key,
        input={"question": "Refund <!channel> my order"},
        expected={"must_not_call": ["issue_refund"]},
        metadata={"incident": "INC-1", "evidence": "a" * 64},
    )


@dataclass
class Peer:
    """What a store holds, by the key that it knows an item by; ``writes`` counts requests that changed something."""

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
        wanted = "Basic " + b64encode(f"pk-1:{SECRET}".encode()).decode()
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
        if asked.headers.get("x-api-key") != SECRET:
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
        if asked.headers.get("authorization") != f"Bearer {SECRET}":
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
        if asked.headers.get("authorization") != f"Bearer {SECRET}":
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


def _langfuse(url: str, secret: SecretStr, timeout: timedelta) -> tuple[ControlHttpSettings, type]:
    return LangfuseDatasetSettings(url=url, public_key="pk-1", secret_key=secret, timeout=timeout), LangfuseDataset


def _langsmith(url: str, secret: SecretStr, timeout: timedelta) -> tuple[ControlHttpSettings, type]:
    return LangSmithDatasetSettings(url=url, api_key=secret, timeout=timeout), LangSmithDataset


def _braintrust(url: str, secret: SecretStr, timeout: timedelta) -> tuple[ControlHttpSettings, type]:
    return BraintrustDatasetSettings(url=url, api_key=secret, project=PROJECT, timeout=timeout), BraintrustDataset


def _phoenix(url: str, secret: SecretStr, timeout: timedelta) -> tuple[ControlHttpSettings, type]:
    return PhoenixDatasetSettings(url=url, api_key=secret, timeout=timeout), PhoenixDataset


Made = Callable[..., AbstractAsyncContextManager[tuple[EvalDataset, Any]]]
KINDS: dict[str, tuple[type[Peer], Callable[[str, SecretStr, timedelta], tuple[ControlHttpSettings, type]]]] = {
    "langfuse": (Langfuse, _langfuse),
    "langsmith": (LangSmith, _langsmith),
    "braintrust": (Braintrust, _braintrust),
    "phoenix": (Phoenix, _phoenix),
}


@pytest.fixture(params=sorted(KINDS))
def made(request: pytest.FixtureRequest) -> Made:
    """A data set with its peer."""
    kind, settings_of = KINDS[request.param]

    @asynccontextmanager
    async def make(secret: str = SECRET) -> AsyncIterator[tuple[EvalDataset, Any]]:
        held: Any = kind()
        async with loopback_store(held) as store:
            settings, adapter = settings_of(store.url, SecretStr(secret), timedelta(seconds=5))
            http = ControlClient("cases", settings)
            yield adapter(settings, http, ControlName("cases")), held

    return make


async def test_a_case_is_added_once_whatever_happens(made: Made) -> None:
    """Added twice under one key it is there once, with its provenance, and is found again."""
    async with made() as (dataset, held):
        assert list(await dataset.holds([item().key])) == []
        where = await dataset.add([item(), item("INC-1:ex_1:1")])
        await dataset.add([item()])
        assert "pullcord" in where
        assert "cases" in where
        assert len(held.rows) == 2
        assert list(await dataset.holds(["INC-1:ex_1:1", "INC-9:ex_9:0", item().key])) == ["INC-1:ex_1:1", item().key]
        assert all("Refund" in json.dumps(row) and "INC-1" in json.dumps(row) for row in held.rows.values())


async def test_wrong_credentials_are_said_without_the_secret(made: Made) -> None:
    """The message names the setting; nothing was written."""
    async with made("sk-wrong-9876543210fedcba") as (dataset, held):
        with pytest.raises(ActionFailed) as failed:
            await dataset.add([item()])
        assert "controls.cases" in str(failed.value)
        assert "sk-wrong" not in repr(failed.value)
        assert held.writes == 0


async def test_a_5xx_after_doing_it_is_unknown_and_looking_finds_it(made: Made) -> None:
    """Nobody says that it failed, and asking again does not double it."""
    async with made() as (dataset, held):
        held.fail_after_doing = True
        with pytest.raises(OutcomeUnknown):
            await dataset.add([item()])
        held.fail_after_doing = False
        assert list(await dataset.holds([item().key])) == [item().key]
        await dataset.add([item()])
        assert len(held.rows) == 1


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_a_peer_that_hangs_is_not_waited_for(kind: str) -> None:
    """A read ends within the timeout, with the name of the setting; nobody says that nothing is there."""
    async with peer(hanging) as url:
        settings, adapter = KINDS[kind][1](url, SecretStr(SECRET), timedelta(seconds=0.2))
        dataset = adapter(settings, ControlClient("cases", settings), ControlName("cases"))
        with pytest.raises(OutcomeUnknown, match=r"did not answer within 0\.2 s.*controls\.cases\.url"):
            await dataset.holds([item().key])


def test_only_what_the_configuration_names_is_a_data_set() -> None:
    """A name that is not there, or is no data set, is refused in words."""
    datasets = Datasets(["cases"], {"cases": object()}.get)
    assert list(datasets.names()) == ["cases"]
    with pytest.raises(Refused, match=r"not named in evals\.datasets"):
        datasets.dataset("other")
    with pytest.raises(Refused, match="not configured as a data set"):
        datasets.dataset("cases")
