import asyncio

import pytest

from bot.domain.action import Restraint
from bot.domain.desired import MODEL, PAUSED, TOOLS_DENIED, AgentState
from bot.domain.work import Work
from bot.errors import Refused
from bot.ports import DesiredState
from bot.timeline.store import Store
from tests.support.clock import ManualClock

WHY = Restraint(incident="INC-1", by="U0DANA", why="wrong refunds")


async def deny(store: Store, tool: str, key: str) -> None:
    """Revoke a tool of refund-bot."""
    await store.desired.put("refund-bot", TOOLS_DENIED, tool, True, key=key, restraint=WHY)


async def test_an_agent_without_settings_has_revision_0(store: Store) -> None:
    """Nothing set restrains nothing."""
    assert await store.desired.state("refund-bot") == AgentState(agent="refund-bot")


async def test_each_write_has_the_next_revision_once_per_key(store: Store) -> None:
    """The same key again writes nothing and answers the revision of then."""
    desired: DesiredState = store.desired
    first = await desired.put("refund-bot", MODEL, None, "old", key="ex1", restraint=WHY)
    await desired.put("refund-bot", PAUSED, None, value=True, key="ex2", restraint=WHY)
    again = await desired.put("refund-bot", MODEL, None, "old", key="ex1", restraint=WHY)
    assert (first.revision, first.already) == (1, False)
    assert (again.revision, again.already) == (1, True)
    state = await desired.state("refund-bot")
    assert state.revision == 2
    assert state.value(MODEL) == "old"
    assert state.value(PAUSED) is True
    found = state.setting(MODEL)
    assert found is not None
    assert (found.key, found.revision, found.restraint) == ("ex1", 1, WHY)


async def test_two_people_who_revoke_two_tools_do_not_overwrite_each_other(store: Store) -> None:
    """A member of a set is a setting of its own; taking one back leaves the other."""
    await asyncio.gather(*(deny(store, f"tool {n}", f"ex{n}") for n in range(10)))
    state = await store.desired.state("refund-bot")
    assert state.value(TOOLS_DENIED) == {"tools": sorted(f"tool {n}" for n in range(10))}
    assert sorted(s.revision for s in state.settings) == list(range(1, 11))
    undone = await store.desired.put(
        "refund-bot", TOOLS_DENIED, "tool 3", None, key="undo", restraint=None, only_if_key="ex3"
    )
    assert undone.revision == 11
    assert (await store.desired.state("refund-bot")).setting(TOOLS_DENIED, "tool 3") is None


async def test_an_undo_is_refused_when_somebody_set_it_anew_since(store: Store) -> None:
    """The refusal names who set what since; nothing is written, so the same key can be used for nothing else."""
    await deny(store, "issue_refund", "ex1")
    other = Restraint(incident="INC-2", by="U0LEE", why="again")
    await store.desired.put("refund-bot", TOOLS_DENIED, "issue_refund", True, key="ex2", restraint=other)
    with pytest.raises(Refused, match=r"since then it was set to 'True' by U0LEE \(again\)"):
        await store.desired.put(
            "refund-bot", TOOLS_DENIED, "issue_refund", None, key="undo", restraint=None, only_if_key="ex1"
        )
    assert (await store.desired.state("refund-bot")).revision == 2


async def test_an_undo_of_what_was_taken_back_is_refused(store: Store) -> None:
    """Somebody was first; an undo that was done answers as done."""
    await deny(store, "issue_refund", "ex1")
    for already in (False, True):
        done = await store.desired.put(
            "refund-bot", TOOLS_DENIED, "issue_refund", None, key="undo 1", restraint=None, only_if_key="ex1"
        )
        assert done.already is already
    with pytest.raises(Refused, match="taken back since"):
        await store.desired.put(
            "refund-bot", TOOLS_DENIED, "issue_refund", None, key="undo 2", restraint=None, only_if_key="ex1"
        )


@pytest.mark.parametrize(("flag", "key"), [("agent.unknown", "k"), (PAUSED, ""), (PAUSED, "a\nb"), (PAUSED, "k" * 201)])
async def test_an_unknown_flag_or_a_bad_key_is_refused(store: Store, flag: str, key: str) -> None:
    """The field is named."""
    with pytest.raises(Refused) as refused:
        await store.desired.put("refund-bot", flag, None, True, key=key, restraint=None)
    assert refused.value.field in {"flag", "key"}


async def test_a_read_at_a_newer_revision_is_work_and_an_older_one_is_nothing(store: Store, clock: ManualClock) -> None:
    """This is what verifies: the agent's own token was answered this revision or a later one."""
    assert await store.desired.record_read("refund-bot", [PAUSED, MODEL], 3)
    assert not await store.desired.record_read("refund-bot", [PAUSED], 3)
    later = clock.forward(minutes=1)
    assert not await store.desired.record_read("refund-bot", [PAUSED], 3)
    assert not await store.desired.record_read("refund-bot", [PAUSED], 2)
    assert await store.desired.record_read("refund-bot", [PAUSED], 4)
    reads = await store.desired.reads("refund-bot")
    assert {flag: read.revision for flag, read in reads.items()} == {PAUSED: 4, MODEL: 3}
    assert reads[PAUSED].at == later
    items = [x.item for x in await store.work.take("c", 10, 10)]
    assert [i.kind for i in items] == [Work.AGENT_READ, Work.AGENT_READ]
    assert items[1].payload == {"agent": "refund-bot", "revision": 4}


async def test_a_read_of_flags_that_do_not_exist_leaves_nothing(store: Store) -> None:
    """Flag names come from the agent: they must not fill the store."""
    assert not await store.desired.record_read("refund-bot", ["x" * 1000, ""], 1)
    assert await store.desired.reads("refund-bot") == {}
