"""Facts of an incident as values. What is known is read by ``bot.engine.facts``; ladders ask for facts by id."""

from enum import StrEnum
from typing import Final

from bot.domain.base import Value


class Basis(StrEnum):
    """What a fact rests on: how sure it is."""

    RECORDED = "recorded"
    """It stands in the frozen runs or the alerts."""
    COMPARED = "compared"
    """Against recent good runs of the same kind."""
    COMPARED_FEW = "compared_few"
    """Against so few of them that it may be chance."""
    HINT = "hint"
    """A value was found in a text: where it came from, no verdict."""


class Fact(Value):
    """One fact. ``holds`` None: not known, and ``evidence`` says why; else it is one sentence of what it rests on.

    Foreign words are in ``evidence``: tools, models, sources. Whoever shows it escapes them.
    """

    id: str
    holds: bool | None
    evidence: str
    basis: Basis


FACTS: Final[dict[str, str]] = {
    "model_served_changed": "another model, or another build of it, served than in recent good runs",
    "model_requested_changed": "another model or provider was asked for than in recent good runs",
    "model_served_differs": "the provider served another name than was asked for (an alias does so too)",
    "prompt_changed": "the system prompt is not that of recent good runs",
    "tools_changed": "a tool was defined otherwise, is new or is gone against recent good runs",
    "documents_changed": "a document, or where documents come from, is not as in recent good runs",
    "parameters_changed": "a sampling parameter is not as in recent good runs",
    "code_changed": "the service's or the agent's version is not that of recent good runs",
    "nothing_changed": "nothing that is recorded differs from recent good runs",
    "changed_something": "a run changed something outside itself",
    "irreversible_effects": "something was done that cannot be undone (unclassified tools count so)",
    "unclassified_tools": "a tool was called that nobody classified",
    "unknown_outcomes": "nobody knows whether a change happened",
    "untrusted_arguments": "an argument of a change stands in content that anybody can write, and was said by nobody",
    "data_may_have_left": "a read went to an address of such content, or carried data of other results",
    "user_named_it": "the user said an argument of the worst change, and no untrusted content did",
    "repeated_calls": "a tool was called three times or more with the same arguments in one run",
    "cost_recorded": "token usage was recorded (how much is in the evidence; what is too much, people know)",
    "tool_errors": "a tool call failed",
    "run_failed": "a run ended with an error",
    "alert_firing": "an alert is still firing",
    "more_runs_alike": "other runs look the same",
}
"""Every fact by its id with what it means when it holds."""
