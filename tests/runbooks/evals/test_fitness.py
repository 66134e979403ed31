from typing import Any

import pytest

from bot.errors import Refused
from bot.plugin import EvalFormat
from runbooks.evals.inspect_ai import InspectAI
from runbooks.evals.promptfoo import Promptfoo
from runbooks.evals.pydantic_evals import PydanticEvals
from tests.runbooks.evals.cases import BAD, RIGHT, case

CUT = "a" * 50 + "… [1,234 more characters were not stored]"


@pytest.fixture(params=[Promptfoo, InspectAI, PydanticEvals])
def form(request: pytest.FixtureRequest) -> EvalFormat:
    """Each format that refuses what is not fit."""
    made: EvalFormat = request.param()
    return made


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"truncated": ("3 of its 9 spans were over the cap",)}, "3 of its 9 spans"),
        ({"question": CUT}, "too long to be stored whole"),
        ({"bad": {"note": CUT}}, "too long to be stored whole"),
        ({"bad": {"deep": [{"note": CUT}]}}, "too long to be stored whole"),
        ({"question": " \n"}, "no question"),
        ({"must_not_call": ()}, "No wrong call is named"),
        ({"recorded_calls": ()}, "did not call issue_refund"),
        ({"recorded_calls": ({"tool": "issue_refund", "arguments": RIGHT},)}, "did not call issue_refund"),
        ({"bad": {"card": "[redacted: pan, ends in 4242]"}}, "All arguments of issue_refund were redacted"),
    ],
)
def test_a_run_that_was_cut_or_has_no_wrong_call_makes_no_case(
    form: EvalFormat, changes: dict[str, Any], says: str
) -> None:
    """A case from half a run would be green for ever."""
    with pytest.raises(Refused, match=says):
        form.render(case(**changes))


def test_redacted_arguments_are_not_compared_and_the_file_says_so(form: EvalFormat) -> None:
    """The mark stands in the record only: a live run has the value, and the case would never recognise it."""
    marked = {**BAD, "card": "[redacted: pan, ends in 4242]"}
    made = case(bad=marked, right={**RIGHT, "card": "[redacted: pan, ends in 4242]"}, question="I am [redacted: email]")
    files = form.render(made)
    text = next(iter(files.values()))
    assert form.prove(made, files).ok
    assert "pan" in text
    assert "email" in text
    assert "ends in 4242" not in text
    assert "I am [redacted: email]" in text


def test_a_case_that_differs_in_nothing_but_what_was_redacted_is_not_proven(form: EvalFormat) -> None:
    """Without the redacted argument the right call looks like the wrong one."""
    made = case(bad={"amount": 1, "to": "[redacted: email]"}, right={"amount": 1, "to": "b@example.com"})
    assert not form.prove(made, form.render(made)).ok
