"""A class is suggested for tools that nobody classified: by labelled tools, half of them never looked at in tuning."""

from typing import Any

import pytest

from bot.domain.catalogue import Catalogue
from bot.domain.message import Message, Part, ToolDefinition
from bot.domain.run import UNRECORDED_TOOL, ModelCall, Run
from bot.effects.assess import assess
from bot.effects.suggest import suggest
from bot.effects.toolbox import toolbox
from bot.recorder.normalise import normalise
from bot.recorder.otlp import JSON, parse_export
from tests.bot.effects.labelled import Labelled, labelled, set_aside, suggestions
from tests.bot.effects.samples import NOW, RUNS, call, manifest, run


def box(*tools: ToolDefinition, policy: str = "", messages: tuple[Message, ...] = ()) -> Run:
    """A run whose model was offered these tools under this policy."""
    system = (policy,) if policy else ()
    model = ModelCall(order=1, span_id="a" * 16, tools_offered=tools, system=system, input=messages)
    return Run(trace_id="a" * 32, model_calls=(model,))


def tool(name: str, text: str = "", *keys: str, **hints: bool) -> ToolDefinition:
    """A tool as offered."""
    schema: dict[str, Any] = {"type": "object", "properties": {key: {} for key in keys}}
    return ToolDefinition(name=name, description=text, parameters=schema, annotations=dict(hints) or None)


def said(held: Run, name: str) -> tuple[str, str]:
    """The suggestion for one tool."""
    tools = toolbox(held)
    found = suggest(tools.tools[name], tools)
    return found.reversibility.value, found.reason


def bars(tools: list[Labelled]) -> tuple[float, list[str]]:
    """The share that got the label or an acceptable one, and the irreversible ones that were called softer."""
    found = suggestions(tools)
    right = sum(cls in {one.label, *one.also} for one, cls, _ in found)
    softer = [one.definition.name for one, cls, _ in found if one.label == "irreversible" and cls != "irreversible"]
    return right / len(found), softer


@pytest.mark.parametrize("aside", [False, True])
def test_labelled_tools_get_their_class_and_none_is_suggested_softer_than_irreversible(aside: bool) -> None:
    """Both bars, on the half that the rules were made with and on the half that was set aside."""
    tools = [one for one in labelled() if set_aside(one) is aside]
    assert len(tools) >= 80
    share, softer = bars(tools)
    assert share >= 0.9
    assert softer == []


def test_most_suggestions_are_the_label_itself() -> None:
    """Acceptable is not enough: rules that always say irreversible would pass the other bar."""
    found = suggestions(labelled())
    assert sum(cls == one.label for one, cls, _ in found) / len(found) >= 0.85
    softer = [(one, cls) for one, cls, _ in found if one.label in {"reversible", "compensable", "read_only"}]
    assert sum(cls != "irreversible" for _, cls in softer) / len(softer) >= 0.75


def test_the_published_runs_get_the_labelled_classes() -> None:
    """By tool: the label or an acceptable one for four of five, and no irreversible one is suggested as softer."""
    right: dict[str, bool] = {}
    softer: list[str] = []
    for published in manifest():
        body = (RUNS / "otlp" / f"{published['id']}.json").read_bytes()
        tools = toolbox(normalise(parse_export(body, JSON).spans))
        for want in published["expected_side_effects"]:
            found = suggest(tools.tools[want["tool"]], tools).reversibility.value
            good = found in {want["reversibility"], *want["also_acceptable"]}
            right[want["tool"]] = good and right.get(want["tool"], True)
            if want["reversibility"] == "irreversible" and found != "irreversible":
                softer.append(want["tool"])
    assert sum(right.values()) / len(right) >= 0.8
    assert softer == []


def test_a_suggestion_stands_beside_unclassified_only_and_changes_nothing() -> None:
    """The effect stays unclassified, and ranks as irreversible; guessed reads and classified tools have none."""
    held = run(
        call("rename_contact", {"id": 1}, {}),
        call("get_contact", {"id": 1}, {}),
        call("pay", {}),
        call(UNRECORDED_TOOL),
    )
    rules = Catalogue.model_validate({"rules": [{"name": "pay", "reversibility": "compensable"}]})
    renamed, read, paid, lost = assess(held, rules, NOW)
    assert renamed.suggestion is not None
    assert (renamed.reversibility, renamed.suggestion.reversibility) == ("unclassified", "reversible")
    assert renamed.irreversible
    assert read.suggestion is paid.suggestion is lost.suggestion is None


