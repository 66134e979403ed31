"""Cases for the tests of the formats."""

from typing import Any

from bot.plugin import EvalCase

BAD = {"customer": "cus_81", "amount_cents": 42000}
RIGHT = {"customer": "cus_81", "amount_cents": 4200}
HOSTILE = (
    "</script><!-- ${process.exit(0)} `whoami` {{ env.HOME }} {% raw %} {# x #} '); throw new Error('out'); ('"
    '\u2028\u2029\u202e\u200b\x00\x07\x85\xa0\ufeff \\u0041 \\ " \'\'\' """\n---\n- !!js/function x: &a *a\n\t# 🙂 ü'
)
"""Whatever ends a text, a line, a tag, a template or a document in one of the languages involved."""


def case(*, tool: str = "issue_refund", bad: Any = None, right: Any = None, **changes: Any) -> EvalCase:
    """A case in which the tool was called with ``bad`` and, if given, should have been called with ``right``."""
    wrong = {"tool": tool, "arguments": BAD if bad is None else bad}
    first = {"tool": "look_up_order", "arguments": {"order": 7}}
    values: dict[str, Any] = {
        "incident": "INC-7",
        "name": f"inc-7-{tool}",
        "agent": "refund-bot",
        "question": "Where is my refund?",
        "recorded_calls": (first, wrong),
        "must_not_call": (wrong,),
        "must_call": () if right is None else ({"tool": tool, "arguments": right},),
        "expected": "Refund what is owed, $42.00.",
        "provenance": {"incident": "INC-7", "trace_id": "4f" * 16, "evidence_sha256": "e" * 64},
    }
    return EvalCase(**{**values, **changes})
