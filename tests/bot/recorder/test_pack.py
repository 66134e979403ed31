import json
import random
import string
import zlib

from bot.domain.span import SpanRecord
from bot.recorder.limits import Limits
from bot.recorder.normalise import normalise
from bot.recorder.otlp import JSON
from bot.recorder.pack import fit, pack, read_body
from bot.recorder.redact import Redactor
from tests.bot.recorder.samples import export, raw_span, root, span


def text(key: str, value: str) -> dict[str, object]:
    """An attribute as OTLP/JSON writes it."""
    return {"key": key, "value": {"stringValue": value}}


def test_what_is_packed_is_redacted_everywhere() -> None:
    """Attributes, events, names, status messages and the resource."""
    secret = "sk_" + "live_" + "".join(random.Random(3).choices(string.ascii_letters, k=24))
    body = export(
        raw_span(
            name=f"call {secret}",
            status={"code": 2, "message": secret},
            attributes=[
                text("a", secret),
                {"key": "b", "value": {"kvlistValue": {"values": [text("password", "x y")]}}},
            ],
            events=[{"name": "e", "attributes": [text("exception.message", secret)]}],
        ),
        service=secret,
    )
    [packed] = pack(read_body(body, JSON, "", Redactor(), Limits()).spans)
    assert secret.encode() not in packed.data
    assert b"x y" not in packed.data
    assert packed.data.count(b"[redacted: stripe_key]") == 5
    assert packed.service == "[redacted: stripe_key]"


def test_a_packed_span_says_whose_it_is_and_comes_back_whole() -> None:
    """Trace, span, parent, agent and service beside the bytes."""
    agent = text("gen_ai.agent.name", "refund-bot")
    body = export(raw_span(7, parentSpanId="0" * 15 + "1", attributes=[agent]), service="shop")
    export_ = read_body(body, JSON, "", Redactor(), Limits())
    [packed] = pack(export_.spans)
    assert (packed.span_id, packed.parent_id, packed.agent, packed.service) == (
        f"{7:016x}", f"{1:016x}", "refund-bot", "shop",
    )  # fmt: skip
    assert SpanRecord.from_bytes(packed.data) == export_.spans[0]


def noise(length: int) -> str:
    """Text that does not compress."""
    return "".join(random.Random(length).choices(string.printable, k=length))


def test_a_span_that_does_not_fit_one_value_is_cut_with_a_mark() -> None:
    """Cut, marked, and named as a gap; what fits once compressed is left whole."""
    limits = Limits(stored=50_000)
    large = span(2, attributes={"gen_ai.operation.name": "chat", "big": noise(300_000), "small": "kept"})
    cut = fit(large, limits)
    assert len(zlib.compress(cut.to_bytes())) <= 50_000
    assert cut.attributes["small"] == "kept"
    assert "were not stored" in str(cut.attributes["big"])
    gap = next(gap for gap in normalise([root(), cut]).gaps if gap.field == "size")
    assert "cut to fit the store" in gap.hint
    repetitive = span(3, attributes={"big": "abc " * 100_000})
    assert fit(repetitive, limits) == repetitive


def test_a_span_of_many_small_values_is_cut_too() -> None:
    """Nothing gets past the cap: in the end all attributes go."""
    many = span(2, attributes={noise(40 + n): noise(60 + n) for n in range(500)})
    cut = fit(many, Limits(stored=20_000))
    assert cut.attributes == {}
    assert "dropped" in cut.marks[-1]


def test_json_text_that_was_cut_is_no_json_any_more_and_still_read() -> None:
    """A cut prompt becomes text of one message; nothing fails."""
    prompt = json.dumps([{"role": "user", "content": noise(100_000)}])
    large = span(2, attributes={"gen_ai.operation.name": "chat", "gen_ai.input.messages": prompt})
    assert normalise([root(), fit(large, Limits(stored=20_000))]).model_calls
