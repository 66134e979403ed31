"""An alert that carries only a link: the run is found in the store and its effects stand in the incident."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.plugin import TraceSource
from bot.timeline.store import Store
from handlers.traces.jaeger import jaeger
from handlers.traces.langfuse import langfuse
from handlers.traces.langsmith import langsmith
from handlers.traces.tempo import tempo
from tests.handlers.traces import langsmith_peer, test_jaeger, test_langfuse, test_tempo
from tests.handlers.traces.recorded import TRACE, UUID
from tests.support.clock import ManualClock
from tests.support.engine import World, settings_of
from tests.support.store import clock, connections, raw, store, valkey
from tests.support.trace_stores import Asked, Told, loopback_store

__all__ = ["clock", "connections", "raw", "store", "valkey"]


def tempo_peer(asked: Asked) -> Told:
    """A Tempo that has the run."""
    found = Told(200, test_tempo.envelope(test_tempo.trace_message(), partial="too large"), test_tempo.PROTOBUF)
    return found if asked.path == f"/api/v2/traces/{TRACE}" else Told(404)


CASES = [
    (tempo, {}, tempo_peer, f"/explore?traceId={TRACE}"),
    (jaeger, {}, test_jaeger.scripted, f"/trace/{TRACE}"),
    (langfuse, test_langfuse.KEYS, test_langfuse.Scripted(), f"/project/prj_1/traces/{TRACE}"),
    (langfuse, test_langfuse.KEYS, test_langfuse.Scripted(native="refund #7"), "/project/prj_1/traces/refund%20%237"),
    (langsmith, langsmith_peer.OPTIONS, langsmith_peer.Scripted(), f"/o/o1/projects/p/x/r/{UUID}"),
]


@pytest.mark.parametrize(("source", "options", "peer", "link"), CASES, ids=[f"{c[0].name} {c[3]}" for c in CASES])
async def test_the_run_that_a_link_means_is_attached_with_its_effects(
    store: Store,
    clock: ManualClock,
    source: TraceSource,
    options: dict[str, Any],
    peer: Callable[[Asked], Told],
    link: str,
) -> None:
    """Which tools ran, what cannot be undone, and who told it."""
    async with loopback_store(peer) as running:
        base = f"{running.url}/jaeger" if source is jaeger else running.url
        configured = {"team-store": {"type": source.name, "url": base, "deadline": "5s", **options}}
        world = World(store, clock, settings_of(trace_stores=configured), {source.name: source})
        await world.fire(trace_id=None, link=f"{base}{link}")
        incident = await world.incident()
    (attached,) = incident.runs
    assert attached.source == "team-store"
    assert {effect.tool: effect.reversibility.value for effect in incident.effects} == {
        "lookup_order": "read_only",
        "issue_refund": "irreversible",
        "send_email": "unclassified",
    }
    assert attached.summary.status.value == "error"
    notes = " ".join((attached.source_note, *attached.summary.notes))
    assert ("partial" in notes) == (source is tempo)
