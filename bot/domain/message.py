"""Messages of prompts and answers, and the tools that a model was offered. Already redacted, still foreign text."""

from typing import Literal

from bot.domain.base import Json, Value


class Part(Value):
    """A piece of a message. ``tool_call`` has ``call_id, name, arguments``; ``tool_result`` ``call_id, result``."""

    kind: Literal["text", "tool_call", "tool_result", "reasoning", "other"]
    text: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: Json = None
    result: Json = None


class Message(Value):
    """One message of a prompt or an answer."""

    role: str
    parts: tuple[Part, ...] = ()

    @property
    def text(self) -> str:
        """The text parts joined, for showing."""
        return "\n".join(part.text for part in self.parts if part.kind == "text" and part.text)


class ToolDefinition(Value):
    """A tool as it was offered to the model. ``parameters`` is its JSON schema, ``annotations`` MCP's hints of it."""

    name: str
    description: str | None = None
    parameters: Json = None
    annotations: Json = None
