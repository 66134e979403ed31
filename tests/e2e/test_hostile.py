"""Hostile texts and secrets through the whole system: nothing comes alive in Slack, no secret is kept anywhere."""

import json
import secrets
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from bot.timeline.embedded import running_store
from tests.support.stored import stored_bytes
from tests.support.world import AGENT, DANA, LEE, World, alert, bad_run

pytestmark = pytest.mark.e2e
HOSTILE = Path(__file__).resolve().parents[3] / "shared" / "data" / "webhooks" / "hostile"
TRACE = "bad0" + "0" * 28
NASTY = (
    "<!channel> <!here|here> <!everyone> <@U0MO> <@U0MO|boss> <!subteam^S0SRE> <#C0GENERAL> "
    "<https://evil.example|your bank> https://evil.example/login mailto:a@evil.example "
    "&lt;!channel&gt; <!date^1^{date}|x> @channel @everyone\u202e ``` *bold* \x1b[31m\x00"
)
OURS = {DANA, LEE}
"""Whom Pullcord may mention: those on call. Nobody that a foreign text names."""


async def test_nothing_foreign_is_live_in_slack(world: World) -> None:
    """Names, summaries, labels, prompts, tool names and arguments are hostile; so is every file of shared data."""
    await world.start()
    await world.spans(*bad_run(TRACE, said=NASTY, customer_id=NASTY, note="https://evil.example/?q=1"))
    await world.deliver(
        alert("a", trace_id=TRACE, title=NASTY, summary=NASTY, severity=NASTY, labels={NASTY: NASTY}),
        alert("b", title=f"{NASTY} 2", agent=f"bot {NASTY}", trace_url="https://evil.example/run"),
        alert("c", title="plain", summary=NASTY * 100),
    )
    statuses = [await _raw(world, path.read_bytes()) for path in sorted(HOSTILE.glob("*.json")) if HOSTILE.is_dir()]
    await world.until("three incidents at least", lambda: _opened(world, 3))
    await world.quiet()
    await world.press(LEE, "Resolve")
    await world.fill(LEE, reason=NASTY)
    await world.quiet()
    seen, links = await _live(world)
    print(
        f"\n{len(statuses)} hostile bodies answered {sorted(set(statuses))}; {seen} messages looked at, links {links}"
    )
    assert set(statuses) <= {202, 413, 415, 422}
    assert not {link for link in links if not link.startswith(world.origin)}
    assert '"level": "error"' not in world.logs()


async def test_a_secret_made_now_is_kept_nowhere(world: World) -> None:
    """In an alert, a prompt, an argument and a result: not in Slack, not in a log, in no stored byte."""
    kept = [f"sk-ant-api03-{secrets.token_urlsafe(32)}1", f"ghp_{secrets.token_hex(18)}", f"AKIA{_upper(16)}"]
    password = f"hunter-{secrets.token_hex(12)}"
    said = " ".join(kept)
    await world.start()
    await world.spans(
        *bad_run(TRACE, said=f"my keys are {said}", customer_id=f"cus {said}", password=password, amount_cents=42000)
    )
    await world.deliver(
        alert("a", trace_id=TRACE, title=f"Leak {kept[0]}", summary=said, labels={"key": kept[1], "password": password})
    )
    await world.button("Revoke issue_refund")
    await world.press(LEE, "Open eval case")
    await world.fill(LEE, expected=f"Never say {kept[2]}.", arguments="")
    await world.execution("succeeded")
    channel = (await world.incident())["channel"]
    typed = await world.slack.post(LEE, channel, f"it said {kept[2]}")
    await world.slack.react(LEE, channel, typed["ts"], "pushpin")
    await world.slack.slash(LEE, channel, "/pullcord", f"note saw {kept[0]}")
    await world.press(LEE, "Resolve")
    await world.fill(LEE, reason=f"rotated {kept[1]}")
    await world.until("resolved", lambda: _resolved(world))
    await world.quiet()
    slack = json.dumps(
        [
            [m for m in await world.slack.messages(c["id"]) if m["ts"] != typed["ts"]]
            for c in await world.slack.channels()
        ]
    )
    address = await running_store(world.folder / "data")
    assert address is not None
    with Redis.from_url(address) as client:
        stored = stored_bytes(client)
    files = b"".join(p.read_bytes() for p in (world.folder / "evals.git").rglob("*") if p.is_file())
    found = {
        place: [s for s in (*kept, password) if s.encode() in held]
        for place, held in {
            "slack": slack.encode(), "log": world.logs().encode(), "store": stored, "eval repository": files
        }.items()
    }  # fmt: skip
    print(f"\nlooked at {len(stored):,} stored bytes, {len(slack):,} of Slack: {found}")
    assert found == {place: [] for place in found}


async def _resolved(world: World) -> bool:
    return bool((await world.incident())["state"] == "resolved")


async def _raw(world: World, body: bytes) -> int:
    headers = {"authorization": f"Bearer {world.environment['ALERT_TOKEN']}", "content-type": "application/json"}
    answer = await world.http.post(f"{world.origin}/alerts/generic", content=body, headers=headers)
    return answer.status_code


async def _live(world: World) -> tuple[int, set[str]]:
    """Look at each message of the bot; the links that are live."""
    seen, links = 0, set[str]()
    own = {i["channel"] for i in await world.incidents()}
    for channel in await world.slack.channels():
        for message in await world.slack.messages(channel["id"]):
            if message["user"] != "U0BOT" or message.get("subtype"):
                continue
            live: dict[str, Any] = await world.slack.references(channel["id"], message["ts"])
            assert set(live["users"]) <= OURS, (live, message["text"])
            assert live["groups"] + live["broadcasts"] == [], (live, message["text"])
            assert set(live["channels"]) <= own, (live, message["text"])
            links |= set(live["links"])
            seen += 1
    return seen, links


async def _opened(world: World, count: int) -> bool:
    found = await world.incidents()
    return len(found) >= count and any(i["agent"] == AGENT for i in found) and all(i["root_ts"] for i in found)


def _upper(length: int) -> str:
    return "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(length))
