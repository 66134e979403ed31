"""The interactions about runs: what each asks for, and that nothing the client sends is taken for granted."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.events import Actor, ActorKind
from bot.errors import Refused
from bot.plugin import FieldErrors, Kind, OpenModal, Quiet, Registry, Reply, Say
from tests.handlers.slack.test_slack_handlers import DANA, Desk, registry, run
from tests.support.sample_found import found_incident, runs_added, runs_offered, similar_found, trace, unnamed_incident
from tests.support.sample_incident import TRACE, sample_run

__all__ = ["registry"]


@pytest.fixture
def desk() -> Desk:
    """INC-42 with its findings, and INC-43 whose alert named no run."""
    unnamed = unnamed_incident(runs_offered()).model_copy(update={"id": "INC-43"})
    return Desk({"INC-42": found_incident(), "INC-43": unnamed}, runs={TRACE: sample_run()})


async def test_show_run_opens_the_steps(registry: Registry, desk: Desk) -> None:
    """Of the run that the button names; a run that cannot be read in time still opens, with its tool calls."""
    value = f"INC-42|{TRACE}"
    made = await run(registry, desk, Kind.BUTTON, "pullcord_show_run", value=value)
    assert isinstance(made, OpenModal)
    assert "plan" in str(made.view)
    slow = replace(desk, runs={})
    without = await run(registry, slow, Kind.BUTTON, "pullcord_show_run", value=value)
    assert isinstance(without, OpenModal)
    assert "could not be read in time" in str(without.view)
    command = await run(registry, desk, Kind.COMMAND, "steps", args=f"INC-42 {TRACE[:6]}")
    assert isinstance(command, OpenModal)


@pytest.mark.parametrize("value", ["", "INC-42|" + "0" * 32, "x|y", f"INC-99|{TRACE}"])
async def test_a_button_with_another_value_is_refused(registry: Registry, desk: Desk, value: str) -> None:
    """Edited, or of a card that is too old."""
    with pytest.raises(Refused):
        await run(registry, desk, Kind.BUTTON, "pullcord_show_run", value=value, channel="C9")


async def test_guests_see_no_run_and_add_none(registry: Registry, desk: Desk) -> None:
    """Each of the buttons and submissions asks who it is."""
    guest = Actor(kind=ActorKind.PERSON, id="U0GUEST", team="T1")
    for kind, name in (
        (Kind.BUTTON, "pullcord_show_run"),
        (Kind.BUTTON, "pullcord_similar"),
        (Kind.BUTTON, "pullcord_offered"),
        (Kind.VIEW, "pullcord_similar_submit"),
        (Kind.VIEW, "pullcord_offered_submit"),
    ):
        value = f"INC-42|{TRACE}"
        with pytest.raises(Refused):
            await run(registry, desk, kind, name, value=value, metadata=value, by=guest)
    assert desk.asked == []


async def test_ticked_groups_and_runs_are_added_once_each(registry: Registry, desk: Desk) -> None:
    """A group means its listed runs; a run that is in it too is not added twice."""
    opened = await run(registry, desk, Kind.BUTTON, "pullcord_similar", value=f"INC-42|{TRACE}")
    assert isinstance(opened, OpenModal)
    done = await _submit(registry, desk, {"groups": ["g1"], "runs-0": [trace(2), trace(7)]})
    assert done == Quiet()
    (asked,) = desk.asked
    assert asked[:4] == ("add_runs", "INC-42", DANA.id, "k")
    assert asked[-3:] == (str([trace(1), trace(2), trace(3), trace(7)]), "[]", "similar")


async def test_a_group_with_more_runs_than_are_listed_joins_as_a_whole(registry: Registry, desk: Desk) -> None:
    """Its listed runs by name, the others by its id, which the worker looks up."""
    large = similar_found()
    groups = (large.groups[0].model_copy(update={"runs": 90}), *large.groups[1:])
    desk.incidents["INC-42"] = found_incident(large.model_copy(update={"groups": groups, "runs": 90}))
    assert await _submit(registry, desk, {"groups": ["g0"]}) == Quiet()
    assert desk.asked[0][-2:] == ("['g0']", "similar")


async def test_ids_that_nobody_offered_are_left_out(registry: Registry, desk: Desk) -> None:
    """Another group, another run, something that is no id: nothing is added."""
    for values in ({"groups": ["g9"]}, {"runs-0": ["f" * 32]}, {"runs-0": "x"}, {"groups": [None]}, {}):
        done = await _submit(registry, desk, values)
        assert isinstance(done, FieldErrors)
        ticked = any(one for chosen in values.values() if isinstance(chosen, list) for one in chosen)
        assert ("not offered any more" in str(done)) == ticked
    assert desk.asked == []


async def test_each_of_many_groups_can_be_ticked_and_what_is_not_listed_is_said(registry: Registry, desk: Desk) -> None:
    """Slack's checkboxes have ten options, a search up to twelve groups; of many runs forty are listed."""
    desk.incidents["INC-42"] = found_incident(similar_found(12, 50))
    opened = await run(registry, desk, Kind.BUTTON, "pullcord_similar", value=f"INC-42|{TRACE}")
    assert isinstance(opened, OpenModal)
    blocks: Any = opened.view["blocks"]
    inputs = [block for block in blocks if block["type"] == "input"]
    offered = {o["value"] for block in inputs for o in block["element"]["options"] if "groups" in block["block_id"]}
    assert offered == {f"g{number}" for number in range(12)}
    assert "and 10 more runs on the timeline page" in str(opened.view)
    assert await _submit(registry, desk, {"groups-1": ["g11"]}) == Quiet()
    assert desk.asked[0][:2] == ("add_runs", "INC-42")


async def test_nothing_left_to_review_is_said(registry: Registry, desk: Desk) -> None:
    """When all of them joined meanwhile."""
    desk.incidents["INC-42"] = found_incident(runs_added(*range(1, 13)))
    said = await run(registry, desk, Kind.BUTTON, "pullcord_similar", value=f"INC-42|{TRACE}")
    assert isinstance(said, Say)
    assert "no other run looks the same" in said.text


async def test_a_run_of_the_window_is_chosen(registry: Registry, desk: Desk) -> None:
    """Only one that was offered."""
    opened = await run(registry, desk, Kind.BUTTON, "pullcord_offered", value="INC-43")
    assert isinstance(opened, OpenModal)
    values = {"runs-0": [trace(3), "e" * 32]}
    done = await run(registry, desk, Kind.VIEW, "pullcord_offered_submit", metadata="INC-43", values=values)
    assert done == Quiet()
    assert desk.asked[0][-3:] == (str([trace(3)]), "[]", "offered")


async def _submit(registry: Registry, desk: Desk, values: dict[str, Any]) -> Reply:
    metadata = f"INC-42|{TRACE}"
    return await run(registry, desk, Kind.VIEW, "pullcord_similar_submit", metadata=metadata, values=values)
