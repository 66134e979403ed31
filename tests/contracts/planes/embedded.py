"""The embedded control plane: its peer is the store, and an agent that reads it."""

from typing import Any

from bot.domain.action import Target, Verified
from bot.domain.base import Json
from bot.domain.desired import (
    FALLBACK_MODEL,
    MODEL,
    NEUTRAL,
    PAUSED,
    PROMPT_SUFFIX,
    TOOLS_DENIED,
    VALIDATION,
    catalogue_of,
    watches_of,
)
from tests.contracts.planes.case import AGENT, Args, Deed, PlaneCase
from tests.contracts.planes.peer import Peer

_IN_PROCESS = "it is no other system: it is kept in Pullcord's own store"
_SUBJECTS = (AGENT, catalogue_of(AGENT), watches_of(AGENT))


class StorePeer(Peer):
    """Pullcord's own store."""

    _writes = 0

    async def put(self, flag: str, element: str | None, value: Json, agent: str = AGENT) -> None:
        """Somebody else's write."""
        self._writes += 1
        key = f"ex_somebody_{self._writes}"
        await self.setup.store.desired.put(agent, flag, element, value, key=key, restraint=None)

    async def mark(self) -> object:
        """All that is set for the agents of the suite."""
        return [await self.setup.store.desired.state(name) for name in _SUBJECTS]

    async def enforce(self, target: Target) -> None:
        """The agent reads everything."""
        state = await self.setup.store.desired.state(target.subject)
        await self.setup.store.desired.record_read(target.subject, list(NEUTRAL), state.revision)


def deed(verb: str, flag: str, other: Json, element: str | None = None, before: Json = None) -> Deed:
    """A verb on one flag; ``other`` is what somebody else sets it to."""

    async def outside(peer: Any) -> None:
        await peer.put(flag, element, other)

    async def first(peer: Any) -> None:
        await peer.put(flag, element, before)

    return Deed(verb, outside, before=None if before is None else first, first=Verified.PENDING)


_ARGS = Args()
CASE = PlaneCase(
    type="embedded",
    name="embedded",
    peer=StorePeer,
    options=lambda _peer: {},
    deeds=[
        deed("pin_model", MODEL, "gpt-x-2026-05-01"),
        deed("route_fallback", FALLBACK_MODEL, "gpt-x-2026-05-01"),
        deed("revoke_tool", TOOLS_DENIED, None, _ARGS.tool),
        deed("restore_tool", TOOLS_DENIED, True, _ARGS.tool, before=True),
        deed("pause_agent", PAUSED, False),
        deed("resume_agent", PAUSED, True, before=True),
        deed("tighten_validation", VALIDATION, {"type": "string"}, f"{_ARGS.tool}#{_ARGS.argument}"),
        deed("patch_prompt", PROMPT_SUFFIX, "Something else."),
    ],
    lacks=dict.fromkeys(("drop", "hang", "fail_after", "nothing", "credentials", "base"), _IN_PROCESS),
    real="tests/peers/test_openfeature.py",
    note="kept in Pullcord's own store and read by agents over OFREP",
)
