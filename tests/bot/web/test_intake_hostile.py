"""Bodies that are meant to break the intake: each is taken or refused with the field named; never a 500."""

import asyncio
import gzip
import json
import logging
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from bot.domain.alert import Alert
from bot.domain.work import Work
from bot.timeline.store import Store
from tests.support.clock import ManualClock
from tests.support.stored import stored_bytes
from tests.support.web import BEARER, bearer, serving, settings

HOSTILE = Path(__file__).parents[4] / "shared" / "data" / "webhooks" / "hostile"
FILES = sorted(HOSTILE.glob("*.json*")) if HOSTILE.is_dir() else []
SOURCES = ("alertmanager", "generic")
SIGNED_IN = bearer(BEARER)


def well_answered(reply: httpx.Response) -> dict[str, Any]:
    """The contract: 202, or 413, 415 or 422 that names the field."""
    assert reply.status_code in {202, 413, 415, 422}, reply.text[:300]
    told: dict[str, Any] = reply.json()
    if reply.status_code == 202:
        assert told["accepted"] == len(told["ids"]) > 0
    else:
        assert told["error"]["field"]
        assert told["error"]["reason"]
    return told


def firing(**fields: Any) -> dict[str, Any]:
    """A firing alert of Alertmanager with these fields changed."""
    return {
        "status": "firing",
        "labels": {"alertname": "RefundsHigh", "agent": "refund-bot"},
        "annotations": {"summary": "s"},
        "startsAt": "2026-11-23T11:59:00Z",
        **fields,
    }


def alertmanager(*alerts: Any, **fields: Any) -> dict[str, Any]:
    """A notification of Alertmanager."""
    return {"version": "4", "alerts": list(alerts), **fields}


@pytest.mark.skipif(not FILES, reason="shared/data/webhooks/hostile does not lie beside this checkout")
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
async def test_each_recorded_hostile_body_is_taken_or_refused_by_name(
    web: httpx.AsyncClient, path: Path, source: str
) -> None:
    """As it lies there, whatever it claims to be."""
    well_answered(await web.post(f"/alerts/{source}", content=path.read_bytes(), headers=SIGNED_IN))


def nested(levels: int) -> bytes:
    """Lists in lists."""
    return b'{"title":"x","x":' + b"[" * levels + b"]" * levels + b"}"


