"""One small scenario as each instrumentation writes it: a user asks, the model calls a tool, the tool answers.

Written by hand after what the instrumentations set, name by name. The root is span 1, the model call 2, the tool 3,
the second model call 4.
"""

import json
from typing import Any

from bot.domain.span import SpanRecord
from tests.bot.recorder.samples import START, span

USER = "Refund order A-1, please."
ANSWER = "I refunded 42 euros."
ARGUMENTS: dict[str, Any] = {"order_id": "A-1", "cents": 4200}
RESULT: dict[str, Any] = {"ok": True, "refund": "re_1"}
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"order_id": {"type": "string"}}}


def vercel_ai() -> list[SpanRecord]:
    """The AI SDK, version 5: ``generateText`` round two ``doGenerate`` and one tool."""
    call = {"toolCallId": "c1", "toolName": "refund", "input": json.dumps(ARGUMENTS)}
    asked = [
        {"role": "system", "content": "Be fair."},
        {"role": "user", "content": [{"type": "text", "text": USER}]},
    ]
    told = [
        *asked,
        {"role": "assistant", "content": [{"type": "tool-call", **call, "input": ARGUMENTS}]},
        {
            "role": "tool",
            "content": [
                {
                    "type": "tool-result",
                    "toolCallId": "c1",
                    "toolName": "refund",
                    "output": {"type": "json", "value": RESULT},
                }
            ],
        },
    ]
    shared = {
        "ai.model.id": "gpt-x",
        "ai.model.provider": "openai.responses",
        "ai.telemetry.functionId": "refund-bot",
        "ai.settings.maxRetries": 2,
    }
    model = {
        **shared,
        "operation.name": "ai.generateText.doGenerate refund-bot",
        "ai.operationId": "ai.generateText.doGenerate",
        "ai.settings.temperature": 0.5,
        "ai.settings.seed": 7,
        "ai.response.model": "gpt-x-2026",
        "ai.response.id": "resp_1",
        "gen_ai.system": "openai.responses",
        "gen_ai.request.model": "gpt-x",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.response.finish_reasons": ["tool-calls"],
        "ai.prompt.tools": [json.dumps({"type": "function", "name": "refund", "inputSchema": SCHEMA})],
    }
    return [
        span(
            1,
            None,
            lasts=90,
            name="ai.generateText",
            attributes={
                **shared,
                "operation.name": "ai.generateText refund-bot",
                "ai.operationId": "ai.generateText",
                "ai.prompt": json.dumps({"system": "Be fair.", "prompt": USER}),
                "ai.response.text": ANSWER,
            },
            scope="ai",
        ),
        span(
            2,
            attributes={**model, "ai.prompt.messages": json.dumps(asked), "ai.response.toolCalls": json.dumps([call])},
            scope="ai",
        ),
        span(
            3,
            name="ai.toolCall",
            attributes={
                "operation.name": "ai.toolCall refund-bot",
                "ai.operationId": "ai.toolCall",
                "ai.telemetry.functionId": "refund-bot",
                "ai.toolCall.name": "refund",
                "ai.toolCall.id": "c1",
                "ai.toolCall.args": json.dumps(ARGUMENTS),
                "ai.toolCall.result": json.dumps(RESULT),
            },
            scope="ai",
        ),
        span(
            4,
            attributes={
                **model,
                "ai.response.id": "resp_2",
                "gen_ai.response.finish_reasons": ["stop"],
                "ai.prompt.messages": json.dumps(told),
                "ai.response.text": ANSWER,
            },
            scope="ai",
        ),
    ]


