"""What refund-bot does with each snapshot and under each restraint."""

import pytest

from sandbox.agent.bot import RunReport
from sandbox.agent.model import FALLBACK, NEWER, OLDER
from sandbox.agent.shop import Shop
from sandbox.ofrep_stub import OfrepStub
from tests.sandbox.agent.conftest import Ask


def _done(report: RunReport) -> list[tuple[str, str]]:
    return [(effect.tool, effect.outcome) for effect in report.effects]


def test_the_alias_serves_the_newer_snapshot_which_misreads_the_policy(ask: Ask, shop: Shop) -> None:
    """Two irreversible effects, one compensable, four reversible (one unknown), and three rejected attempts."""
    report = ask()
    assert (report.model_requested, report.model_served) == ("gpt-x", NEWER)
    assert _done(report) == [
        ("create_ticket", "applied"),
        ("issue_refund", "failed"),
        ("issue_refund", "failed"),
        ("issue_refund", "applied"),
        ("issue_refund", "failed"),
        ("update_order", "applied"),
        ("set_account_flag", "applied"),
        ("book_courier", "applied"),
        ("apply_coupon", "unknown"),
        ("send_email", "applied"),
    ]
    tables = shop.tables()
    assert [(row["amount_minor"], row["currency"]) for row in tables["refunds"]] == [(42_000, "USD")]
    assert "USD 420.00" in tables["mails"][0]["body"]
    assert tables["mails"][0]["recipient"] == "j.doe@example.com"
    assert len(tables["coupons"]) == 1, "the partner did it, and never said so"
    assert [row["status"] for row in tables["orders"] if row["id"] == "88123"] == ["returned"]
    assert shop.overpaid() == [
        {
            "trace_id": report.trace_id,
            "order_id": "88123",
            "refunded_minor": 42_000,
            "owed_minor": 4_200,
            "currency": "USD",
        }
    ]


def test_pinned_to_the_older_snapshot_it_refunds_what_is_owed_once(ask: Ask, shop: Shop, control: OfrepStub) -> None:
    """The pin is asked for and served; asking again refunds nothing more."""
    control.restrain("agent.model", OLDER, by="@dana")
    report = ask()
    assert (report.model_requested, report.model_served) == (OLDER, OLDER)
    assert _done(report) == [("create_ticket", "applied"), ("issue_refund", "applied"), ("send_email", "applied")]
    assert [row["amount_minor"] for row in shop.tables()["refunds"]] == [4_200]
    assert shop.overpaid() == []
    again = ask()
    assert again.effects == ()
    assert "Nothing is owed" in again.answer


def test_the_pin_holds_from_the_next_run_and_its_end_too(ask: Ask, control: OfrepStub) -> None:
    """Pin, run, unpin, run: no restart between."""
    control.restrain("agent.model", OLDER)
    assert ask("cus_2Rf0", "my lamp is broken").model_served == OLDER
    control.lift("agent.model")
    assert ask("cus_4TbQ", "my gloves are torn").model_served == NEWER


def test_the_fallback_model_serves_when_people_routed_to_it(ask: Ask, control: OfrepStub) -> None:
    """A pin wins over a fallback."""
    control.restrain("agent.fallback_model", "mini-y")
    assert ask().model_served == FALLBACK
    control.restrain("agent.model", OLDER)
    assert ask().model_served == OLDER


def test_a_guarding_sentence_in_the_prompt_makes_the_newer_snapshot_obey(
    ask: Ask, shop: Shop, control: OfrepStub
) -> None:
    """The suffix reaches the system prompt."""
    control.restrain("agent.prompt.suffix", "Refund only what is owed.")
    assert ask().model_served == NEWER
    assert [row["amount_minor"] for row in shop.tables()["refunds"]] == [4_200]


@pytest.mark.parametrize("model", ["", OLDER])
def test_with_refunds_denied_it_refunds_nothing_and_tells_the_customer(
    ask: Ask, shop: Shop, control: OfrepStub, model: str
) -> None:
    """The refusal reaches the model as a failed tool result with who and why; both snapshots obey it."""
    control.restrain("agent.model", model)
    control.restrain("agent.tools.denied", {"tools": ["issue_refund"]}, by="@lee", why="double refunds")
    report = ask()
    assert _done(report) == [("create_ticket", "applied"), ("issue_refund", "failed")]
    refusal = report.effects[1].result
    assert refusal is not None
    assert refusal["error"] == "tool_denied"
    assert "by @lee" in str(refusal["message"])
    assert "double refunds" in str(refusal["message"])
    assert "I may not issue refunds at the moment" in report.answer
    assert "T-5521" in report.answer
    assert shop.tables()["refunds"] == []
    assert shop.tables()["mails"] == []


