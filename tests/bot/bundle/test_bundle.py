"""A bundle: the same bytes for the same incident, whole without the store, and any change to it is found and named."""

import base64
import hashlib
import io
import json
import random
import tracemalloc
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.bundle.lines import Hashing, line
from bot.bundle.verify import Checked, check_bundle
from bot.bundle.write import write_bundle
from bot.domain.catalogue import Catalogue, ToolRule
from bot.domain.effect import Reversibility
from bot.domain.events import PULLCORD, EffectsListed, RunAttached
from bot.domain.span import SpanRecord
from bot.engine.attaching import in_parts
from bot.recorder.dialects import with_packs
from bot.recorder.normalise import normalise
from bot.recorder.reader import reader
from bot.recorder.run_reading import RunReading, read_run, reading_of
from bot.timeline.chain import Chain
from bot.timeline.store import Store
from bot.timeline.timeline import Write
from tests.bot.recorder.samples import chat, root, span, tool
from tests.support.incidents import note, open_one
from tests.support.parcels.courier_marks import courier_marks
from tests.support.store import CHAIN_KEY

AT = datetime(2026, 6, 9, tzinfo=UTC)
CATALOGUE = Catalogue(rules=(ToolRule(name="pay", reversibility=Reversibility.IRREVERSIBLE),))
KEY = Chain(CHAIN_KEY)
SPANS = [
    root(),
    chat(2, {"id": "c1", "name": "pay", "arguments": {"b": 2, "a": 1}}),
    tool(3, "pay", call_id="c1", result="x"),
]


async def attach(store: Store, incident_id: str, spans: list[SpanRecord], catalogue: Catalogue = CATALOGUE) -> str:
    """Read, freeze and attach a run as the engine does; the hash of its evidence."""
    return await attach_read(store, incident_id, reading_of(normalise(spans), spans, catalogue, AT), catalogue)


async def attach_read(store: Store, incident_id: str, read: RunReading, catalogue: Catalogue = CATALOGUE) -> str:
    """Attach what was read."""
    name = await store.evidence.put(read.frozen)
    parts = list(in_parts(read.effects))
    run = RunAttached(
        at=AT,
        by=PULLCORD,
        run=read.summary,
        evidence=name,
        evidence_bytes=len(read.frozen),
        source="otlp",
        alerted=True,
        catalogue=catalogue.version,
        parts=len(parts),
        configuration="c0ffee",
    )
    listed = [
        EffectsListed(at=AT, by=PULLCORD, trace_id=read.summary.trace_id, evidence=name, part=n, effects=part)
        for n, part in enumerate(parts, 1)
    ]
    await store.incidents.write(incident_id, f"run:{name}", lambda _: Write(events=(run, *listed)))
    return name


async def bundle_of(store: Store, incident_id: str) -> bytes:
    """The bundle's bytes."""
    out = io.BytesIO()
    await write_bundle(store.incidents, store.evidence, store.chain, incident_id, out)
    return out.getvalue()


async def an_incident(store: Store) -> str:
    """With a note and a run."""
    opened = await open_one(store)
    await store.incidents.write(opened.incident_id, "note", lambda _: note("seen"))
    await attach(store, opened.incident_id, SPANS)
    return opened.incident_id


def check(folder: Path, raw: bytes, chain: Chain | None = KEY) -> Checked:
    """What verify finds in these bytes."""
    path = folder / "bundle.jsonl"
    path.write_bytes(raw)
    return check_bundle(path, chain)


def sealed_anew(lines: list[dict[str, Any]], key: Chain) -> bytes:
    """The bundle that somebody makes who changed lines and mended every hash, without Pullcord's chain key."""
    hashing, out = Hashing(), b""
    for one in lines:
        if "manifest" in one or "seal" in one:
            continue
        if "part" in one:
            hashing.begin(str(one["part"]))
        event = one.get("entry")
        if event is not None:
            rest = json.dumps({k: v for k, v in one.items() if k != "entry"}, sort_keys=True, separators=(",", ":"))
            raw = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
            written = b'{"entry":' + raw.encode() + b"," + rest.encode()[1:] + b"\n"
        else:
            written = line(one)
        hashing.feed(written)
        out += written
    whole = hashing.end()
    parts: Any = [part.model_dump(mode="json") for part in hashing.parts]
    manifest = line({"manifest": {"parts": parts, "key_id": key.key_id, "code": key.sign("bundle", whole)}})
    return out + manifest + line({"seal": hashing.over(manifest)})


def lines_of_bundle(raw: bytes) -> list[dict[str, Any]]:
    """Parsed."""
    return [json.loads(one) for one in raw.splitlines()]


