from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from bot.domain.action import Change, Risk
from bot.domain.base import Json
from bot.plugin import (
    Action,
    ActionContext,
    AgentProfile,
    Choice,
    Choices,
    Multiline,
    OfferView,
    Params,
    Prefill,
    action,
)
from bot.views.forms import declare_modal, mark_modal, note_modal, resolve_modal
from bot.views.modal import modal, parse_values
from tests.support import hostile
from tests.support.blockcheck import problems
from tests.support.sample_incident import LEE, NOW, change_of, sample_incident


def _models(_ctx: ActionContext) -> list[Choice]:
    return [Choice("a", "Model A"), Choice("b", "Model B"), Choice("b", "again"), Choice("x" * 151, "too long")]


class Sample(Params):
    """Every type that a verb's parameters may have."""

    model: Annotated[str, Choices(_models), Prefill(lambda _ctx: "b")] = Field(min_length=1, title="Model snapshot")
    reason: Annotated[str, Multiline()] = Field(default="", max_length=300, title="Why", description="On the timeline.")
    expires_in: timedelta | None = Field(default=timedelta(hours=24), title="Until")
    most: int = Field(default=5, ge=1, le=50, title="At most")
    amount: Decimal | None = Field(default=None, title="Amount")
    dry: bool = Field(default=False, title="Only look")


@action("sample", title="Sample verb with a long title", tightens=True, risk=Risk.LOW, role="responder")
def sample(ctx: ActionContext, params: Sample) -> Change:
    """Do the sample thing."""
    return change_of("agent.model", None, f"{ctx.agent.name} {params.model}")


VERB: Action = sample
CTX = ActionContext(incident=sample_incident(), agent=AgentProfile(name="refund-bot"), by=LEE, now=NOW)


def offer(**more: Any) -> OfferView:
    """An offer of the sample verb."""
    basis = {"id": "of_1", "incident": "INC-42", "action": "sample", "params": {}, "label": "Sample…", "asks": True}
    return OfferView.model_validate({**basis, **more})


def elements(view: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Input elements by block id."""
    return {block["block_id"]: block["element"] for block in view["blocks"] if block["type"] == "input"}


def test_each_type_gets_its_input() -> None:
    """Choices and durations are selects, whole numbers and amounts number inputs, a yes or no a checkbox."""
    made = elements(modal(VERB, offer(), CTX, "agent.model: gpt-x → a"))
    assert {name: element["type"] for name, element in made.items()} == {
        "model": "static_select",
        "reason": "plain_text_input",
        "expires_in": "static_select",
        "most": "number_input",
        "amount": "number_input",
        "dry": "checkboxes",
    }
    assert [o["value"] for o in made["model"]["options"]] == ["a", "b"]
    assert made["model"]["initial_option"]["value"] == "b"
    assert made["reason"]["multiline"] is True
    assert [o["value"] for o in made["expires_in"]["options"]] == ["PT1H", "PT4H", "P1D", "P7D", "never"]
    assert made["expires_in"]["initial_option"]["value"] == "P1D"
    assert (made["most"]["min_value"], made["most"]["max_value"], made["most"]["initial_value"]) == ("1", "50", "5")


def test_the_modal_carries_the_offer_and_shows_the_preview() -> None:
    """Only the opaque id goes to the client and back; the preview says that nothing is written yet."""
    view = modal(VERB, offer(consequence="Undo puts it back."), CTX, "agent.model: gpt-x → a")
    assert (view["callback_id"], view["private_metadata"]) == ("pullcord_submit", "of_1")
    assert view["title"]["text"] == "Sample verb with a long…"
    texts = [block["text"]["text"] for block in view["blocks"] if block["type"] == "section"]
    assert texts == ["*Preview, nothing written yet*", "agent.model: gpt-x → a"]
    assert problems(view) == []


def test_the_offers_parameters_come_first() -> None:
    """What the button froze stands in the field, before the verb's own suggestion."""
    made = elements(modal(VERB, offer(params={"model": "a", "expires_in": None, "dry": True}), CTX, None))
    assert made["model"]["initial_option"]["value"] == "a"
    assert made["expires_in"]["initial_option"]["value"] == "never"
    assert made["dry"]["initial_options"][0]["value"] == "true"


def test_submitted_values_become_parameters_again() -> None:
    """Durations, numbers and ticks come back as the model reads them; an empty field leaves its default."""
    values: dict[str, Json] = {
        "model": "a",
        "reason": None,
        "expires_in": "PT4H",
        "most": "7",
        "amount": "1.50",
        "dry": ["true"],
    }
    params = Sample.model_validate(parse_values(Sample, values))
    assert params == Sample(
        model="a", reason="", expires_in=timedelta(hours=4), most=7, amount=Decimal("1.50"), dry=True
    )


def test_until_it_is_lifted_is_none_and_no_tick_is_no() -> None:
    """The two values that an absent field could be mistaken for."""
    assert parse_values(Sample, {"model": "a", "expires_in": "never", "dry": []}) == {
        "model": "a",
        "expires_in": None,
        "dry": False,
    }


@pytest.mark.parametrize(
    ("view", "callback", "metadata"),
    [
        (resolve_modal(CTX.incident), "pullcord_resolve_submit", "INC-42"),
        (note_modal(CTX.incident), "pullcord_note_submit", "INC-42"),
        (mark_modal(CTX.incident, "ex_pause", done=False), "pullcord_mark_submit", "INC-42|ex_pause|not_done"),
        (declare_modal("C1"), "pullcord_declare_submit", "C1"),
        (declare_modal(None), "pullcord_declare_submit", ""),
    ],
)
def test_the_small_modals(view: dict[str, Any], callback: str, metadata: str) -> None:
    """Each is what Slack accepts and comes back under its own id."""
    assert (view["callback_id"], view["private_metadata"]) == (callback, metadata)
    assert problems(view) == []


def test_resolving_says_what_stays_in_force() -> None:
    """Nobody closes an incident thinking that its restraints end with it."""
    hint = resolve_modal(CTX.incident)["blocks"][0]["hint"]["text"]
    assert "Still in force after this: revoked issue_refund from refund-bot; " in hint


@settings(deadline=None, max_examples=40)
@given(hostile.text(), hostile.text(), st.lists(st.tuples(hostile.text(), hostile.text()), max_size=130))
def test_no_foreign_text_breaks_a_modal(preview: str, consequence: str, choices: list[tuple[str, str]]) -> None:
    """Choices, previews and consequences may be anything."""

    class Hostile(Params):
        """One select with foreign choices."""

        pick: Annotated[str, Choices(lambda _ctx: [Choice(v, label) for v, label in choices])] = Field(title="Pick")

    @action("hostile", title="Hostile", tightens=True, risk=Risk.LOW, role="responder")
    def verb(ctx: ActionContext, params: Hostile) -> Change:
        """Nothing."""
        return change_of("agent.model", None, f"{ctx.agent.name} {params.pick}")

    assert problems(modal(verb, offer(consequence=consequence), CTX, preview)) == []
