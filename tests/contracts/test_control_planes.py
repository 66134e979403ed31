"""One suite for every control plane: plan, write once, read back, restore, conflict.

The cases are in ``planes/`` (see its README); what goes wrong with writes, credentials and names is in
``test_control_planes_trouble.py``.
"""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.action import Applied, Verified
from bot.errors import ActionFailed, OutcomeUnknown, Refused
from bot.ports import ControlPlane
from tests.contracts.planes.bench import WHY, Bench, bench, deeds, setup
from tests.contracts.planes.case import CAN_LACK, Deed, PlaneCase, can, cases, registry
from tests.contracts.planes.peer import Trouble
from tests.support.store import clock, connections, raw, store, valkey

__all__ = ["bench", "clock", "connections", "raw", "setup", "store", "valkey"]

# ---------------------------------------------------------------------------------------------- the suite is complete


def test_every_control_plane_has_its_case() -> None:
    """One that is registered without a case file fails here, and so does a case of one that is gone."""
    assert sorted(cases()) == sorted(registry().control_planes)


@pytest.mark.parametrize("case", cases().values(), ids=lambda case: case.type)
async def test_every_verb_it_meets_has_its_deed(case: PlaneCase, bench: Bench) -> None:
    """What it can do is what the suite does with it; and what it lacks is said with the reason."""
    assert can(bench.plane) == {deed.verb for deed in case.deeds}
    assert bool(case.deeds) == isinstance(bench.plane, ControlPlane) or not case.deeds
    assert case.deeds or case.once, "neither deeds nor once: nothing of it is tested"
    assert set(case.lacks) <= CAN_LACK
    assert all(case.lacks.values())
    assert case.real is None or (Path(__file__).parents[2] / case.real).exists()


# ---------------------------------------------------------------------------------------------- preview


@deeds()
async def test_a_plan_and_a_look_write_nothing(case: PlaneCase, deed: Deed, bench: Bench) -> None:
    """The preview only reads: its target, what is there now and what would be there then."""
    if deed.before is not None:
        await bench.call(deed.before)
    mark = await bench.peer.mark()
    change = await deed.plan(bench.plane)
    held = await bench.plane.current(change.target)
    assert await bench.peer.mark() == mark
    assert (change.target.control, change.target.subject) == (case.name, deed.args.agent)
    assert held.value != change.desired
    assert change.summary[0].islower()


@deeds("already")
async def test_a_plan_for_what_is_so_already_is_refused(case: PlaneCase, deed: Deed, bench: Bench) -> None:
    """Nothing would change, so nothing is offered."""
    change, _, _ = await bench.applied()
    await bench.peer.enforce(change.target)
    with pytest.raises(Refused):
        await deed.plan(bench.plane)


# ---------------------------------------------------------------------------------------------- apply


@deeds()
async def test_the_same_key_twice_writes_once(case: PlaneCase, deed: Deed, bench: Bench) -> None:
    """A redelivery finds that it was done, and writes nothing more."""
    change, _, first = await bench.applied()
    assert not first.already
    mark = await bench.peer.mark()
    again = await bench.plane.apply(change, "ex_1", None if change.desired is None else WHY)
    assert again.already
    assert (again.key, again.revision) == (first.key, first.revision)
    assert await bench.peer.mark() == mark
    assert (await bench.plane.current(change.target)).value == change.desired


@deeds()
async def test_whose_it_is_is_told_or_said_to_be_unknown(case: PlaneCase, deed: Deed, bench: Bench) -> None:
    """A snapshot names the execution that set it, or says that the control plane does not tell."""
    change, _, _ = await bench.applied()
    held = await bench.plane.current(change.target)
    assert held.anonymous or held.owner == "ex_1" or change.desired is None


@deeds(verb="revoke_tool")
async def test_two_tools_by_two_people_both_stay(case: PlaneCase, deed: Deed, bench: Bench) -> None:
    """Both planned before either was written; neither write nor undo of one touches the other's."""
    other_args = replace(deed.args, tool=deed.args.other_tool)
    one, other = await deed.plan(bench.plane), await deed.plan(bench.plane, other_args)
    before = await bench.plane.current(one.target)
    first = await bench.plane.apply(one, "ex_1", WHY)
    with suppress(Refused):
        await bench.plane.apply(other, "ex_2", WHY)
    if (await bench.plane.current(other.target)).value != other.desired:  # it refused, and says so: planned again
        other = await deed.plan(bench.plane, other_args)
        await bench.plane.apply(other, "ex_3", WHY)
    assert (await bench.plane.current(one.target)).value == one.desired
    if "undo" not in case.lacks:
        await bench.plane.restore(one, first, before, "ex_4")
    assert (await bench.plane.current(other.target)).value == other.desired