async def test_a_bundle_holds_all_and_is_the_same_bytes_each_time(store: Store, tmp_path: Path) -> None:
    """Timeline with codes, incident, run, effects, rules, spans; nothing of when it was exported."""
    incident_id = await an_incident(store)
    raw = await bundle_of(store, incident_id)
    assert await bundle_of(store, incident_id) == raw
    kinds = {next(iter(one)) for one in lines_of_bundle(raw)}
    assert {"entry", "run", "rule", "effect", "span", "stored", "manifest", "seal"} <= kinds
    checked = check(tmp_path, raw)
    assert (checked.ok, checked.entries, checked.runs, checked.notes, checked.open) == (True, 4, 1, [], [])


async def test_any_flipped_bit_is_found(store: Store, tmp_path: Path) -> None:
    """Wherever it is: 1,500 random places, and every bit of the last two lines; with and without the chain key."""
    raw = await bundle_of(store, await an_incident(store))
    tail = len(b"\n".join(raw.splitlines()[-1:])) + 400
    rng = random.Random(7)
    places = {(rng.randrange(len(raw)), rng.randrange(8)) for _ in range(1500)}
    places |= {(at, bit) for at in range(len(raw) - tail, len(raw)) for bit in range(8)}
    for number, (at, bit) in enumerate(sorted(places)):
        broken = raw[:at] + bytes([raw[at] ^ (1 << bit)]) + raw[at + 1 :]
        checked = check(tmp_path, broken, KEY if number % 2 else None)
        assert not checked.ok, (at, bit, raw[max(0, at - 20) : at + 20])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_cut_insertion_or_removal_passes(kept_bundle: bytes, tmp_path: Path, data: st.DataObject) -> None:
    """Bytes taken out, put in, doubled or moved, whole lines too."""
    raw, lines = kept_bundle, kept_bundle.splitlines(keepends=True)
    start = data.draw(st.integers(0, len(raw) - 1))
    end = data.draw(st.integers(start + 1, len(raw)))
    one, other = data.draw(st.integers(0, len(lines) - 1)), data.draw(st.integers(0, len(lines) - 1))
    swapped = list(lines)
    swapped[one], swapped[other] = swapped[other], swapped[one]
    changed = data.draw(
        st.sampled_from(
            [
                raw[:start] + raw[end:],
                raw[:end] + raw[start:],
                raw[:start] + data.draw(st.binary(min_size=1, max_size=9)) + raw[start:],
                b"".join(lines[:one] + lines[one + 1 :]),
                b"".join([*lines[: one + 1], *lines[one:]]),
                b"".join(swapped),
            ]
        )
    )
    assert check(tmp_path, changed, None).ok == (changed == raw)


@pytest.fixture
async def kept_bundle(store: Store) -> bytes:
    """A bundle for the property above."""
    return await bundle_of(store, await an_incident(store))


async def test_the_first_part_that_does_not_fit_is_named(store: Store, tmp_path: Path) -> None:
    """In words that lead to it."""
    raw = await bundle_of(store, await an_incident(store))
    trace = str(SPANS[0].trace_id)
    for old, new, named in (
        (b'"seen"', b'"sean"', "part “timeline”"),
        (b'"incident":{"', b'"incident":{ "', "part “incident”"),
        (b'"stored":"', b'"stored":"A', f"part “run {trace}”"),
        (b'"key_id":"', b'"key_id" :"', "part “timeline”"),
        (b'{"seal":"', b'{"seal":"0', "the seal"),
    ):
        assert named in check(tmp_path, raw.replace(old, new, 1)).problem
    assert "cut off" in check(tmp_path, b"".join(raw.splitlines(keepends=True)[:-2])).problem
    assert "no bundle" in check(tmp_path, b"{}\n").problem
    assert "cut off" in check(tmp_path, b"").problem


async def test_a_bundle_made_anew_by_someone_without_the_key_is_found(store: Store, tmp_path: Path) -> None:
    """Every hash mended: the codes of the timeline cannot be. Without the key here, that is said."""
    raw = await bundle_of(store, await an_incident(store))
    lines = lines_of_bundle(raw)
    said = next(one for one in lines if "entry" in one and "note_added" in json.dumps(one))
    said["entry"]["text"] = "nothing happened"
    forged = sealed_anew(lines, Chain(b"x" * 32))
    assert "part “timeline” does not fit: entry 2 was changed" in check(tmp_path, forged).problem
    stranger = check(tmp_path, forged, None)
    assert stranger.ok
    assert "whether Pullcord wrote it" in stranger.open[0]
    lines = lines_of_bundle(raw)
    summary = next(one["incident"] for one in lines if isinstance(one.get("incident"), dict))
    summary["severity"] = "SEV4"
    assert "part “incident” does not fit" in check(tmp_path, sealed_anew(lines, Chain(b"x" * 32)), None).problem


