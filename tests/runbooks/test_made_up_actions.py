"""A made-up verb and a made-up control plane take one file each in a pack that ``plugins:`` names, and nothing else."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.action import ExecutionState, Verified
from bot.errors import Misconfigured
from bot.plugin_faults import plugin_faults
from bot.registry import discover
from bot.settings import load_settings
from bot.timeline.store import Store
from tests.support.clock import ManualClock
from tests.support.engine import AGENT, DANA, KIM, World
from tests.support.store import clock, connections, raw, store, valkey
from tests.support.trace_stores import Asked, LoopbackStore, Told, loopback_store, told

__all__ = ["clock", "connections", "raw", "store", "valkey"]

CONFIG = """\
plugins: [handlers, runbooks, tests.support.parcels_actions]
roles: {{responder: [U0DANA], commander: [U0KIM]}}
agents:
  refund-bot: {{on_call: [U0DANA], control: {control}}}
controls:
  north: {{type: depot, url: "{url}", door: "${{DOOR}}"}}
"""


@pytest.fixture
async def books() -> AsyncIterator[LoopbackStore]:
    """The depot: what was put is in its books, and at its gate."""
    held: dict[str, int | None] = {}

    def answer(asked: Asked) -> Told:
        if asked.headers.get("authorization") != "Bearer door-key-0123456789":
            return told({}, 401)
        if asked.method == "PUT":
            held[AGENT] = json.loads(asked.body)["most"]
        return told({"most": held.get(AGENT)})

    async with loopback_store(answer) as depot:
        yield depot


@pytest.fixture
def world(store: Store, clock: ManualClock, tmp_path: Path, books: LoopbackStore) -> World:
    """An engine as the configuration with the pack makes it."""
    path = tmp_path / "pullcord.yaml"
    path.write_text(CONFIG.format(control="north", url=books.url), encoding="utf-8")
    made = World(store, clock, load_settings({"DOOR": "door-key-0123456789"}, path, plugin_faults))
    made.registry = discover(made.settings.plugins)
    made.restart()
    return made


async def test_the_verb_goes_all_the_way_through_the_control_plane(world: World, books: LoopbackStore) -> None:
    """Requested, written once under its key, read back at the gate, and undone by a commander."""
    await world.fire()
    await world.click("Limit parcels", DANA, key="a", most=3)
    done = (await world.incident()).executions[-1]
    assert (done.action, done.state, done.verified) == ("limit_parcels", ExecutionState.SUCCEEDED, Verified.IN_FORCE)
    assert done.summary == "limited refund-bot to 3 parcels"
    assert done.verified_detail == "the gate lets 3 parcels through"
    assert done.expires_at is not None
    await world.click("Undo: limited", KIM, key="b")
    undone = (await world.incident()).executions
    assert [(e.state, e.undo_of) for e in undone][-1] == (ExecutionState.SUCCEEDED, done.id)
    puts = [asked for asked in books.asked if asked.method == "PUT"]
    assert [(asked.path, asked.body) for asked in puts] == [
        ("/limits/refund-bot", b'{"most":3}'),
        ("/limits/refund-bot", b'{"most":null}'),
    ]
    assert [asked.headers["idempotency-key"] for asked in puts] == [done.id, undone[-1].id]


async def test_verbs_that_the_control_plane_cannot_do_are_hidden_with_the_reason(world: World) -> None:
    """It limits parcels; it pins no model."""
    await world.fire()
    labels = await world.labels()
    assert [label for label in labels if label.startswith("Limit parcels")]
    assert not [label for label in labels if label.startswith("Pin")]


def test_a_setting_that_it_does_not_know_is_a_fault_with_its_line(tmp_path: Path) -> None:
    """The pack's own model reads ``controls.north``."""
    path = tmp_path / "pullcord.yaml"
    text = CONFIG.format(control="north", url="https://depot.example").replace("door:", "window: 1, door:")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Misconfigured, match=r"pullcord.yaml:6: .*window"):
        load_settings({"DOOR": "x"}, path, plugin_faults)
