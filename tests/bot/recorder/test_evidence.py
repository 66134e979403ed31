import pytest

from bot.errors import Refused
from bot.recorder.evidence import canonical_bytes, freeze, thaw
from bot.recorder.normalise import normalise
from tests.bot.recorder.samples import chat, root, tool

SPANS = [
    root(),
    chat(2, {"id": "c1", "name": "pay", "arguments": {"b": 2, "a": 1}}),
    tool(3, "pay", call_id="c1", result="x"),
]


def test_evidence_is_the_same_however_the_spans_came() -> None:
    """Order and resends do not change the hash; another catalogue or another span does."""
    run = normalise(SPANS)
    evidence = freeze(run, SPANS, "v1")
    assert freeze(normalise(SPANS[::-1]), [*SPANS[::-1], SPANS[1]], "v1") == evidence
    assert freeze(run, SPANS, "v2").sha256 != evidence.sha256
    assert freeze(normalise(SPANS[:2]), SPANS[:2], "v1").sha256 != evidence.sha256


def test_attribute_order_does_not_change_the_hash() -> None:
    """Canonical means sorted: the same attributes in another order are the same evidence."""
    turned = [s.model_copy(update={"attributes": dict(reversed(s.attributes.items()))}) for s in SPANS]
    assert freeze(normalise(turned), turned, "v1").sha256 == freeze(normalise(SPANS), SPANS, "v1").sha256


def test_evidence_thaws_to_what_was_frozen_from_chunks_under_the_cap() -> None:
    """Run, spans and catalogue version come back; no chunk is over the size asked for."""
    run = normalise(SPANS)
    evidence = freeze(run, SPANS, "v1", chunk=100)
    assert len(evidence.chunks) > 1
    assert all(len(chunk) <= 100 for chunk in evidence.chunks)
    frozen = thaw(evidence.chunks, evidence.sha256)
    assert (frozen.run, frozen.spans, frozen.catalogue) == (run, tuple(SPANS), "v1")
    assert len(canonical_bytes(evidence.chunks)) == evidence.size


@pytest.mark.parametrize("damage", ["cut", "flip", "other", "bomb", "empty"])
def test_damaged_evidence_is_refused(damage: str) -> None:
    """A lost chunk, a changed byte, other evidence under this name, a size over the limit: never half a run."""
    run = normalise(SPANS)
    evidence, other = freeze(run, SPANS, "v1", chunk=100), freeze(run, SPANS, "v2")
    chunks = {
        "cut": evidence.chunks[:-1],
        "flip": (
            evidence.chunks[0][:50] + bytes([evidence.chunks[0][50] ^ 1]) + evidence.chunks[0][51:],
            *evidence.chunks[1:],
        ),
        "other": other.chunks,
        "bomb": evidence.chunks,
        "empty": (),
    }[damage]
    with pytest.raises(Refused):
        thaw(chunks, evidence.sha256, limit=200 if damage == "bomb" else 10**9)
