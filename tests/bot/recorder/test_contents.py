import random
from typing import Any

import pytest

from bot.domain.run import Run, StepKind
from bot.domain.span import SpanRecord
from bot.errors import Refused
from bot.recorder.normalise import normalise
from tests.bot.recorder import dialect_spans as written
from tests.bot.recorder.samples import chat, root, span, tool

AGENTS_SDK: dict[str, Any] = {"scope": "openinference.instrumentation.openai_agents", "scope_version": "2.6.0"}


def agent(number: int, parent: int, name: str) -> SpanRecord:
    """An agent below another."""
    return span(number, parent, attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name})


def kinds(run: Run) -> dict[str, StepKind]:
    """The kind of each step by its span's number."""
    return {step.span_id.lstrip("0"): step.kind for step in run.steps}


def test_openai_agents_handoff_is_a_handoff_and_no_tool_call() -> None:
    """OpenInference writes it as a tool without input; the model's ``transfer_to_refund_agent`` is the same thing."""
    ask = {"id": "c1", "name": "transfer_to_refund_agent", "arguments": "{}"}
    handoff = span(3, name="handoff to Refund Agent", attributes={"openinference.span.kind": "TOOL"}, **AGENTS_SDK)
    run = normalise([root(), chat(2, ask), handoff, agent(4, 1, "Refund Agent"), tool(5, "pay", parent=4)])
    [found] = run.handoffs
    assert (found.source, found.target) == ("refund-bot", "Refund Agent")
    assert [(call.name, call.agent) for call in run.tool_calls] == [("pay", "Refund Agent")]
    assert kinds(run)["3"] is StepKind.HANDOFF


def test_a_tool_named_handoff_that_was_given_something_stays_a_tool() -> None:
    """A tool of the application may have any name."""
    held = {"openinference.span.kind": "TOOL", "input.value": '{"ticket": 1}'}
    run = normalise([root(), span(2, name="handoff to accounting", attributes=held, **AGENTS_SDK)])
    assert [call.name for call in run.tool_calls] == ["handoff to accounting"]


def test_transfer_to_savings_moves_money_unless_an_agent_has_that_name() -> None:
    """Only a name of an agent of this run makes ``transfer_to_x`` a hand-off."""
    move = tool(2, "transfer_to_savings", arguments={"cents": 5})
    assert [call.name for call in normalise([root(), move]).tool_calls] == ["transfer_to_savings"]
    assert normalise([root(), move, agent(3, 1, "Savings")]).tool_calls == ()
    human = tool(2, "transfer_to_human_agents", arguments={"summary": "x"})
    assert [call.name for call in normalise([root(), human]).tool_calls] == ["transfer_to_human_agents"]


def test_adk_transfer_names_the_agent_in_its_arguments() -> None:
    """``transfer_to_agent`` is ADK's own tool; what the sub-agent does names the sub-agent."""
    held = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "transfer_to_agent"}
    held["gcp.vertex.agent.tool_call_args"] = '{"agent_name": "helper"}'
    move = span(2, attributes=held, scope="gcp.vertex.agent")
    run = normalise([root(), move, agent(3, 1, "helper"), tool(4, "pay", parent=3)])
    assert [(h.source, h.target) for h in run.handoffs] == [("refund-bot", "helper")]
    assert [(call.name, call.agent) for call in run.tool_calls] == [("pay", "helper")]


def test_handoff_and_guardrail_attributes_are_read() -> None:
    """What OpenTelemetry's and Traceloop's instrumentations of the Agents SDK set."""
    over = {"traceloop.span.kind": "handoff", "gen_ai.handoff.from_agent": "a", "gen_ai.handoff.to_agent": "b"}
    guard = {"traceloop.span.kind": "guardrail", "gen_ai.guardrail.name": "pii", "gen_ai.guardrail.triggered": True}
    run = normalise([root(), span(2, attributes=over), span(3, attributes=guard)])
    assert [(h.source, h.target) for h in run.handoffs] == [("a", "b")]
    assert [(g.name, g.triggered) for g in run.guardrails] == [("pii", True)]
    assert kinds(run) == {"1": StepKind.AGENT, "2": StepKind.HANDOFF, "3": StepKind.GUARDRAIL}
    assert run.tool_calls == ()