def google_adk() -> list[SpanRecord]:
    """ADK: the request and the answer as JSON in Gemini's shape, and its ``(merged tools)`` span."""
    asked = {"role": "user", "parts": [{"text": USER}]}
    call = {"role": "model", "parts": [{"function_call": {"id": "c1", "name": "refund", "args": ARGUMENTS}}]}
    result = {"role": "user", "parts": [{"function_response": {"id": "c1", "name": "refund", "response": RESULT}}]}
    config = {
        "system_instruction": "Be fair.",
        "temperature": 0.5,
        "seed": 7,
        "tools": [{"function_declarations": [{"name": "refund", "description": "Pays back", "parameters": SCHEMA}]}],
    }

    def model(contents: list[Any], answer: dict[str, Any]) -> dict[str, Any]:
        request = {"model": "gemini-x", "config": config, "contents": contents}
        response = {"content": answer, "finish_reason": "STOP", "model_version": "gemini-x-002"}
        return {
            "gen_ai.system": "gcp.vertex.agent",
            "gen_ai.request.model": "gemini-x",
            "gcp.vertex.agent.session_id": "s1",
            "gcp.vertex.agent.event_id": "e1",
            "gcp.vertex.agent.llm_request": json.dumps(request),
            "gcp.vertex.agent.llm_response": json.dumps(response),
        }

    tool = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "refund",
        "gen_ai.tool.type": "FunctionTool",
        "gen_ai.tool.call.id": "c1",
        "gcp.vertex.agent.llm_request": "{}",
        "gcp.vertex.agent.llm_response": "{}",
        "gcp.vertex.agent.tool_call_args": json.dumps(ARGUMENTS),
        "gcp.vertex.agent.tool_response": json.dumps(RESULT),
    }
    merged = {**tool, "gen_ai.tool.name": "(merged tools)", "gen_ai.tool.call.id": "e2"}
    merged |= {"gcp.vertex.agent.tool_call_args": "N/A", "gcp.vertex.agent.tool_response": "<not serializable>"}
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "refund-bot"}
    scope: dict[str, Any] = {"scope": "gcp.vertex.agent", "scope_version": "1.18.0"}
    return [
        span(1, None, lasts=90, name="invoke_agent refund-bot", attributes=agent, **scope),
        span(2, name="call_llm", attributes=model([asked], call), **scope),
        span(3, name="execute_tool refund", attributes=tool, **scope),
        span(4, name="call_llm", attributes=model([asked, call, result], said("model", ANSWER)), **scope),
        span(5, name="execute_tool (merged)", attributes=merged, **scope),
    ]


def said(role: str, text: str) -> dict[str, Any]:
    """A content of Gemini's."""
    return {"role": role, "parts": [{"text": text}]}


def pydantic_ai() -> list[SpanRecord]:
    """pydantic-ai before its version 2: ``events`` on the model span, its own names on the tool's."""
    call = {"id": "c1", "type": "function", "function": {"name": "refund", "arguments": json.dumps(ARGUMENTS)}}
    asked = [
        {"event.name": "gen_ai.system.message", "content": "Be fair.", "role": "system"},
        {"event.name": "gen_ai.user.message", "content": USER, "role": "user"},
    ]
    told = [
        *asked,
        {"event.name": "gen_ai.assistant.message", "role": "assistant", "tool_calls": [call]},
        {"event.name": "gen_ai.tool.message", "role": "tool", "id": "c1", "name": "refund", "content": RESULT},
    ]
    model = {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "openai",
        "gen_ai.request.model": "gpt-x",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.seed": 7,
        "gen_ai.response.model": "gpt-x-2026",
        "model_request_parameters": json.dumps(
            {"function_tools": [{"name": "refund", "parameters_json_schema": SCHEMA}], "output_tools": []}
        ),
    }

    def choice(message: dict[str, Any]) -> dict[str, Any]:
        return {"event.name": "gen_ai.choice", "index": 0, "message": {"role": "assistant", **message}}

    answers = [choice({"tool_calls": [call]}), choice({"content": ANSWER})]
    scope: dict[str, Any] = {"scope": "pydantic-ai", "scope_version": "1.0.0"}
    return [
        span(
            1,
            None,
            lasts=90,
            name="agent run",
            attributes={
                "agent_name": "refund-bot",
                "model_name": "gpt-x",
                "final_result": ANSWER,
                "all_messages_events": json.dumps([*told, {"role": "assistant", "content": ANSWER}]),
                "logfire.msg": "refund-bot run",
            },
            **scope,
        ),
        span(2, attributes={**model, "events": json.dumps([*asked, answers[0]])}, **scope),
        span(
            3,
            name="running tool",
            attributes={
                "gen_ai.tool.name": "refund",
                "gen_ai.tool.call.id": "c1",
                "tool_arguments": json.dumps(ARGUMENTS),
                "tool_response": json.dumps(RESULT),
                "logfire.msg": "running tool: refund",
            },
            **scope,
        ),
        span(4, attributes={**model, "events": json.dumps([*told, answers[1]])}, **scope),
    ]


