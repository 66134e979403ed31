"""How long from a click to its ack, with the click on disk before the ack, against two floors in the same run.

    python bench/ack.py [--clicks 100]

`bolt` is slack-bolt's own empty listener, `xadd` a listener that makes one XADD and answers; both in Socket Mode, as
Pullcord. The time is the stand-in workspace's: from sending the interaction to having the ack. The button is Take
command, pressed by two people in turn, so that each click is a change that goes on the timeline.
Goals: p99 at most twice the XADD floor, p50 below Bolt's empty listener.
"""

import argparse
import asyncio
import time
from typing import Any

import httpx

from bench.rig import Rig, alert, quantiles, rig, verdict
from sandbox.demo.processes import Process
from sandbox.slack.client import SandboxClient
from tests.peers.place import free_port

Button = tuple[str, str, str | None]
"""The message, the action id and the value of what is pressed."""

_EACH = 15
"""Clicks on one incident: the stand-in remembers what a card showed before its last twenty edits."""


async def card(slack: SandboxClient, app: Process, environment: dict[str, str], number: int) -> Button:
    """Open an incident and find Take command on its card, which is the newest."""
    headers = {"authorization": f"Bearer {environment['BENCH_ALERT_TOKEN']}"}
    known = {message["ts"] for message in await slack.messages("C0INCIDENTS")}
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        (await http.post(f"{app.origin}/alerts/alertmanager", json=alert(number), headers=headers)).raise_for_status()
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for message in [m for m in await slack.messages("C0INCIDENTS") if m["ts"] not in known]:
            for element in await slack.elements("C0INCIDENTS", message["ts"]):
                if str(element["action_id"]).startswith("pullcord_take"):
                    return message["ts"], element["action_id"], element.get("value")
        await asyncio.sleep(0.1)
    raise SystemExit("no card with Take command within 30 s")


async def posted(app: Process) -> Button:
    """The floors' one button."""
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        answer = (await http.post(f"{app.origin}/button")).raise_for_status().json()
    return answer["ts"], "floor", "x"


async def press(slack: SandboxClient, button: Button, number: int) -> float:
    """One click; milliseconds to its ack."""
    ts, action, value = button
    made: dict[str, Any] = await slack.click(
        ("U0DANA", "U0LEE")[number % 2], "C0INCIDENTS", ts, action, value, stale=True
    )
    assert made["acked"], made
    return float(made["ms"])


async def main(clicks: int) -> None:
    """All three in turn, click by click."""
    async with rig() as made:
        taken = await _measure(made, clicks)
    told = {name: quantiles(values) for name, values in taken.items()}
    for name, (p50, p99) in told.items():
        print(f"{name:9} {clicks} clicks, acked after p50 {p50:6.2f} ms  p99 {p99:6.2f} ms")
    ours, xadd, bolt = told["pullcord"], told["xadd"], told["bolt"]
    verdict(
        "click -> durable ack, p99 at most 2x one XADD before the ack",
        met=ours[1] <= 2 * xadd[1],
        ms=ours[1],
        floor_ms=xadd[1],
        ratio=ours[1] / xadd[1],
    )
    verdict(
        "click -> durable ack, p50 below Bolt's empty listener",
        met=ours[0] < bolt[0],
        ms=ours[0],
        floor_ms=bolt[0],
        ratio=ours[0] / bolt[0],
    )


async def _measure(made: Rig, clicks: int) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {"bolt": [], "xadd": [], "pullcord": []}
    hands: dict[str, SandboxClient] = {}
    apps: dict[str, Process] = {}
    buttons: dict[str, Button] = {}
    try:
        for name in taken:
            slack = made.slack(name)
            apps[name] = made.app(name, slack, port=free_port())
            hands[name] = await SandboxClient(slack.origin).__aenter__()
            await hands[name].wait_connected(timeout=30)
            if name != "pullcord":
                buttons[name] = await posted(apps[name])
        for number in range(-_EACH, clicks):  # the first ones warm all three
            if number % _EACH == 0:
                buttons["pullcord"] = await card(hands["pullcord"], apps["pullcord"], made.environment, number)
            for name, values in taken.items():
                ms = await press(hands[name], buttons[name], number)
                if number >= 0:
                    values.append(ms)
            await asyncio.sleep(0.1)
    finally:
        for client in hands.values():
            await client.__aexit__(None, None, None)
    return taken


if __name__ == "__main__":
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--clicks", type=int, default=100)
    asyncio.run(main(given.parse_args().clicks))
