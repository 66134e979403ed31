"""The tools of refund-bot: what the model is offered, and how a call is carried out, guarded and reported."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from examples.guard import AgentRestrained, Guard, ToolDenied

from .chat import ToolDefinition
from .shop import NoReply, Shop, ShopRefused

Outcome = Literal["applied", "failed", "unknown"]


class _Arguments(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GetCustomer(_Arguments):
    """Look up a customer and the ids of their orders."""

    customer_id: str


class GetOrder(_Arguments):
    """Look up an order: lines, which of them came damaged, total and what was refunded."""

    order_id: str


class IssueRefund(_Arguments):
    """Refund an amount of an order to the original payment method. Cannot be taken back."""

    order_id: str
    amount_minor: int = Field(gt=0, description="minor units of the currency, such as cents")
    currency: str
    reason: str
    idempotency_key: str


class SendEmail(_Arguments):
    """Send an e-mail."""

    recipient: str
    subject: str
    body: str


class CreateTicket(_Arguments):
    """Open a ticket for a person."""

    customer_id: str
    order_id: str
    subject: str


class BookCourier(_Arguments):
    """Have an order picked up at an address. Can be cancelled free of charge for one hour."""

    order_id: str
    address: str


class UpdateOrder(_Arguments):
    """Set the status of an order."""

    order_id: str
    status: str


class SetAccountFlag(_Arguments):
    """Set a flag on a customer's account."""

    customer_id: str
    flag: str
    value: bool


class ApplyCoupon(_Arguments):
    """Credit a coupon to a customer at the loyalty partner."""

    customer_id: str
    code: str


_ARGUMENTS: Final[dict[str, type[_Arguments]]] = {
    "get_customer": GetCustomer,
    "get_order": GetOrder,
    "issue_refund": IssueRefund,
    "send_email": SendEmail,
    "create_ticket": CreateTicket,
    "book_courier": BookCourier,
    "update_order": UpdateOrder,
    "set_account_flag": SetAccountFlag,
    "apply_coupon": ApplyCoupon,
}
READS: Final = frozenset({"get_customer", "get_order"})

DEFINITIONS: Final = tuple(
    ToolDefinition(name=name, description=model.__doc__ or "", parameters=model.model_json_schema())
    for name, model in _ARGUMENTS.items()
)
DESCRIPTIONS: Final = {tool.name: tool.description for tool in DEFINITIONS}


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a call. ``result`` is ``None`` when no reply came; ``error_type`` is ``None`` for a success."""

    outcome: Outcome
    result: dict[str, JsonValue] | None
    error_type: str | None = None

    def for_model(self) -> dict[str, JsonValue]:
        """What the model reads: without a reply it is told so."""
        return (
            self.result
            if self.result is not None
            else {"error": "timeout", "message": "no reply; it may have happened"}
        )


class _Bound(NamedTuple):
    arguments: type[_Arguments]
    function: Callable[..., dict[str, Any]]


class Toolbox:
    """The shop's functions behind the guard's decorator."""

    def __init__(self, shop: Shop, guard: Guard) -> None:
        """Every tool is guarded, the reading ones too."""
        self._tools = {
            name: _Bound(arguments, guard.tool(name)(getattr(shop, name))) for name, arguments in _ARGUMENTS.items()
        }

    def call(self, name: str, arguments: dict[str, JsonValue], *, trace_id: str) -> Done:  # noqa: PLR0911 - one return per refusal
        """Carry out one call of the model. Never raises for what a tool or the guard says: the model has to read it."""
        tool = self._tools.get(name)
        if tool is None:
            return Done("failed", {"error": f"404 no tool {name[:80]}"}, "unknown_tool")
        try:
            values = tool.arguments.model_validate(arguments).model_dump()
            return Done("applied", tool.function(*([] if name in READS else [trace_id]), **values))
        except ToolDenied as refusal:
            return Done("failed", {"error": "tool_denied", "message": refusal.as_tool_result()}, "tool_denied")
        except AgentRestrained as refusal:  # its arguments are outside a bound that people set
            return Done("failed", {"error": "arguments_refused", "message": str(refusal)}, "arguments_refused")
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            return Done("failed", {"error": f"422 {where}: {first['msg']}"}, "invalid_arguments")
        except ShopRefused as refusal:
            return Done("failed", {"error": str(refusal)}, str(refusal.code))
        except NoReply:
            return Done("unknown", None, "timeout")