def any_agent() -> list[SpanRecord]:
    """any-agent: the prompt on the first call only, tool calls as ``tool.name`` and ``tool.args``."""
    model = {"gen_ai.operation.name": "call_llm", "gen_ai.request.model": "gpt-x"}
    asked = [{"role": "system", "content": "Be fair."}, {"role": "user", "content": USER}]
    call = [{"tool.name": "refund", "tool.args": json.dumps(ARGUMENTS)}]
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "refund-bot"}
    return [
        span(1, None, lasts=90, attributes=agent, scope="any_agent"),
        span(
            2,
            attributes={**model, "gen_ai.input.messages": json.dumps(asked), "gen_ai.output": json.dumps(call)},
            scope="any_agent",
        ),
        span(
            3,
            attributes={
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "refund",
                "gen_ai.tool.args": json.dumps(ARGUMENTS),
                "gen_ai.output": json.dumps(RESULT),
                "gen_ai.output.type": "json",
            },
            scope="any_agent",
        ),
        span(4, attributes={**model, "gen_ai.output": ANSWER, "gen_ai.output.type": "text"}, scope="any_agent"),
    ]


def traceloop() -> list[SpanRecord]:
    """OpenLLMetry: numbered prompts and completions, the tool as a decorated function."""
    flat = {
        "gen_ai.system": "OpenAI",
        "llm.request.type": "chat",
        "gen_ai.request.model": "gpt-x",
        "gen_ai.response.model": "gpt-x-2026",
        "gen_ai.request.temperature": 0.5,
        "llm.request.functions.0.name": "refund",
        "llm.request.functions.0.parameters": json.dumps(SCHEMA),
        "gen_ai.prompt.0.role": "system",
        "gen_ai.prompt.0.content": "Be fair.",
        "gen_ai.prompt.1.role": "user",
        "gen_ai.prompt.1.content": USER,
        "traceloop.association.properties.session_id": "s1",
    }
    called = {"tool_calls.0.id": "c1", "tool_calls.0.name": "refund", "tool_calls.0.arguments": json.dumps(ARGUMENTS)}
    asked = {f"gen_ai.completion.0.{name}": value for name, value in called.items()}
    told = {
        "gen_ai.prompt.2.role": "assistant",
        **{f"gen_ai.prompt.2.{name}": value for name, value in called.items()},
        "gen_ai.prompt.3.role": "tool",
        "gen_ai.prompt.3.tool_call_id": "c1",
        "gen_ai.prompt.3.content": json.dumps(RESULT),
        "gen_ai.completion.0.role": "assistant",
        "gen_ai.completion.0.content": ANSWER,
        "gen_ai.completion.0.finish_reason": "stop",
    }
    client: dict[str, Any] = {"scope": "opentelemetry.instrumentation.openai.v1", "scope_version": "0.47.0"}
    return [
        span(
            1,
            None,
            lasts=90,
            attributes={"traceloop.span.kind": "agent", "traceloop.entity.name": "refund-bot"},
            scope="traceloop.tracer",
        ),
        span(2, attributes={**flat, **asked, "gen_ai.completion.0.finish_reason": "tool_calls"}, **client),
        span(
            3,
            name="refund.tool",
            attributes={
                "traceloop.span.kind": "tool",
                "traceloop.entity.name": "refund",
                "traceloop.entity.input": json.dumps({"args": [], "kwargs": ARGUMENTS}),
                "traceloop.entity.output": json.dumps(RESULT),
            },
            scope="traceloop.tracer",
        ),
        span(4, attributes={**flat, **told}, **client),
    ]


