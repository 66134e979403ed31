from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.engine.mitigations import ask_due
from bot.in_force import list_mitigations
from sandbox.demo.looking import pressable
from tests.support.world import LEE, World, alert, bad_run

TRACE = "9e1e" + "0" * 28


@pytest.mark.e2e
async def test_the_owner_is_asked_before_the_end_and_extends_it_with_a_button(world: World, tmp_path: Path) -> None:
    """In a real process with a real Slack stand-in, killed while the question is due: asked once, then extended."""
    await world.start()
    await world.spans(*bad_run(TRACE))
    await world.deliver(alert("a", trace_id=TRACE))
    await world.card()
    await world.press(LEE, "Pin model")
    await world.fill(LEE, why="the other snapshot was good")
    execution = await world.execution("succeeded")
    await world.kill()
    await world.start()
    incident = (await world.incident())["id"]
    async with world.store() as store:  # half an hour before the end is a day away
        await store.work.schedule(ask_due(incident, execution["id"], datetime.now(UTC)))
    thread = await world.until("the question in the thread", lambda: _one(world, ":thread"))
    await world.until("the question to the owner", lambda: _one(world, ":dm"))
    action, value = next(where for text, where in pressable(thread["blocks"]) if text == "Extend 4 h")
    whole = await world.incident()
    await world.slack.click(LEE, whole["channel"], thread["ts"], action, value, stale=True)

    async def moved() -> dict[str, Any]:
        found = (await world.incident())["executions"][-1]
        assert found["extended_by"] == LEE
        return dict(found)

    extended = await world.until("a later end", moved)
    before, after = (datetime.fromisoformat(one["expires_at"]) for one in (execution, extended))
    assert after - before == timedelta(hours=4)
    listed = "\n".join(await list_mitigations(world.settings, as_json=False))
    assert "extended by" in listed
    assert incident in listed
    told = (await world.api("/api/mitigations"))["mitigations"]
    assert [row["execution"] for row in told] == [execution["id"]]
    await world.verified()


async def _one(world: World, key: str) -> dict[str, Any]:
    found = await world.posted(key)
    assert len(found) == 1
    return dict(found[0])