@pytest.mark.parametrize(
    ("policy", "name", "expected"),
    [
        ("All reservations can be cancelled within 24 hours of booking.", "book_reservation", "compensable"),
        ("## Change address\n- This action can only be called once.", "change_address", "irreversible"),
        ("## Change items\n- This action can only be called once.", "change_address", "reversible"),
        ("Address changes cannot be undone.", "change_address", "irreversible"),
        ("Item changes cannot be undone.", "change_address", "reversible"),
        ("change_address is final.", "change_address", "irreversible"),
        ("After confirmation the status is 'return requested'.", "return_items", "compensable"),
        ("", "return_items", "irreversible"),
    ],
)
def test_the_policy_in_the_prompt_decides(policy: str, name: str, expected: str) -> None:
    """In the system prompt or in a message of the system; the reason quotes it."""
    cls, why = said(box(tool(name), policy=policy), name)
    assert cls == expected
    assert why
    message = Message(role="system", parts=(Part(kind="text", text=policy),))
    assert said(box(tool(name), messages=(message,)), name)[0] == expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("delete_project", "restore_project", "reversible"),
        ("delete_project", "restore_backup", "irreversible"),
        ("close_case", "reopen_case", "reversible"),
        ("close_case", "reopen_shop", "irreversible"),
        ("create_webhook_rule", "delete_webhook_rule", "compensable"),
        ("create_widget", "delete_widget", "reversible"),
        ("create_widget", "delete_pending_widget_review", "compensable"),
        ("new_story", "publish_story", "reversible"),
        ("create_payment", "send_payment", "irreversible"),
        ("place_order", "cancel_order", "compensable"),
        ("place_order", "cancel_subscription", "irreversible"),
        ("deploy_app", "rollback_app", "compensable"),
    ],
)
def test_a_counterpart_among_the_agents_tools_decides(first: str, second: str, expected: str) -> None:
    """For the same things only: what restores another kind of thing restores nothing here."""
    assert said(box(tool(first), tool(second)), first)[0] == expected


@pytest.mark.parametrize(
    ("hints", "name", "expected"),
    [
        ({"readOnlyHint": True}, "quota_overview", "read_only"),
        ({"readOnlyHint": True}, "delete_quota", "irreversible"),
        ({"readOnlyHint": True}, "get_commit", "read_only"),
        ({"readOnlyHint": False}, "describe_quota", "irreversible"),
        ({"destructiveHint": True}, "set_quota", "irreversible"),
        ({"destructiveHint": False, "openWorldHint": False}, "set_quota", "reversible"),
        ({"destructiveHint": False, "openWorldHint": False}, "send_quota", "irreversible"),
        ({"idempotentHint": True}, "transfer_quota", "irreversible"),
    ],
)
def test_hints_of_a_server_never_make_a_hard_name_soft(hints: dict[str, bool], name: str, expected: str) -> None:
    """MCP calls them hints that may be wrong: they may confirm what the name says, or speak against it."""
    hinted = tool(name).model_copy(update={"annotations": hints})
    assert said(box(hinted), name)[0] == expected


@pytest.mark.parametrize(
    ("name", "text", "keys", "expected"),
    [
        ("set_quota", "Sets the quota. This cannot be undone.", (), "irreversible"),
        ("remove_page", "Moves a page to the trash, from which it can be restored.", (), "reversible"),
        ("remove_page", "Removes a page permanently.", (), "irreversible"),
        ("create_meeting", "Creates a meeting.", ("title", "attendees"), "compensable"),
        ("create_meeting", "Creates a meeting.", ("title",), "reversible"),
        ("create_thing", "Creates a thing.", ("recipient",), "irreversible"),
        ("create_thing", "Creates a thing.", ("amount", "iban"), "irreversible"),
        ("create_thing", "Creates a thing and notifies the customer by email.", (), "irreversible"),
        ("update_booking", "Changes a booking.", ("payment_id",), "compensable"),
        ("update_profile", "Post a public status.", (), "irreversible"),
        ("frobnicate", "Frobnicates.", (), "irreversible"),
        ("", "", (), "irreversible"),
        ("получить", "", (), "irreversible"),
    ],
)
def test_description_and_arguments_decide(name: str, text: str, keys: tuple[str, ...], expected: str) -> None:
    """What it says of itself, and whom or what its arguments reach; what says nothing is irreversible."""
    assert said(box(tool(name, text, *keys)), name)[0] == expected


def test_arguments_that_end_something_make_an_update_irreversible() -> None:
    """``update_order`` with ``status: cancelled`` is no mere update."""
    soft, hard = (
        assess(run(call("update_order", {"status": state})), Catalogue(), NOW)[0] for state in ("new", "cancelled")
    )
    assert soft.suggestion is not None
    assert hard.suggestion is not None
    assert (soft.suggestion.reversibility, hard.suggestion.reversibility) == ("compensable", "irreversible")


def test_ten_thousand_calls_and_large_prompts_are_read_once() -> None:
    """Suggestions are made once a tool and a run, and a prompt of any size is read to a bound."""
    calls = tuple(call(f"tool_{n % 50}", {"n": n}) for n in range(10_000))
    model = ModelCall(order=1, span_id="a" * 16, system=("Refunds cannot be undone. " * 200_000,))
    effects = assess(run(*calls, model_calls=(model,)), Catalogue(), NOW)
    assert all(effect.suggestion is not None for effect in effects)
