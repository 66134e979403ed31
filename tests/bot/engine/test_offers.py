"""What is offered, to whom, and as which modal."""

from collections.abc import Mapping
from typing import Any, cast

import pytest

from bot.domain.action import Risk
from bot.domain.events import Actor
from bot.engine.evidence import FrozenRuns
from bot.engine.planning import ControlPlanes
from bot.engine.words import ago, plain
from bot.errors import Refused
from bot.plugin import ActionContext, AgentProfile, Hidden, Once, Params, Registry, action
from bot.ports import EvidenceReader
from tests.support.engine import AGENT, DANA, GUEST, KIM, SAM, TRACE, World, someone
from tests.support.spans import root_span, tool_span


class Nothing(Params):
    """No parameters."""


async def test_rendering_again_changes_no_id(world: World) -> None:
    """Or the poster would edit the card for ever."""
    await world.fire()
    first = await world.engine.offers(await world.incident())
    world.clock.forward(minutes=5)
    world.restart()
    assert await world.engine.offers(await world.incident()) == first


async def test_the_worst_effect_gets_the_first_button_with_frozen_parameters(world: World) -> None:
    """And the press needs no modal."""
    now = world.clock.now()
    spans = [root_span(TRACE, now), tool_span(TRACE, 1, "issue_refund", {"amount_cents": 42000}, now)]
    await world.store.spans.upsert(TRACE, AGENT, {s.span_id: s.to_bytes() for s in spans})
    await world.fire()
    offers = await world.engine.offers(await world.incident())
    assert (offers[0].label, offers[0].params, offers[0].asks, offers[0].danger) == (
        "Revoke issue_refund",
        {"tool": "issue_refund"},
        False,
        True,
    )
    await world.click("Revoke issue_refund")
    assert (await world.store.desired.state(AGENT)).value("agent.tools.denied") == {"tools": ["issue_refund"]}
    assert "Revoke issue_refund" not in await world.labels()


async def test_what_is_hidden_says_why(world: World) -> None:
    """No agent, an agent that nothing controls, a port that nobody provides."""
    reasons: dict[str, str] = {}
    for number, agent in enumerate((None, "unknown-bot", AGENT), 1):
        await world.fire(agent=agent, fingerprint=str(number))
        hidden = world.engine.menu(await world.incident(number)).hidden
        reasons |= {f"{agent}:{h.action}": h.reason for h in hidden}
    assert reasons["None:revoke_tool"] == "no agent is known for this incident"
    assert "agents.unknown-bot" in reasons["unknown-bot:pause_agent"]
    assert reasons[f"{AGENT}:restore_tool"] == "no tool was revoked in this incident"
    assert reasons[f"{AGENT}:open_eval_case"]


async def test_a_verb_whose_offer_breaks_takes_no_other_button_with_it(world: World) -> None:
    """It is hidden, with that reason."""

    def broken(_ctx: ActionContext) -> Hidden:
        raise KeyError("oops")

    @action("bad", title="Bad", tightens=True, risk=Risk.LOW, role="responder", offer=broken)
    def bad(ctx: ActionContext, params: Nothing) -> Once:
        """Never offered."""
        raise NotImplementedError

    old = world.registry
    world.registry = Registry({**old.actions, "bad": bad}, {}, {}, old.control_planes, old.eval_formats, {})
    world.restart()
    await world.fire()
    menu = world.engine.menu(await world.incident())
    assert [h.reason for h in menu.hidden if h.action == "bad"] == ["its own offer failed (KeyError)"]
    assert menu.offers


def test_a_port_without_provider_gives_the_reason_of_the_composition_root(world: World) -> None:
    """Said in help, in the words of whoever knows what is not configured."""
    planes = ControlPlanes(world.registry, world.settings, {}, {EvidenceReader: "no evidence is kept here"})
    verb = world.registry.actions["open_eval_case"]
    assert planes.missing(verb, AgentProfile(name=AGENT)) == "no evidence is kept here"
    planes = ControlPlanes(world.registry, world.settings, {EvidenceReader: FrozenRuns(world.store.evidence)})
    assert planes.missing(verb, AgentProfile(name=AGENT)) is None, "it can do without a repository: there are data sets"


