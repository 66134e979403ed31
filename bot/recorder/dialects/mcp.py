"""Model Context Protocol: the spans of its client and its server, which both may describe one call of a tool."""

from collections.abc import Mapping

from bot.domain.base import Json
from bot.domain.run import StepKind
from bot.domain.span import SpanRecord
from bot.plugin.dialects import Dialect
from bot.recorder.lenient import structured

_REQUESTS = ("mcp.request.argument", "mcp.request.params")


def _derived(span: SpanRecord) -> Mapping[str, Json]:
    """The request's parameters hold name and arguments of the tool in one object."""
    for name in _REQUESTS:
        asked = structured(span.attributes.get(name))
        if isinstance(asked, dict):
            inner = asked.get("params") if isinstance(asked.get("params"), dict) else asked
            if isinstance(inner, dict) and "arguments" in inner:
                return {"tool_arguments": inner["arguments"], "tool_name": inner.get("name")}
            return {"tool_arguments": asked}
    return {}


DIALECT = Dialect(
    name="Model Context Protocol",
    module=__name__,
    priority=8,
    marks=("mcp.",),
    kinds={"mcp.method.name": {"tools/call": StepKind.TOOL}},
    names={
        "mcp_method": ("mcp.method.name",),
        "conversation": ("mcp.session.id",),
        "tool_name": ("gen_ai.tool.name", "mcp.tool.name"),
        "tool_call_id": ("gen_ai.tool.call.id",),
        "tool_arguments": ("gen_ai.tool.call.arguments", "mcp.tool.arguments"),
        "tool_result": ("gen_ai.tool.call.result", "mcp.tool.result", "mcp.response.value"),
    },
    derived=_derived,
    hints={
        "tool_arguments": "set gen_ai.tool.call.arguments on the tools/call span (opt-in)",
        "tool_result": "set gen_ai.tool.call.result on the tools/call span (opt-in)",
    },
)
