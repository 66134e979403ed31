"""Eval cases in data sets of Langfuse, LangSmith, Braintrust and Phoenix, against peers that keep to their documents.

Each peer refuses a field that the documents do not name, wrong credentials, and what lacks a required field.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any

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
from tests.support.dataset_peers import PROJECT, Braintrust, Langfuse, LangSmith, Peer, Phoenix
from tests.support.trace_stores import hanging, loopback_store, peer

SECRET = "sk-peer-0123456789abcdef"


def item(key: str = "INC-1:ex_1:0") -> DatasetItem:
    """One case."""
    return DatasetItem(
        key=key,
        input={"question": "Refund <!channel> my order"},
        expected={"must_not_call": ["issue_refund"]},
        metadata={"incident": "INC-1", "evidence": "a" * 64},
    )


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
        held: Any = kind(SECRET)
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
