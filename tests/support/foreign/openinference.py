"""Runs as the OpenInference instrumentations of several frameworks write them."""

from collections.abc import Callable
from typing import Any

from tests.support.foreign.genai import Messages, chats
from tests.support.foreign.scenarios import Call, Scenario
from tests.support.foreign.trace import Trace, dumped

_SCOPE = "openinference.instrumentation."


def _message(prefix: str, message: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {f"{prefix}.message.role": message["role"]}
    number = 0
    for part in message["parts"]:
        if part["type"] == "text":
            found[f"{prefix}.message.content"] = part["content"]
        elif part["type"] == "tool_call_response":
            found[f"{prefix}.message.content"] = part["response"]
            found[f"{prefix}.message.tool_call_id"] = part["id"]
        else:
            stem = f"{prefix}.message.tool_calls.{number}.tool_call"
            found[f"{stem}.id"] = part["id"]
            found[f"{stem}.function.name"] = part["name"]
            found[f"{stem}.function.arguments"] = dumped(part["arguments"])
            number += 1
    return found


def llm(run: Scenario, history: Messages, answer: dict[str, Any], *, tools: bool = True) -> dict[str, Any]:
    """The attributes of a model call."""
    system = {"role": "system", "parts": [{"type": "text", "content": run.system}]}
    found: dict[str, Any] = {"openinference.span.kind": "LLM", "llm.model_name": "gpt-x", "llm.provider": "openai"}
    for number, message in enumerate([system, *history]):
        found |= _message(f"llm.input_messages.{number}", message)
    found |= _message("llm.output_messages.0", answer)
    if tools:
        for number, tool in enumerate(run.tools):
            function = {"name": tool.name, "description": tool.text, "parameters": tool.schema}
            found[f"llm.tools.{number}.tool.json_schema"] = dumped({"type": "function", "function": function})
    return found


def oi_openai(run: Scenario) -> Trace:
    """The OpenAI client alone: results stand in the next prompt, no tool has a span."""
    trace = Trace(run.id, _SCOPE + "openai")
    root = trace.span("handle_request", {"openinference.span.kind": "CHAIN", "input.value": run.user})

    def write(held: Scenario, history: Messages, answer: dict[str, Any], parent: str | None) -> str:
        return trace.span("ChatCompletion", llm(held, history, answer), parent)

    chats(trace, run, root, write, lambda _call, _parent: None)
    return trace


def _framework(
    run: Scenario,
    name: str,
    root_name: str,
    model_name: str,
    tool: Callable[[Call], tuple[str, dict[str, Any]]],
    agent: Callable[[str], tuple[str, dict[str, Any]]] | None = None,
    *,
    react: bool = False,
) -> Trace:
    trace = Trace(run.id, _SCOPE + name)
    root_kind = {"openinference.span.kind": "AGENT" if name == "smolagents" else "CHAIN"}
    root = trace.span(root_name, root_kind | {"input.value": run.user})
    agents: dict[str, str] = {}

    def within(who: str | None, parent: str | None) -> str | None:
        if not who or agent is None:
            return parent
        if who not in agents:
            title, attributes = agent(who)
            agents[who] = trace.span(title, {"openinference.span.kind": "AGENT", **attributes}, root)
        return agents[who]

    def write(held: Scenario, history: Messages, answer: dict[str, Any], parent: str | None) -> str:
        if react:
            history, answer = _as_text(history), _as_text([answer])[0]
        return trace.span(model_name, llm(held, history, answer, tools=not react), parent)

    def step(call: Call, parent: str | None) -> None:
        title, attributes = tool(call)
        held = {"openinference.span.kind": "TOOL", "tool.name": call.tool.name, "tool.description": call.tool.text}
        trace.span(title, held | attributes, within(call.agent, parent), error=call.error, ended=call.said)

    chats(trace, run, root, write, step)
    return trace


def _as_text(messages: Messages) -> Messages:
    """ReAct: calls and observations are prose."""
    found: Messages = []
    for message in messages:
        lines: list[str] = []
        for part in message["parts"]:
            if part["type"] == "tool_call":
                lines.append(f"Thought: go\nAction: {part['name']}\nAction Input: {dumped(part['arguments'])}")
            else:
                lines.append(f"Observation: {part['response']}" if "response" in part else part["content"])
        role = "assistant" if message["role"] == "tool" else message["role"]
        found.append({"role": role, "parts": [{"type": "text", "content": "\n".join(lines)}]})
    return found


def oi_langchain(run: Scenario) -> Trace:
    """LangGraph: arguments as Python repr, results as a dumped ToolMessage."""

    def tool(call: Call) -> tuple[str, dict[str, Any]]:
        found: dict[str, Any] = {"input.value": repr(call.arguments), "metadata": dumped({"langgraph_node": "tools"})}
        if call.recorded:
            message: dict[str, Any] = {
                "content": call.text,
                "type": "tool",
                "name": call.tool.name,
                "tool_call_id": call.id,
            }
            message |= {"id": None, "additional_kwargs": {}, "response_metadata": {}, "artifact": None}
            message["status"] = "error" if call.is_error else "success"
            held = message if int(call.id[-1]) % 2 else {"output": message}
            found |= {"output.value": dumped(held), "output.mime_type": "application/json"}
        return call.tool.name, found

    return _framework(run, "langchain", "LangGraph", "ChatOpenAI", tool)


def oi_llamaindex(run: Scenario) -> Trace:
    """LlamaIndex: arguments under kwargs, no call id, the schema in tool.parameters."""

    def tool(call: Call) -> tuple[str, dict[str, Any]]:
        found: dict[str, Any] = {
            "input.value": dumped({"kwargs": call.arguments}),
            "input.mime_type": "application/json",
            "tool.parameters": dumped(call.tool.schema),
        }
        if call.recorded:
            found |= {"output.value": call.text, "output.mime_type": "text/plain"}
        return "FunctionTool.acall", found

    return _framework(run, "llama_index", "AgentWorkflow.run", "OpenAI.achat", tool)


def oi_smol(run: Scenario) -> Trace:
    """smolagents: positional and keyword arguments side by side."""

    def tool(call: Call) -> tuple[str, dict[str, Any]]:
        given = {"args": [], "sanitize_inputs_outputs": True, "kwargs": call.arguments}
        found: dict[str, Any] = {
            "input.value": dumped(given),
            "tool.parameters": dumped(call.tool.schema["properties"]),
        }
        if call.recorded:
            found["output.value"] = call.text
        return "SimpleTool", found

    return _framework(run, "smolagents", "CodeAgent.run", "OpenAIServerModel.generate", tool)


def oi_crewai(run: Scenario) -> Trace:
    """CrewAI: calls stand as prose in the messages, the tool's span has what was parsed from it."""

    def tool(call: Call) -> tuple[str, dict[str, Any]]:
        said = f"Action: {call.tool.name}\nAction Input: {dumped(call.arguments)}"
        given = {
            "tool_string": said,
            "tool": f"CrewStructuredTool(name='{call.tool.name}')",
            "calling": f"tool_name='{call.tool.name}' arguments={call.arguments!r}",
        }
        found: dict[str, Any] = {"input.value": dumped(given), "input.mime_type": "application/json"}
        if int(call.id[-1]) % 2:
            found["input.value"] = dumped(call.arguments)
        if call.recorded:
            found["output.value"] = call.text
        return ("ToolUsage._use" if int(call.id[-1]) % 2 == 0 else f"{call.tool.name}.run"), found

    def agent(name: str) -> tuple[str, dict[str, Any]]:
        return f"{name}._execute_core", {"agent.name": name, "graph.node.id": name}

    return _framework(run, "crewai", "Crew_7.kickoff", "LLM.call", tool, agent, react=True)


def openai_agents(run: Scenario) -> Trace:
    """The OpenAI Agents SDK: an agent's span each time it has its turn, hand-offs and guardrails as spans."""
    trace = Trace(run.id, _SCOPE + "openai_agents")
    root = trace.span("Agent workflow", {"openinference.span.kind": "AGENT"})
    history: Messages = [{"role": "user", "parts": [{"type": "text", "content": run.user}]}]
    who: str | None = None
    span = root
    for turn in run.turns:
        if turn.agent != who or who is None:
            if turn.handoff:
                trace.span(f"handoff to {turn.handoff}", {"openinference.span.kind": "TOOL"}, span)
            who = turn.agent or run.agent or "assistant"
            span = trace.span(who, {"openinference.span.kind": "AGENT", "graph.node.id": who}, root)
        parts = [
            {"type": "tool_call", "id": call.id, "name": call.tool.name, "arguments": call.arguments}
            for call in turn.calls
        ]
        answer = {"role": "assistant", "parts": parts}
        trace.span("response", llm(run, history, answer), span)
        history = [*history, answer]
        for call in turn.calls:
            if call.blocked:
                guard = {"openinference.span.kind": "CHAIN", "output.value": dumped({"triggered": True})}
                trace.span("tool_guardrail", guard, span)
            held: dict[str, Any] = {
                "openinference.span.kind": "TOOL",
                "tool.name": call.tool.name,
                "input.value": dumped(call.arguments),
                "input.mime_type": "application/json",
            }
            if call.recorded:
                held["output.value"] = call.text
            trace.span(call.tool.name, held, span, error=call.error)
            if call.said:
                response = {"type": "tool_call_response", "id": call.id, "response": call.text}
                history.append({"role": "tool", "parts": [response]})
    done = {"role": "assistant", "parts": [{"type": "text", "content": "Done."}]}
    trace.span("response", llm(run, history, done), span)
    return trace
