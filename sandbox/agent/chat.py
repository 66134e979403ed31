"""The shapes of a chat with a model, as a provider's API has them."""

import json
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, JsonValue


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ToolDefinition(_Value):
    """A tool as it is offered; ``parameters`` is a JSON schema."""

    name: str
    description: str
    parameters: dict[str, JsonValue]


class ToolCall(_Value):
    """A call that the model asks for."""

    id: str
    name: str
    arguments: dict[str, JsonValue]


class ToolResult(_Value):
    """What came of the call with this id."""

    id: str
    result: dict[str, JsonValue]


class Message(_Value):
    """One turn: text, calls (assistant) or results (tool)."""

    role: Literal["user", "assistant", "tool"]
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    results: tuple[ToolResult, ...] = ()

    def as_parts(self) -> dict[str, object]:
        """As OpenTelemetry's GenAI conventions write a message: a role and typed parts."""
        parts: list[dict[str, object]] = [{"type": "text", "content": self.text}] if self.text else []
        parts += [{"type": "tool_call", **call.model_dump()} for call in self.calls]
        parts += [{"type": "tool_call_response", "id": done.id, "response": done.result} for done in self.results]
        return {"role": self.role, "parts": parts}


class ChatRequest(_Value):
    """The whole prompt, the tools offered and the sampling parameters."""

    model: str
    system: str
    messages: tuple[Message, ...]
    tools: tuple[ToolDefinition, ...]
    temperature: float = 0.7
    top_p: float = 1.0
    max_tokens: int = 1024


class ChatResponse(_Value):
    """The answer. ``model`` is the snapshot that served it, which an alias does not tell beforehand."""

    id: str
    model: str
    fingerprint: str
    message: Message
    finish_reason: Literal["stop", "tool_calls"]
    input_tokens: int
    output_tokens: int


class ModelNotFound(Exception):
    """The provider serves no model of this name."""


class Model(Protocol):
    """Whoever can answer a chat."""

    def complete(self, request: ChatRequest) -> ChatResponse:
        """One turn. Raises ``ModelNotFound``."""
        ...


def to_json(value: object) -> str:
    """Compact JSON for span attributes and token counts."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
