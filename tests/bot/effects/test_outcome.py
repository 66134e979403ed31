from typing import Any

import pytest

from bot.domain.run import Executed, RunStatus
from bot.effects.outcome import judge
from tests.bot.effects.samples import UNSET, call

MCP_TEXT = {"content": [{"type": "text", "text": "Error: no such order"}]}

TABLE: list[tuple[str, Any, dict[str, Any]]] = [
    # a result that is no error
    ("applied", {"refund_id": "re_1", "status": "succeeded"}, {}),
    ("applied", "Transfer successful", {}),
    ("applied", "", {}),
    ("applied", "null", {}),
    ("applied", [], {}),
    ("applied", {"error": None, "success": True}, {}),
    ("applied", {"errors": [], "data": {"x": 1}}, {}),
    ("applied", {"errors": ["one row"], "data": {"x": 1}}, {}),
    ("applied", {"output": "", "exit_code": 0}, {}),
    ("applied", {"status": 201}, {}),
    ("applied", {"status": "pending"}, {}),
    ("applied", {"code": 500, "name": "voucher"}, {}),
    ("applied", "Errors found: 0", {}),
    ("applied", "Error-free run", {}),
    ("applied", "No error occurred", {}),
    ("applied", {"content": [{"type": "text", "text": "Error codes listed"}], "isError": False}, {}),
    ("applied", "exit code: 0", {}),
    # it says that it failed
    ("failed", "Error: payment amount does not add up", {}),
    ("failed", "error: no", {}),
    ("failed", "ValueError: bad amount", {}),
    ("failed", "Exception: no", {}),
    ("failed", MCP_TEXT, {}),
    ("failed", [{"type": "text", "text": "Error: no"}], {}),
    ("failed", {"isError": True, "content": []}, {}),
    ("failed", {"error": "insufficient funds"}, {}),
    ("failed", {"error": {"code": 1}}, {}),
    ("failed", {"success": False}, {}),
    ("failed", {"ok": "false"}, {}),
    ("failed", {"errors": ["no"], "data": None}, {}),
    ("failed", {"status": "error"}, {}),
    ("failed", {"status": "Rejected"}, {}),
    ("failed", {"status": 404}, {}),
    ("failed", {"status_code": "422"}, {}),
    ("failed", {"statusCode": 503}, {}),
    ("failed", {"code": 403, "message": "forbidden"}, {}),
    ("failed", UNSET, {"status": RunStatus.ERROR}),
    ("failed", UNSET, {"error": {"type": "tool_error"}}),
    ("failed", {"id": 1}, {"error": {"type": "policy_violation"}}),
    ("failed", UNSET, {"error": {"type": "404"}}),
    ("failed", UNSET, {"executed": Executed.NO}),
    ("applied", "Errors: 0", {}),
    ("applied", {"error": "none", "id": 1}, {}),
    ("applied", {"status": "cancelled"}, {}),
    ("applied", {"id": 1, "message": "the session times out in 5 minutes"}, {}),
    ("applied", "Created an alarm with a timeout of 30 s", {}),
    ("failed", "Failed to send the mail: mailbox full", {}),
    ("failed", {"content": [{"type": "text", "text": '{"error": "no such order"}'}]}, {}),
    # it calls itself failed, because of something after which it may have been done
    ("unknown", {"error": "Read timed out"}, {}),
    ("unknown", {"error": {"type": "timeout"}}, {}),
    ("unknown", {"error": {"code": 504, "message": "x"}}, {}),
    ("unknown", {"error": "socket hang up"}, {}),
    ("unknown", {"isError": True, "content": [{"type": "text", "text": "Request timed out"}]}, {}),
    ("unknown", {"success": False, "message": "Gateway timeout"}, {}),
    ("unknown", {"status": "timed_out"}, {}),
    ("unknown", {"status": "timeout"}, {}),
    ("unknown", "Error 502: bad gateway", {}),
    ("unknown", "Error: socket hang up", {}),
    ("unknown", "Request timed out after 30s", {}),
    ("unknown", "500 Internal Server Error", {}),
    ("unknown", {"exit_code": "1"}, {}),
    ("unknown", {"output": "Traceback (most recent call last):\n  ..."}, {}),
    ("unknown", UNSET, {"error": {"type": "ECONNRESET"}}),
    ("unknown", UNSET, {"error": {"type": "HTTPStatusError", "message": "Server error '500 Internal Server Error'"}}),
    # nobody knows
    ("unknown", UNSET, {}),
    ("unknown", UNSET, {"executed": Executed.UNKNOWN}),
    ("unknown", UNSET, {"error": {"type": "TimeoutError"}}),
    ("unknown", UNSET, {"error": {"type": "timeout"}}),
    ("unknown", UNSET, {"error": {"type": "httpx.ReadTimeout"}}),
    ("unknown", UNSET, {"error": {"type": "CancelledError"}}),
    ("unknown", UNSET, {"error": {"type": "ConnectionResetError"}}),
    ("unknown", UNSET, {"error": {"type": "502"}}),
    ("unknown", UNSET, {"error": {"type": "tool_error", "message": "request timed out after 30 s"}}),
    ("unknown", "Error: the request timed out", {"status": RunStatus.ERROR}),
    ("unknown", {"status": 504}, {}),
    ("unknown", {"status_code": 500, "error": "oops"}, {}),
    ("unknown", {"output": "x", "exit_code": 1}, {}),
    ("unknown", {"returncode": -9}, {"status": RunStatus.ERROR}),
    ("unknown", "exitcode: 1 (execution failed)\nCode output: x", {}),
    ("unknown", "Process exited with code 137", {}),
    ("unknown", "Traceback (most recent call last):\n  File ...\nValueError: x", {}),
]


@pytest.mark.parametrize(("outcome", "result", "fields"), TABLE)
def test_the_outcome_comes_from_what_was_recorded(outcome: str, result: Any, fields: dict[str, Any]) -> None:
    """Applied, failed or unknown, by the rules in their order; each with a reason in words."""
    found, reason = judge(call(result=result, **fields))
    assert found == outcome, reason
    assert reason


def test_a_result_of_any_size_is_judged_by_its_beginning() -> None:
    """A large text costs nothing, and errors quoted deep inside are not its own."""
    assert judge(call(result="ok " * 500_000 + "Error: timed out"))[0] == "applied"
