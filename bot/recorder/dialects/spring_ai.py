"""Spring AI: a tool's call as an observation with names of its own; its chats follow GenAI, without content."""

from bot.domain.run import StepKind
from bot.plugin.dialects import Dialect, Instrumentation

_CONTENT = "set spring.ai.tools.observations.include-content=true"
_HINTS = {
    "tool_arguments": _CONTENT,
    "tool_result": _CONTENT,
    "prompt": "set spring.ai.chat.observations.log-prompt=true and send its log events",
    "output": "set spring.ai.chat.observations.log-completion=true and send its log events",
}

DIALECT = Dialect(
    name="Spring AI",
    module=__name__,
    priority=9,
    marks=("spring.ai.",),
    kinds={
        "spring.ai.tool.definition.name": {"*": StepKind.TOOL},
        "spring.ai.kind": {"tool_call": StepKind.TOOL, "advisor": StepKind.STEP, "chat_client": StepKind.STEP},
    },
    names={
        "tool_name": ("spring.ai.tool.definition.name",),
        "tool_call_id": ("spring.ai.tool.call.id",),
        "tool_arguments": ("spring.ai.tool.call.arguments",),
        "tool_result": ("spring.ai.tool.call.result",),
        "conversation": ("spring.ai.chat.client.conversation.id",),
    },
    hints=_HINTS,
    instrumentations=(Instrumentation(name="Spring AI", scopes=("org.springframework.ai", "spring-ai"), hints=_HINTS),),
)
