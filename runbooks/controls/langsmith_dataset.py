"""Eval cases as examples of a LangSmith data set (LangSmith API v1: ``/datasets``, ``/examples``).

An example's id is a UUID that whoever adds it may choose: it is made from the case's key, so that adding one again is
answered 409 and changes nothing.
"""

from collections.abc import Sequence
from typing import Annotated
from uuid import NAMESPACE_URL, uuid5

from pydantic import StringConstraints

from bot.domain.base import Json
from bot.errors import ActionFailed
from bot.plugin import ControlHttp, ControlHttpSettings, ControlName, control_plane
from bot.ports import DatasetItem
from bot.settings import Token

_CONFLICT = frozenset({409})


class LangSmithDatasetSettings(ControlHttpSettings):
    """The API key, and the data set's name; it is made when it is not there."""

    url: str = "https://api.smith.langchain.com"
    api_key: Token
    dataset: Annotated[str, StringConstraints(min_length=1, max_length=200)] = "pullcord"


class LangSmithDataset:
    """Meets EvalDataset."""

    def __init__(self, settings: LangSmithDatasetSettings, http: ControlHttp, name: ControlName) -> None:
        """``http`` is bound to the address of LangSmith."""
        self.name = str(name)
        self._settings = settings
        self._http = http
        self._headers = {"x-api-key": settings.api_key.get_secret_value()}

    async def add(self, items: Sequence[DatasetItem]) -> str:
        """Make the data set where it is not there, and add each example under an id made from its key."""
        dataset = await self._id() or await self._make()
        for item in items:
            body: Json = {
                "id": example_id(item.key),
                "dataset_id": dataset,
                "inputs": item.input,
                "outputs": item.expected,
                "metadata": {**item.metadata, "pullcord_key": item.key},
            }
            await self._http.write("POST", "api/v1/examples", json=body, headers=self._headers, accept=_CONFLICT)
        return f"data set {self._settings.dataset} of {self.name}"

    async def holds(self, keys: Sequence[str]) -> Sequence[str]:
        """Which of these examples are there."""
        found: list[str] = []
        for key in keys:
            path = f"api/v1/examples/{example_id(key)}"
            answer = await self._http.read("GET", path, headers=self._headers, accept=frozenset({404}))
            if answer.status != 404:
                found.append(key)
        return found

    async def _id(self) -> str | None:
        wanted = self._settings.dataset
        answer = await self._http.read("GET", "api/v1/datasets", params={"name": wanted}, headers=self._headers)
        read = answer.json()
        rows = read if isinstance(read, list) else []
        named = (row for row in rows if isinstance(row, dict) and row.get("name") == wanted)
        return next((str(row["id"]) for row in named if isinstance(row.get("id"), str)), None)

    async def _make(self) -> str:
        body: Json = {"name": self._settings.dataset, "data_type": "kv"}
        answer = await self._http.write("POST", "api/v1/datasets", json=body, headers=self._headers, accept=_CONFLICT)
        read = answer.json()
        made = read.get("id") if isinstance(read, dict) and answer.status != 409 else await self._id()
        if not isinstance(made, str):
            message = f"{self.name} made no data set {self._settings.dataset}."
            raise ActionFailed(message, next_step=f"Look at it there, or name another in controls.{self.name}.dataset.")
        return made


def example_id(key: str) -> str:
    """The UUID of a case's example: the same for the same key (RFC 9562, version 5)."""
    return str(uuid5(NAMESPACE_URL, f"pullcord:{key}"))


langsmith_dataset = control_plane("langsmith_dataset", settings=LangSmithDatasetSettings)(LangSmithDataset)
