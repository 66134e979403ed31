import json
import random
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.run import Run, StepKind
from bot.domain.span import SpanRecord
from bot.errors import Misconfigured
from bot.plugin import Dialect
from bot.recorder.dialects import BUILT_IN, dialects_of, pack_modules, with_packs
from bot.recorder.normalise import agent_of, normalise
from bot.registry import discover
from tests.bot.recorder.samples import root, span

ACME = """
from bot.domain.run import StepKind
from bot.plugin import Dialect

def broken(span):
    raise RuntimeError("boom")

acme = Dialect(
    name="Acme tracing",
    module=__name__,
    marks=("acme.",),
    kinds={"acme.type": {"llm": StepKind.MODEL, "action": StepKind.TOOL, "bot": StepKind.AGENT}},
    names={
        "agent": ("acme.bot",),
        "tool_name": ("acme.action",),
        "tool_arguments": ("acme.in",),
        "tool_result": ("acme.out",),
        "input_messages": ("acme.prompt",),
        "output_messages": ("acme.answer",),
    },
    hints={"seed": "set acme.seed"},
    DERIVED
)
"""
SPANS = [
    span(1, None, lasts=9, attributes={"acme.type": "bot", "acme.bot": "helper"}),
    span(
        2, attributes={"acme.type": "llm", "acme.prompt": "hi", "acme.answer": [{"role": "assistant", "content": "ok"}]}
    ),
    span(3, attributes={"acme.type": "action", "acme.action": "pay", "acme.in": "{'cents': 5}", "acme.out": "done"}),
]


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty third-party package that can be imported."""
    folder = tmp_path / "acme_traces"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.startswith("acme_traces")]:
        monkeypatch.delitem(sys.modules, name)
    return folder


def test_a_dialect_of_a_pack_is_one_file(pack: Path) -> None:
    """Tables alone: the registry finds it, and runs are read with it when it is given."""
    (pack / "dialect.py").write_text(ACME.replace("    DERIVED\n", ""))
    registry = discover(["acme_traces"])
    dialects = with_packs(registry.dialects.values())
    run = normalise(SPANS, dialects)
    assert (run.agent, run.model_calls[0].input[0].text, run.model_calls[0].output[0].text) == ("helper", "hi", "ok")
    [call] = run.tool_calls
    assert (call.name, call.arguments, call.result, call.agent) == ("pay", {"cents": 5}, "done", "helper")
    assert agent_of(SPANS[0], dialects) == "helper"
    assert {step.kind for step in normalise(SPANS).steps} == {StepKind.STEP}, "not known unless given"
    assert pack_modules(dialects) == ("acme_traces.dialect",)
    assert normalise(SPANS, dialects_of(pack_modules(dialects))) == run, "another process finds it by its module"


def test_a_failing_function_of_a_pack_is_noted_and_the_run_is_read(pack: Path) -> None:
    """Its fields count as not recorded; the other dialects and the tables go on."""
    (pack / "dialect.py").write_text(ACME.replace("DERIVED", "derived=broken,"))
    run = normalise(SPANS, with_packs(discover(["acme_traces"]).dialects.values()))
    assert [call.name for call in run.tool_calls] == ["pay"]
    assert run.notes == ("the dialect Acme tracing could not read every span (RuntimeError)",)


def test_a_pack_may_replace_a_built_in_dialect_and_not_another_packs(pack: Path) -> None:
    """By its name; two packs with one name stop the start."""
    (pack / "one.py").write_text(ACME.replace("    DERIVED\n", "").replace("Acme tracing", "OpenInference"))
    dialects = with_packs(discover(["acme_traces"]).dialects.values())
    assert len(dialects) == len(BUILT_IN)
    (pack / "two.py").write_text(ACME.replace("    DERIVED\n", "").replace("Acme tracing", "OpenInference"))
    for name in [name for name in sys.modules if name.startswith("acme_traces")]:
        del sys.modules[name]
    with pytest.raises(Misconfigured, match=r"OpenInference is already declared in acme_traces\.one"):
        discover(["acme_traces"])


def test_a_module_that_is_gone_is_named() -> None:
    """The other process must not read runs with fewer dialects than it was told."""
    with pytest.raises(Misconfigured, match=r"no_such_pack\.dialect"):
        dialects_of(["no_such_pack.dialect"])


def words() -> list[str]:
    """All attribute names that the built-in dialects know, from their tables and their files."""
    found: set[str] = set()
    for dialect in BUILT_IN:
        found.update(name for names in dialect.names.values() for name in names)
        found.update(
            f"{prefix}.0.{rest}" for held in dialect.flattened.values() for prefix in held for rest in ("role", "id")
        )
        found.update(mark if not mark.endswith(".") else f"{mark}x" for mark in dialect.marks)
        found.update(dialect.kinds)
        source = Path(sys.modules[dialect.module].__file__ or "").read_text()
        found.update(re.findall(r'"((?:[a-z_]+\.)+[A-Za-z_.]+|[a-z]+_[a-z_]+)"', source))
    return sorted(found)


NAMES = words()
KEYS = [
    "role", "parts", "type", "content", "contents", "id", "name", "arguments", "response", "tool_calls", "function",
    "text", "message", "tool_call", "0", "1", "score", "document", "tool_call_id", "function_call", "config", "tools",
    "function_declarations", "system_instruction", "kwargs", "output", "input_str", "inputs", "messages", "choices",
    "candidates", "data", "metadata", "finish_reason", "events", "model", "prompt", "system", "event.name", "summary",
    "functionCall", "functionResponse", "thought", "value", "query", "params", "agent_name", "refusal", "reasoning",
]  # fmt: skip
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(
        ["tool-call", "text", "tool_result", "function_call", "chat", "execute_tool", "LLM", "TOOL", "agent"]
    )
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
kinds = st.sampled_from(
    [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.operation.name", "execute_tool"),
        ("gen_ai.operation.name", "invoke_agent"),
        ("openinference.span.kind", "LLM"),
        ("openinference.span.kind", "TOOL"),
        ("openinference.span.kind", "GUARDRAIL"),
        ("openinference.span.kind", "EVALUATOR"),
        ("openinference.span.kind", "RETRIEVER"),
        ("ai.operationId", "ai.generateText.doGenerate"),
        ("ai.operationId", "ai.toolCall"),
        ("mlflow.spanType", '"RETRIEVER"'),
        ("mlflow.spanType", "CHAT_MODEL"),
        ("traceloop.span.kind", "tool"),
        ("mcp.method.name", "tools/call"),
        ("gen_ai.handoff.to_agent", "x"),
    ]
)
scopes = st.sampled_from(
    ["", "gcp.vertex.agent", "pydantic-ai", "any_agent", "openinference.instrumentation.openai_agents", "a." * 200]
)
attributes = st.dictionaries(st.sampled_from(NAMES), values | values.map(json.dumps) | values.map(repr), max_size=8)
events = st.lists(
    st.builds(
        lambda name, held: {"name": name, "attributes": held},
        st.sampled_from(
            [
                "gen_ai.choice",
                "gen_ai.tool.message",
                "gen_ai.client.inference.operation.details",
                "db.query.result",
                "gen_ai.evaluation.result",
                "exception",
            ]
        ),
        st.dictionaries(
            st.sampled_from([*NAMES, "body", "content", "message", "gen_ai.event.content"]), values, max_size=4
        ),
    ),
    max_size=3,
)


@st.composite
def traces(draw: st.DrawFn) -> list[SpanRecord]:
    """Some spans of one trace, each with a kind, attributes of any shape, and any span as its parent."""
    found = []
    for number in range(1, draw(st.integers(1, 5)) + 1):
        held: dict[str, Any] = dict([draw(kinds)])
        held |= draw(attributes)
        found.append(
            span(
                number,
                draw(st.integers(1, 6)),
                name=draw(st.sampled_from(["x", "call_llm", "transfer_to_x", "handoff to x", "guardrail"])),
                attributes=held,
                events=draw(events),
                scope=draw(scopes),
                marks=draw(st.sampled_from([(), (), (), ("log",)])) if number > 1 else (),
            )
        )
    return found


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(spans=traces(), seed=st.integers(0, 9))
def test_any_attributes_in_any_order_make_the_same_run_that_survives_json(spans: list[SpanRecord], seed: int) -> None:
    """Nothing that a span may hold raises; order and resends do not matter; no dialect's function fails."""
    run = normalise(spans)
    assert not [note for note in run.notes if "could not read" in note]
    assert Run.model_validate_json(run.model_dump_json()) == run
    assert run.capture is not None
    assert run.capture.found + len(run.capture.missing) == run.capture.wanted
    mixed = [*spans, *spans]
    random.Random(seed).shuffle(mixed)
    assert normalise(mixed) == run


def test_the_time_for_a_span_does_not_grow_with_the_number_of_dialects() -> None:
    """A span asks only the dialects whose marks it bears."""
    asked: list[str] = []

    def listening(name: str) -> Dialect:
        def derived(_span: SpanRecord) -> dict[str, Any]:
            asked.append(name)
            return {}

        return Dialect(name=name, module=__name__, marks=(f"{name}.",), derived=derived)

    many = with_packs([listening(f"d{number}") for number in range(40)])
    normalise([root(), span(2, attributes={"d7.x": 1})], many)
    assert set(asked) == {"d7"}
