"""What a large run costs: 10 spans, 10,000 spans, and 10,000 spans of 50 MB, against small ones in the same run.

    python bench/large_runs.py [--rounds 3]

A real ``serve`` takes the run's spans as OTLP/JSON in one body, then an alert that names it. Told are: how long until
200; how much later than for ten spans the first Slack call comes; how long until its effects are on the timeline; how
late the server's event loop ever was, and the most CPU that its thread took in one go; and memory (RSS of the server
and its child processes, without the store): the most above what it was at rest, as a multiple of the body, and what is
left of it seconds later. The texts are random words, which compress badly; real prompts repeat each other.
Goals: the first call at most 20 ms, 150 ms and 1 s later; the loop never over 20 ms late; memory at most 3x the body.
"""

import argparse
import asyncio
import json
import os
import random
import secrets
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bench.rig import ROOT, Rig, alert, rig, verdict
from sandbox.demo.processes import Process, start
from sandbox.slack.client import SandboxClient
from tests.peers.place import free_port

SIZES = {"10 spans": (10, 1_300, 20), "10,000 spans": (10_000, 900, 150), "10,000 spans, 50 MB": (10_000, 5_200, 1_000)}
"""Spans, about how many bytes each, and how many ms later the first call may come than for ten spans."""
_PAGE = os.sysconf("SC_PAGE_SIZE")
_QUIET = 1.5
_AFTER = 13.0


def attribute(name: str, value: str) -> dict[str, Any]:
    """A text attribute of OTLP/JSON."""
    return {"key": name, "value": {"stringValue": value}}


def a_run(trace_id: str, spans: int, size: int) -> bytes:
    """An export of one run: an agent, and below it each tenth span a tool call, the others model calls."""
    chance = random.Random(trace_id)  # noqa: S311 - words, no secrets
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(5_000)]
    began = time.time_ns() - 600 * 10**9

    def one(number: int) -> dict[str, Any]:
        text = " ".join(chance.choices(words, k=max(3, (size - 700) // 7)))
        operation = "invoke_agent" if number == 0 else "execute_tool" if number % 10 == 1 else "chat"
        held = [attribute("gen_ai.operation.name", operation), attribute("gen_ai.agent.name", "bench-large")]
        if operation == "execute_tool":
            arguments = json.dumps({"order": number, "reason": text})
            held += [attribute("gen_ai.tool.name", "issue_refund"), attribute("gen_ai.tool.call.id", f"call-{number}")]
            held += [attribute("gen_ai.tool.call.arguments", arguments)]
            held += [attribute("gen_ai.tool.call.result", '{"ok": true}')]
        elif operation == "chat":
            prompt = [{"role": "user", "parts": [{"type": "text", "content": text}]}]
            held += [
                attribute("gen_ai.request.model", "model-x"),
                attribute("gen_ai.input.messages", json.dumps(prompt)),
            ]
        return {
            "traceId": trace_id,
            "spanId": f"{number + 1:016x}",
            "parentSpanId": f"{1:016x}" if number else "",
            "name": operation,
            "kind": 1,
            "startTimeUnixNano": str(began + number * 10**6),
            "endTimeUnixNano": str(began + number * 10**6 + 10**5),
            "attributes": held,
        }

    scoped = {"scope": {"name": "bench"}, "spans": [one(number) for number in range(spans)]}
    resource = {"attributes": [attribute("service.name", "bench-large")]}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [scoped]}]}).encode()


def family(pid: int) -> Iterator[int]:
    """A process and its children."""
    yield pid
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            yield from (int(child) for child in thread.read_text(encoding="ascii").split())
        except OSError:
            continue


def resident(pid: int) -> tuple[float, float]:
    """MB of memory of a process with its children, and of it alone."""
    held = []
    for each in family(pid):
        try:
            held.append(int(Path(f"/proc/{each}/statm").read_text(encoding="ascii").split()[1]) * _PAGE / 1e6)
        except (OSError, IndexError):
            continue
    return sum(held), held[0] if held else 0.0


@dataclass
class Memory:
    """The most memory since ``begin``, looked at all the time."""

    pid: int
    most: float = 0.0
    child: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        """Look until ``over``."""
        while not self.over.wait(0.01):
            whole, alone = resident(self.pid)
            if whole > self.most:
                self.most, self.child = whole, whole - alone


@dataclass(frozen=True, slots=True)
class Taken:
    """One run's figures: ms, ms, ms, ms, ms, MB, MB, MB, MB. ``child`` is what of ``peak`` the parsing process had."""

    accepted: float
    first_call: float
    listed: float
    lag: float
    busy: float
    body: float
    peak: float
    child: float
    left: float


