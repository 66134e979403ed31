"""Data sets of eval cases: what the four stores have in common in the suite. Their peers are in ``tests/support``."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

from bot.ports import DatasetItem
from tests.contracts.planes.case import PlaneCase
from tests.contracts.planes.peer import SECRET, Asked, HttpPeer, Setup, Told
from tests.support import dataset_peers, trace_stores

_ITEM = DatasetItem(key="INC-1:ex_1:0", input={"question": "?"}, expected={}, metadata={"incident": "INC-1"})


class DatasetPeer(HttpPeer):
    """One of the stores, behind the suite's troubles."""

    def __init__(self, setup: Setup, kind: type[dataset_peers.Peer]) -> None:
        super().__init__(setup)
        self._store: Any = kind(SECRET)
        self.state = {"rows": self._store.rows, "sets": self._store.sets}

    def writes_with(self, asked: Asked) -> bool:
        """Braintrust is asked for its events with a POST."""
        return asked.method != "GET" and not asked.path.endswith("/fetch")

    def decisive(self, asked: Asked) -> bool:
        """The item itself; making the data set is no case yet."""
        return not asked.path.endswith("/datasets") and asked.parts[-1] != "dataset"

    def answer(self, asked: Asked) -> Told:
        """Serve one request from what ``state`` holds."""
        self._store.rows, self._store.sets = self.state["rows"], self.state["sets"]
        query = {name: [value] for name, value in asked.query.items()}
        told = self._store(trace_stores.Asked(asked.method, asked.path, query, asked.headers, asked.body))
        return Told(told.status, told.body, told.headers)


def dataset_case(
    type_: str, kind: type[dataset_peers.Peer], options: Mapping[str, str], real: str | None = None
) -> PlaneCase:
    """The case of one store."""
    make: Callable[[Setup], DatasetPeer] = lambda setup: DatasetPeer(setup, kind)  # noqa: E731 - a bound constructor
    return PlaneCase(
        type=type_,
        peer=make,
        options=lambda peer: {"url": peer.url, **copy.copy(options)},
        once=lambda plane: plane.add([_ITEM]),
        look=lambda plane: plane.holds([_ITEM.key]),
        real=real,
        note="a place for eval cases; each is added once per key",
    )
