"""What the benchmarks share: processes on one store, each with its own stand-in Slack, and how results are told."""

import os
import secrets
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bot.timeline.embedded import start_embedded
from sandbox.demo.processes import Process, start

ROOT = Path(__file__).parents[1]
CONFIGURATION = """\
slack: {announce_channel: C0INCIDENTS, incident_channel: fixed}
roles: {responder: [U0DANA, U0LEE], commander: [U0DANA]}
default_agent: {on_call: [U0LEE], repage_after: 1h}
sources:
  alertmanager:
    bearer: ${BENCH_ALERT_TOKEN}
"""


@dataclass(slots=True)
class Rig:
    """A folder, an environment, a store whose writes are on disk before they are answered."""

    folder: Path
    environment: dict[str, str]
    started: list[Process]

    def slack(self, name: str) -> Process:
        """A stand-in Slack as a process. Each app needs its own: sockets of one app share what is delivered."""
        command = [sys.executable, "-m", "sandbox.slack", "--port", "0", "--manifest", str(ROOT / "manifest.json")]
        log = self.folder / f"slack-{name}.log"
        process = start("slack", command, self.environment, log, ready=r"Slack sandbox: (http://\S+?)/\s")
        self.started.append(process)
        return process

    def tokens(self, slack: Process) -> dict[str, str]:
        """The environment that connects an app to it."""
        about = httpx.get(f"{slack.origin}/sandbox/about", trust_env=False, timeout=20).raise_for_status().json()
        return {
            "SLACK_BOT_TOKEN": about["bot_token"],
            "SLACK_APP_TOKEN": about["app_token"],
            "SLACK_API_URL": f"{slack.origin}/api/",
        }

    def app(self, name: str, slack: Process, *, port: int) -> Process:
        """Start ``pullcord`` or a floor of ``floors.py`` by its name, and wait until it is ready."""
        if name == "pullcord":
            command = [sys.executable, "-m", "bot", "serve"]
        else:
            command = [sys.executable, str(ROOT / "bench" / "floors.py"), name]
        origin = f"http://127.0.0.1:{port}"
        environment = {**self.environment, **self.tokens(slack), "PULLCORD_PORT": str(port)}
        log = self.folder / f"{name}.log"
        process = start(name, command, environment, log, ready_url=f"{origin}/readyz", origin=origin)
        self.started.append(process)
        return process

    def stop(self, process: Process) -> None:
        """End one of them."""
        process.stop()
        self.started.remove(process)


@asynccontextmanager
async def rig() -> AsyncIterator[Rig]:
    """Make the folder and the store. Python's byte code is kept for the run, as an installed package has it."""
    with tempfile.TemporaryDirectory(prefix="pullcord-bench-") as made:
        folder = Path(made)
        (folder / "pullcord.yaml").write_text(CONFIGURATION, encoding="utf-8")
        store = await start_embedded(folder / "store")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PULLCORD_", "SLACK_", "PYTHON"))}
        environment = {
            **inherited,
            "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
            "PYTHONPATH": str(ROOT),
            "BENCH_ALERT_TOKEN": secrets.token_urlsafe(24),
            "PULLCORD_CONFIG": str(folder / "pullcord.yaml"),
            "PULLCORD_DATA_DIR": str(folder / "data"),
            "PULLCORD_REDIS_URL": store.url,
            "PULLCORD_CHAIN_KEY": secrets.token_urlsafe(32),
            "PULLCORD_API_TOKEN": secrets.token_urlsafe(24),
        }
        made_rig = Rig(folder, environment, [])
        try:
            yield made_rig
        finally:
            for process in reversed(made_rig.started):
                process.stop()
            await store.aclose()


def alert(number: int) -> dict[str, Any]:
    """A webhook body with one alert of an agent of its own, so that each opens an incident."""
    labels = {"alertname": "RefundsHigh", "agent": f"bench-{number}", "severity": "critical"}
    one = {"status": "firing", "labels": labels, "annotations": {"summary": f"Refunds of bench-{number} are high"}}
    return {"version": "4", "status": "firing", "receiver": "pullcord", "groupKey": "{}", "alerts": [one]}


def quantiles(values: Sequence[float]) -> tuple[float, float]:
    """p50 and p99 (with fewer than 100 values p99 is close to the largest)."""
    cut = statistics.quantiles(values, n=100, method="inclusive")
    return cut[49], cut[98]


def verdict(goal: str, *, met: bool, **figures: float) -> None:
    """One line: whether the goal is met, the goal, the figures."""
    shown = "  ".join(f"{name} {value:.2f}" for name, value in figures.items())
    print(f"{'met   ' if met else 'MISSED'}  {goal}: {shown}", flush=True)