@pytest.mark.parametrize(
    ("output", "triggered"),
    [
        ('{"tripwire_triggered": true}', True),
        ('{"triggered": false, "reason": "fine"}', False),
        ('{"passed": true}', False),
        ('{"valid": "no"}', True),
        ("looks fine", None),
        (None, None),
    ],
)
def test_a_guardrails_verdict_is_read_and_never_guessed(output: str | None, triggered: bool | None) -> None:
    """From the output's own words; other texts are shown and decide nothing."""
    held = {"openinference.span.kind": "GUARDRAIL", **({"output.value": output} if output else {})}
    [found] = normalise([root(), span(2, name="toxicity", attributes=held)]).guardrails
    assert (found.name, found.triggered) == ("toxicity", triggered)


def test_a_guardrail_that_raised_its_tripwire_was_triggered() -> None:
    """The SDK ends the span with its exception."""
    held = {"openinference.span.kind": "GUARDRAIL", "error.type": "InputGuardrailTripwireTriggered"}
    [found] = normalise([root(), span(2, name="scope", status="error", attributes=held)]).guardrails
    assert found.triggered is True
    failed = {"openinference.span.kind": "GUARDRAIL", "error.type": "TimeoutError"}
    [found] = normalise([root(), span(2, name="scope", status="error", attributes=failed)]).guardrails
    assert found.triggered is None


def test_openai_agents_guardrail_is_known_by_its_name() -> None:
    """OpenInference writes it as a chain; only there the name decides."""
    chain = {"openinference.span.kind": "CHAIN"}
    run = normalise([root(), span(2, name="pii_guardrail", attributes=chain, **AGENTS_SDK)])
    assert [g.name for g in run.guardrails] == ["pii_guardrail"]
    assert normalise([root(), span(2, name="pii_guardrail", attributes=chain)]).guardrails == ()


def test_evaluations_come_from_events_log_records_and_evaluators_and_are_told_once() -> None:
    """``gen_ai.evaluation.result`` as span event and as log record, and OpenInference's evaluator."""
    score = {
        "gen_ai.evaluation.name": "policy",
        "gen_ai.evaluation.score.value": 0.2,
        "gen_ai.evaluation.score.label": "fail",
        "gen_ai.evaluation.explanation": "over the total",
    }
    event = {"name": "gen_ai.evaluation.result", "attributes": score}
    judge = {"openinference.span.kind": "EVALUATOR", "output.value": '{"score": 1, "label": "pass"}'}
    log = written.log(9, 1, "gen_ai.evaluation.result", None).model_copy(update={"attributes": score})
    spans = [root(), span(2, events=[event, event]), span(3, name="relevance", attributes=judge), log]
    found = [(e.name, e.score, e.label, e.passed, e.span_id) for e in normalise(spans).evaluations]
    assert found == [
        ("policy", 0.2, "fail", False, f"{1:016x}"),
        ("policy", 0.2, "fail", False, f"{2:016x}"),
        ("relevance", 1.0, "pass", True, f"{3:016x}"),
    ]


def test_a_datastore_tool_is_a_retrieval_and_stays_a_tool_call() -> None:
    """The convention says so of ``gen_ai.tool.type``; other tools that search are tools."""
    docs = [{"id": "kb/1", "content": "refund double", "score": 0.9}]
    store = tool(2, "search_kb", result=docs, **{"gen_ai.tool.type": "datastore"})
    run = normalise([root(), store])
    assert [call.name for call in run.tool_calls] == ["search_kb"]
    assert [[(d.id, d.content, d.score) for d in r.documents or ()] for r in run.retrievals] == [
        [("kb/1", "refund double", 0.9)]
    ]
    assert normalise([root(), tool(2, "search_kb", result=docs)]).retrievals == ()


