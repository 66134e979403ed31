"""What is in force is read back from time to time; what somebody changed outside is told once, and so is its return."""

import pytest

from bot.domain.action import Verified
from bot.domain.base import Json
from bot.domain.desired import MODEL
from bot.domain.mitigation import rows_of
from bot.domain.work import Work, WorkItem
from bot.errors import ActionFailed
from bot.timeline import keys
from bot.views.thread_lines import thread_line
from tests.support.engine import AGENT, DANA, KIM, REMOTE_AGENT, World

PINNED = "gpt-x-2026-01-01"
TOOL = ("mail-bot", "send_email")


async def revoked(world: World) -> str:
    """A tool is denied by an outside system, and seen to be; the execution's id."""
    await world.fire(agent=REMOTE_AGENT)
    await world.click("Revoke a tool", tool="send_email", expires_in="P1D")
    return (await world.incident()).executions[0].id


async def look(world: World, *, minutes: int = 6) -> None:
    """Let the time between two looks pass, tick, and work."""
    await world.later(minutes=minutes)
    await world.engine.drift.tick()
    await world.work()


async def changes(world: World) -> list[str]:
    """What read-backs said since, in the order of the timeline."""
    entries = await world.store.incidents.entries("INC-1", 0, 300)
    return [str(getattr(e.event, "verified", "")) for e in entries if e.event.type == "verification_changed"]


async def test_what_somebody_changed_outside_turns_red_once_and_green_when_it_is_back(world: World) -> None:
    """One event and one line each way, and the row of the list is marked."""
    execution = await revoked(world)
    await look(world)
    assert await changes(world) == []
    held = world.remote.held.pop(TOOL)
    for _ in range(3):
        await look(world)
    assert await changes(world) == ["mismatch"]
    row = (await world.store.mitigations.rows())[0]
    assert (row.execution, row.drifted, row.needs_somebody) == (execution, True, True)
    incident = await world.incident()
    entries = await world.store.incidents.entries("INC-1", 0, 300)
    lines = [thread_line(e, incident) for e in entries if e.event.type == "verification_changed"]
    assert len(lines) == 1
    assert "no longer in force" in str(lines[0])
    assert "changed outside Pullcord" in str(lines[0])
    world.remote.held[TOOL] = held
    for _ in range(3):
        await look(world)
    assert await changes(world) == ["mismatch", "in_force"]
    assert (await world.store.mitigations.rows())[0].drifted is False


