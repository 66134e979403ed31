"""An action killed at each numbered step. Effects are counted at the target: revisions, pushes, parcels."""

from pathlib import Path

import pytest

from bot.domain.desired import TOOLS_DENIED
from tests.support.world import AGENT, DANA, LEE, Json, World, alert, bad_run

TRACE = "4f1c" + "0" * 28
AROUND = [
    "A1-requested",
    "A2-authorised",
    "A3-before",
    "A3-started",
    "A5-before",
    "A5-verified",
    "A6-before",
    "A6-ended",
]


async def _with_run(world: World, point: str | None = None) -> None:
    """An incident whose run was read, with its card and every button, by a bot that will die at this point."""
    await world.start(point)
    await world.spans(*bad_run(TRACE))
    await world.deliver(alert("a", trace_id=TRACE))
    await world.button("Revoke issue_refund")
    await world.quiet()


async def _ended(world: World, state: str, count: int = 1) -> list[Json]:
    await world.execution(state, index=count - 1)
    await world.quiet()
    return list((await world.incident())["executions"])


async def _sure(world: World, point: str, **counts: object) -> None:
    cards, entries = len(await world.posted("INC-1:card")), await world.verified()
    told = ", ".join(f"{name} {value}" for name, value in counts.items())
    print(f"\n{point}: {told}, cards {cards}, chain {entries} entries fit")
    assert cards == 1
    whole = await world.incident()
    assert [(p["step"], p["user"], p["how"]) for p in whole["pages"]].count((0, LEE, "direct_message")) == 1
    assert len(await world.posted(f"INC-1:page:0:{LEE}")) == 1


@pytest.mark.parametrize("point", [*AROUND, "A4-before", "A4-applied"])
async def test_a_change_is_written_exactly_once_wherever_the_bot_is_killed(world: World, point: str) -> None:
    """The press was taken, the bot died, the restarted one carries on: one write at the target, a true success."""
    await _with_run(world, point)
    await world.press(LEE, "Revoke issue_refund")
    await world.died()
    await world.start()
    (execution,) = await _ended(world, "succeeded")
    async with world.store() as store:
        state = await store.desired.state(AGENT)
    await _sure(world, point, accepted=1, writes=state.revision, doubled=state.revision - 1, unknown=0)
    assert (state.revision, state.value(TOOLS_DENIED)) == (1, {"tools": ["issue_refund"]})
    assert execution["verified"] == "pending"
    await world.read_flags()
    await world.execution("succeeded", verified="in_force")


async def test_a_press_that_died_before_it_was_written_can_be_repeated(world: World) -> None:
    """A1: nothing was written, the button still stands, and pressing again does it once."""
    await _with_run(world, "A1-before")
    pressed = await world.press(LEE, "Revoke issue_refund")
    await world.died()
    assert pressed["timed_out"] or pressed["error"], pressed
    await world.start()
    await world.slack.wait_connected()
    assert (await world.incident())["executions"] == []
    await world.press(LEE, "Revoke issue_refund")
    await _ended(world, "succeeded")
    async with world.store() as store:
        revision = (await store.desired.state(AGENT)).revision
    await _sure(world, "A1-before", presses=2, writes=revision)
    assert revision == 1


@pytest.mark.parametrize("point", ["A3-started", "A4-applied", "A6-before"])
async def test_an_undo_is_written_exactly_once_wherever_the_bot_is_killed(world: World, point: str) -> None:
    """Taken back once, guarded by what the change had set."""
    await _with_run(world)
    await world.press(LEE, "Revoke issue_refund")
    await world.execution("succeeded")
    await world.button("Undo")
    await world.kill()
    await world.start(point)
    await world.slack.wait_connected()
    await world.press(DANA, "Undo")
    await world.died()
    await world.start()
    done = await _ended(world, "succeeded", 2)
    async with world.store() as store:
        state = await store.desired.state(AGENT)
    await _sure(world, f"undo {point}", writes=state.revision, executions=len(done))
    assert (state.revision, state.value(TOOLS_DENIED)) == (2, {"tools": []})
    assert [e["undo_of"] for e in done] == [None, done[0]["id"]]


@pytest.mark.parametrize(
    ("point", "state", "pushes"),
    [("A4-push", "unknown", 0), ("A4-pushed", "succeeded", 1), ("A6-before", "succeeded", 1)],
)
async def test_an_eval_case_is_pushed_at_most_once(world: World, point: str, state: str, pushes: int) -> None:
    """That the branch is not there yet does not say that no push is under way: unknown, and Check looks again."""
    await _with_run(world, point)
    await world.press(LEE, "Open eval case")
    await world.fill(LEE, expected="Refund the broken jug only, 42.00.", arguments="")
    await world.died()
    await world.start()
    (execution,) = await _ended(world, state)
    counted = _lines(world.folder / "pushes")
    await _sure(world, f"eval case {point}", pushes=counted, state=execution["state"])
    assert counted == pushes


@pytest.mark.parametrize(("point", "parcels"), [("A4-send", 0), ("A4-sent", 1), ("A6-before", 1)])
async def test_what_cannot_be_asked_twice_ends_unknown_and_people_decide(
    world: World, point: str, parcels: int
) -> None:
    """Killed round A4, the target cannot tell: never run again. The card offers Check, Mark done, Mark not done."""
    await _with_run(world, point)
    await world.press(LEE, "Send parcel")
    await world.died()
    await world.start()
    await _ended(world, "unknown")
    for label in ("Check", "Mark done", "Mark not done"):
        await world.button(label)
    await world.slack.wait_connected()
    await world.press(LEE, "Check")
    await world.told(LEE, "unknown", "did not show", "cannot tell")
    await world.press(LEE, "Mark done" if parcels else "Mark not done")
    await world.fill(LEE, reason="Asked the courier on the phone.")
    (execution,) = await _ended(world, "succeeded" if parcels else "failed")
    sent = _lines(world.folder / "parcels")
    await _sure(world, f"parcel {point}", sent=sent, marked=execution["state"])
    assert sent == parcels


@pytest.mark.parametrize(
    ("point", "state", "parcels"),
    [
        ("A1-requested", "succeeded", 1),
        ("A3-before", "succeeded", 1),
        ("A3-started", "unknown", 0),
        ("A6-ended", "succeeded", 1),
    ],
)
async def test_what_takes_no_key_happens_once_or_is_unknown(world: World, point: str, state: str, parcels: int) -> None:
    """Killed before it was started it is carried on; killed after, nobody can tell, and it is never run again."""
    await _with_run(world, point)
    await world.press(LEE, "Send parcel")
    await world.died()
    await world.start()
    (execution,) = await _ended(world, state)
    sent = _lines(world.folder / "parcels")
    await _sure(world, f"parcel {point}", sent=sent, state=execution["state"])
    assert sent == parcels


def _lines(file: Path) -> int:
    return len(file.read_text().splitlines()) if file.exists() else 0
