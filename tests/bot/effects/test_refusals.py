"""Results that say no in words of their own, and those that only look like it."""

from typing import Any

import pytest

from bot.effects.outcome import judge
from tests.bot.effects.samples import call

MCP = {"isError": False}

NO: list[tuple[str, Any]] = [
    ("pay", "Transaction rejected: balance too low"),
    ("pay", {"message": "Transaction rejected: balance too low"}),
    ("pay", {"message": "Your payment was declined."}),
    ("edit", "No replacement was performed, the text did not appear in the file."),
    ("scale", 'deployments.apps "web" not found'),
    ("cancel_event", "Event with ID '24' not found."),
    ("query", '(psycopg2.errors.UndefinedColumn) column "plan" does not exist'),
    ("revoke", {"result": "badge service unavailable, please try again later"}),
    ("finalize", "No such invoice: 'in_1'"),
    ("turn_off", {"response_type": "error", "data": {"code": "no_valid_targets"}}),
    ("book", "Sorry, no rooms are available for those dates."),
    ("book", "Unfortunately we cannot confirm this."),
    ("book", "I couldn't complete the booking: the card was refused."),
    ("book", "We were unable to reach the hotel"),
    ("cancel", "Booking B-8 was already cancelled, nothing was changed."),
    ("cancel", "Cancellation is not possible within 24 hours."),
    ("close", "You do not have permission to close this ticket."),
    ("order", "Card could not be ordered: address missing"),
    ("merge", {"content": [{"type": "text", "text": "failed to merge: 405 not mergeable"}], **MCP}),
    ("merge", {"content": [{"type": "text", "text": "Error: no such branch"}], **MCP}),
    ("merge", {"content": [{"type": "text", "text": '{"message": "Permission denied"}'}], **MCP}),
    ("page", {"result": "{'ok': False, 'error': 'quiet hours'}"}),
    ("page", [{"text": "{'ok': False, 'error': None}"}]),
    ("apply", "Error from server (Forbidden): pods is forbidden"),
    ("apply", "Error acquiring the state lock"),
    ("capture", "rpc error: code = PermissionDenied desc = not allowed"),
    ("capture", "7 PERMISSION_DENIED: caller lacks permission"),
    ("capture", {"code": 5, "details": "no such payment"}),
    ("print_label", "printer error: out of paper"),
    ("create_pr", "GraphQL: Head sha cannot be blank"),
    ("create_pr", "Validation Failed: it exists"),
    ("coupon", "The coupon has expired and was not applied."),
    ("invoke", {"code": 40401, "message": "order does not exist", "data": None}),
    ("prescribe", {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}),
    ("update_many", {"succeeded": 0, "failed": 2, "errors": ["a", "b"]}),
    ("update_many", {"results": [{"ok": False}, {"ok": False}]}),
    ("archive_project", {"archived": False, "reason": "not owner"}),
    ("notify", {"status": "skipped", "reason": "opted out"}),
    ("notify", {"status": "Not Found"}),
    ("send", "Fehler: Zugriff verweigert"),
    ("send", "Die Rechnung wurde nicht gefunden"),
    ("send", "No se pudo enviar el correo"),
    ("send", "Impossible d'envoyer le message"),
    ("send", "エラー：権限がありません"),  # noqa: RUF001 - as it is written
    ("send", "发送失败"),
    ("send", '"Order not found"'),
    ("attach", "The file is too large (max 5 MB)."),
    ("grade", "Z is not a valid grade."),
    ("reopen", "Assignment a9 is archived and can no longer be reopened."),
    ("pay", "Rejected by policy"),
    ("pay", "This action requires manual approval."),
    ("pay", "The amount exceeds the daily limit"),
    ("pay", "Please provide the amount."),
    (
        "publish",
        {"code": "cannot_edit", "message": "Sorry, you are not allowed to edit this.", "data": {"status": 403}},
    ),
    ("book_table", "The restaurant is fully booked that evening."),
    ("start_vm", "Quota 'CPUS' exceeded."),
    ("transfer_call", "Nobody is available to take the call"),
    ("book", "The item is not available right now"),
    ("delete_branch", "403 Resource not accessible by integration"),
    ("edit", "Your edit has introduced a new syntax error. Your changes have NOT been applied."),
    ("edit", "The file is read-only. No changes were made."),
    ("update_ticket", "Ticket could not be updated because it is locked by another user"),
    ("create_user", "A user with this email is already registered"),
    ("transfer_funds", "Transfer failed - daily limit reached"),
    ("transfer_funds", {"result": "FAILURE", "reason": "LIMIT"}),
    ("send_sms", {"status": "undelivered", "error_code": 30003}),
    ("send_sms", {"sent": False}),
    ("delete_file", "rm: cannot remove 'x': No such file or directory"),
    ("delete_file", "ENOENT: no such file or directory, unlink '/tmp/x'"),
    ("post_tweet", {"errors": [{"message": "You are not permitted"}]}),
    ("create_issue", {"message": "Not Found", "documentation_url": "https://docs.example", "status": "404"}),
    ("create_event", {"kind": "error", "code": 403}),
    ("charge", {"outcome": {"type": "issuer_declined"}, "status": "failed"}),
    ("order", {"success": 0, "message": "no stock"}),
    ("order", {"success": "no"}),
    ("set_temp", {"code": "DEVICE_OFFLINE", "message": "Device is offline"}),
    ("apply_patch", "patch does not apply"),
    (
        "merge",
        "CONFLICT (content): Merge conflict in a.py\nAutomatic merge failed; fix conflicts and then commit the result.",
    ),
    ("deploy", "Deployment rejected by admission webhook"),
    ("sign", "The document is not ready for signing."),
    ("redeem", "Voucher invalid or expired"),
    ("book", "There are no seats left on this flight."),
    ("book", "That time slot is not available"),
    ("book", "The slot is taken."),
    ("login", "Invalid credentials"),
    ("pay", {"isSuccess": False}),
    ("pay", {"status": {"code": "ERROR"}}),
    ("pay", {"Status": "Failed"}),
    ("pay", {"statusMessage": "x", "status": "ERROR_INSUFFICIENT_FUNDS"}),
    ("pay", "None of the payments were processed."),
    ("pay", "Payment was unsuccessful"),
    ("pay", "Not authorized"),
    ("pay", "Access to this resource is restricted"),
    ("update_order", "Error: non-delivered order cannot be updated"),
]

