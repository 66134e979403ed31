import pytest

from bot.domain.run import Capture
from bot.recorder.normalise import normalise
from tests.bot.recorder import dialect_spans as written
from tests.bot.recorder.samples import chat, root, span, tool

FULL = {
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "m",
    "gen_ai.response.model": "m-1",
    "gen_ai.request.temperature": 0,
    "gen_ai.request.seed": 1,
    "gen_ai.tool.definitions": '[{"name": "pay"}]',
    "openai.response.system_fingerprint": "fp",
}


def test_a_run_with_everything_has_no_gap() -> None:
    """Every kind that applies was captured."""
    spans = [root(), chat(2, attributes=FULL), tool(3, "pay", arguments={}, result="ok")]
    run = normalise(spans)
    assert run.gaps == ()
    assert run.capture == Capture(found=11, wanted=11)


def test_the_verdict_names_what_is_missing_in_words() -> None:
    """Seed and tool definitions: each a kind of its own, and each a gap with its hint."""
    held = {
        name: value for name, value in FULL.items() if name not in {"gen_ai.request.seed", "gen_ai.tool.definitions"}
    }
    run = normalise([root(), chat(2, attributes=held), tool(3, "pay", arguments={}, result="ok")])
    assert run.capture == Capture(found=9, wanted=11, missing=("seed", "tool definitions"))
    assert {gap.field for gap in run.gaps} == {"seed", "tools_offered"}


def test_only_what_applies_to_a_run_counts() -> None:
    """Definitions only with tools, documents only with retrievals, fingerprints only where the provider has any."""
    anthropic = {**FULL, "gen_ai.provider.name": "anthropic"}
    del anthropic["openai.response.system_fingerprint"], anthropic["gen_ai.tool.definitions"]
    run = normalise([root(), chat(2, attributes=anthropic)])
    assert run.capture == Capture(found=7, wanted=7)
    assert run.gaps == ()
    retrieval = span(3, attributes={"gen_ai.operation.name": "retrieval"})
    run = normalise([root(), chat(2, attributes=anthropic), retrieval])
    assert run.capture == Capture(found=7, wanted=8, missing=("documents",))


def test_one_call_that_lacks_it_is_enough() -> None:
    """A kind counts as captured when no call lacks it; a call that failed owes no answer."""
    lacking = {name: value for name, value in FULL.items() if name != "gen_ai.request.seed"}
    run = normalise([root(), chat(2, attributes=FULL), chat(3, attributes=lacking)])
    assert run.capture is not None
    assert run.capture.missing == ("seed",)
    failed = span(
        3, status="error", attributes={**FULL, "gen_ai.operation.name": "chat", "gen_ai.input.messages": "hi"}
    )
    assert normalise([root(), chat(2, attributes=FULL), failed]).gaps == ()


def test_a_run_without_model_calls_says_so() -> None:
    """Only a tool was recorded."""
    run = normalise([root(), tool(2, "pay", arguments={}, result="ok")])
    assert run.capture == Capture(found=3, wanted=4, missing=("model calls",))


@pytest.mark.parametrize(
    ("scope", "field", "hint"),
    [
        ("pydantic-ai", "prompt", "InstrumentationSettings(include_content=True)"),
        ("ai", "prompt", "recordInputs: true"),
        ("gcp.vertex.agent", "output", "ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS=true"),
        ("opentelemetry.instrumentation.openai.v1", "prompt", "TRACELOOP_TRACE_CONTENT=true"),
        ("opentelemetry.instrumentation.openai_v2", "prompt", "CAPTURE_MESSAGE_CONTENT=SPAN_ONLY"),
        ("opentelemetry.util.genai.handler", "prompt", "CAPTURE_MESSAGE_CONTENT=SPAN_ONLY"),
        ("openinference.instrumentation.openai", "prompt", "OPENINFERENCE_HIDE_INPUTS"),
        ("openinference.instrumentation.langchain", "prompt", "OPENINFERENCE_HIDE_INPUTS"),
        ("openinference.instrumentation.openai_agents", "model_served", "openinference-instrumentation-openai"),
    ],
)
def test_a_hint_is_the_setting_of_the_library_that_wrote_the_span(scope: str, field: str, hint: str) -> None:
    """Known by its scope, whichever dialect the attributes are."""
    model = span(2, attributes={"gen_ai.operation.name": "chat", "gen_ai.system": "openai"}, scope=scope)
    [found] = [gap.hint for gap in normalise([root(), model]).gaps if gap.field == field]
    assert hint in found
    assert "no instrumentation whose settings" not in found


def test_an_unknown_instrumentation_gets_the_general_hint_and_is_said_to_be_unknown() -> None:
    """Nothing is made up about a library that Pullcord does not know."""
    model = span(2, attributes={"gen_ai.operation.name": "chat"}, scope="acme.tracing", scope_version="3")
    run = normalise([root(), model])
    assert run.instrumentations == ("acme.tracing 3",)
    hints = {gap.field: gap.hint for gap in run.gaps}
    assert "acme.tracing is no instrumentation whose settings Pullcord knows" in hints["prompt"]


def test_instrumentations_are_named_as_their_packages_with_the_version() -> None:
    """In the order in which they show up, once each; scopes that wrote nothing of the run are left out."""
    other = span(9, scope="opentelemetry.instrumentation.httpx", scope_version="1", attributes={"http.method": "GET"})
    assert normalise([*written.google_adk(), other]).instrumentations == ("google-adk 1.18.0",)
    assert normalise(written.traceloop()).instrumentations == ("Traceloop OpenLLMetry", "Traceloop OpenLLMetry 0.47.0")
