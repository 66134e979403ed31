"""How long from an alert to the first Slack call of its incident, against a pipe without a product in the same run.

    python bench/first_call.py [--alerts 30]

Both sides wait as long for Slack (the stand-in answers at once) and are asked in turn, one alert at a time. The time
ends when the call begins at the stand-in, by its clock, which is this machine's.
Goal: p50 and p99 at most twice the pipe's.
"""

import argparse
import asyncio
import time

import httpx

from bench.rig import alert, quantiles, rig, verdict
from sandbox.demo.processes import Process
from sandbox.slack.client import SandboxClient
from tests.peers.place import free_port

_QUIET = 0.4
_APART = 1.3
"""Pullcord keeps to Slack's one message a second and channel; alerts closer than that would wait for it by design."""


async def one(http: httpx.AsyncClient, slack: SandboxClient, url: str, headers: dict[str, str], number: int) -> float:
    """Send one alert; milliseconds until the first call that follows."""
    before = len(await slack.calls())
    began = time.time()
    (await http.post(url, json=alert(number), headers=headers)).raise_for_status()
    end = time.monotonic() + 30
    while len(calls := await slack.calls()) == before:
        assert time.monotonic() < end, "no call to Slack within 30 s"
        await asyncio.sleep(0.05)  # seldom, so that looking does not slow what is looked at
    taken = (float(calls[before]["at"]) - began) * 1000
    while True:  # let the rest of this incident be said
        seen = len(calls)
        await asyncio.sleep(_QUIET)
        if len(calls := await slack.calls()) == seen:
            break
    await asyncio.sleep(max(0.0, _APART - (time.time() - began)))
    return taken


async def main(alerts: int) -> None:
    """Both in turn."""
    async with rig() as made, httpx.AsyncClient(trust_env=False, timeout=30) as http:
        slacks = {name: made.slack(name) for name in ("pipe", "pullcord")}
        apps = {name: made.app(name, slacks[name], port=free_port()) for name in slacks}
        urls = {"pipe": f"{apps['pipe'].origin}/alerts", "pullcord": f"{apps['pullcord'].origin}/alerts/alertmanager"}
        headers = {"authorization": f"Bearer {made.environment['BENCH_ALERT_TOKEN']}"}
        taken = await _measure(slacks, urls, headers, http, alerts)
    told = {name: quantiles(values) for name, values in taken.items()}
    for name, (p50, p99) in told.items():
        print(f"{name:9} {alerts} alerts, first Slack call after p50 {p50:7.2f} ms  p99 {p99:7.2f} ms")
    (floor50, floor99), (ours50, ours99) = told["pipe"], told["pullcord"]
    for at, ours, floor in (("p50", ours50, floor50), ("p99", ours99, floor99)):
        goal = f"alert -> first Slack call, {at} at most 2x the pipe"
        verdict(goal, met=ours <= 2 * floor, ms=ours, floor_ms=floor, ratio=ours / floor)


async def _measure(
    slacks: dict[str, Process],
    urls: dict[str, str],
    headers: dict[str, str],
    http: httpx.AsyncClient,
    alerts: int,
) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {name: [] for name in slacks}
    async with SandboxClient(slacks["pipe"].origin) as pipe, SandboxClient(slacks["pullcord"].origin) as ours:
        for number in range(-2, alerts):  # the first two warm both
            for name, slack in (("pipe", pipe), ("pullcord", ours)):
                ms = await one(http, slack, urls[name], headers, number)
                if number >= 0:
                    taken[name].append(ms)
    return taken


if __name__ == "__main__":
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--alerts", type=int, default=30)
    asyncio.run(main(given.parse_args().alerts))