YES: list[tuple[str, Any]] = [
    ("decline_invitation", "Invitation declined."),
    ("decline_invitation", {"status": "declined"}),
    ("update_application", {"status": "rejected"}),
    ("block_card", {"status": "blocked"}),
    ("toggle_lock", {"locked": False}),
    ("set_archived", {"archived": False}),
    ("block_card", "BLOCKED"),
    ("set_oos", "Item 5 is out of stock now"),
    ("stop_server", "Server is offline"),
    ("reply", {"id": 5, "message": "Sorry, we cannot do this."}),
    ("book", "Your booking is confirmed, it cannot be changed."),
    ("mark_product", "Marked the product as out of stock"),
    ("report", "Reported the error in module x"),
    ("delete_account", "Account 5 is gone, this cannot be undone."),
    ("transfer", "Transfer completed, funds are not available until Monday"),
    ("refund", "Your refund may not appear for five days"),
    ("book", "Your booking is confirmed. If you cannot find the hotel, call us."),
    ("send", "Email sent to bob@example.com. The attachment was not found."),
    ("deploy", "No errors found, deployed revision 4"),
    ("deploy", "Deployed; the old revision is not available any more"),
    ("close", "Issue #12 closed as not planned"),
    ("update_many", {"succeeded": 3, "failed": 1, "errors": ["a"]}),
    ("update_many", {"results": [{"ok": True}, {"ok": False, "error": "locked"}]}),
    ("update_many", {"updated": 3, "errors": []}),
    ("turn_off", {"data": {"success": ["lamp"], "failed": []}}),
    ("invoke", {"code": 0, "message": "ok", "data": None}),
    ("invoke", {"code": 1, "message": "success", "data": {"id": 1}}),
    ("invoke", {"code": 10, "message": "SAVE10"}),
    ("prescribe", {"resourceType": "OperationOutcome", "issue": [{"severity": "information"}]}),
    ("charge", {"status": "approved", "error_code": "0"}),
    ("list_codes", {"content": [{"type": "text", "text": "Error codes listed"}], **MCP}),
    ("get_workflow_status", {"state": "FAILED"}),
    ("read", {"content": [{"type": "text", "text": "Dear Bob. I could not come."}], **MCP}),
    ("send", "Überweisung ausgeführt."),
    ("send", "已取消订单"),
    ("send_email", "Message queued"),
    ("send_email", "true"),
    ("send_email", True),
    ("send_email", 1),
    ("update_row", {"rows_affected": 1}),
    ("update_row", {"matched": 1, "modified": 0}),
    ("create_issue", {"id": 5, "title": "Error 500 on login", "state": "open", "body": "Cannot log in: not found"}),
    ("create_issue", "Created issue #5: Cannot log in"),
    ("add_comment", {"id": 1, "body": "Sorry, this is not possible"}),
    ("close_ticket", "Ticket 5 closed. Reason: not reproducible"),
    ("deny_request", "Request denied"),
    ("deny_request", "Access denied for user 5"),
    ("block_user", "User 5 blocked"),
    ("cancel_order", {"status": "cancelled", "reason": "customer request"}),
    ("fail_build", {"status": "failed"}),
    ("deactivate", {"active": False}),
    ("deactivate", {"enabled": False, "id": 1}),
    ("unsubscribe", {"subscribed": False}),
    ("set_dnd", "Do not disturb is on"),
    ("create_rule", "Rule created: deny if amount exceeds limit"),
    ("create_alert", "Alert for 'error: disk full' created"),
    ("run_tests", "12 passed, 0 failed"),
    ("restart", "Restarting... the service will be unavailable for a minute"),
    ("refund", "Refund issued. Please allow 5 days; it cannot be cancelled."),
    ("write_file", "Wrote 120 bytes to error_handler.py"),
    ("write_file", "error_handler.py written"),
    ("move", "Moved 3 files; 0 errors"),
    ("sync", {"added": 3, "failed": 0}),
    ("sync", {"added": 3, "errors": 0}),
    ("invite", {"invited": ["a"], "already_member": ["b"]}),
    ("mark_as_spam", "Marked as spam"),
    ("update_status", "Status changed from failed to open"),
    ("add_note", "Note: customer not reachable, added to ticket"),
    ("turn_off", "The light is now off"),
    ("schedule", "Scheduled. No confirmation will be sent."),
    ("book", "Booked. No response from the hotel is needed."),
    ("hold", "Hold placed, no confirmation from the airline yet"),
]

