"""Hand-offs and guardrails as the instrumentations of the OpenAI Agents SDK write them.

Its OpenTelemetry and Traceloop instrumentations have attributes for both; OpenInference's writes a hand-off as a tool
named ``handoff to X`` and a guardrail as a chain that only its name tells from others.
"""

import re
from collections.abc import Mapping

from bot.domain.base import Json
from bot.domain.run import StepKind
from bot.domain.span import SpanRecord
from bot.plugin.dialects import Dialect, Instrumentation

_OPENINFERENCE = "openinference.instrumentation.openai_agents"
_HANDOFF_TO = re.compile(r"handoff to (?P<target>\S.*)", re.IGNORECASE | re.DOTALL)
_GUARDRAIL = "guardrail"
_KIND = "openinference.span.kind"
_OPERATIONS = {
    "handoff": StepKind.HANDOFF,
    "agent_handoff": StepKind.HANDOFF,
    "guardrail": StepKind.GUARDRAIL,
    "guardrail_check": StepKind.GUARDRAIL,
}
_CONTENT = (
    "set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=span_and_event "
    "(or OTEL_INSTRUMENTATION_OPENAI_AGENTS_CAPTURE_CONTENT=true)"
)


def _named(span: SpanRecord) -> str | None:
    """Whom OpenInference's span hands off to, by its name; a tool of that name has input, a hand-off has none."""
    if span.scope != _OPENINFERENCE or span.attributes.get(_KIND) != "TOOL" or "input.value" in span.attributes:
        return None
    found = _HANDOFF_TO.fullmatch(span.name[:300])
    return found["target"].strip() if found else None


def _kind(span: SpanRecord) -> StepKind | None:
    if span.scope != _OPENINFERENCE:
        return None
    if _named(span) is not None or (span.name == "handoff" and "input.value" not in span.attributes):
        return StepKind.HANDOFF
    if span.attributes.get(_KIND) == "CHAIN" and _GUARDRAIL in span.name[:300].lower():
        return StepKind.GUARDRAIL
    return None


def _derived(span: SpanRecord) -> Mapping[str, Json]:
    target = _named(span)
    return {"handoff_target": target} if target else {}


DIALECT = Dialect(
    name="OpenAI Agents SDK",
    module=__name__,
    priority=6,
    marks=("gen_ai.handoff.", "gen_ai.guardrail."),
    scopes=(_OPENINFERENCE, "opentelemetry.instrumentation.openai_agents"),
    kinds={
        "gen_ai.operation.name": _OPERATIONS,
        "traceloop.span.kind": _OPERATIONS,
        "gen_ai.handoff.to_agent": {"*": StepKind.HANDOFF},
        "gen_ai.guardrail.name": {"*": StepKind.GUARDRAIL},
    },
    names={
        "guardrail": ("gen_ai.guardrail.name",),
        "guardrail_triggered": ("gen_ai.guardrail.triggered",),
        "handoff_source": ("gen_ai.handoff.from_agent",),
        "handoff_target": ("gen_ai.handoff.to_agent",),
    },
    kind=_kind,
    derived=_derived,
    instrumentations=(
        Instrumentation(
            name="opentelemetry-instrumentation-openai-agents",
            scopes=("opentelemetry.instrumentation.openai_agents",),
            hints={"prompt": _CONTENT, "output": _CONTENT, "tool_arguments": _CONTENT, "tool_result": _CONTENT},
        ),
    ),
)
