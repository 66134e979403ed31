"""Bounding an argument: what a phone shows, what an agent reads, and that nothing is loosened by it."""

from typing import Any

import pytest

from bot.domain.action import Verified
from bot.domain.desired import VALIDATION
from bot.plugin import FieldErrors
from bot.web.ofrep import evaluation
from tests.runbooks.conftest import Opened
from tests.support.engine import AGENT, DANA, KIM, World

LABEL = "Bound issue_refund"


async def bounds(world: World) -> Any:
    """What the agent reads."""
    return (await world.store.desired.state(AGENT)).value(VALIDATION)


async def test_the_modal_starts_with_the_tool_and_argument_of_the_worst_effect(opened: Opened) -> None:
    """With what was recorded beside it, and a maximum for a number: a person types one number."""
    world = await opened()
    modal: Any = await world.engine.requests.modal(await world.offer(LABEL), DANA)
    fields = {b["block_id"]: b["element"] for b in modal["blocks"] if b["type"] == "input"}
    chosen = {name: one["initial_option"]["text"]["text"] for name, one in fields.items() if "initial_option" in one}
    assert chosen["tool"] == "issue_refund"
    assert chosen["argument"] == "amount_cents (issue_refund: 42000)"
    assert chosen["kind"] == "At most this number"


async def test_an_agent_reads_the_bound_as_json_schema_with_who_and_why(opened: Opened) -> None:
    """And what was recorded would have been refused, which the preview says."""
    world = await opened()
    values: Any = {"tool": "issue_refund", "argument": "amount_cents", "kind": "maximum", "value": "5000"}
    await world.click(LABEL, why="too much", **values)
    done = (await world.incident()).executions[-1]
    assert done.reason is None, done.reason
    assert done.change is not None
    assert done.change.note == "It would have refused issue_refund 42000 (1 of 1 recorded calls)."
    assert done.summary == f"bound amount_cents of issue_refund to at most 5000 for {AGENT}"
    whole = {"type": "object", "properties": {"amount_cents": {"type": "number", "maximum": 5000}}}
    assert await bounds(world) == {"issue_refund": whole}
    told: Any = evaluation(await world.store.desired.state(AGENT), VALIDATION)
    assert (told["reason"], told["value"]) == ("STATIC", {"issue_refund": whole})
    assert told["metadata"]["tool.issue_refund#amount_cents.why"] == "too much"
    assert done.verified is Verified.PENDING
    state = await world.store.desired.state(AGENT)
    await world.store.desired.record_read(AGENT, [VALIDATION], state.revision)
    await world.work()
    assert (await world.incident()).executions[-1].verified is Verified.IN_FORCE
    await world.click("Undo: bound", KIM, key="undo")
    assert await bounds(world) == {}


async def test_a_looser_maximum_is_refused_and_other_arguments_keep_their_bounds(opened: Opened) -> None:
    """Tightening never loosens: that is an undo, by a commander."""
    world = await opened()
    maximum: Any = {"tool": "issue_refund", "argument": "amount_cents", "kind": "maximum"}
    await world.click(LABEL, key="a", value="5000", **maximum)
    reply = await world.click(LABEL, key="b", value="9000", **maximum)
    assert isinstance(reply, FieldErrors)
    assert "5000 already" in reply.errors["value"]
    allowed: Any = {"tool": "issue_refund", "argument": "customer", "kind": "allow_list", "value": "cus_1\ncus_2"}
    await world.click(LABEL, key="c", **allowed)
    await world.click(LABEL, key="d", value="100", **maximum)
    read = await bounds(world)
    assert read["issue_refund"]["properties"] == {
        "amount_cents": {"type": "number", "maximum": 100},
        "customer": {"enum": ["cus_1", "cus_2"]},
    }


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"argument": "amount"}, "argument", "It has: amount_cents, customer"),
        ({"argument": "a..b"}, "argument", "no path"),
        ({"value": "$50"}, "value", "plain number"),
        ({"kind": "schema", "value": '{"$ref": "x"}'}, "value", "must be whole"),
        ({"kind": "pattern", "value": "(a+)+"}, "value", "repeat inside a repeat"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field(opened: Opened, values: Any, field: str, words: str) -> None:
    """While the modal is open, and nothing was asked for."""
    world = await opened()
    given: Any = {"tool": "issue_refund", "argument": "amount_cents", "kind": "maximum", "value": "5000", **values}
    reply = await world.click(LABEL, **given)
    assert isinstance(reply, FieldErrors), reply
    assert words in reply.errors[field]
    assert (await world.incident()).executions == ()


async def test_a_bound_that_would_not_have_helped_says_so(opened: Opened) -> None:
    """A person then sees that it is not the right one."""
    world = await opened()
    values: Any = {"tool": "issue_refund", "argument": "amount_cents", "kind": "maximum", "value": "99000"}
    await world.click(LABEL, **values)
    change = (await world.incident()).executions[-1].change
    assert change is not None
    assert change.note == "It would have refused none of the 1 recorded calls of issue_refund."


HOSTILE = {
    "a.b": 1,
    "*": 2,
    "x#y": {"<!channel> & *bold* `": [{"n\n\u202e": 5}, {"n\n\u202e": 50}]},
    "\\": "s" * 5000,
    "": 3,
    "👩‍👩‍👧" * 20: True,
}


async def test_hostile_names_of_arguments_can_be_bound(opened: Opened) -> None:
    """Each leaf that the modal offers is a path that binds, and the modal stands within Slack's limits."""
    world = await opened(("pay#now %", HOSTILE))
    label = next(one for one in await world.labels() if one.startswith("Bound"))
    modal: Any = await world.engine.requests.modal(await world.offer(label), DANA)
    field = next(b for b in modal["blocks"] if b.get("block_id") == "argument")
    offered = [option["value"] for option in field["element"]["options"]]
    assert all(len(option["text"]["text"]) <= 75 for option in field["element"]["options"])
    assert len(offered) >= 4
    for place, argument in enumerate(offered):
        values: Any = {"tool": "pay#now %", "argument": argument, "kind": "schema", "value": '{"const": 5}'}
        reply = await world.click(label, key=f"k{place}", **values)
        assert not isinstance(reply, FieldErrors), reply
    read = await bounds(world)
    assert list(read) == ["pay#now %"]
    assert set(read["pay#now %"]["properties"]) >= {"a.b", "*", "x#y", "\\"}