def test_with_mail_denied_the_rest_goes_on_and_the_answer_says_it(ask: Ask, control: OfrepStub) -> None:
    """A denied tool stops that tool only."""
    control.restrain("agent.model", OLDER)
    control.restrain("agent.tools.denied", {"tools": ["send_email"]})
    report = ask()
    assert _done(report)[1:] == [("issue_refund", "applied"), ("send_email", "failed")]
    assert "I could not send you a mail" in report.answer


def test_paused_it_starts_no_run_and_the_caller_reads_why(ask: Ask, shop: Shop, control: OfrepStub) -> None:
    """No trace, no effect; who, why and until when."""
    control.restrain("agent.paused", value=True, by="@dana", why="refunds too high", until="2026-06-10T03:09:00+00:00")
    report = ask()
    assert (report.status, report.trace_id, report.effects) == ("paused", None, ())
    assert report.restraint is not None
    assert (report.restraint.by, report.restraint.why) == ("@dana", "refunds too high")
    assert "until 2026-06-10 03:09 UTC" in report.answer
    assert shop.tables()["tickets"] == []
    control.lift("agent.paused")
    assert ask().status == "completed"


def test_a_pin_to_a_model_that_is_not_served_fails_the_run_and_changes_nothing(ask: Ask, control: OfrepStub) -> None:
    """A mistyped pin is an error that people see, not a silent fall back to the alias."""
    control.restrain("agent.model", "gpt-x-2025")
    report = ask()
    assert (report.status, report.model_served, report.effects) == ("failed", None, ())


@pytest.mark.parametrize(
    ("customer", "message", "says"),
    [
        ("cus_0Qp1", "I want money", "Nothing is owed"),
        ("nobody", "I want money", "no such order"),
        ("cus_81Kd", "order 88097 please", "no such order"),
    ],
    ids=["nothing_damaged", "unknown_customer", "order_of_another_customer"],
)
def test_who_is_owed_nothing_gets_nothing(
    ask: Ask, shop: Shop, control: OfrepStub, customer: str, message: str, says: str
) -> None:
    """With the older snapshot."""
    control.restrain("agent.model", OLDER)
    report = ask(customer, message)
    assert says in report.answer
    assert report.effects == ()
    assert shop.tables()["refunds"] == []


def test_the_same_bad_run_twice_cannot_refund_an_order_twice(ask: Ask, shop: Shop) -> None:
    """The shop itself refuses more than the order's total."""
    ask()
    report = ask()
    assert {effect.outcome for effect in report.effects if effect.tool == "issue_refund"} == {"failed"}
    assert sum(row["amount_minor"] for row in shop.tables()["refunds"]) == 42_000
    assert "I could not refund" in report.answer


def test_a_bound_lets_ordinary_refunds_through_and_refuses_the_others_with_the_reason(
    ask: Ask, shop: Shop, control: OfrepStub
) -> None:
    """As ``tighten_validation`` sets it: the model reads who bounded the amount and why, and no money leaves."""
    bound = {"issue_refund": {"type": "object", "properties": {"amount_minor": {"type": "number", "maximum": 5_000}}}}
    told = {"tool.issue_refund#amount_minor.by": "@dana", "tool.issue_refund#amount_minor.why": "over what is owed"}
    control.restrain("agent.validation", bound, by="@dana", why="over what is owed", **told)
    report = ask()
    refunds = [effect for effect in report.effects if effect.tool == "issue_refund"]
    assert {effect.outcome for effect in refunds} == {"failed"}
    assert all("over what is owed" in str(effect.result) for effect in refunds)
    assert shop.tables()["refunds"] == []
    assert "could not refund" in report.answer
    control.restrain("agent.model", OLDER, by="@dana")
    ask()
    assert [row["amount_minor"] for row in shop.tables()["refunds"]] == [4_200]


def test_a_tool_without_a_bound_is_called_as_before(ask: Ask, control: OfrepStub) -> None:
    """A bound on one tool touches no other."""
    bound = {"send_email": {"type": "object", "properties": {"recipient": {"enum": ["nobody@example.com"]}}}}
    control.restrain("agent.validation", bound, by="@dana")
    done = _done(ask())
    assert ("issue_refund", "applied") in done
    assert ("send_email", "failed") in done
    assert ("send_email", "applied") not in done
