"""Runs as the OpenTelemetry GenAI conventions have them, and as frameworks that follow these write them."""

from collections.abc import Callable
from typing import Any

from tests.support.foreign.scenarios import Call, Scenario, Turn
from tests.support.foreign.trace import Trace, dumped

Messages = list[dict[str, Any]]


def parts_of(call: Call) -> dict[str, Any]:
    """The request of a call as a part."""
    return {"type": "tool_call", "id": call.id, "name": call.tool.name, "arguments": call.arguments}


def told(turn: Turn) -> Messages:
    """What a turn adds to the next prompt."""
    found: Messages = [{"role": "assistant", "parts": [parts_of(call) for call in turn.calls]}]
    found += [
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": call.id, "response": call.text}]}
        for call in turn.calls
        if call.said
    ]
    return found


def chats(trace: Trace, run: Scenario, root: str | None, write: Callable[..., str], step: Callable[..., None]) -> None:
    """The loop of an agent: a model call, its tools, and so on; a last answer unless the run was cut."""
    history: Messages = [{"role": "user", "parts": [{"type": "text", "content": run.user}]}]
    agents: dict[str, str] = {}
    for turn in run.turns:
        parent = root
        if turn.agent and turn.agent != run.agent:
            parent = agents.setdefault(turn.agent, "") or agent_span(trace, turn.agent, root)
            agents[turn.agent] = parent
        asked = {"role": "assistant", "parts": [parts_of(call) for call in turn.calls], "finish_reason": "tool_call"}
        write(run, history, asked, parent)
        for call in turn.calls:
            step(call, parent)
        history = [*history, *told(turn)]
    if not run.quirks.get("cut"):
        done = {"role": "assistant", "parts": [{"type": "text", "content": "All done."}], "finish_reason": "stop"}
        write(run, history, done, root)


def agent_span(trace: Trace, name: str, parent: str | None) -> str:
    """The span of an agent."""
    return trace.span(
        f"invoke_agent {name}", {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name}, parent
    )


def definitions(run: Scenario) -> list[dict[str, Any]]:
    """The tools as offered."""
    return [
        {"type": "function", "name": tool.name, "description": tool.text, "parameters": tool.schema}
        for tool in run.tools
    ]


def genai_137(run: Scenario, *, structured: bool = False, scope: str = "opentelemetry.util.genai") -> Trace:
    """1.37 and later: messages on the spans, one span a tool. ``structured`` values are no JSON texts."""
    trace = Trace(run.id, scope)
    root = agent_span(trace, run.agent or "assistant", None)
    coded: Callable[[Any], Any] = (lambda held: held) if structured else dumped

    def write(held: Scenario, history: Messages, answer: dict[str, Any], parent: str | None) -> str:
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-x",
            "gen_ai.response.model": "gpt-x-1",
            "gen_ai.system_instructions": coded([{"type": "text", "content": held.system}]),
            "gen_ai.input.messages": coded(history),
            "gen_ai.output.messages": coded([answer]),
            "gen_ai.tool.definitions": coded(definitions(held)),
        }
        return trace.span("chat gpt-x", attributes, parent, kind=3)

    def step(call: Call, parent: str | None) -> None:
        attributes = tool_attributes(call) | {"gen_ai.tool.call.arguments": coded(call.arguments)}
        if call.recorded:
            attributes["gen_ai.tool.call.result"] = call.result if structured else call.text
        if call.error:
            attributes["error.type"] = call.error.partition(":")[0]
        trace.span(f"execute_tool {call.tool.name}", attributes, parent, error=call.error)

    for turn in run.turns:
        if turn.plan:
            output = coded([{"role": "assistant", "parts": [{"type": "text", "content": turn.plan}]}])
            trace.span("plan", {"gen_ai.operation.name": "plan", "gen_ai.output.messages": output}, root)
    chats(trace, run, root, write, step)
    return trace


def genai_repo(run: Scenario) -> Trace:
    """The names of the repository of its own, with structured values."""
    return genai_137(run, structured=True)


def tool_attributes(call: Call) -> dict[str, Any]:
    """What every tool span has."""
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": call.tool.name,
        "gen_ai.tool.call.id": call.id,
        "gen_ai.tool.type": "function",
    }


def _openai_calls(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "id": part["id"],
            "type": "function",
            "function": {"name": part["name"], "arguments": dumped(part["arguments"])},
        }
        for part in answer["parts"]
        if part["type"] == "tool_call"
    ]