# ---------------------------------------------------------------------------------------------- verify


@deeds("verify")
async def test_green_only_once_the_enforcing_side_showed_it(case: PlaneCase, deed: Deed, bench: Bench) -> None:
    """Before the write a mismatch, after it what the case says, and in force when the enforcer caught up."""
    change, before, applied = await bench.applied()
    found = await bench.looked(change, applied)
    assert found.verified is deed.first
    await bench.peer.enforce(change.target)
    found = await bench.looked(change, applied)
    assert found.verified is deed.settled
    del before


@deeds("verify")
async def test_what_was_never_written_is_a_mismatch(case: PlaneCase, deed: Deed, bench: Bench) -> None:
    """Nothing is believed because it was asked for."""
    change, _ = await bench.planned()
    never = Applied(value=change.desired, key="ex_never")
    assert (await bench.looked(change, never)).verified is Verified.MISMATCH


@deeds("verify", "conflict")
async def test_something_else_on_the_target_is_a_mismatch(case: PlaneCase, deed: Deed, bench: Bench) -> None:
    """Somebody changed it since: never green."""
    change, _, applied = await bench.applied()
    await bench.outside()
    await bench.peer.enforce(change.target)
    assert (await bench.looked(change, applied)).verified is Verified.MISMATCH


@deeds("drop")
@pytest.mark.parametrize("trouble", [Trouble.DROP, Trouble.FAIL])
async def test_no_answer_is_unreachable(case: PlaneCase, deed: Deed, trouble: Trouble, bench: Bench) -> None:
    """Unknown is said: neither green nor a mismatch; and a plan or a look raises what the clicker can be told."""
    change, _, applied = await bench.applied()
    bench.peer.trouble = trouble
    found = await bench.looked(change, applied)
    assert found.verified is Verified.UNREACHABLE if "verify" not in case.lacks else not Verified.IN_FORCE
    with pytest.raises((OutcomeUnknown, ActionFailed)):
        await bench.plane.current(change.target)


@deeds("nothing")
async def test_a_success_that_did_nothing_is_not_believed(case: PlaneCase, deed: Deed, bench: Bench) -> None:
    """It answered 200 and held what it held."""
    change, _ = await bench.planned()
    bench.peer.trouble = Trouble.NOTHING
    try:
        applied = await bench.plane.apply(change, "ex_1", None if change.desired is None else WHY)
    except (ActionFailed, OutcomeUnknown):
        return  # it looked at once, and said so
    bench.peer.trouble = None
    await bench.peer.enforce(change.target)
    found = (await bench.looked(change, applied)).verified
    assert found is Verified.MISMATCH if "verify" not in case.lacks else found is not Verified.IN_FORCE


# ---------------------------------------------------------------------------------------------- undo


@deeds("undo")
async def test_restoring_puts_back_what_was_there(case: PlaneCase, deed: Deed, bench: Bench) -> None:
    """And a second time it does nothing, or says that it is no longer what this action set."""
    change, before, applied = await bench.applied()
    await bench.plane.restore(change, applied, before, "ex_2")
    assert (await bench.plane.current(change.target)).value == before.value
    mark = await bench.peer.mark()
    with suppress(Refused):
        await bench.plane.restore(change, applied, before, "ex_2")
    assert (await bench.plane.current(change.target)).value == before.value
    assert await bench.peer.mark() == mark


@deeds("undo", "conflict")
async def test_restoring_over_somebody_elses_change_is_refused(case: PlaneCase, deed: Deed, bench: Bench) -> None:
    """Still what we set, or hands off; what is there now stays as it is."""
    change, before, applied = await bench.applied()
    await bench.outside()
    theirs = await bench.plane.current(change.target)
    mark = await bench.peer.mark()
    assert theirs.value != change.desired
    with pytest.raises(Refused) as refused:
        await bench.plane.restore(change, applied, before, "ex_2")
    assert refused.value.next_step
    assert (await bench.plane.current(change.target)).value == theirs.value
    assert await bench.peer.mark() == mark