async def test_a_run_that_its_spans_do_not_give_is_found(store: Store, tmp_path: Path) -> None:
    """Even with every hash mended and no key here: the stored bytes, the readable lines, the spans must agree."""
    raw = await bundle_of(store, await an_incident(store))
    for change in ("tool_calls", "effect", "span", "rule"):
        lines = lines_of_bundle(raw)
        one = next(line for line in lines if change in line and "pay" in json.dumps(line))
        text = json.dumps(one).replace("pay", "pray")
        lines[lines.index(one)] = json.loads(text)
        assert text != json.dumps(one)
        problem = check(tmp_path, sealed_anew(lines, KEY), None).problem
        assert f"part “run {SPANS[0].trace_id}” does not fit" in problem


async def test_a_run_read_by_another_version_is_said_and_fits(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an upgrade old bundles still hold; what this version makes of the spans is a note."""
    raw = await bundle_of(store, await an_incident(store))
    monkeypatch.setattr("bot.bundle.parts.reader", lambda _packs: "9.0+another")
    checked = check(tmp_path, raw)
    assert checked.ok
    assert f"by another version ({reader()}; this is 9.0+another), which reads it the same" in checked.notes[0]


async def test_a_run_that_a_packs_dialect_read_is_read_again_with_it(store: Store, tmp_path: Path) -> None:
    """With the pack it fits; without it another code reads, and no false alarm is raised."""
    dialects = with_packs([courier_marks])
    said = {"courier.kind": "hand", "courier.tool": "deliver", "courier.with": '{"to": "door 7"}', "courier.got": "ok"}
    spans = [root(), span(2, attributes=said)]
    read = read_run([each.to_bytes() for each in spans], CATALOGUE, AT, dialects=dialects)
    assert [effect.tool for effect in read.effects] == ["deliver"]
    opened = await open_one(store)
    await attach_read(store, opened.incident_id, read)
    path = tmp_path / "bundle.jsonl"
    path.write_bytes(await bundle_of(store, opened.incident_id))
    assert (check_bundle(path, KEY, dialects).ok, check_bundle(path, KEY, dialects).notes) == (True, [])
    without = check_bundle(path, KEY)
    assert without.ok
    assert "by another version" in without.notes[0]
    assert "which reads it otherwise" in without.notes[0]


async def test_evidence_that_is_gone_is_said_in_the_bundle(store: Store, tmp_path: Path) -> None:
    """The rest of the incident is still exported."""
    opened = await open_one(store)
    name = await attach(store, opened.incident_id, SPANS)
    await store.connections.hot.call("DEL", f"{{pullcord}}:evidence:{name}")
    checked = check(tmp_path, await bundle_of(store, opened.incident_id))
    assert checked.ok
    assert "which is not in the bundle" in checked.open[0]


async def test_a_run_in_several_chunks_comes_back(store: Store, tmp_path: Path) -> None:
    """More than one line of stored bytes."""
    noise = "".join(random.Random(1).choices("0123456789abcdef ", k=2_000_000))
    opened = await open_one(store)
    spans = [root(), tool(2, "pay", call_id="c1", result=noise)]
    await attach(store, opened.incident_id, spans)
    raw = await bundle_of(store, opened.incident_id)
    assert sum("stored" in one for one in lines_of_bundle(raw)) > 1
    assert check(tmp_path, raw).ok


async def test_stored_bytes_that_inflate_without_end_are_not_unpacked_for_comparing(
    store: Store, tmp_path: Path
) -> None:
    """A bundle of some kilobytes that holds a gigabyte of line ends is refused at the first line that differs."""
    incident_id = await an_incident(store)
    bomb = zlib.compress(b"\n" * 300_000_000, 9)
    plain = [json.loads(written) for written in (await bundle_of(store, incident_id)).splitlines()]
    packed = [at for at, written in enumerate(plain) if "stored" in written]
    old = next(written["run"]["evidence"] for written in plain if "run" in written)
    text = json.dumps(plain[: packed[0]]).replace(old, hashlib.sha256(bomb).hexdigest())
    stored = {"stored": base64.b64encode(bomb).decode()}
    path = tmp_path / "bundle"
    path.write_bytes(sealed_anew([*json.loads(text), stored], Chain(b"k" * 32)))
    tracemalloc.start()
    checked = check_bundle(path, None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "readable lines are not those" in checked.problem
    assert peak < 50_000_000