GENERATED: dict[str, tuple[Callable[[], bytes], set[int]]] = {
    "empty": (lambda: b"", {422}),
    "scalar null": (lambda: b"null", {422}),
    "scalar number": (lambda: b"1", {422}),
    "scalar text": (lambda: b'"x"', {422}),
    "scalar true": (lambda: b"true", {422}),
    "empty list": (lambda: b"[]", {422}),
    "empty object": (lambda: b"{}", {422}),
    "100,000 levels": (lambda: nested(100_000), {422}),
    "1,000 levels": (lambda: nested(1_000), {422}),
    "not a number": (lambda: b'{"title":"x","v":NaN}', {422}),
    "infinity": (lambda: b'{"title":"x","v":-Infinity}', {422}),
    "utf-16": (lambda: '{"title":"x"}'.encode("utf-16"), {422}),
    "utf-32": (lambda: '{"title":"x"}'.encode("utf-32"), {422}),
    "trailing": (lambda: b'{"title":"x"}{"title":"y"}', {422}),
    "cut off": (lambda: b'{"title":"x","alerts":[{"labels":{', {422}),
    "form": (lambda: b"payload=%7B%7D", {422}),
    "a number of 5,000 digits": (lambda: b'{"title":"x","n":' + b"9" * 5_000 + b"}", {422}),
    "a body over the cap": (lambda: b'{"title":"' + b"x" * 10_000_000 + b'"}', {413}),
    "10,001 alerts": (lambda: json.dumps([{"title": "x"}] * 10_001).encode(), {422}),
    # taken, since a page can be made of it
    "duplicate keys": (lambda: b'{"title":"a","title":"b"}', {202}),
    "byte order mark": (lambda: b'\xef\xbb\xbf{"title":"x"}', {202}),
    "invalid utf-8": (lambda: b'{"title":"x\xc3\x28\xff"}', {202}),
    "half an emoji": (lambda: b'{"title":"x \\ud83d"}', {202}),
    "half an emoji first": (lambda: b'{"title":"x \\udc00\\ud83d\\ude00 \\\\ud83d"}', {202}),
    "1 MB text": (lambda: json.dumps({"title": "x" * 1_000_000, "summary": "y" * 1_000_000}).encode(), {202}),
    "10,000 labels": (
        lambda: json.dumps({"title": "x", "labels": {f"l{n}": f"/v/{n}" for n in range(10_000)}}).encode(),
        {202},
    ),
    "150 levels": (lambda: nested(150), {202}),
    "infinite number": (lambda: b'{"title":"x","starts_at":1e999999,"severity":-1e999999}', {202}),
    "huge time": (lambda: b'{"title":"x","starts_at":' + b"9" * 300 + b"}", {202}),
    "odd types": (lambda: b'{"title":["x"],"dedup_key":7,"agent":{},"status":[],"labels":[1],"trace_url":3}', {202}),
    "format strings": (lambda: b'{"title":"{0.__class__} %s %n ${x} {{7*7}} {title}","agent":"%(a)s"}', {202}),
    "redis keys": (lambda: b'{"title":"x\\r\\nFLUSHALL","dedup_key":"{pullcord}:INC-1:timeline","agent":"*"}', {202}),
    "prototype": (lambda: b'{"title":"x","__proto__":{"a":1},"constructor":{},"labels":{"__class__":"x"}}', {202}),
    "controls": (lambda: b'{"title":"\\u0000\\u0007\\u001b[31mred\\u202e\\u0000"}', {202}),
}


@pytest.mark.parametrize("name", GENERATED)
async def test_each_generated_hostile_body_is_taken_or_refused_by_name(web: httpx.AsyncClient, name: str) -> None:
    """Within two seconds, the largest included."""
    make, expected = GENERATED[name]
    body = make()
    began = time.monotonic()
    reply = await web.post("/alerts/generic", content=body, headers=SIGNED_IN)
    assert time.monotonic() - began < 2
    well_answered(reply)
    assert reply.status_code in expected, reply.text[:300]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"version": 10**400}, "version"),
        ({"version": ["4"]}, "version"),
        ({"version": "3"}, "version"),
        ({"alerts": None}, "alerts"),
        ({"alerts": {"0": {}}}, "alerts"),
        ({"alerts": []}, "alerts"),
        ({"alerts": [None]}, "alerts.0.(alert)"),
        ({"alerts": [firing(status={})]}, "alerts.0.status"),
        ({"alerts": [firing(labels=[])]}, "alerts.0.labels"),
    ],
)
async def test_wrong_types_of_alertmanager_are_refused_by_field(
    web: httpx.AsyncClient, change: dict[str, Any], field: str
) -> None:
    """422 with the field."""
    reply = await web.post("/alerts/alertmanager", json={**alertmanager(firing()), **change}, headers=SIGNED_IN)
    assert reply.status_code == 422
    assert well_answered(reply)["error"]["field"] == field


@pytest.mark.parametrize(
    "change",
    [
        {"fingerprint": []},
        {"fingerprint": "f" * 5000},
        {"startsAt": {}},
        {"startsAt": "0001-01-01T00:00:00Z"},
        {"startsAt": "9999-12-31T23:59:59-23:59"},
        {"startsAt": "٢٠٢٦-11-23"},
        {"annotations": 7},
        {"annotations": {"summary": {"a": 1}}},
        {"generatorURL": 5},
        {"labels": {"": "", "alertname": None, "agent": ["x"], "severity": 1e308}},
    ],
)
async def test_odd_values_of_alertmanager_still_page(web: httpx.AsyncClient, change: dict[str, Any]) -> None:
    """An odd field is left out; the alert is taken."""
    reply = await web.post("/alerts/alertmanager", json=alertmanager(firing(**change)), headers=SIGNED_IN)
    assert reply.status_code == 202


