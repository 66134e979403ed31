from typing import Any

import pytest

from bot.domain.catalogue import Catalogue, ToolRule
from bot.domain.run import Executed, RunStatus
from bot.effects.assess import assess
from bot.effects.outcome import judge
from tests.bot.effects.samples import NOW, UNSET, call, run

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
    ("applied", {"error": False, "message": "sent"}, {}),
    ("applied", {"status": "completed", "state": "open"}, {}),
    ("applied", {"content": [{"type": "text", "text": "done"}, {"type": "text", "text": "Error codes listed"}]}, {}),
    ("applied", {"structuredContent": {"id": 1, "error": None}}, {}),
    ("applied", {"ResponseMetadata": {"HTTPStatusCode": 200}, "MessageId": "1"}, {}),
    ("applied", {"result": "Sent"}, {}),
    ("applied", "Closed the ticket about failed payments", {}),
    ("applied", "The tests failed: 0 of 20", {}),
    ("applied", "3 failed, 20 passed", {}),
    ("applied", "404 rows inserted", {}),
    ("applied", "The abort button was removed", {}),
    # it says that it failed
    ("failed", {"structuredContent": {"error": "no such order"}}, {}),
    ("failed", {"structuredContent": {"error": {"code": 1}}, "content": [{"type": "text", "text": "x"}]}, {}),
    ("failed", {"structuredContent": {"success": False}, "isError": False}, {}),
    ("failed", {"content": [{"type": "text", "text": "Error: no"}, {"type": "text", "text": "see the log"}]}, {}),
    ("failed", {"content": [{"type": "text", "text": '{"ok": false}'}, {"type": "image", "data": "x"}]}, {}),
    ("failed", [{"type": "text", "text": "Error: no"}, {"type": "text", "text": "see the log"}], {}),
    ("failed", [{"type": "text", "text": '{"error": "no"}'}, {"type": "text", "text": "x"}], {}),
    ("failed", {"result": "Error: no such file"}, {}),
    ("failed", {"result": {"success": False}}, {}),
    ("failed", {"response": {"status_code": 404}}, {}),
    ("failed", {"ResponseMetadata": {"HTTPStatusCode": 403}}, {}),
    ("failed", {"outcome": "failure"}, {}),
    ("failed", {"state": "FAILED", "id": 1}, {}),
    ("failed", "HTTP 404: not found", {}),
    ("failed", "HTTP/1.1 422 Unprocessable Entity", {}),
    ("failed", "403 Forbidden", {}),
    ("failed", "Request failed with status code 422", {}),
    ("failed", "Payment failed: insufficient funds", {}),
    ("failed", "Could not find the order", {}),
    ("failed", "Unable to connect", {}),
    ("failed", "Permission denied", {}),
    ("failed", "❌ Error: no", {}),
    ("failed", "503 Service Unavailable", {}),
    ("failed", {"error": {"code": 503, "message": "overloaded"}}, {}),
    ("failed", "Error: current transaction is aborted", {}),
    ("failed", UNSET, {"error": {"type": "InternalError", "message": "the transaction was rolled back: timeout"}}),
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
    ("unknown", {"status": "aborted"}, {}),
    ("unknown", "The operation was aborted", {}),
    ("unknown", "This operation was aborted due to a restart", {}),
    ("unknown", {"error": "The user aborted a request. AbortError"}, {}),
    ("unknown", UNSET, {"error": {"type": "AbortError"}}),
    ("unknown", {"status": "partial_failure", "done": 3}, {}),
    ("unknown", {"structuredContent": {"error": "Read timed out"}}, {}),
    ("unknown", {"error": {"code": 503, "status": "UNAVAILABLE", "message": "x"}}, {}),
    ("unknown", "Error: 14 UNAVAILABLE: Connection dropped", {}),
    ("unknown", "Error 503: upstream connect error or disconnect/reset before headers", {}),
    ("unknown", "rpc error: code = Unavailable desc = transport is closing", {"status": RunStatus.ERROR}),
    ("unknown", UNSET, {"error": {"type": "StatusCode.UNAVAILABLE"}}),
    ("unknown", UNSET, {"error": {"type": "google.api_core.exceptions.ServiceUnavailable"}}),
    ("unknown", {"status_code": 524}, {}),
    ("unknown", {"response": {"status_code": 502}}, {}),
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


OK: dict[str, Any] = {"result.status": {"eq": "ok"}}
OWN: list[tuple[str, dict[str, Any], Any]] = [
    ("applied", OK, {"status": "ok"}),
    ("applied", OK, {"status": "ok", "error": "only a warning"}),
    ("applied", OK, {"content": [{"type": "text", "text": '{"status": "ok"}'}]}),
    ("applied", OK, {"structuredContent": {"status": "ok"}}),
    ("applied", {"result.failed": {"lte": 0}}, {"failed": "0"}),
    ("applied", {"result.id": {"exists": True}}, {"id": 1}),
    ("failed", OK, {"status": "queued"}),
    ("failed", {"result.id": {"exists": True}}, {"id": None}),
    ("failed", {"result.status": {"eq": "ok"}, "result.id": {"exists": True}}, {"status": "no", "id": 1}),
    ("unknown", OK, {"status": "timeout"}),
    ("unknown", OK, {"state": "ok"}),
    ("unknown", OK, "done"),
    ("unknown", OK, {"status": "[redacted: token]"}),
    ("unknown", {"result.failed": {"lte": 0}}, {"failed": "none at all"}),
    ("unknown", OK, UNSET),
]


@pytest.mark.parametrize(("outcome", "conditions", "result"), OWN)
def test_the_catalogue_can_say_what_success_is(outcome: str, conditions: dict[str, Any], result: Any) -> None:
    """A tool's own ``succeeded_if`` decides before any guess at its result; what it cannot tell is unknown."""
    rule = ToolRule.model_validate({"name": "pay", "reversibility": "irreversible", "succeeded_if": conditions})
    found, reason = judge(call(result=result), rule.succeeded_if)
    assert found == outcome, reason
    effect = assess(run(call(result=result)), Catalogue(rules=(rule,)), NOW)[0]
    assert (effect.outcome, effect.outcome_reason) == (found, reason)


def test_success_is_told_by_the_result_only() -> None:
    """What was asked for says nothing about what came of it."""
    with pytest.raises(ValueError, match="does not start with 'result'"):
        ToolRule.model_validate(
            {"name": "pay", "reversibility": "irreversible", "succeeded_if": {"arguments.x": {"eq": 1}}}
        )