def blocks_of(view: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Inputs of a modal by block id."""
    return {b["block_id"]: b for b in view["blocks"] if b["type"] == "input"}


async def test_the_modal_comes_from_the_parameters(world: World) -> None:
    """Choices and first values are those of the incident; every text is plain text of allowed length."""
    now = world.clock.now()
    hostile = "send_email <!channel> " + "x" * 100
    spans = [root_span(TRACE, now), tool_span(TRACE, 1, hostile, {}, now)]
    await world.store.spans.upsert(TRACE, AGENT, {s.span_id: s.to_bytes() for s in spans})
    await world.fire()
    view = cast("Mapping[str, Any]", await world.engine.requests.modal(await world.offer("Pin model"), DANA))
    inputs = blocks_of(view)
    assert list(inputs) == ["model", "expires_in", "why"]
    assert [o["value"] for o in inputs["model"]["element"]["options"]] == ["gpt-x-2026-05-01", "gpt-x-2026-01-01"]
    assert inputs["expires_in"]["element"]["initial_option"]["value"] == "P1D"
    assert inputs["expires_in"]["element"]["options"][-1]["value"] == "never"
    assert (view["callback_id"], view["private_metadata"]) == (
        "pullcord_submit",
        (await world.offer("Pin model")).id,
    )
    offers = [o for o in await world.engine.offers(await world.incident()) if o.asks]
    for offer in offers:
        shown = cast("Mapping[str, Any]", await world.engine.requests.modal(offer, DANA))
        assert len(shown["title"]["text"]) <= 24
        ours = [b["text"]["text"] for b in shown["blocks"] if b["type"] == "section" and b["text"]["type"] == "mrkdwn"]
        assert not [text for text in ours if "<!" in text]
        for block in blocks_of(shown).values():
            for option in block["element"].get("options", []):
                assert len(option["text"]["text"]) <= 75
                assert len(option["value"]) <= 150


async def test_a_pin_without_an_end_is_chosen_on_purpose(world: World) -> None:
    """``never`` is a choice; an empty field means the default of a day."""
    await world.fire()
    await world.click("Pin model", model="gpt-x-2026-01-01", expires_in="never", key="a")
    (execution,) = (await world.incident()).executions
    assert (execution.params["expires_in"], execution.expires_at) == (None, None)
    await world.click("Undo", KIM, key="b")
    await world.click("Pin model", model="gpt-x-2026-01-01", expires_in="", key="c")
    last = (await world.incident()).executions[-1]
    assert last.expires_at is not None


async def test_a_preview_writes_nothing(world: World) -> None:
    """Opening a modal leaves the store's truth as it was."""
    await world.fire()
    before = await world.store.desired.state(AGENT)
    await world.engine.requests.modal(await world.offer("Revoke a tool"), DANA)
    assert await world.store.desired.state(AGENT) == before


async def test_an_unknown_button_says_what_to_do(world: World) -> None:
    """Old cards live for ever in Slack."""
    reply = await world.engine.requests.submit("of_unknown", DANA, {}, key="a")
    assert "newest card" in str(reply)


async def test_the_link_to_the_page_works_for_that_incident_only(world: World) -> None:
    """Whoever pressed the button sees what the button was about."""
    await world.fire()
    link = await world.engine.requests.page_link("INC-1", DANA)
    session = await world.store.sessions.redeem(link.rpartition("/")[2])
    assert session is not None
    found = await world.store.sessions.get(session)
    assert found is not None
    assert found.may_see("INC-1")
    assert not found.may_see("INC-2")


@pytest.mark.parametrize("who", [GUEST, someone("U0STRANGER", "T0OTHER")], ids=["guest", "other workspace"])
async def test_guests_and_strangers_get_no_link_to_the_page(world: World, who: Actor) -> None:
    """The page shows whole prompts and arguments: it is for full members, whoever may run a slash command."""
    await world.fire()
    with pytest.raises(Refused, match="full member"):
        await world.engine.requests.page_link("INC-1", who)
    assert await world.engine.requests.page_link("INC-1", SAM)


def test_foreign_text_in_a_sentence_is_defused() -> None:
    """No mention, no link, one line."""
    said = plain("<!channel> <@U0KIM> see\nhttps://evil.test & @here")
    assert "<" not in said
    assert "\n" not in said
    assert "://" not in said
    assert "&amp;" in said


def test_times_are_short(world: World) -> None:
    """As people say them."""
    then = world.clock.now()
    assert [ago(then, world.clock.forward(seconds=s)) for s in (12, 200, 9000)] == ["12 s ago", "3 min ago", "2 h ago"]