async def test_one_missed_answer_is_no_news_two_in_a_row_are(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """And an answer in between begins the count anew: nothing flaps."""
    await revoked(world)
    real = world.remote.verify

    async def away(*_: object) -> object:
        raise ActionFailed("remote could not be reached.")

    for _ in range(3):
        monkeypatch.setattr(world.remote, "verify", away)
        await look(world)
        monkeypatch.setattr(world.remote, "verify", real)
        await look(world)
    assert await changes(world) == []
    monkeypatch.setattr(world.remote, "verify", away)
    for _ in range(4):
        await look(world)
    assert await changes(world) == ["unreachable"]
    assert "2 times in a row" in str((await world.store.mitigations.rows())[0].verified_detail)
    monkeypatch.setattr(world.remote, "verify", real)
    await look(world)
    assert await changes(world) == ["unreachable", "in_force"]


async def test_a_setting_that_another_incident_replaced_names_that_incident(world: World) -> None:
    """It is not somebody outside who did it."""
    await world.fire()
    await world.click("Pin model", model=PINNED, expires_in="P1D")
    await world.agent_reads()
    await world.fire(name="Another", fingerprint="b")
    await world.click("Pin model", model="gpt-x-2026-05-01", expires_in="P1D", key="b", number=2, by=KIM)
    await look(world)
    first = (await world.incident()).executions[0]
    assert first.verified is Verified.MISMATCH
    rows = {row.incident: row for row in await world.store.mitigations.rows()}
    assert set(rows) == {"INC-1", "INC-2"}


async def test_an_extension_does_not_make_what_is_in_force_less_than_that(world: World) -> None:
    """The agent has not read the new end yet; the value it obeys is the same."""
    await world.fire()
    await world.click("Pin model", model=PINNED, expires_in="PT4H")
    await world.agent_reads()
    execution = (await world.incident()).executions[0].id
    await world.engine.requests.extend("INC-1", execution, "1h", DANA, key="e")
    await world.work()
    await look(world)
    found = (await world.incident()).execution(execution)
    assert found is not None
    assert found.verified is Verified.IN_FORCE


async def test_each_tick_takes_a_bounded_share_and_everything_has_its_turn(world: World) -> None:
    """Looks of one tick are few; the longest unseen come first; two replicas take different ones."""
    await revoked(world)
    index = world.store.mitigations
    incident = await world.incident()
    row = rows_of(incident)[0]
    hot = world.store.connections.hot
    for number in range(60):
        other = row.model_copy(update={"incident": f"INC-{number + 100}"})
        await hot.call("ZADD", keys.MITIGATIONS(), number, other.key)
        await hot.call("HSET", keys.MITIGATION_ITEMS(), other.key, f"1 {other.model_dump_json()}")
        await hot.call("ZADD", keys.MITIGATION_LOOKS(), number, other.key)
    world.clock.forward(minutes=6)
    every = world.settings.mitigations.drift_every
    first, second = await index.take(every, 10), await index.take(every, 10)
    assert len(first) == len(second) == 10
    assert not set(first) & set(second)
    assert await index.total() == 61
    await world.engine.drift.tick()
    assert len(await world.store.background.take("worker", 100, 1)) == 10


async def test_an_index_of_an_older_version_is_filled_and_ghosts_go(world: World) -> None:
    """What was in force before there was an index is listed after the first tick; what is over is dropped."""
    execution = await revoked(world)
    hot = world.store.connections.hot
    for key in (keys.MITIGATIONS(), keys.MITIGATION_ITEMS(), keys.MITIGATION_LOOKS()):
        await hot.call("DEL", key)
    assert await world.store.mitigations.rows() == []
    await world.engine.drift.tick()
    assert [row.execution for row in await world.store.mitigations.rows()] == [execution]
    ghost = (await world.store.mitigations.rows())[0].model_copy(update={"execution": "ex_gone"})
    await hot.call("ZADD", keys.MITIGATIONS(), 1, ghost.key)
    await hot.call("HSET", keys.MITIGATION_ITEMS(), ghost.key, f"1 {ghost.model_dump_json()}")
    await hot.call("ZADD", keys.MITIGATION_LOOKS(), 1, ghost.key)
    await look(world)
    assert [row.execution for row in await world.store.mitigations.rows()] == [execution]


async def test_the_list_follows_each_write(world: World) -> None:
    """There while it restrains, with where it came from; gone with its undo."""
    await world.fire()
    await world.click("Pin model", model=PINNED)
    row = (await world.engine.incidents.mitigations(10))[0]
    assert (row.agent, row.control, row.by, row.incident) == (AGENT, "embedded", "U0DANA", "INC-1")
    value: Json = row.value
    assert (value, row.target) == (PINNED, f"{MODEL} of {AGENT}")
    assert row.verified is Verified.PENDING
    await world.agent_reads()
    assert (await world.engine.incidents.mitigations(10))[0].green
    await world.click("Undo: pinned", by=KIM, key="u")
    assert await world.engine.incidents.mitigations(10) == []


async def test_a_control_plane_that_hangs_is_not_waited_for_once_for_each_mitigation(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The looks share two places with the reading of runs: one waits, the others know it from that one."""
    await revoked(world)
    asked = 0

    async def hangs(*_: object) -> object:
        nonlocal asked
        asked += 1
        raise TimeoutError

    monkeypatch.setattr(world.remote, "verify", hangs)
    execution = (await world.incident()).executions[0].id
    look_of = WorkItem(kind=Work.DRIFT, incident="INC-1", payload={"execution": execution})
    for _ in range(20):
        await world.engine.drift.handle(look_of)
    assert asked == 1
    world.clock.forward(minutes=2)
    await world.engine.drift.handle(look_of)
    assert asked == 2