def test_retrievals_of_every_dialect_have_their_documents() -> None:
    """GenAI, OpenInference, MLflow and Traceloop's vector databases; one inside the other is one."""
    new = {"gen_ai.operation.name": "retrieval", "gen_ai.retrieval.top_k": 2, "gen_ai.retrieval.query.text": "q"}
    new["gen_ai.retrieval.documents"] = '[{"id": "a", "score": 0.5, "content": "x"}]'
    flat = {"openinference.span.kind": "RETRIEVER", "input.value": "q"}
    flat |= {"retrieval.documents.0.document.id": "a", "retrieval.documents.0.document.content": "x"}
    mlflow = {"mlflow.spanType": '"RETRIEVER"', "mlflow.spanInputs": '{"query": "q"}'}
    mlflow["mlflow.spanOutputs"] = '[{"page_content": "x", "metadata": {"doc_uri": "a"}, "id": null}]'
    vector = {"db.system": "chroma", "db.vector.query.top_k": 2}
    hit = {"name": "db.query.result", "attributes": {"db.query.result.id": "a", "db.query.result.document": "x"}}
    for spans in (
        [span(2, attributes=new)],
        [span(2, attributes=flat)],
        [span(2, attributes=mlflow)],
        [span(2, attributes=vector, events=[hit])],
        [span(2, lasts=5, attributes=new), span(3, 2, attributes=flat)],
    ):
        [found] = normalise([root(), *spans]).retrievals
        assert [(d.id, d.content) for d in found.documents or ()] == [("a", "x")]
        assert found.query in {"q", None}
    assert normalise([root(), span(2, attributes=new)]).retrievals[0].top_k == 2


def test_planning_is_a_step_of_its_own() -> None:
    """The genai repository's operation, and a chain by that name in OpenInference."""
    run = normalise(
        [
            root(),
            span(2, attributes={"gen_ai.operation.name": "plan"}),
            span(3, name="plan refund", attributes={"openinference.span.kind": "CHAIN"}),
        ]
    )
    assert kinds(run) == {"1": StepKind.AGENT, "2": StepKind.PLAN, "3": StepKind.PLAN}


def test_log_records_belong_to_their_span_whatever_order_they_come_in() -> None:
    """Events by their time; sent twice changes nothing; a record of no span is said and is no step."""
    spans = written.log_events()
    expected = normalise(spans)
    mixed = [*spans, *spans]
    random.Random(3).shuffle(mixed)
    assert normalise(mixed) == expected
    assert len(expected.steps) == 4
    lost = written.log(70, 99, "gen_ai.user.message", {"content": "?"})
    assert normalise([*spans, lost]).notes == ("1 log record belongs to no span that was received",)
    with pytest.raises(Refused, match="no span"):
        normalise([lost])


def test_the_same_message_as_event_and_as_log_record_is_told_once() -> None:
    """Some instrumentations write both; the span's own events win."""
    event: dict[str, Any] = {"name": "gen_ai.user.message", "attributes": {"content": "hi"}}
    asked = span(2, attributes={"gen_ai.operation.name": "chat"}, events=[event])
    [call] = normalise([root(), asked, written.log(9, 2, "gen_ai.user.message", {"content": "hi"})]).model_calls
    assert [message.text for message in call.input] == ["hi"]


def test_each_step_names_its_agent() -> None:
    """Nearest agent at or above; a tool called inside a sub-agent's tool is the sub-agent's."""
    run = normalise(
        [root(), tool(2, "ask", lasts=9), agent(3, 2, "helper"), chat(4, parent=3), tool(5, "pay", parent=4)]
    )
    assert [step.agent for step in run.steps] == ["refund-bot", "refund-bot", "helper", "helper", "helper"]
    assert [(call.name, call.agent) for call in run.tool_calls] == [("ask", "refund-bot"), ("pay", "helper")]