def mlflow() -> list[SpanRecord]:
    """MLflow's autologging: everything is JSON text, plain texts in their quotes too."""
    call = {"id": "c1", "type": "function", "function": {"name": "refund", "arguments": json.dumps(ARGUMENTS)}}
    asked = [{"role": "system", "content": "Be fair."}, {"role": "user", "content": USER}]
    told = [
        *asked,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": json.dumps(RESULT)},
    ]

    def model(messages: list[Any], answer: dict[str, Any]) -> dict[str, Any]:
        tools = [{"type": "function", "function": {"name": "refund", "parameters": SCHEMA}}]
        inputs = {"model": "gpt-x", "messages": messages, "temperature": 0.5, "seed": 7, "tools": tools}
        message = {"role": "assistant", "content": None, **answer}
        outputs = {
            "id": "resp",
            "model": "gpt-x-2026",
            "system_fingerprint": "fp_1",
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        }
        return {
            "mlflow.spanType": '"CHAT_MODEL"',
            "mlflow.spanInputs": json.dumps(inputs),
            "mlflow.spanOutputs": json.dumps(outputs),
            "mlflow.chat.tools": json.dumps(tools),
            "mlflow.llm.model": '"gpt-x"',
        }

    return [
        span(
            1,
            None,
            lasts=90,
            attributes={"mlflow.spanType": '"AGENT"', "gen_ai.agent.name": "refund-bot"},
        ),
        span(2, attributes=model(asked, {"tool_calls": [call]})),
        span(
            3,
            name="refund",
            attributes={
                "mlflow.spanType": '"TOOL"',
                "mlflow.spanInputs": json.dumps(ARGUMENTS),
                "mlflow.spanOutputs": json.dumps(RESULT),
            },
        ),
        span(4, attributes=model(told, {"content": ANSWER})),
    ]


def log_events() -> list[SpanRecord]:
    """openai-v2 up to 1.36 of the conventions: prompts and answers as log records, in the order that they came."""
    call = {"id": "c1", "type": "function", "function": {"name": "refund", "arguments": json.dumps(ARGUMENTS)}}
    model = {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "openai",
        "gen_ai.request.model": "gpt-x",
        "gen_ai.response.model": "gpt-x-2026",
    }
    tool = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "refund",
        "gen_ai.tool.call.id": "c1",
        "gen_ai.tool.call.arguments": json.dumps(ARGUMENTS),
        "gen_ai.tool.call.result": json.dumps(RESULT),
    }
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "refund-bot"}
    asked = [("gen_ai.system.message", {"content": "Be fair."}), ("gen_ai.user.message", {"content": USER})]
    told = [
        *asked,
        ("gen_ai.assistant.message", {"tool_calls": [call]}),
        ("gen_ai.tool.message", {"id": "c1", "content": json.dumps(RESULT)}),
    ]
    first = ("gen_ai.choice", {"index": 0, "finish_reason": "tool_calls", "message": {"tool_calls": [call]}})
    second = ("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": {"content": ANSWER}})
    return [
        *(log(20 + at, 2, name, body) for at, (name, body) in enumerate([*asked, first])),
        span(1, None, lasts=90, attributes=agent),
        span(2, attributes=model, scope="opentelemetry.instrumentation.openai_v2"),
        span(3, attributes=tool),
        span(4, attributes=model, scope="opentelemetry.instrumentation.openai_v2"),
        *(log(40 + at, 4, name, body) for at, (name, body) in enumerate([*told, second])),
    ]


def log(number: int, parent: int, name: str, body: Any) -> SpanRecord:
    """A log record as the receiver keeps it."""
    held = span(number, parent, at=number, lasts=0, name=name, attributes={"gen_ai.system": "openai", "body": body})
    return held.model_copy(update={"marks": ("log",), "start_ns": START + number})
