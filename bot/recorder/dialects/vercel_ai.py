"""The Vercel AI SDK's own telemetry (``experimental_telemetry``), of its versions 3 to 6.

``ai.generateText`` and ``ai.streamText`` span the whole loop of model and tools, so they are shown as the agent; the
``doGenerate`` and ``doStream`` spans below them are the model calls.
"""

from collections.abc import Mapping

from bot.domain.base import Json
from bot.domain.run import Message, Part, StepKind
from bot.domain.span import SpanRecord
from bot.plugin.dialects import Dialect, Instrumentation
from bot.recorder.lenient import items, structured
from bot.recorder.messages import messages
from bot.recorder.parts import call, string

_OPERATIONS = {
    "ai.toolcall": StepKind.TOOL,
    "ai.generatetext": StepKind.AGENT,
    "ai.streamtext": StepKind.AGENT,
    "ai.generateobject": StepKind.AGENT,
    "ai.streamobject": StepKind.AGENT,
    "ai.generatetext.dogenerate": StepKind.MODEL,
    "ai.streamtext.dostream": StepKind.MODEL,
    "ai.generateobject.dogenerate": StepKind.MODEL,
    "ai.streamobject.dostream": StepKind.MODEL,
    "ai.embed": StepKind.STEP,
    "ai.embed.doembed": StepKind.STEP,
    "ai.embedmany": StepKind.STEP,
    "ai.embedmany.doembed": StepKind.STEP,
}
_TEXTS = ("ai.response.text", "ai.result.text", "ai.response.object", "ai.result.object")
_CALLS = ("ai.response.toolCalls", "ai.result.toolCalls")
_REASONING = "ai.response.reasoning"
_CONTENT = "set experimental_telemetry: { isEnabled: true, recordInputs: true, recordOutputs: true } on the call"
_HINTS = {
    "prompt": _CONTENT,
    "output": _CONTENT,
    "tool_arguments": _CONTENT,
    "tool_result": f"{_CONTENT}; results that cannot be serialised and those of failed calls are not recorded",
    "tools_offered": "use AI SDK 4 or later: it records ai.prompt.tools",
    "model_served": "use AI SDK 4 or later: it records ai.response.model",
    "fingerprint": "the AI SDK does not record it: add a span attribute openai.response.system_fingerprint",
    "seed": "pass seed to the call; it is recorded as ai.settings.seed",
    "temperature": "pass temperature to the call; it is recorded as ai.settings.temperature",
}


def _kind(span: SpanRecord) -> StepKind | None:
    """By the operation's id; older versions have only ``operation.name``, with the function's id after a space."""
    name = span.attributes.get("ai.operationId") or span.attributes.get("operation.name") or span.name
    return _OPERATIONS.get(name.partition(" ")[0].lower()) if isinstance(name, str) else None


def _input(span: SpanRecord) -> tuple[Message, ...] | None:
    recorded = span.attributes.get("ai.prompt.messages")
    if recorded is not None:
        return messages(recorded) or None
    asked = structured(span.attributes.get("ai.prompt"))
    if isinstance(asked, dict) and isinstance(asked.get("prompt"), (str, list)):
        return messages(asked["prompt"]) or None
    return messages(asked) or None if asked is not None else None


def _output(span: SpanRecord) -> tuple[Message, ...] | None:
    attributes = span.attributes
    parts: list[Part] = []
    if attributes.get(_REASONING):
        parts.append(Part(kind="reasoning", text=string(attributes[_REASONING])))
    said = next((attributes[name] for name in _TEXTS if attributes.get(name)), None)
    if said is not None:
        parts.append(Part(kind="text", text=string(said)))
    asked = next((found for name in _CALLS if (found := items(structured(attributes.get(name))))), [])
    parts += [call(held) for one in asked if isinstance(held := structured(one), dict)]
    return (Message(role="assistant", parts=tuple(parts)),) if parts else None


def _derived(span: SpanRecord) -> Mapping[str, Json]:
    asked = structured(span.attributes.get("ai.prompt"))
    if "ai.prompt.messages" not in span.attributes and isinstance(asked, dict) and asked.get("system"):
        return {"system": asked["system"]}
    return {}


DIALECT = Dialect(
    name="Vercel AI SDK",
    module=__name__,
    priority=15,
    marks=("ai.",),
    names={
        "agent": ("ai.telemetry.functionId",),
        "conversation": tuple(f"ai.telemetry.metadata.{name}" for name in ("sessionId", "threadId", "chatId")),
        "provider": ("ai.model.provider",),
        "model_requested": ("ai.model.id",),
        "model_served": ("ai.response.model",),
        "response_id": ("ai.response.id",),
        "finish_reasons": ("ai.response.finishReason", "ai.finishReason"),
        "tools_offered": ("ai.prompt.tools",),
        "tool_name": ("ai.toolCall.name",),
        "tool_call_id": ("ai.toolCall.id",),
        "tool_arguments": ("ai.toolCall.args", "ai.toolCall.input"),
        "tool_result": ("ai.toolCall.result", "ai.toolCall.output"),
        "parameter.temperature": ("ai.settings.temperature",),
        "parameter.top_p": ("ai.settings.topP",),
        "parameter.top_k": ("ai.settings.topK",),
        "parameter.seed": ("ai.settings.seed",),
        "parameter.max_tokens": ("ai.settings.maxOutputTokens", "ai.settings.maxTokens"),
        "parameter.frequency_penalty": ("ai.settings.frequencyPenalty",),
        "parameter.presence_penalty": ("ai.settings.presencePenalty",),
        "parameter.stop": ("ai.settings.stopSequences",),
        "usage.input_tokens": ("ai.usage.inputTokens", "ai.usage.promptTokens"),
        "usage.output_tokens": ("ai.usage.outputTokens", "ai.usage.completionTokens"),
        "usage.cache_read_tokens": ("ai.usage.cachedInputTokens",),
        "usage.reasoning_tokens": ("ai.usage.reasoningTokens",),
    },
    kind=_kind,
    input_messages=_input,
    output_messages=_output,
    derived=_derived,
    hints=_HINTS,
    instrumentations=(Instrumentation(name="Vercel AI SDK", scopes=("ai",), hints=_HINTS),),
)
