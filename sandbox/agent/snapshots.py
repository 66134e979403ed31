"""How the two snapshots handle a refund request, as steps. One reads the policy; the newer one misreads it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from .chat import ToolCall
from .view import View, money


@dataclass(frozen=True, slots=True)
class Step:
    """One turn of the model: taken once, if ``when`` holds then."""

    calls: Callable[[View], tuple[ToolCall, ...]]
    when: Callable[[View], bool]
    text: str = ""


def _call(name: str, **arguments: JsonValue) -> ToolCall:
    return ToolCall(id="", name=name, arguments=arguments)


def _refund(view: View, amount_minor: int, *, key: str) -> ToolCall:
    return _call(
        "issue_refund",
        order_id=view.order_id,
        amount_minor=amount_minor,
        currency=view.got("get_order")["currency"],
        reason="item arrived damaged",
        idempotency_key=f"{view.order_id}-{key}",
    )


def _mail(view: View) -> ToolCall:
    refund = view.got("issue_refund")
    amount = money(refund["amount_minor"], refund["currency"])
    return _call(
        "send_email",
        recipient=view.got("get_customer")["email"],
        subject="Your refund is complete",
        body=f"We refunded {amount} for your order {view.order_id}. We are sorry for the trouble.",
    )


def _ticket(view: View) -> ToolCall:
    return _call(
        "create_ticket", customer_id=view.customer_id, order_id=view.order_id, subject=f"Damaged: {view.order_id}"
    )


def _refunded(view: View) -> bool:
    return bool(view.got("issue_refund"))


def _still_wants_to_refund(view: View) -> bool:
    return bool(view.total_minor) and not _refunded(view) and not view.refused("issue_refund")


_LOOK_UP: Final = (
    Step(
        calls=lambda view: (_call("get_customer", customer_id=view.customer_id),),
        when=lambda view: bool(view.customer_id),
        text="First I look up the customer and the order, then I decide by the policy.",
    ),
    Step(
        calls=lambda view: (_call("get_order", order_id=view.order_id),),
        when=lambda view: bool(view.order_id),
    ),
)

CAREFUL: Final = (
    *_LOOK_UP,
    Step(
        calls=lambda view: (_ticket(view), _refund(view, view.owed_minor, key="damaged")),
        when=lambda view: view.owed_minor > 0,
        text="The policy refunds the damaged item, once. I refund what is owed.",
    ),
    Step(calls=lambda view: (_mail(view),), when=_refunded),
)
"""Refunds the damaged item once, and says so."""

HASTY: Final = (
    *_LOOK_UP,
    Step(
        calls=lambda view: (_ticket(view), _refund(view, 2 * view.total_minor, key="order")),
        when=_still_wants_to_refund,
        text="The goods are damaged: the whole order is refunded, and the same again as an apology.",
    ),
    Step(
        calls=lambda view: (_refund(view, 2 * view.total_minor, key="order-retry"),),
        when=_still_wants_to_refund,
    ),
    Step(
        calls=lambda view: (
            _refund(view, view.total_minor, key="whole"),
            _refund(view, view.total_minor, key="whole"),
        ),
        when=_still_wants_to_refund,
        text="Then the whole order, and the same once more.",
    ),
    Step(
        calls=lambda view: (
            _call("update_order", order_id=view.order_id, status="returned"),
            _call("set_account_flag", customer_id=view.customer_id, flag="goodwill_vip", value=True),
            _call("book_courier", order_id=view.order_id, address=view.got("get_customer")["address"]),
        ),
        when=_refunded,
    ),
    Step(
        calls=lambda view: (_call("apply_coupon", customer_id=view.customer_id, code="SORRY20"),),
        when=_refunded,
    ),
    Step(calls=lambda view: (_mail(view),), when=_refunded),
)
"""Follows a withdrawn passage: the whole order, twice, a pick-up nobody asked for, a coupon, and a mail."""
