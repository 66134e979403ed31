"""One control plane before its peer, as the tests of the suite get it."""

import inspect
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.domain.action import Applied, Change, Restraint, Snapshot, Verification, Verified
from bot.errors import PullcordError
from bot.timeline.store import Store
from tests.contracts.planes.case import Deed, PlaneCase, cases, made
from tests.contracts.planes.peer import Peer, Setup
from tests.support.clock import ManualClock

_NO_DEED = Deed("", outside=lambda _peer: None)
WHY = Restraint(incident="INC-1", by="U0DANA", why="a test")


def deeds(*needed: str, verb: str | None = None) -> pytest.MarkDecorator:
    """Run the test with each verb of each control plane to which all of this can happen (``PlaneCase.lacks``)."""
    chosen = [
        pytest.param(case, deed, id=f"{case.type}-{deed.verb}")
        for case in cases().values()
        for deed in case.deeds
        if not {*needed} & set(case.lacks) and verb in {None, deed.verb}
    ]
    return pytest.mark.parametrize(("case", "deed"), chosen)


def once(*needed: str) -> pytest.MarkDecorator:
    """Run the test with each control plane that keeps no target state, and to which all of this can happen."""
    chosen = [case for case in cases().values() if case.once is not None and not {*needed} & set(case.lacks)]
    return pytest.mark.parametrize("case", chosen, ids=lambda case: case.type)


@dataclass
class Bench:
    """A control plane before its peer."""

    case: PlaneCase
    deed: Deed
    peer: Peer
    plane: Any

    async def planned(self) -> tuple[Change, Snapshot]:
        """What has to stand there, the plan, and what the engine notes before the write."""
        if self.deed.before is not None:
            await self.call(self.deed.before)
        change = await self.deed.plan(self.plane)
        return change, await self.plane.current(change.target)

    async def applied(self, key: str = "ex_1") -> tuple[Change, Snapshot, Applied]:
        """Planned and written."""
        change, before = await self.planned()
        return change, before, await self.plane.apply(change, key, None if change.desired is None else WHY)

    async def outside(self) -> None:
        """Somebody else changes the same target."""
        await self.call(self.deed.outside)

    async def call(self, what: Any) -> None:
        """Sync or async, both are written in cases."""
        done = what(self.peer)
        if inspect.isawaitable(done):
            await done

    async def looked(self, change: Change, applied: Applied) -> Verification:
        """Read back, as the kernel does it: what it raises on purpose is ``unreachable``."""
        try:
            found = await self.plane.verify(change, applied)
        except PullcordError as error:
            found = Verification(verified=Verified.UNREACHABLE, detail=str(error), at=self.peer.setup.clock.now())
        assert isinstance(found, Verification)
        assert found.detail
        return found


@pytest.fixture
async def setup(tmp_path: Path, store: Store, clock: ManualClock) -> Setup:
    """What peers are made from."""
    return Setup(tmp_path, store, clock)


@pytest.fixture
async def bench(request: pytest.FixtureRequest, setup: Setup) -> AsyncIterator[Bench]:
    """The control plane and the verb that the test is run with."""
    case = request.getfixturevalue("case")
    deed = request.getfixturevalue("deed") if "deed" in request.fixturenames else _NO_DEED
    async with case.peer(setup) as peer:
        yield Bench(case, deed, peer, made(case, peer, setup))