MAYBE: list[tuple[str, Any]] = [
    ("capture", {"code": 4, "details": "Deadline Exceeded"}),
    ("capture", "4 DEADLINE_EXCEEDED: after 5.0s"),
    ("capture", "14 UNAVAILABLE: broken"),
    ("stop", "Command not acknowledged by the device within 30 s"),
    ("stop", "No response from device 5"),
    ("deploy", "read tcp 10.0.0.1: i/o timeout"),
    ("pay", "net::ERR_CONNECTION_RESET"),
    ("stop", "upstream connect error or disconnect/reset before headers"),
    ("send", "Zeitüberschreitung"),
    ("send", "请求超时"),
    ("execute", "Code execution failed at line 'import os' due to: InterpreterError"),
    ("query", "(psycopg2.errors.QueryCanceled) canceling statement due to statement timeout"),
    ("apply", {"content": [{"type": "text", "text": "Command timed out after 120 seconds"}], **MCP}),
    ("pay", {"error": "ETIMEDOUT"}),
    ("pay", {"status": "timeout"}),
    ("pay", "TimeoutError"),
    ("pay", "Request to bank timed out"),
    ("pay", "The operation has timed out."),
    ("pay", {"message": "Endpoint request timed out"}),
    ("run", "Killed"),
    ("run", {"exitCode": 137, "stdout": ""}),
    ("run", "Segmentation fault (core dumped)"),
    ("pay", "504 Gateway Time-out"),
    ("pay", "ReadTimeout: HTTPSConnectionPool(host='x', port=443): Read timed out."),
    ("pay", "<html><head><title>502 Bad Gateway</title>"),
    ("run", {"returncode": 1, "stderr": "boom"}),
    ("run", "Command failed with exit code 2"),
]


@pytest.mark.parametrize(("tool", "result"), NO)
def test_a_refusal_in_its_own_words_is_a_failed_attempt(tool: str, result: Any) -> None:
    """Prose, states, counts, envelopes, other languages, MCP servers that say ``isError: false``."""
    outcome, reason = judge(call(tool, {"id": 1}, result))
    assert outcome == "failed", reason


@pytest.mark.parametrize(("tool", "result"), YES)
def test_what_only_sounds_like_a_refusal_was_applied(tool: str, result: Any) -> None:
    """A change that is called a failed attempt is the worst mistake here: words that were asked for, hints, parts."""
    arguments = {"id": 1, "status": "rejected", "archived": False}
    outcome, reason = judge(call(tool, arguments, result))
    assert outcome == "applied", reason


@pytest.mark.parametrize(("tool", "result"), MAYBE)
def test_time_outs_in_their_own_words_leave_it_open(tool: str, result: Any) -> None:
    """It may have been done."""
    outcome, reason = judge(call(tool, {"id": 1}, result))
    assert outcome == "unknown", reason


def test_a_hostile_text_costs_nothing() -> None:
    """Long runs of words and of spaces are read to a bound."""
    for text in ("word " * 200_000, " " * 1_000_000 + "no", "error" * 100_000, "'(" * 100_000, "the " * 80 + "not"):
        assert judge(call("send", {}, text))[0] in {"applied", "failed", "unknown"}
