"""Eval cases as events of a Braintrust data set (Braintrust API: ``/v1/dataset``, ``insert`` and ``fetch``).

Making a data set whose name is there answers that one, and an event with an id that is there replaces it: the case's
key is the id.
"""

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import quote

from pydantic import StringConstraints

from bot.domain.base import Json
from bot.errors import ActionFailed
from bot.plugin import ControlHttp, ControlHttpSettings, ControlName, control_plane
from bot.ports import DatasetItem
from bot.settings import Token

_PAGE = 1000
_PAGES = 20
"""So many pages of events are looked through for a key; a larger data set is asked no further."""


class BraintrustDatasetSettings(ControlHttpSettings):
    """The API key, the project's id, and the data set's name; it is made when it is not there."""

    url: str = "https://api.braintrust.dev"
    api_key: Token
    project: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F-]{36}$")]
    dataset: Annotated[str, StringConstraints(min_length=1, max_length=200)] = "pullcord"


class BraintrustDataset:
    """Meets EvalDataset."""

    def __init__(self, settings: BraintrustDatasetSettings, http: ControlHttp, name: ControlName) -> None:
        """``http`` is bound to the address of Braintrust."""
        self.name = str(name)
        self._settings = settings
        self._http = http
        self._headers = {"authorization": f"Bearer {settings.api_key.get_secret_value()}"}

    async def add(self, items: Sequence[DatasetItem]) -> str:
        """Make the data set where it is not there, and put all items into it in one request."""
        body: Json = {"project_id": self._settings.project, "name": self._settings.dataset}
        answer = await self._http.write("POST", "v1/dataset", json=body, headers=self._headers)
        read = answer.json()
        made = read.get("id") if isinstance(read, dict) else None
        if not isinstance(made, str):
            message = f"{self.name} named no data set {self._settings.dataset}."
            raise ActionFailed(message, next_step=f"See controls.{self.name}.project and .dataset.")
        events: list[Json] = [
            {"id": item.key, "input": item.input, "expected": item.expected, "metadata": item.metadata}
            for item in items
        ]
        path = f"v1/dataset/{quote(made, safe='')}/insert"
        await self._http.write("POST", path, json={"events": events}, headers=self._headers)
        return f"data set {self._settings.dataset} of {self.name}"

    async def holds(self, keys: Sequence[str]) -> Sequence[str]:
        """Which of these events are there. Looks through the newest twenty thousand."""
        dataset = await self._id()
        if dataset is None:
            return ()
        wanted, there = set(keys), set[str]()
        cursor: str | None = None
        for _ in range(_PAGES):
            body: dict[str, Json] = {"limit": _PAGE} if cursor is None else {"limit": _PAGE, "cursor": cursor}
            path = f"v1/dataset/{quote(dataset, safe='')}/fetch"
            read = (await self._http.read("POST", path, json=body, headers=self._headers)).json()
            events = read.get("events") if isinstance(read, dict) else None
            rows = events if isinstance(events, list) else []
            there |= {str(row.get("id")) for row in rows if isinstance(row, dict)} & wanted
            following = read.get("cursor") if isinstance(read, dict) else None
            if there == wanted or not rows or not isinstance(following, str):
                break
            cursor = following
        return [key for key in keys if key in there]

    async def _id(self) -> str | None:
        params = {"project_id": self._settings.project, "dataset_name": self._settings.dataset}
        read = (await self._http.read("GET", "v1/dataset", params=params, headers=self._headers)).json()
        rows = read.get("objects") if isinstance(read, dict) else None
        named = (r for r in rows if isinstance(r, dict)) if isinstance(rows, list) else ()
        return next((str(r["id"]) for r in named if r.get("name") == self._settings.dataset and "id" in r), None)


braintrust_dataset = control_plane("braintrust_dataset", settings=BraintrustDatasetSettings)(BraintrustDataset)