async def test_two_thousand_alerts_are_all_taken(web: httpx.AsyncClient, store: Store) -> None:
    """In one body, in order, none lost."""
    body = alertmanager(*(firing(labels={"alertname": f"a{n}"}) for n in range(2_000)))
    reply = await web.post("/alerts/alertmanager", json=body, headers=SIGNED_IN)
    assert reply.json()["accepted"] == len(set(reply.json()["ids"])) == 2_000
    assert (await store.work.depth()).waiting == 2_000


async def test_a_gzip_body_is_read(web: httpx.AsyncClient) -> None:
    """Also when several members follow one another."""
    plain = json.dumps(alertmanager(firing())).encode()
    for packed in (gzip.compress(plain), gzip.compress(plain[:20]) + gzip.compress(plain[20:])):
        headers = {**SIGNED_IN, "content-encoding": "gzip"}
        assert (await web.post("/alerts/alertmanager", content=packed, headers=headers)).status_code == 202


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("gzip", gzip.compress(b" " * 100_000_000), 413),
        ("gzip, gzip", gzip.compress(gzip.compress(b'{"title":"x"}')), 415),
        ("br", b"x", 415),
        ("gzip", b"not gzip at all", 422),
        ("gzip", gzip.compress(b'{"title":"x"}')[:-9], 422),
    ],
    ids=["bomb", "twice", "brotli", "no gzip", "cut off"],
)
async def test_what_cannot_be_inflated_is_refused_by_name(
    web: httpx.AsyncClient, encoding: str, body: bytes, status: int
) -> None:
    """Within the caps: a bomb costs no more than the cap."""
    reply = await web.post("/alerts/generic", content=body, headers={**SIGNED_IN, "content-encoding": encoding})
    assert reply.status_code == status
    well_answered(reply)


async def test_a_body_over_the_cap_is_refused_before_it_is_sent_whole(store: Store, clock: ManualClock) -> None:
    """By its announced length, and by what really arrives where none is announced."""
    small = settings(intake={"max_body": 1000})

    async def chunks() -> Any:
        for _ in range(50):
            yield b" " * 100

    async with serving(store, clock, configured=small) as web:
        assert (await web.post("/alerts/generic", content=b" " * 1001, headers=SIGNED_IN)).status_code == 413
        assert (await web.post("/alerts/generic", content=chunks(), headers=SIGNED_IN)).status_code == 413


async def test_what_was_mended_keeps_its_meaning(web: httpx.AsyncClient, store: Store) -> None:
    """Only the broken letters are replaced; an escaped backslash before ``ud83d`` is no surrogate."""
    body = b'{"title":"a \\ud83d b \\ud83d\\ude00 c \\\\ud83d \xff"}'
    await web.post("/alerts/generic", content=body, headers=SIGNED_IN)
    [leased] = await store.work.take("test", 10, 10)
    assert Alert.model_validate(leased.item.payload).name == "a \ufffd b \U0001f600 c \\ud83d \ufffd"


def made_up_secrets() -> dict[str, str]:
    """Secrets of the known shapes, made now so that none lies in this file."""
    digits, word = secrets.token_hex(24), secrets.token_urlsafe(40).replace("-", "a").replace("_", "b")
    return {
        "slack": f"xoxb-{'1' * 12}-{'2' * 12}-{word[:24]}",
        "github": f"ghp_{word[:36]}",
        "aws": f"AKIA{'ABCDEFGH23456789'}",
        "openai": f"sk-proj-{word}",
        "anthropic": f"sk-ant-api03-{word}",
        "stripe": f"sk_live_{word[:24]}",
        "jwt": f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{word[:43]}",
        "password": f"pw{digits}",
    }


