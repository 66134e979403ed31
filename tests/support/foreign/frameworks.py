"""Runs as frameworks write them with names of their own."""

from typing import Any

from tests.support.foreign.genai import Messages, agent_span, chats, definitions, tool_attributes
from tests.support.foreign.scenarios import Call, Scenario
from tests.support.foreign.trace import Trace, dumped


def strands(run: Scenario) -> Trace:
    """Strands Agents: content blocks in events, also those of a tool."""
    trace = Trace(run.id, "strands.telemetry.tracer")
    common = {"gen_ai.system": "strands-agents"}
    name = run.agent or "Strands Agents"
    user = ("gen_ai.user.message", {"content": dumped([{"text": run.user}])})
    attributes = {**common, "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name}
    attributes |= {"system_prompt": run.system, "gen_ai.agent.tools": dumped([tool.name for tool in run.tools])}
    root = trace.span(f"invoke_agent {name}", attributes, events=[user])

    def blocks(message: dict[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for part in message["parts"]:
            if part["type"] == "text":
                found.append({"text": part["content"]})
            elif part["type"] == "tool_call":
                found.append({"toolUse": {"toolUseId": part["id"], "name": part["name"], "input": part["arguments"]}})
            else:
                held = {"toolUseId": part["id"], "status": "success", "content": [{"text": part["response"]}]}
                found.append({"toolResult": held})
        return found

    def write(held: Scenario, history: Messages, answer: dict[str, Any], parent: str | None) -> str:
        events = [(f"gen_ai.{message['role']}.message", {"content": dumped(blocks(message))}) for message in history]
        events.append(("gen_ai.choice", {"finish_reason": "tool_use", "message": dumped(blocks(answer))}))
        cycle = trace.span("execute_event_loop_cycle", {"event_loop.cycle_id": "1"}, parent)
        model = {**common, "gen_ai.operation.name": "chat", "gen_ai.request.model": "nova-x"}
        return trace.span("chat", model, cycle, events=events)

    def step(call: Call, parent: str | None) -> None:
        asked = {"role": "tool", "content": dumped(call.arguments), "id": call.id}
        events = [("gen_ai.tool.message", asked)]
        held = {**common, **tool_attributes(call)}
        if call.said:
            held["gen_ai.tool.status"] = "error" if call.error else "success"
            events.append(("gen_ai.choice", {"message": dumped([{"text": call.text}]), "id": call.id}))
        trace.span(f"execute_tool {call.tool.name}", held, parent, events=events)

    chats(trace, run, root, write, step)
    return trace


def vercel(run: Scenario) -> Trace:
    """The Vercel AI SDK: a failed tool has no result, only an error on its span."""
    trace = Trace(run.id, "ai")
    shared = {"ai.model.id": "gpt-x", "ai.model.provider": "openai.chat", "ai.telemetry.functionId": "sales-agent"}
    top = {
        **shared,
        "ai.operationId": "ai.generateText",
        "ai.prompt": dumped({"system": run.system, "prompt": run.user}),
    }
    root = trace.span("ai.generateText", top)

    def message(held: dict[str, Any]) -> dict[str, Any]:
        content: list[dict[str, Any]] = []
        for part in held["parts"]:
            if part["type"] == "text":
                content.append({"type": "text", "text": part["content"]})
            elif part["type"] == "tool_call":
                content.append(
                    {
                        "type": "tool-call",
                        "toolCallId": part["id"],
                        "toolName": part["name"],
                        "input": part["arguments"],
                    }
                )
            else:
                output = {"type": "text", "value": part["response"]}
                content.append({"type": "tool-result", "toolCallId": part["id"], "toolName": "x", "output": output})
        return {"role": held["role"], "content": content}

    def write(held: Scenario, history: Messages, answer: dict[str, Any], parent: str | None) -> str:
        system = {"role": "system", "content": held.system}
        offered = [
            dumped({"type": "function", "name": tool.name, "description": tool.text, "inputSchema": tool.schema})
            for tool in held.tools
        ]
        calls = [
            {"toolCallId": part["id"], "toolName": part["name"], "input": dumped(part["arguments"])}
            for part in answer["parts"]
            if part["type"] == "tool_call"
        ]
        attributes = {
            **shared,
            "ai.operationId": "ai.generateText.doGenerate",
            "ai.prompt.messages": dumped([system, *map(message, history)]),
            "ai.prompt.tools": offered,
            "ai.response.model": "gpt-x-1",
            "ai.response.finishReason": "tool-calls" if calls else "stop",
        }
        attributes |= {"ai.response.toolCalls": dumped(calls)} if calls else {"ai.response.text": "All done."}
        return trace.span("ai.generateText.doGenerate", attributes, parent)

    def step(call: Call, parent: str | None) -> None:
        held = {
            "ai.operationId": "ai.toolCall",
            "ai.toolCall.name": call.tool.name,
            "ai.toolCall.id": call.id,
            "ai.toolCall.args": dumped(call.arguments),
        }
        if call.recorded:
            held["ai.toolCall.result"] = dumped(call.result)
        trace.span("ai.toolCall", held, parent, error=call.error)

    chats(trace, run, root, write, step)
    return trace


def adk(run: Scenario) -> Trace:
    """google-adk: requests and answers of Gemini as JSON, and one more span for calls made in parallel."""
    trace = Trace(run.id, "gcp.vertex.agent")
    top = trace.span("invocation", {})
    agents: dict[str, str] = {}
    history: list[dict[str, Any]] = [{"role": "user", "parts": [{"text": run.user}]}]

    def model(parts: list[dict[str, Any]], parent: str) -> None:
        declared = [{"name": t.name, "description": t.text, "parameters": t.schema} for t in run.tools]
        request = {
            "model": "gemini-x",
            "config": {"system_instruction": run.system, "tools": [{"function_declarations": declared}]},
            "contents": history,
        }
        attributes = {
            "gen_ai.system": "gcp.vertex.agent",
            "gen_ai.operation.name": "generate_content",
            "gen_ai.request.model": "gemini-x",
            "gcp.vertex.agent.llm_request": dumped(request),
            "gcp.vertex.agent.llm_response": dumped({"content": {"role": "model", "parts": parts}}),
        }
        trace.span("call_llm", attributes, parent)

    for turn in run.turns:
        name = turn.agent or next((call.agent for call in turn.calls if call.agent), None) or run.agent or "root_agent"
        if name not in agents:
            agents[name] = agent_span(trace, name, agents.get(run.agent or "", top))
        parts = [
            {"function_call": {"id": call.id, "name": call.tool.name, "args": call.arguments}} for call in turn.calls
        ]
        model(parts, agents[name])
        answers = []
        for call in turn.calls:
            response = call.result if isinstance(call.result, dict) else {"result": call.result}
            held = {
                **tool_attributes(call),
                "gcp.vertex.agent.tool_call_args": dumped(call.arguments),
                "gcp.vertex.agent.llm_request": "{}",
                "gcp.vertex.agent.llm_response": "{}",
            }
            if call.recorded:
                held["gcp.vertex.agent.tool_response"] = dumped(response)
            trace.span(f"execute_tool {call.tool.name}", held, agents[name], error=call.error)
            if call.said:
                told = {"result": call.text} if call.error else response
                answers.append({"function_response": {"id": call.id, "name": call.tool.name, "response": told}})
        if len(turn.calls) > 1:
            merged = {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "(merged tools)",
                "gen_ai.tool.description": "(merged tools)",
                "gen_ai.tool.call.id": "b5c1",
                "gcp.vertex.agent.tool_call_args": "N/A",
                "gcp.vertex.agent.tool_response": dumped({"content": {"role": "user", "parts": answers}}),
            }
            trace.span("execute_tool (merged)", merged, agents[name])
        history = [*history, {"role": "model", "parts": parts}, {"role": "user", "parts": answers}]
    last = next(iter(agents.values()))
    model([{"text": "All done."}], last)
    return trace


def pydantic_ai(run: Scenario) -> Trace:
    """pydantic-ai with its own names for what a tool got and gave."""
    trace = Trace(run.id, "pydantic-ai")
    root = trace.span(
        "agent run", {"agent_name": run.agent or "agent", "model_name": "gpt-x", "logfire.msg": "agent run"}
    )

    def write(held: Scenario, history: Messages, answer: dict[str, Any], parent: str | None) -> str:
        system = {"role": "system", "parts": [{"type": "text", "content": held.system}]}
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.system": "openai",
            "gen_ai.request.model": "gpt-x",
            "gen_ai.input.messages": dumped([system, *history]),
            "gen_ai.output.messages": dumped([answer]),
            "model_request_parameters": dumped(
                {"function_tools": [{**d, "parameters_json_schema": d["parameters"]} for d in definitions(held)]}
            ),
        }
        return trace.span("chat gpt-x", attributes, parent)

    def step(call: Call, parent: str | None) -> None:
        held: dict[str, Any] = {
            "gen_ai.tool.name": call.tool.name,
            "gen_ai.tool.call.id": call.id,
            "tool_arguments": dumped(call.arguments),
            "logfire.msg": f"running tool: {call.tool.name}",
        }
        if call.said:
            held["tool_response"] = call.text if call.recorded else None
        outer = trace.span("running tools", {"tools": [call.tool.name], "logfire.msg": "running 1 tool"}, parent)
        trace.span("running tool", held, outer, error=call.error)

    chats(trace, run, root, write, step)
    return trace


def any_agent(run: Scenario) -> Trace:
    """any-agent: the prompt on the first model call only, no message ever again."""
    trace = Trace(run.id, "any_agent")
    root = agent_span(trace, run.agent or "any_agent", None)
    seen: list[str] = []

    def write(held: Scenario, history: Messages, answer: dict[str, Any], parent: str | None) -> str:
        attributes: dict[str, Any] = {"gen_ai.operation.name": "call_llm", "gen_ai.request.model": "mistral-x"}
        if not seen:
            asked = [{"role": "system", "content": held.system}, {"role": "user", "content": held.user}]
            attributes["gen_ai.input.messages"] = dumped(asked)
        seen.append("x")
        calls = [
            {"tool.name": part["name"], "tool.args": dumped(part["arguments"])}
            for part in answer["parts"]
            if part["type"] == "tool_call"
        ]
        attributes["gen_ai.output"] = dumped(calls) if calls else "All done."
        attributes["gen_ai.output.type"] = "json" if calls else "text"
        return trace.span("call_llm mistral-x", attributes, parent)

    def step(call: Call, parent: str | None) -> None:
        held = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": call.tool.name,
            "gen_ai.tool.description": call.tool.text,
            "gen_ai.tool.args": dumped(call.arguments),
        }
        if call.recorded:
            kind = "text" if isinstance(call.result, str) else "json"
            held |= {"gen_ai.output": call.text, "gen_ai.output.type": kind}
        trace.span(f"execute_tool {call.tool.name}", held, parent, error=call.error)

    chats(trace, run, root, write, step)
    return trace


def traceloop_openai(run: Scenario) -> Trace:
    """OpenLLMetry's OpenAI client: indexed attributes, no span of a tool."""
    trace = Trace(run.id, "opentelemetry.instrumentation.openai.v1")
    root = trace.span("shop.workflow", {"traceloop.span.kind": "workflow", "traceloop.entity.name": "shop"})

    def write(held: Scenario, history: Messages, answer: dict[str, Any], parent: str | None) -> str:
        return trace.span("openai.chat", _indexed(held, history, answer), parent, kind=3)

    chats(trace, run, root, write, lambda _call, _parent: None)
    return trace


def _indexed(run: Scenario, history: Messages, answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"llm.request.type": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "gpt-x"}

    def put(stem: str, message: dict[str, Any]) -> None:
        found[f"{stem}.role"] = message["role"]
        number = 0
        for part in message["parts"]:
            if part["type"] == "tool_call":
                held = {"id": part["id"], "name": part["name"], "arguments": dumped(part["arguments"])}
                found.update({f"{stem}.tool_calls.{number}.{key}": one for key, one in held.items()})
                number += 1
            elif part["type"] == "tool_call_response":
                found.update({f"{stem}.tool_call_id": part["id"], f"{stem}.content": part["response"]})
            else:
                found[f"{stem}.content"] = part["content"]

    for number, message in enumerate(
        [{"role": "system", "parts": [{"type": "text", "content": run.system}]}, *history]
    ):
        put(f"gen_ai.prompt.{number}", message)
    put("gen_ai.completion.0", answer)
    for number, tool in enumerate(run.tools):
        stem = f"llm.request.functions.{number}"
        found |= {
            f"{stem}.name": tool.name,
            f"{stem}.description": tool.text,
            f"{stem}.parameters": dumped(tool.schema),
        }
    return found


def traceloop_langchain(run: Scenario) -> Trace:
    """OpenLLMetry's LangChain: inputs and a serialised ToolMessage in the entity's own envelope."""
    trace = Trace(run.id, "opentelemetry.instrumentation.langchain")
    root = trace.span("LangGraph.workflow", {"traceloop.span.kind": "workflow", "traceloop.entity.name": "LangGraph"})

    def write(held: Scenario, history: Messages, answer: dict[str, Any], parent: str | None) -> str:
        return trace.span("ChatOpenAI.chat", _indexed(held, history, answer), parent, kind=3)

    def step(call: Call, parent: str | None) -> None:
        given = {"input_str": repr(call.arguments), "tags": ["seq:step:1"], "metadata": {"langgraph_step": 3}}
        held: dict[str, Any] = {
            "traceloop.span.kind": "tool",
            "traceloop.entity.name": call.tool.name,
            "traceloop.entity.input": dumped({**given, "inputs": call.arguments, "kwargs": {"color": "green"}}),
        }
        if call.recorded:
            message = {"content": call.text, "type": "tool", "name": call.tool.name, "tool_call_id": call.id}
            where = ["langchain", "schema", "messages", "ToolMessage"]
            output = {"lc": 1, "type": "constructor", "id": where, "kwargs": {**message, "status": "success"}}
            held["traceloop.entity.output"] = dumped({"output": output, "kwargs": {"tags": ["seq:step:1"]}})
        trace.span(f"{call.tool.name}.tool", held, parent, error=call.error)

    chats(trace, run, root, write, step)
    return trace


def spring_ai(run: Scenario) -> Trace:
    """Spring AI: a chat without content, tools with names of its own."""
    trace = Trace(run.id, "org.springframework.boot")
    root = trace.span("http post /chat", {"http.request.method": "POST"}, kind=2)

    def write(held: Scenario, history: Messages, answer: dict[str, Any], parent: str | None) -> str:
        attributes = {"gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "gpt-x"}
        return trace.span("chat gpt-x", attributes, parent, kind=3)

    def step(call: Call, parent: str | None) -> None:
        held = {
            "gen_ai.operation.name": "framework",
            "gen_ai.system": "spring_ai",
            "spring.ai.kind": "tool_call",
            "spring.ai.tool.definition.name": call.tool.name,
            "spring.ai.tool.definition.description": call.tool.text,
            "spring.ai.tool.definition.schema": dumped(call.tool.schema),
            "spring.ai.tool.call.arguments": dumped(call.arguments),
        }
        if call.recorded:
            held["spring.ai.tool.call.result"] = call.text
        trace.span(f"tool_call {call.tool.name}", held, parent, error=call.error)

    chats(trace, run, root, write, step)
    return trace
