"""any-agent's tracing: GenAI names, with ``gen_ai.output`` and ``gen_ai.tool.args`` of its own.

It records the prompt on the first model call of a trace only. A model's request for tools is a list of objects with
``tool.name`` and ``tool.args``.
"""

from collections.abc import Mapping
from typing import Any

from bot.domain.base import Json
from bot.domain.run import Message, StepKind
from bot.domain.span import SpanRecord
from bot.plugin.dialects import Dialect, Instrumentation
from bot.recorder.lenient import structured
from bot.recorder.messages import messages
from bot.recorder.parts import call

_OUTPUT = "gen_ai.output"
_HINTS = {
    "prompt": "any-agent records the prompt on the first model call of a trace only; instrument the framework too",
    "tools_offered": "any-agent does not record them: instrument the framework too (OpenInference)",
    "model_served": "any-agent does not record it: instrument the framework too (OpenInference)",
    "fingerprint": "any-agent does not record it: instrument the provider's client too",
    "seed": "any-agent does not record it: instrument the framework too (OpenInference)",
    "temperature": "any-agent does not record it: instrument the framework too (OpenInference)",
}


def _asked(item: Any) -> bool:
    return isinstance(item, dict) and "tool.name" in item


def _output(span: SpanRecord) -> tuple[Message, ...] | None:
    if span.attributes.get("gen_ai.operation.name") == "execute_tool":
        return None
    read: Any = structured(span.attributes.get(_OUTPUT))
    if isinstance(read, list) and read and all(map(_asked, read)):
        return (Message(role="assistant", parts=tuple(call(item) for item in read)),)
    return messages(read, "assistant") or None


def _derived(span: SpanRecord) -> Mapping[str, Json]:
    if span.attributes.get("gen_ai.operation.name") != "execute_tool":
        return {}
    return {"tool_result": span.attributes.get(_OUTPUT)}


DIALECT = Dialect(
    name="any-agent",
    module=__name__,
    priority=13,
    marks=(_OUTPUT, "gen_ai.tool.args"),
    scopes=("any_agent",),
    kinds={"gen_ai.operation.name": {"call_llm": StepKind.MODEL}},
    names={"tool_arguments": ("gen_ai.tool.args",)},
    output_messages=_output,
    derived=_derived,
    hints=_HINTS,
    instrumentations=(Instrumentation(name="any-agent", scopes=("any_agent",), hints=_HINTS),),
)