async def test_secrets_reach_neither_the_store_nor_a_log_nor_the_answer(
    web: httpx.AsyncClient, store: Store, raw: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    """In label names and values, annotations, links, names, fingerprints; also across the place where a text is cut."""
    caplog.set_level(logging.DEBUG)
    made = made_up_secrets()
    answers = b""
    for source in SOURCES:
        for kind, secret in made.items():
            told = f"password={secret}" if kind == "password" else secret
            cut = "x" * 980 + " " + told + " y" * 100  # summaries are cut at 1,000
            labels = {"alertname": f"n {told}", "agent": told, "severity": told, "api_key": secret, told: "v", "l": cut}
            notes = {"summary": cut, "description": told, "trace_url": f"https://traces/x?{told}"}
            url = f"https://x/y?{told}"
            body: Any = alertmanager(
                firing(labels=labels, annotations=notes, generatorURL=url, fingerprint=told), firing(labels=told)
            )
            if source == "generic":
                body = [
                    {
                        "title": told,
                        "dedup_key": told,
                        "agent": told,
                        "summary": cut,
                        "labels": labels,
                        "trace_url": url,
                    },
                    {"dedup_key": {}, "summary": told},
                ]
            reply = await web.post(f"/alerts/{source}", json=body, headers=SIGNED_IN)
            assert reply.status_code == 202
            answers += reply.content
            reply = await web.post(f"/alerts/{source}", json={"version": told, "alerts": told}, headers=SIGNED_IN)
            assert reply.status_code == 422
            answers += reply.content
    stored = stored_bytes(raw)
    assert b"RefundsHigh" not in stored
    assert stored.count(b'"kind":"alert"') == 2 * len(made)
    for kind, secret in made.items():
        for place, text in (("store", stored), ("answer", answers), ("log", caplog.text.encode())):
            assert secret.encode() not in text, f"{kind} in the {place}"
            assert secret[:16].encode() not in text.replace(b"eyJhbGciOiJIUzI1", b""), (
                f"a part of {kind} in the {place}"
            )


async def test_alerts_that_differ_in_a_secret_only_stay_two(web: httpx.AsyncClient, store: Store) -> None:
    """Taking the secret out of what tells them apart must not lose one of them."""
    made = made_up_secrets()
    bodies = [{"title": "t", "dedup_key": f"k-{made[name]}"} for name in ("github", "github", "slack")]
    ids = [(await web.post("/alerts/generic", json=body, headers=SIGNED_IN)).json()["ids"][0] for body in bodies]
    assert ids[0] == ids[1] != ids[2]


async def test_a_large_body_does_not_hold_up_others(web: httpx.AsyncClient) -> None:
    """While 9 MB are read, every small alert is taken; one that is told to come again is taken when it does."""
    large = json.dumps([{"title": f"t{n}", "summary": "s" * 1000} for n in range(8_000)]).encode()
    slow = asyncio.create_task(web.post("/alerts/generic", content=large, headers=SIGNED_IN))
    taken = 0
    while not slow.done():
        small = await web.post("/alerts/generic", json={"title": "small"}, headers=SIGNED_IN)
        if small.status_code == 503:  # the store did not confirm in half a second: the machine is busy, not the intake
            assert int(small.headers["retry-after"]) >= 1
            small = await web.post("/alerts/generic", json={"title": "small"}, headers=SIGNED_IN)
        assert small.status_code == 202
        taken += 1
    assert (await slow).json()["accepted"] == 8_000
    assert taken > 0


async def test_trouble_is_told_with_the_kind_of_work_that_people_see(web: httpx.AsyncClient, store: Store) -> None:
    """What an authenticated sender sent and we refused is work, once an hour and source."""
    for _ in range(3):
        await web.post("/alerts/generic", content=b"not json", headers=SIGNED_IN)
    items = [leased.item for leased in await store.work.take("test", 10, 10)]
    assert [item.kind for item in items] == [Work.SOURCE_TROUBLE]
    assert "not JSON" in str(items[0].payload["reason"])
