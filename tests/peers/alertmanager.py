"""A real Alertmanager as a child process, and its API v2."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from sandbox.demo.processes import Process, start
from tests.peers.place import free_port

_CONFIGURATION = """\
global: {{resolve_timeout: 5m}}
route:
  receiver: pullcord
  group_by: [alertname, agent]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: pullcord
    webhook_configs:
      - url: {url}
        send_resolved: true
        http_config: {http_config}
"""


@dataclass(slots=True)
class Alertmanager:
    """The process and where it answers."""

    process: Process

    def send(self, alerts: Iterable[Mapping[str, Any]]) -> None:
        """``POST /api/v2/alerts``, as Prometheus does."""
        with httpx.Client(timeout=10, trust_env=False) as http:
            http.post(f"{self.process.origin}/api/v2/alerts", json=[dict(a) for a in alerts]).raise_for_status()

    def attempts(self, outcome: str = "") -> float:
        """Its own count of webhook requests (``outcome`` empty) or of those that ``failed``."""
        name = f"alertmanager_notification_requests_{outcome + '_' if outcome else ''}total"
        with httpx.Client(timeout=10, trust_env=False) as http:
            lines = http.get(f"{self.process.origin}/metrics").raise_for_status().text.splitlines()
        return sum(float(x.rsplit(" ", 1)[1]) for x in lines if x.startswith(f'{name}{{integration="webhook"}}'))

    def stop(self) -> None:
        """End it."""
        self.process.stop()


def running(program: str, folder: Path, url: str, http_config: str) -> Alertmanager:
    """Start it with one webhook receiver, without clustering, and wait until it is ready."""
    configuration = folder / "alertmanager.yml"
    configuration.write_text(_CONFIGURATION.format(url=url, http_config=http_config), encoding="utf-8")
    origin = f"http://127.0.0.1:{free_port()}"
    command = [
        program,
        f"--config.file={configuration}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={origin.removeprefix('http://')}",
        "--cluster.listen-address=",
    ]
    log = folder / "alertmanager.log"
    return Alertmanager(
        start("alertmanager", command, dict(os.environ), log, ready_url=f"{origin}/-/ready", origin=origin)
    )


def alert(agent: str, trace_id: str = "", *, ended: datetime | None = None, **labels: str) -> dict[str, Any]:
    """An alert of API v2. ``ended`` in the past resolves it."""
    named = {"alertname": "RefundsAboveOwed", "severity": "critical", "agent": agent, **labels}
    if trace_id:
        named["trace_id"] = trace_id
    now = datetime.now(UTC)
    return {
        "labels": named,
        "annotations": {"summary": f"{agent} refunds more than is owed"},
        "startsAt": (now - timedelta(minutes=1)).isoformat(),
        "generatorURL": "http://prometheus.example/graph",
        **({"endsAt": ended.isoformat()} if ended else {}),
    }
