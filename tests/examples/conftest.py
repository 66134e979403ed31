import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from examples.guard import Guard
from sandbox.ofrep_stub import OfrepStub, ofrep_stub


class Ticks:
    """A monotonic clock that moves only when told."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.seconds

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds


MakeGuard = Callable[..., Guard]


def wait_for(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for what other threads do. AssertionError when it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


@pytest.fixture
def stub() -> Iterator[OfrepStub]:
    """Pullcord's control plane, as refund-bot sees it."""
    with ofrep_stub() as running:
        yield running


@pytest.fixture
def ticks() -> Ticks:
    """The guards' monotonic clock."""
    return Ticks()


@pytest.fixture
def state_file(tmp_path: Path) -> Path:
    """A path whose folder does not exist yet."""
    return tmp_path / "state" / "refund-bot.json"


@pytest.fixture
def make_guard(stub: OfrepStub, ticks: Ticks, state_file: Path) -> Iterator[MakeGuard]:
    """Guards of the stub's agent on one state file; each is as a new process of the agent."""
    made: list[Guard] = []

    def make(url: str | None = None, **options: object) -> Guard:
        known = {"agent": stub.agent, "token": stub.token, "state_file": state_file, "timeout": 0.3, "monotonic": ticks}
        guard = Guard(url or stub.url, **{**known, **options})  # type: ignore[arg-type]
        made.append(guard)
        return guard

    yield make
    for guard in made:
        guard.close()
