"""Ids, times and JSON that other programs wrote, read without a surprise."""

import math
from typing import Any

import pytest

from bot.errors import Refused
from handlers.traces import fields


@pytest.mark.parametrize(
    "number",
    ["1e999", "-1e999", "1E+400", "[1e400]", '{"a": 1e999}', "9" * 400, "-" + "9" * 400, "[0, 1.5e310]", " 1e999"],
)
def test_a_number_that_json_cannot_hold_becomes_a_text(number: str) -> None:
    """Infinity, or digits without end, would break whoever writes it again."""

    def held(value: Any) -> list[Any]:
        if isinstance(value, dict):
            return [inner for item in value.values() for inner in held(item)]
        return [inner for item in value for inner in held(item)] if isinstance(value, list) else [value]

    for value in held(fields.document(number.encode(), "Store")):
        assert isinstance(value, str) or (abs(value) < 2**64 and math.isfinite(value))


def test_numbers_that_fit_stay_numbers_beside_ids_that_look_like_exponents() -> None:
    """Hex ids are full of ``5e10``."""
    body = b'{"id": "5cc2de60e211604aa0bc088c09152af4", "a": 1e30, "b": [0.25, -7], "c": 18446744073709551615}'
    assert fields.document(body, "Store") == {
        "id": "5cc2de60e211604aa0bc088c09152af4",
        "a": 1e30,
        "b": [0.25, -7],
        "c": 2**64 - 1,
    }


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe{", b"NaN", b"[" * 200 + b"]" * 200, b'"\\ud800"'])
def test_what_is_no_json_is_refused_with_the_store_named(body: bytes) -> None:
    """Never another exception."""
    with pytest.raises(Refused, match="Phoenix's answer"):
        fields.document(body, "Phoenix")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-11-23T12:00:00.123456Z", 1_795_435_200_123_456_000),
        ("2026-11-23T13:00:00.123456789+01:00", 1_795_435_200_123_456_000),
        ("2026-11-23T12:00:00.123456", 1_795_435_200_123_456_000),
        ("2026-11-23", 1_795_392_000_000_000_000),
        ("1969-12-31T23:59:59Z", 0),
        ("0001-01-01T00:00:00+23:59", 0),
        ("9999-12-31T23:59:59-23:59", 0),
        ("2026-02-30T00:00:00Z", 0),
        ("soon", 0),
        ("", 0),
        (None, 0),
        (1_795_435_200, 0),
    ],
)
def test_times_are_nanoseconds_or_unknown(written: Any, expected: int) -> None:
    """Without a zone it is UTC; 0 is "not recorded"."""
    assert fields.nanoseconds(written) == expected


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        ("5CC2DE60E211604AA0BC088C09152AF4", "5cc2de60e211604aa0bc088c09152af4"),
        ("5cc2de60-e211-604a-a0bc-088c09152af4", "5cc2de60e211604aa0bc088c09152af4"),
    ],
)
def test_trace_ids_that_are_hex_stay_what_they_are(native: str, expected: str) -> None:
    """So that a run is the same one wherever it was found."""
    assert fields.trace_id_of(native) == expected


def test_other_ids_become_digests_that_stay_the_same() -> None:
    """And never all zeros, which is no id."""
    for native in ("order 7", "é", "0" * 32, "00000000-0000-0000-0000-000000000000", "x" * 5_000):
        found = fields.trace_id_of(native)
        assert found == fields.trace_id_of(native)
        assert len(found) == 32
        assert found.strip("0")
        assert len(fields.span_id_of(native)) == 16


def test_a_span_id_that_was_padded_to_a_uuid_is_itself() -> None:
    """LangSmith pads OpenTelemetry's ids so; other UUIDs are of its own making."""
    assert fields.span_id_of("00000000-0000-0000-94ef-4f40e2bf5323") == "94ef4f40e2bf5323"
    assert fields.span_id_of("94EF4F40E2BF5323") == "94ef4f40e2bf5323"
    assert fields.span_id_of("9228c40d-cd3f-5b95-bbe5-849dd72fa7c9") != fields.span_id_of(
        "9228c40d-cd3f-5b95-bbe5-849dd72fa7c8"
    )


@pytest.mark.parametrize(
    ("link", "path"),
    [
        ("https://a.example/base/x", "/x"),
        ("https://a.example:443/base/x", "/x"),
        ("https://A.example/base/x", "/x"),
        ("https://a.example/base", ""),
        ("https://a.example/basement/x", None),
        ("https://a.example/base/../x", None),
        ("https://a.example/base/%2e%2e/x", None),
        ("https://user@a.example/base/x", None),
        ("https://a.example:8443/base/x", None),
        ("https://a.example:99999/base/x", None),
        ("http://a.example/base/x", None),
        ("//a.example/base/x", None),
        ("https://a.example.evil/base/x", None),
        ("https://[::1/base/x", None),
        ("https://a.example/base/" + "x" * 9_000, None),
    ],
)
def test_only_links_below_a_base_are_looked_at(link: str, path: str | None) -> None:
    """Whoever sends alerts chooses links."""
    found = fields.below(link, ["https://a.example/base"])
    assert (found.path if found else None) == path
