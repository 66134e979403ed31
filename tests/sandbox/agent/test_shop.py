"""The shop: what it refuses, and its page."""

from pathlib import Path

import pytest

from examples.guard import Restraints
from sandbox.agent.page import render
from sandbox.agent.shop import NoReply, Shop, ShopRefused


def _refund(shop: Shop, amount_minor: int, key: str, *, order_id: str = "88123", currency: str = "USD") -> None:
    shop.issue_refund(
        "t1", order_id=order_id, amount_minor=amount_minor, currency=currency, reason="damaged", idempotency_key=key
    )


def test_a_refund_over_the_total_in_another_currency_or_twice_is_refused(shop: Shop) -> None:
    """Nothing is written then."""
    _refund(shop, 4_200, "a")
    for amount, key, order, currency, code in [
        (37_801, "b", "88123", "USD", 422),
        (1, "c", "88123", "EUR", 422),
        (1, "a", "88123", "USD", 409),
        (1, "d", "99999", "USD", 404),
    ]:
        with pytest.raises(ShopRefused) as refusal:
            _refund(shop, amount, key, order_id=order, currency=currency)
        assert refusal.value.code == code
    _refund(shop, 37_800, "e")
    assert shop.get_order("88123")["refunded_minor"] == 42_000


def test_the_run_that_goes_beyond_what_is_owed_is_found_not_the_one_before(shop: Shop) -> None:
    """Order 88123 is owed 4,200: the first run pays that, the second one more cent."""
    _refund(shop, 4_200, "a")
    assert shop.overpaid() == []
    shop.issue_refund("t2", order_id="88123", amount_minor=1, currency="USD", reason="damaged", idempotency_key="b")
    assert [(row["trace_id"], row["refunded_minor"]) for row in shop.overpaid()] == [("t2", 4_201)]


def test_changes_name_what_was_there_before(shop: Shop) -> None:
    """So that they can be reversed."""
    assert shop.update_order("t", order_id="88123", status="returned")["previous_status"] == "delivered"
    with pytest.raises(ShopRefused, match="422 status must be one of"):
        shop.update_order("t", order_id="88123", status="eaten")
    for previous in (None, True):
        changed = shop.set_account_flag("t", customer_id="cus_81Kd", flag="vip", value=True)
        assert changed["previous_value"] is previous


def test_the_coupon_is_credited_although_no_reply_comes(shop: Shop) -> None:
    """An unknown outcome that really happened."""
    with pytest.raises(NoReply):
        shop.apply_coupon("t", customer_id="cus_81Kd", code="SORRY20")
    assert len(shop.tables()["coupons"]) == 1


def test_the_file_keeps_everything(tmp_path: Path) -> None:
    """Opening it again adds no second set of customers."""
    with Shop(tmp_path / "s.sqlite") as first:
        first.create_ticket("t", customer_id="cus_81Kd", order_id="88123", subject="help")
        before = first.tables()
    with Shop(tmp_path / "s.sqlite") as second:
        assert second.tables() == before


def test_the_page_escapes_what_customers_and_models_write(shop: Shop) -> None:
    """No markup of theirs becomes ours."""
    shop.send_email("t", recipient="<img src=x>", subject="<script>alert(1)</script>", body='"><b>')
    restraints = Restraints(
        model="<i>pin</i>",
        fallback_model="",
        paused=None,
        denied={},
        validation={},
        prompt_suffix="",
        revision=3,
        stale_since=None,
        problem=None,
    )
    page = render(shop.tables(), restraints, agent="refund-bot")
    for markup in ("<img", "<script>alert", "<b>", "<i>"):
        assert markup not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "USD 42.00" in page