def _event(message: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if message["role"] == "user":
        return "gen_ai.user.message", {"content": message["parts"][0]["content"]}
    if message["role"] == "tool":
        part = message["parts"][0]
        return "gen_ai.tool.message", {"id": part["id"], "content": part["response"]}
    return "gen_ai.assistant.message", {"tool_calls": _openai_calls(message)}


def _choice(answer: dict[str, Any]) -> dict[str, Any]:
    calls = _openai_calls(answer)
    message: dict[str, Any] = {"role": "assistant"}
    message |= {"tool_calls": calls} if calls else {"content": answer["parts"][0]["content"]}
    return {"index": 0, "finish_reason": answer["finish_reason"], "message": message}


def _old(run: Scenario, *, logs: bool) -> Trace:
    trace = Trace(run.id, "opentelemetry.instrumentation.openai_v2")
    root = None if logs else trace.span("invoke_agent", {"gen_ai.operation.name": "invoke_agent"})

    def write(held: Scenario, history: Messages, answer: dict[str, Any], parent: str | None) -> str:
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.system": "openai",
            "gen_ai.request.model": "gpt-x",
            "gen_ai.response.finish_reasons": [answer["finish_reason"]],
        }
        events = [("gen_ai.system.message", {"content": held.system}), *map(_event, history)]
        events.append(("gen_ai.choice", _choice(answer)))
        if logs:
            span = trace.span("chat gpt-x", attributes, parent, kind=3)
            for name, body in events:
                trace.log(span, name, body)
            return span
        flat = [
            (name, {key: one if isinstance(one, (str, int)) else dumped(one) for key, one in body.items()})
            for name, body in events
        ]
        return trace.span("chat gpt-x", attributes, parent, kind=3, events=flat)

    def step(call: Call, parent: str | None) -> None:
        if logs:
            return
        attributes = tool_attributes(call)
        trace.span(f"execute_tool {call.tool.name}", attributes, parent, error=call.error, ended=call.said)

    chats(trace, run, root, write, step)
    if run.quirks.get("no_root"):
        trace.drop_first()
    return trace


def genai_136_logs(run: Scenario) -> Trace:
    """Up to 1.36 with log events; no span of a tool, results stand in the next prompt alone."""
    return _old(run, logs=True)


def genai_136_events(run: Scenario) -> Trace:
    """Up to 1.36 with span events, structured members as JSON texts; tools have spans without content."""
    return _old(run, logs=False)


def _mcp_result(call: Call) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": call.text}], "isError": call.is_error}


def mcp(run: Scenario, *, client: bool = True) -> Trace:
    """Tools of an MCP server: a client's span and under it the server's, which belongs to another service."""
    trace = Trace(run.id, "opentelemetry.util.genai")
    root = agent_span(trace, run.agent or "operator", None)

    def write(held: Scenario, history: Messages, answer: dict[str, Any], parent: str | None) -> str:
        attributes: dict[str, Any] = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "claude-x"}
        if client:
            attributes |= {
                "gen_ai.input.messages": dumped(history),
                "gen_ai.output.messages": dumped([answer]),
                "gen_ai.tool.definitions": dumped(definitions(held)),
                "gen_ai.system_instructions": dumped([{"type": "text", "content": held.system}]),
            }
        return trace.span("chat claude-x", attributes, parent, kind=3)

    def step(call: Call, parent: str | None) -> None:
        attributes = {
            "mcp.method.name": "tools/call",
            "mcp.session.id": "s1",
            "mcp.protocol.version": "2025-06-18",
            "jsonrpc.request.id": call.id[-2:],
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": call.tool.name,
            "gen_ai.tool.call.arguments": dumped(call.arguments),
        }
        if call.is_error:
            attributes["error.type"] = "tool_error"
        if call.recorded:
            attributes["gen_ai.tool.call.result"] = dumped(_mcp_result(call))
        name = f"tools/call {call.tool.name}"
        outer = trace.span(name, attributes, parent, kind=3, error=call.error) if client else parent
        trace.span(name, attributes, outer, kind=2, error=call.error, service="mcp-server", scope="mcp.server")

    chats(trace, run, root, write, step)
    return trace


def mcp_server(run: Scenario) -> Trace:
    """Only the server's spans, and model calls without content."""
    return mcp(run, client=False)
