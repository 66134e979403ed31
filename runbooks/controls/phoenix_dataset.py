"""Eval cases as examples of a Phoenix data set (Phoenix REST API: ``/v1/datasets``, ``/v1/datasets/upload``).

Phoenix gives examples ids of its own and appends whatever it is sent, so each carries the case's key in its metadata
and is looked for there before it is added.
"""

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import quote

from pydantic import StringConstraints

from bot.domain.base import Json
from bot.plugin import ControlHttp, ControlHttpSettings, ControlName, control_plane
from bot.ports import DatasetItem
from bot.settings import Token

_KEY = "pullcord_key"


class PhoenixDatasetSettings(ControlHttpSettings):
    """The data set's name, and an API key where Phoenix asks for one; the data set is made when it is not there."""

    api_key: Token | None = None
    dataset: Annotated[str, StringConstraints(min_length=1, max_length=200)] = "pullcord"


class PhoenixDataset:
    """Meets EvalDataset."""

    def __init__(self, settings: PhoenixDatasetSettings, http: ControlHttp, name: ControlName) -> None:
        """``http`` is bound to the address of Phoenix."""
        self.name = str(name)
        self._settings = settings
        self._http = http
        key = settings.api_key
        self._headers = {} if key is None else {"authorization": f"Bearer {key.get_secret_value()}"}

    async def add(self, items: Sequence[DatasetItem]) -> str:
        """Append those that are not there yet, all in one request."""
        dataset = self._settings.dataset
        there = set(await self.holds([item.key for item in items]))
        new = [item for item in items if item.key not in there]
        if new:
            body: Json = {
                "name": dataset,
                "action": "append" if await self._id() is not None else "create",
                "inputs": [dict(item.input) for item in new],
                "outputs": [dict(item.expected) for item in new],
                "metadata": [{**item.metadata, _KEY: item.key} for item in new],
            }
            await self._http.write(
                "POST", "v1/datasets/upload", params={"sync": "true"}, json=body, headers=self._headers
            )
        return f"data set {dataset} of {self.name}"

    async def holds(self, keys: Sequence[str]) -> Sequence[str]:
        """Which of these examples are there."""
        dataset = await self._id()
        if dataset is None:
            return ()
        read = (
            await self._http.read("GET", f"v1/datasets/{quote(dataset, safe='')}/examples", headers=self._headers)
        ).json()
        data = read.get("data") if isinstance(read, dict) else None
        rows = data.get("examples") if isinstance(data, dict) else None
        there = {_key_of(row) for row in rows} if isinstance(rows, list) else set()
        return [key for key in keys if key in there]

    async def _id(self) -> str | None:
        wanted = self._settings.dataset
        read = (await self._http.read("GET", "v1/datasets", params={"name": wanted}, headers=self._headers)).json()
        rows = read.get("data") if isinstance(read, dict) else None
        named = (r for r in rows if isinstance(r, dict)) if isinstance(rows, list) else ()
        return next((str(r["id"]) for r in named if r.get("name") == wanted and "id" in r), None)


def _key_of(row: Json) -> str | None:
    metadata = row.get("metadata") if isinstance(row, dict) else None
    key = metadata.get(_KEY) if isinstance(metadata, dict) else None
    return key if isinstance(key, str) else None


phoenix_dataset = control_plane("phoenix_dataset", settings=PhoenixDatasetSettings)(PhoenixDataset)
