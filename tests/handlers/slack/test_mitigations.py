"""The buttons before a mitigation's end, and the list of what is in force."""

import pytest

from bot.errors import Refused
from bot.plugin import Kind, Registry, Say
from bot.registry import discover
from bot.views.blocks import Card
from tests.handlers.slack.test_slack_handlers import Desk, an_incident, run
from tests.support.blockcheck import problems
from tests.support.sample_mitigations import restrained


@pytest.fixture(scope="module")
def registry() -> Registry:
    """The interactions as they are found."""
    return discover(["handlers", "runbooks"])


@pytest.fixture
def desk() -> Desk:
    """One incident with what is in force."""
    return Desk({"INC-1": restrained(an_incident())}, channels={"C1": "INC-1"})


async def test_each_button_names_the_incident_and_the_execution(registry: Registry, desk: Desk) -> None:
    """How much longer stands behind the colon of the button's id."""
    for name in ("pullcord_permanent", "pullcord_lapse"):
        await run(registry, desk, Kind.BUTTON, name, value="INC-1|ex_pin")
    assert desk.asked == [("permanent", "INC-1", "ex_pin"), ("lapse", "INC-1", "ex_pin")]


@pytest.mark.parametrize("value", ["", "INC-1", "INC-1|", "|ex_pin", "<!channel>|ex_pin", "INC-1|" + "x" * 41])
@pytest.mark.parametrize("name", ["pullcord_extend", "pullcord_permanent", "pullcord_lapse"])
async def test_forged_values_are_refused(registry: Registry, desk: Desk, name: str, value: str) -> None:
    """They come from the client."""
    with pytest.raises(Refused, match="names no mitigation"):
        await run(registry, desk, Kind.BUTTON, name, value=value)
    assert desk.asked == []


async def test_the_list_says_what_is_in_force_and_what_was_changed(registry: Registry, desk: Desk) -> None:
    """What needs somebody first; nothing in force is said too."""
    reply = await run(registry, desk, Kind.COMMAND, "mitigations")
    assert isinstance(reply, Say)
    assert problems(Card(reply.text, tuple(dict(block) for block in reply.blocks))) == []
    assert reply.text == "3 mitigations are in force or may be, 1 of them needs somebody"
    rows = str(reply.blocks)
    assert rows.index("no longer in force: it holds nothing") < rows.index("pinned refund-bot")
    assert "extended by <@U0LEE>" in rows
    empty = await run(registry, Desk({"INC-1": an_incident()}), Kind.COMMAND, "mitigations")
    assert isinstance(empty, Say)
    assert empty.text.startswith("Nothing is in force")
