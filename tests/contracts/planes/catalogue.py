"""Classes that people gave tools: kept in the store like the embedded control plane's flags."""

from typing import Any

from bot.domain.desired import TOOL_CLASS, catalogue_of
from tests.contracts.planes.case import AGENT, Args, Deed, PlaneCase
from tests.contracts.planes.embedded import CASE as EMBEDDED
from tests.contracts.planes.embedded import StorePeer


async def _outside(peer: Any) -> None:
    await peer.put(TOOL_CLASS, Args().tool, "irreversible", agent=catalogue_of(AGENT))


CASE = PlaneCase(
    type="catalogue",
    name="catalogue",
    peer=StorePeer,
    options=lambda _peer: {},
    deeds=[Deed("classify_tool", _outside)],
    lacks=EMBEDDED.lacks,
    note="kept in Pullcord's own store, and as a branch of `catalogue_repository` for good",
)
