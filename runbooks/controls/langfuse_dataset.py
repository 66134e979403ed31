"""Eval cases as items of a Langfuse data set (Langfuse public API: ``/api/public/v2/datasets``, ``/dataset-items``).

Items are upserted by their id, which is unique in a project: the case's key is the id, so that adding one again changes
nothing.
"""

from base64 import b64encode
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import quote

from pydantic import StringConstraints

from bot.domain.base import Json
from bot.plugin import ControlHttp, ControlHttpSettings, ControlName, control_plane
from bot.ports import DatasetItem
from bot.settings import Secret


class LangfuseDatasetSettings(ControlHttpSettings):
    """The keys of a project, and the data set's name; it is made when it is not there."""

    public_key: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    secret_key: Secret
    dataset: Annotated[str, StringConstraints(min_length=1, max_length=200)] = "pullcord"


class LangfuseDataset:
    """Meets EvalDataset."""

    def __init__(self, settings: LangfuseDatasetSettings, http: ControlHttp, name: ControlName) -> None:
        """``http`` is bound to the address of Langfuse."""
        self.name = str(name)
        self._settings = settings
        self._http = http
        pair = f"{settings.public_key}:{settings.secret_key.get_secret_value()}"
        self._headers = {"authorization": "Basic " + b64encode(pair.encode()).decode()}

    async def add(self, items: Sequence[DatasetItem]) -> str:
        """Make the data set where it is not there, and put each item into it under its key."""
        dataset = self._settings.dataset
        await self._http.write("POST", "api/public/v2/datasets", json={"name": dataset}, headers=self._headers)
        for item in items:
            body: Json = {
                "id": item.key,
                "datasetName": dataset,
                "input": item.input,
                "expectedOutput": item.expected,
                "metadata": item.metadata,
            }
            await self._http.write("POST", "api/public/dataset-items", json=body, headers=self._headers)
        return f"data set {dataset} of {self.name}"

    async def holds(self, keys: Sequence[str]) -> Sequence[str]:
        """Which of these items are there, in this data set."""
        found: list[str] = []
        for key in keys:
            path = f"api/public/dataset-items/{quote(key, safe='')}"
            answer = await self._http.read("GET", path, headers=self._headers, accept=frozenset({404}))
            read = answer.json() if answer.status != 404 else None
            if isinstance(read, dict) and read.get("datasetName") == self._settings.dataset:
                found.append(key)
        return found


langfuse_dataset = control_plane("langfuse_dataset", settings=LangfuseDatasetSettings)(LangfuseDataset)
