import hashlib
import json
import zlib
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.catalogue import Catalogue, ToolRule
from bot.domain.effect import Reversibility
from bot.effects.assess import assess
from bot.errors import Refused
from bot.recorder.evidence import canonical_bytes, freeze, lines_of, thaw, thaw_run
from bot.recorder.normalise import normalise
from bot.recorder.reader import reader
from bot.recorder.run_reading import reading_of
from tests.bot.recorder.samples import chat, root, tool

V1 = Catalogue(rules=(ToolRule(name="pay", reversibility=Reversibility.IRREVERSIBLE),))
V2 = Catalogue()
NOW = datetime(2026, 6, 9, tzinfo=UTC)
SPANS = [
    root(),
    chat(2, {"id": "c1", "name": "pay", "arguments": {"b": 2, "a": 1}}),
    tool(3, "pay", call_id="c1", result="x"),
]


def test_evidence_is_the_same_however_the_spans_came() -> None:
    """Order and resends do not change the hash; another catalogue or another span does."""
    run = normalise(SPANS)
    evidence = freeze(run, SPANS, V1)
    assert freeze(normalise(SPANS[::-1]), [*SPANS[::-1], SPANS[1]], V1) == evidence
    assert freeze(run, SPANS, V2).sha256 != evidence.sha256
    assert freeze(normalise(SPANS[:2]), SPANS[:2], V1).sha256 != evidence.sha256


def test_attribute_order_does_not_change_the_hash() -> None:
    """Canonical means sorted: the same attributes in another order are the same evidence."""
    turned = [s.model_copy(update={"attributes": dict(reversed(s.attributes.items()))}) for s in SPANS]
    assert freeze(normalise(turned), turned, V1).sha256 == freeze(normalise(SPANS), SPANS, V1).sha256


def test_evidence_thaws_to_what_was_frozen_from_chunks_under_the_cap() -> None:
    """Run, spans and catalogue version come back; no chunk is over the size asked for."""
    run = normalise(SPANS)
    evidence = freeze(run, SPANS, V1, chunk=100)
    assert len(evidence.chunks) > 1
    assert all(len(chunk) <= 100 for chunk in evidence.chunks)
    frozen = thaw(evidence.chunks, evidence.sha256)
    assert (frozen.run, frozen.spans, frozen.catalogue) == (run, tuple(SPANS), V1.version)
    assert len(canonical_bytes(evidence.chunks)) == evidence.size


def test_only_the_run_of_evidence_can_be_read() -> None:
    """For a page; damaged, cut or other bytes are refused as for the whole."""
    run = normalise(SPANS)
    packed = b"".join(freeze(run, SPANS, V1, assess(run, V1, NOW)).chunks)
    assert thaw_run(packed) == run
    for bad in (packed[:-9], b"", b"x" * 100, zlib.compress(b'{"span":{}}\n'), zlib.compress(b"no json\n")):
        with pytest.raises(Refused):
            thaw_run(bad)


@pytest.mark.parametrize("damage", ["cut", "flip", "other", "bomb", "empty"])
def test_damaged_evidence_is_refused(damage: str) -> None:
    """A lost chunk, a changed byte, other evidence under this name, a size over the limit: never half a run."""
    run = normalise(SPANS)
    evidence, other = freeze(run, SPANS, V1, chunk=100), freeze(run, SPANS, V2)
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


def test_evidence_holds_the_rules_the_effects_and_who_read_it() -> None:
    """All that is needed to say later why an effect was listed as it was."""
    run = normalise(SPANS)
    effects = assess(run, V1, NOW)
    frozen = thaw(freeze(run, SPANS, V1, effects).chunks)
    assert (frozen.format, frozen.rules, frozen.effects, frozen.reader) == (2, V1, tuple(effects), reader())
    assert frozen.rules.version == frozen.catalogue


def test_the_hour_at_which_a_run_is_read_does_not_change_its_evidence() -> None:
    """A window for undoing that closed between two readings is no other evidence; the timeline says what was shown."""
    window = {"name": "pay", "reversibility": "reversible", "undo_window": "2h"}
    rule = ToolRule.model_validate({**window, "after_window": "irreversible"})
    run, catalogue = normalise(SPANS), Catalogue(rules=(rule,))
    soon, late = (reading_of(run, SPANS, catalogue, NOW + timedelta(days=days)) for days in (-9000, 9000))
    assert {e.reversibility for e in soon.effects} != {e.reversibility for e in late.effects}
    assert soon.frozen == late.frozen


def test_evidence_of_format_1_still_reads() -> None:
    """Frozen before effects and rules were part of it."""
    run = normalise(SPANS)
    lines = [json.loads(line) for line in canonical_bytes(freeze(run, SPANS, V1).chunks).splitlines()]
    old = [line for line in lines if not line.keys() & {"head", "rule", "effect"}]
    head = {"head": {"format": 1, "trace_id": run.trace_id, "catalogue": "v1"}}
    raw = "".join(json.dumps(line, sort_keys=True) + "\n" for line in (head, *old)).encode()
    frozen = thaw([zlib.compress(raw)], hashlib.sha256(raw).hexdigest())
    assert (frozen.format, frozen.run, frozen.spans, frozen.catalogue) == (1, run, tuple(SPANS), "v1")
    assert (frozen.effects, frozen.reader, frozen.rules) == ((), "", Catalogue())


def test_lines_are_read_one_by_one_and_a_cut_is_found() -> None:
    """What an export streams is what is thawed."""
    packed = b"".join(freeze(normalise(SPANS), SPANS, V1).chunks)
    assert b"".join(lines_of(packed)) == canonical_bytes([packed])
    for broken in (packed[:-1], packed + b"x", packed[:20] + b"\0" + packed[21:]):
        with pytest.raises(Refused):
            list(lines_of(broken))
