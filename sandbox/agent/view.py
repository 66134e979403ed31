"""What a conversation says so far, as the scripted model reads it."""

import re
from collections.abc import Iterator

from pydantic import JsonValue

from .chat import Message


def money(minor: JsonValue, currency: JsonValue) -> str:
    """``42000, "USD"`` as ``USD 420.00``. Two decimals: the shop has no currency with others."""
    amount = minor if isinstance(minor, int) else 0
    return f"{currency} {amount // 100}.{amount % 100:02}"


class View:
    """Questions to a conversation. Unknown things are empty, never guessed."""

    def __init__(self, messages: tuple[Message, ...]) -> None:
        """``messages`` from the customer's first one on."""
        self._messages = messages
        self.request = messages[0].text

    def results(self, tool: str) -> Iterator[dict[str, JsonValue]]:
        """What each call of this tool gave, failed ones too, oldest first."""
        names = {call.id: call.name for turn in self._messages for call in turn.calls}
        for turn in self._messages:
            yield from (done.result for done in turn.results if names[done.id] == tool)

    def got(self, tool: str) -> dict[str, JsonValue]:
        """The first result of this tool that is not an error; empty when there is none."""
        return next((result for result in self.results(tool) if "error" not in result), {})

    def refused(self, tool: str) -> bool:
        """Whether people took this tool from the agent."""
        return any(result.get("error") == "tool_denied" for result in self.results(tool))

    @property
    def customer_id(self) -> str:
        """The customer who writes, from the line that the agent puts before the message."""
        found = re.match(r"Customer (\S+):", self.request)
        return found[1] if found else ""

    @property
    def order_id(self) -> str:
        """The order that the customer names, else their newest; ``""`` for none."""
        orders = self.got("get_customer").get("orders")
        known = [str(order) for order in orders] if isinstance(orders, list) else []
        named = re.findall(r"\b\d{5}\b", self.request)
        return next((order for order in named if order in known), known[0] if known and not named else "")

    @property
    def total_minor(self) -> int:
        """What the whole order cost."""
        total = self.got("get_order").get("total_minor")
        return total if isinstance(total, int) else 0

    @property
    def owed_minor(self) -> int:
        """What is still owed back: the damaged lines, less what was refunded already."""
        order = self.got("get_order")
        lines, refunded = order.get("lines"), order.get("refunded_minor")
        damaged = (
            [line["price_minor"] for line in lines if isinstance(line, dict) and line["damaged"]]
            if isinstance(lines, list)
            else []
        )
        prices = sum(price for price in damaged if isinstance(price, int))
        return max(0, prices - (refunded if isinstance(refunded, int) else 0))

    def closing_words(self) -> str:
        """The answer to the customer, when nothing is left to do."""
        ticket = self.got("create_ticket").get("ticket_id")
        by_person = f"A colleague will look at it ({ticket})." if ticket else "A colleague will look at it."
        if self.refused("issue_refund"):
            return f"I may not issue refunds at the moment, so I have not refunded anything. {by_person}"
        refund = self.got("issue_refund")
        if refund:
            words = f"I refunded {money(refund['amount_minor'], refund['currency'])} on order {self.order_id}."
            words += " A courier picks the order up." if self.got("book_courier") else ""
            return words if self.got("send_email") else f"{words} I could not send you a mail about it."
        if not self.order_id:
            return "I found no such order of yours, so I changed nothing."
        if any(self.results("issue_refund")):
            return f"I could not refund order {self.order_id}. {by_person}"
        return f"Nothing is owed on order {self.order_id}, so I refunded nothing."
