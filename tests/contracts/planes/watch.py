"""Looking again at an incident: kept in the store like the embedded control plane's flags."""

from typing import Any

from bot.domain.desired import WATCH, watches_of
from tests.contracts.planes.case import AGENT, Deed, PlaneCase
from tests.contracts.planes.embedded import CASE as EMBEDDED
from tests.contracts.planes.embedded import StorePeer


async def _outside(peer: Any) -> None:
    await peer.put(WATCH, "ex_1", {"until": "2026-11-24T09:00:00+00:00"}, agent=watches_of(AGENT))


CASE = PlaneCase(
    type="watch",
    name="watch",
    peer=StorePeer,
    options=lambda _peer: {},
    deeds=[Deed("wait_and_watch", _outside)],
    lacks={**EMBEDDED.lacks, "already": "each wait stands for itself: two people may wait for two times"},
    note="that Pullcord looks at an incident again; it restrains nothing",
)