class Bench:
    """One server under the probe."""

    def __init__(self, made: Rig, slack: SandboxClient, app: Process, lag: Path) -> None:
        """``lag`` is the probe's file."""
        self._made = made
        self._slack = slack
        self._app = app
        self._lag = lag
        self._http = httpx.AsyncClient(trust_env=False, timeout=180, base_url=app.origin)

    def _bearer(self, name: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self._made.environment[name]}"}

    async def run(self, number: int, spans: int, size: int) -> Taken:
        """Send a run, then an alert that names it."""
        trace_id = secrets.token_hex(16)
        body = await asyncio.to_thread(a_run, trace_id, spans, size)
        pid = self._app.child.pid
        rest, _ = resident(pid)
        memory = Memory(pid)
        watching = threading.Thread(target=memory.watch, daemon=True)
        watching.start()
        began = time.monotonic()
        headers = {**self._bearer("PULLCORD_OTLP_TOKEN"), "content-type": "application/json"}
        (await self._http.post("/v1/traces", content=body, headers=headers)).raise_for_status()
        accepted = (time.monotonic() - began) * 1000
        first_call, listed = await self._alert(number, trace_id)
        await asyncio.sleep(_AFTER)
        memory.over.set()
        watching.join()
        lines = [line.split() for line in self._lag.read_text(encoding="ascii").splitlines()]
        lag = max((float(late) for at, late, _ in lines if float(at) >= began), default=0.0)
        busy = max((float(cpu) for at, _, cpu in lines if float(at) >= began), default=0.0)
        left = resident(pid)[0] - rest
        return Taken(accepted, first_call, listed, lag, busy, len(body) / 1e6, memory.most - rest, memory.child, left)

    async def _alert(self, number: int, trace_id: str) -> tuple[float, float]:
        """An alert that names the run: ms to the first Slack call, and until its effects are on the timeline."""
        told = alert(number)
        told["alerts"][0]["labels"]["trace_id"] = trace_id
        before = len(await self._slack.calls())
        began = time.time()
        sent = await self._http.post("/alerts/alertmanager", json=told, headers=self._bearer("BENCH_ALERT_TOKEN"))
        sent.raise_for_status()
        while len(calls := await self._slack.calls()) == before:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.05)
        first = (float(calls[before]["at"]) - began) * 1000
        while not await self._listed():
            if time.time() - began > 120:
                raise SystemExit("the run was not read within 120 s")
            await asyncio.sleep(0.2)
        listed = (time.time() - began) * 1000
        while True:  # let the rest of this incident be said
            seen = len(await self._slack.calls())
            await asyncio.sleep(_QUIET)
            if len(await self._slack.calls()) == seen:
                return first, listed

    async def _listed(self) -> bool:
        headers = self._bearer("PULLCORD_API_TOKEN")
        newest = await self._http.get("/api/incidents", headers=headers)
        if newest.status_code == 503:
            return False
        row = newest.raise_for_status().json()["incidents"][0]
        return bool(row["runs"] and row["title"].endswith("cannot be undone"))


async def main(rounds: int) -> None:
    """All sizes in turn."""
    taken: dict[str, list[Taken]] = {name: [] for name in SIZES}
    async with rig() as made:
        made.environment |= {"PULLCORD_OTLP_TOKEN": secrets.token_urlsafe(24), "BENCH_LAG": str(made.folder / "lag")}
        slack = made.slack("pullcord")
        port = free_port()
        origin = f"http://127.0.0.1:{port}"
        environment = {**made.environment, **made.tokens(slack), "PULLCORD_PORT": str(port)}
        command = [sys.executable, str(ROOT / "bench" / "probed.py")]
        ready = f"{origin}/readyz"
        app = start("probed", command, environment, made.folder / "probed.log", ready_url=ready, origin=origin)
        made.started.append(app)
        async with SandboxClient(slack.origin) as client:
            await client.wait_connected(timeout=30)
            bench = Bench(made, client, app, made.folder / "lag")
            await bench.run(0, 10, 1_300)  # warms everything but the child
            for number in range(1, rounds + 1):
                for at, (name, (spans, size, _)) in enumerate(SIZES.items()):
                    taken[name].append(await bench.run(number * 10 + at, spans, size))
    tell(taken)


def tell(taken: dict[str, list[Taken]]) -> None:
    """The figures of each size, and whether the goals are met."""

    def middle(name: str, of: str) -> float:
        return float(statistics.median(getattr(one, of) for one in taken[name]))

    floor = middle("10 spans", "first_call")
    for name, (_, _, later) in SIZES.items():
        worst, busiest = max(one.lag for one in taken[name]), max(one.busy for one in taken[name])
        body = middle(name, "body")
        peak, child = max((one.peak, one.child) for one in taken[name])
        left = middle(name, "left")
        accepted, listed = middle(name, "accepted"), middle(name, "listed")
        print(
            f"{name:20} {body:5.1f} MB: 200 after {accepted:6.0f} ms, effects {listed:6.0f} ms after the alert,"
            f" loop at most {worst:5.1f} ms late ({busiest:.1f} ms of CPU in one go),"
            f" memory +{peak:.1f} MB ({peak / body:.1f}x body; its process {child:.1f} MB), later +{left:.1f} MB"
        )
        extra = middle(name, "first_call") - floor
        verdict(f"{name}: first call at most {later} ms later", met=extra <= later, ms=extra, floor_ms=floor)
        verdict(f"{name}: loop never over 20 ms late", met=worst <= 20, ms=worst)
        if body > 20:  # below that the processes themselves are more than the body
            verdict(
                f"{name}: memory at most 3x the body", met=peak <= 3 * body, mb=peak, body_mb=body, ratio=peak / body
            )


if __name__ == "__main__":
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--rounds", type=int, default=3)
    asyncio.run(main(given.parse_args().rounds))
