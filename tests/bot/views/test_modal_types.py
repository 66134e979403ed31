"""Every type of parameter becomes the right input, and what is submitted comes back as what the model takes."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from bot.domain.action import Change, Risk, Target
from bot.domain.events import PULLCORD
from bot.plugin import ActionContext, AgentProfile, Choice, Choices, Multiline, OfferView, Params, action
from bot.ports import ToolControl
from bot.views.modal import Shown, modal, parse_values
from bot.views.modal_inputs import MOST_OPTIONS
from tests.support.blockcheck import problems
from tests.support.sample_incident import NOW, sample_incident

MANY = [Choice(f"model-{n:04}", f"model {n}") for n in range(1500)]


class Colour(StrEnum):
    """An enum."""

    RED = "red"
    DARK_BLUE = "dark_blue"


class Everything(Params):
    """One field of each kind."""

    text: str = Field(default="x", max_length=50)
    box: Annotated[str, Multiline()] = "a"
    yes: bool = True
    whole: int = Field(default=3, ge=1, le=10)
    money: Decimal = Decimal("1.50")
    until: timedelta | None = timedelta(hours=1)
    word: Literal["one", "two"] = "two"
    number: Literal[1, 2] = 2
    colour: Colour = Colour.DARK_BLUE
    at: datetime | None = None
    day: date | None = None
    lines: list[str] = Field(default=["a", "b"])
    several: Annotated[list[str], Choices(lambda _c: [Choice("a", "A"), Choice("b", "B")])] = Field(default=["a"])
    colours: tuple[Colour, ...] = (Colour.RED,)
    maybe: int | None = None


@action("everything", title="Everything", tightens=True, risk=Risk.LOW, role="responder")
def everything(ctx: ActionContext, params: Everything, tools: ToolControl) -> Change:
    """A verb with every type of parameter."""
    return Change(target=Target(control="c", subject="a", setting="s"), desired=True, summary="did")


def _modal(params: dict[str, Any] | None = None, **shown: Shown) -> dict[str, Any]:
    ctx = ActionContext(incident=sample_incident(), agent=AgentProfile(name="refund-bot"), by=PULLCORD, now=NOW)
    offer = OfferView(id="of_1", incident="INC-42", action="everything", params=params or {}, label="E…", asks=True)
    return modal(everything, offer, ctx, "first line\nsecond line", shown)


def _elements(view: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {block["block_id"]: block["element"] for block in view["blocks"] if block["type"] == "input"}


def test_each_type_becomes_its_input_with_its_default() -> None:
    """Slack's own elements, each with what the model says of it."""
    view = _modal()
    assert problems(view) == []
    made = _elements(view)
    assert {name: element["type"] for name, element in made.items()} == {
        "text": "plain_text_input",
        "box": "plain_text_input",
        "yes": "checkboxes",
        "whole": "number_input",
        "money": "number_input",
        "until": "static_select",
        "word": "static_select",
        "number": "static_select",
        "colour": "static_select",
        "at": "datetimepicker",
        "day": "datepicker",
        "lines": "plain_text_input",
        "several": "multi_static_select",
        "colours": "multi_static_select",
        "maybe": "number_input",
    }
    assert made["whole"] | {"min_value": "1", "max_value": "10", "is_decimal_allowed": False} == made["whole"]
    assert made["money"]["initial_value"] == "1.50"
    assert made["until"]["initial_option"]["value"] == "PT1H"
    assert made["colour"]["initial_option"] == {
        "text": {"type": "plain_text", "text": "dark blue", "emoji": False},
        "value": "dark_blue",
    }
    assert (made["lines"]["multiline"], made["lines"]["initial_value"]) == (True, "a\nb")
    assert [o["value"] for o in made["several"]["initial_options"]] == ["a"]


def test_what_is_submitted_is_what_the_model_takes() -> None:
    """By type, back and forth."""
    given = parse_values(
        Everything,
        {
            "yes": [],
            "whole": "7",
            "money": "12.34",
            "until": "never",
            "number": "1",
            "colour": "red",
            "at": 1772323200,
            "day": "2026-03-01",
            "lines": "x\n\n y \n",
            "several": ["a", "b"],
            "colours": ["dark_blue"],
            "maybe": None,
        },
    )
    made = Everything.model_validate(given)
    assert made.yes is False
    assert (made.whole, made.money, made.until, made.number, made.colour) == (7, Decimal("12.34"), None, 1, Colour.RED)
    assert made.at == datetime(2026, 3, 1, tzinfo=UTC)
    assert (made.day, made.lines, made.several) == (date(2026, 3, 1), ["x", "y"], ["a", "b"])
    assert (made.colours, made.maybe) == ((Colour.DARK_BLUE,), None)
    assert Everything.model_validate(made.model_dump(mode="json")) == made


@pytest.mark.parametrize("count", [100, 101, 1000, 1500])
def test_more_choices_than_one_list_holds_are_grouped_and_what_is_left_out_is_said(count: int) -> None:
    """Slack takes 100 in a list. A gateway with 1,500 models shows 1,000 and says that there are more."""
    view = _modal(several=Shown(tuple(MANY[:count])))
    assert problems(view) == []
    element = _elements(view)["several"]
    groups = element.get("option_groups") or [{"options": element["options"]}]
    assert sum(len(group["options"]) for group in groups) == min(count, MOST_OPTIONS)
    assert all(len(group["options"]) <= 100 for group in groups)
    hint = next(b for b in view["blocks"] if b.get("block_id") == "several").get("hint", {}).get("text", "")
    assert ("500 more are not shown" in hint) is (count == 1500)


def test_the_preview_stands_line_by_line_below_its_button() -> None:
    """Each enforcement point on its own line; block ids of inputs stay, so that an update keeps what was typed."""
    view = _modal()
    texts = [b["text"]["text"] for b in view["blocks"] if b["type"] == "section"]
    assert texts[-3:] == ["*Preview, nothing written yet*", "first line", "second line"]
    (buttons,) = [b for b in view["blocks"] if b["type"] == "actions"]
    assert buttons["elements"][0]["action_id"] == "pullcord_preview"
