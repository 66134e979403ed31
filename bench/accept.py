"""How long until an alert is durable, against a floor in the same run: bare ASGI and one XADD on the same store.

    python bench/accept.py [--rate 300] [--seconds 3]

Both servers are processes of their own on one embedded store (every write is on disk before it is answered). Requests
are due at fixed times (open loop): what is late counts as late. Ratios travel between machines, absolutes do not.
Goal: p99 at most twice the floor's.
"""

import argparse
import asyncio
import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
from pydantic import SecretStr
from redis.asyncio import Redis

sys.path.insert(0, str(Path(__file__).parents[1]))

from bot.domain.incident import Incident
from bot.domain.run import Run
from bot.errors import Refused
from bot.plugin import Registry
from bot.recorder.limits import Limits
from bot.recorder.offload import Parser
from bot.recorder.redact import Redactor
from bot.settings import Settings, SourceSettings
from bot.timeline.connection import Connections
from bot.timeline.embedded import start_embedded
from bot.timeline.store import Store
from bot.web.app import make_web
from handlers.alerts.alertmanager import alertmanager

BEARER = "a-token-of-the-benchmark"
CONNECTIONS = 16
ROUNDS = 2


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Aware UTC now."""
        return datetime.now(UTC)


class NoRuns:
    """``ports.EvidenceReader``; nothing here reads evidence."""

    async def run(self, incident: Incident, trace_id: str) -> Run:
        """There is none."""
        raise Refused(f"{incident.id} has no run {trace_id}.", field="trace_id")


def body(number: int) -> bytes:
    """One distinct alert as Alertmanager sends it, about 900 bytes."""
    alert = {
        "status": "firing",
        "labels": {"agent": "refund-bot", "alertname": "RefundsHigh", "env": "prod", "severity": "critical"},
        "annotations": {
            "summary": "Refund agent issued 3 refunds above the limit of its policy",
            "description": "The run violated the guardrail refund_limit three times within one minute.",
            "trace_url": f"https://traces.example/trace/{number:032x}",
        },
        "startsAt": "2026-11-23T09:23:13.777354Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example:9090/graph?g0.expr=agent_run_failures_total",
        "fingerprint": f"{time.time_ns():016x}{number:08x}",
    }
    group = {"version": "4", "status": "firing", "receiver": "pullcord", "groupKey": "{}:{}", "alerts": [alert]}
    return json.dumps(group).encode()


def floor(url: str) -> Callable[..., Awaitable[None]]:
    """The least that a durable accept can be: read the body, one XADD, answer."""
    redis = Redis.from_url(url)

    async def app(scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        if scope["type"] != "http":
            return
        parts = []
        while True:
            message = await receive()
            parts.append(message.get("body", b""))
            if not message.get("more_body"):
                break
        await redis.xadd("floor", {"i": b"".join(parts)})
        headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 202, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})

    return app


async def serve(kind: str, url: str) -> None:
    """One of the two servers; prints its port."""
    if kind == "floor":
        app: Any = floor(url)
    else:
        settings = Settings(sources={"alertmanager": SourceSettings(bearer=(SecretStr(BEARER),))})
        store = Store(await Connections.open(url), b"a chain key for the benchmark", SystemClock())
        await store.start()
        registry = Registry({}, {"alertmanager": alertmanager}, {}, {}, {}, {})
        app = make_web(
            settings=settings,
            registry=registry,
            store=store,
            redactor=Redactor(),
            parser=Parser(Redactor(), Limits()),
            evidence=NoRuns(),
            clock=SystemClock(),
            probes={},
        )
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False, lifespan="off"))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    gc.collect()
    gc.freeze()  # as bot.app does: a full collection on the loop takes 90 ms else
    print(server.servers[0].sockets[0].getsockname()[1], flush=True)
    await task


async def measure(port: int, rate: int, seconds: float) -> list[float]:
    """Milliseconds from when each request was due to its answer."""
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    taken: list[float] = []

    async def send(number: int, due: float) -> None:
        reader, writer = await free.get()
        content = body(number)
        head = f"POST /alerts/alertmanager HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {BEARER}\r\n"
        writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        status = await reader.readuntil(b"\r\n\r\n")
        length = int(status.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        taken.append((time.perf_counter() - due) * 1000)
        assert b" 202 " in status, status
        free.put_nowait((reader, writer))

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * seconds)):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(send(number, due))
    while not free.empty():
        free.get_nowait()[1].close()
    return taken


async def main(rate: int, seconds: float) -> None:
    """Both in turn, twice, so that what else the machine does hits both."""
    with tempfile.TemporaryDirectory(prefix="pullcord-bench-") as folder:
        embedded = await start_embedded(Path(folder))
        taken: dict[str, list[float]] = {"floor": [], "pullcord": []}
        servers = {}
        try:
            for kind in taken:
                servers[kind] = await asyncio.create_subprocess_exec(
                    sys.executable, __file__, "--serve", kind, embedded.url, stdout=asyncio.subprocess.PIPE
                )
            ports = {}
            for kind, process in servers.items():
                assert process.stdout is not None
                ports[kind] = int(await process.stdout.readline())
                await measure(ports[kind], 100, 0.5)  # warm
            for _ in range(ROUNDS):
                for kind, values in taken.items():
                    values.extend(await measure(ports[kind], rate, seconds))
        finally:
            for process in servers.values():
                if process.returncode is None:
                    process.terminate()
                await process.wait()
            await embedded.aclose()
    cuts = {kind: statistics.quantiles(values, n=100) for kind, values in taken.items()}
    for kind, values in taken.items():
        p50, p99 = cuts[kind][49], cuts[kind][98]
        print(f"{kind:9} {len(values):5} alerts at {rate}/s: p50 {p50:6.2f} ms  p99 {p99:6.2f} ms")
    ratios = [cuts["pullcord"][at] / cuts["floor"][at] for at in (49, 98)]
    print(f"ratio to the floor: p50 {ratios[0]:.2f}  p99 {ratios[1]:.2f} (goal: p99 at most 2)")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rate", type=int, default=300, help="requests a second")
    arguments.add_argument("--seconds", type=float, default=3.0, help="for each server and round")
    arguments.add_argument("--serve", nargs=2, metavar=("KIND", "URL"), help=argparse.SUPPRESS)
    told = arguments.parse_args()
    asyncio.run(serve(*told.serve) if told.serve else main(told.rate, told.seconds))
