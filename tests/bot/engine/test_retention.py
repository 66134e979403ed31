import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.events import PULLCORD, RunAttached
from bot.domain.incident import Incident
from bot.domain.run import RunSummary
from bot.engine.retention import Retention, sweep_period
from bot.errors import Refused
from bot.evidence.directory import DirectoryEvidence
from bot.timeline.store import Store
from bot.timeline.timeline import Write
from tests.support.clock import ManualClock
from tests.support.incidents import open_one, resolve

TTL = timedelta(days=2)
AT = datetime(2026, 6, 9, tzinfo=UTC)
RUN = RunSummary(trace_id="ab" * 16)


def attached(evidence: str) -> Callable[[Incident], Write]:
    """A run that was read, as the engine writes it."""
    one = RunAttached(
        at=AT, by=PULLCORD, run=RUN, evidence=evidence, evidence_bytes=5, source="otlp",
        alerted=True, catalogue="v1", parts=0,
    )  # fmt: skip
    return lambda _: Write(events=(one,))


@pytest.mark.parametrize(("days", "seconds"), [(400, 6 * 3600), (1, 3 * 3600)])
def test_the_sweep_comes_often_enough(days: int, seconds: int) -> None:
    """Every six hours at most; an eighth of the retention when that is short."""
    assert sweep_period(timedelta(days=days)) == timedelta(seconds=seconds)


async def test_evidence_of_an_open_incident_outlives_its_retention(
    store: Store, clock: ManualClock, tmp_path: Path
) -> None:
    """Each version of its runs that the timeline names; after it is resolved they have their whole time, then go."""
    store.evidence = evidence = DirectoryEvidence(tmp_path, TTL)
    first, second, nobody = [await evidence.put(data) for data in (b"first", b"with more spans", b"of no incident")]
    opened = await open_one(store)
    for name in (first, second):
        await store.incidents.write(opened.incident_id, name[:8], attached(name))
    for name in (first, second, nobody):
        then = time.time() - timedelta(days=30).total_seconds()
        os.utime(tmp_path / name[:2] / name, (then, then))
    clock.forward(seconds=(datetime.now(UTC) - clock.now()).total_seconds())
    retention = Retention(store, clock)
    assert await retention.sweep() == 1
    with pytest.raises(Refused, match="past its retention"):
        await evidence.get(nobody)
    assert (await evidence.get(first), await evidence.get(second)) == (b"first", b"with more spans")
    await store.incidents.write(opened.incident_id, "resolve", lambda _: resolve())
    clock.forward(days=2, minutes=-1)
    assert await retention.sweep() == 0
    clock.forward(minutes=2)
    assert await retention.sweep() == 2
