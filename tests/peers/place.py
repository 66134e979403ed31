"""A running Pullcord for tests against outside programs: the stand-in Slack and ``pullcord serve``, as processes."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from sandbox.demo.processes import Process, start
from sandbox.demo.world import start_bot

Json = dict[str, Any]
T = TypeVar("T")
WAIT = 45.0
"""Seconds for anything to show; generous, since two cores may be shared with much else."""

_SECRETS = ("AGENT_TOKEN", "OTHER_TOKEN", "ALERT_TOKEN", "ALERT_PASSWORD", "PULLCORD_API_TOKEN", "PULLCORD_OTLP_TOKEN")
_MANIFEST = Path(__file__).resolve().parents[2] / "manifest.json"


@dataclass(slots=True)
class Place:
    """What runs, and how to ask it. ``environment`` is the bot's, with its tokens."""

    folder: Path
    environment: dict[str, str] = field(repr=False)
    bot: Process
    slack: Process | None
    http: httpx.Client

    @property
    def evals(self) -> Path:
        """The bare git repository of the eval cases."""
        return self.folder / "evals.git"

    def token(self, name: str) -> str:
        """One of the made-up secrets of this place."""
        return self.environment[name]

    def bearer(self, name: str) -> dict[str, str]:
        """An Authorization header with one of them."""
        return {"authorization": f"Bearer {self.token(name)}"}

    def api(self, path: str) -> Json:
        """A GET of the read API."""
        answer = self.http.get(f"{self.bot.origin}{path}", headers=self.bearer("PULLCORD_API_TOKEN"))
        answer.raise_for_status()
        return dict(answer.json())

    def incidents(self, agent: str) -> list[Json]:
        """This agent's incidents, newest first, whole."""
        rows = self.api("/api/incidents?limit=200")["incidents"]
        return [self.api(f"/api/incidents/{row['id']}") for row in rows if row["agent"] == agent]

    def incident(self, agent: str, holds: Callable[[Json], object] = lambda _: True) -> Json:
        """Wait for the one incident of this agent of which ``holds`` is true."""

        def look() -> Json | None:
            try:
                found = self.incidents(agent)
            except httpx.HTTPStatusError as error:
                if error.response.status_code != 503:  # the store is away: ask again, as the answer says
                    raise
                return None
            assert len(found) <= 1, f"{agent} has {len(found)} incidents"
            return found[0] if found and holds(found[0]) else None

        return until(look, f"an incident of {agent}", lambda: self.incidents(agent))

    def alert(self, agent: str, trace_id: str | None, link: str | None = None) -> None:
        """Post an alert for this run, in the shape of Alertmanager's webhook; or one that only has a link."""
        labels = {"alertname": "AgentRunFailed", "agent": agent, "severity": "critical"}
        labels |= {"trace_id": trace_id} if trace_id is not None else {}
        notes = {"summary": f"{agent} failed"} | ({"dashboard": link} if link is not None else {})
        one = {"status": "firing", "labels": labels, "annotations": notes}
        body = {"version": "4", "status": "firing", "alerts": [one]}
        url = f"{self.bot.origin}/alerts/alertmanager"
        answer = self.http.post(url, json=body, headers=self.bearer("ALERT_TOKEN"))
        assert answer.status_code == 202, answer.text

    def restart(self) -> None:
        """Start the bot that was stopped or killed, on the same port and data."""
        self.bot = start_bot(self.environment, self.folder)

    def stop(self) -> None:
        """End everything."""
        self.http.close()
        self.bot.stop()
        if self.slack is not None:
            self.slack.stop()


def until(look: Callable[[], T | None], what: str, instead: Callable[[], object] = lambda: "nothing") -> T:
    """Call ``look`` until it gives something true. AssertionError after ``WAIT`` with what was there instead."""
    end = time.monotonic() + WAIT
    while True:
        if found := look():
            return found
        if time.monotonic() > end:
            message = f"{what}: not within {WAIT:.0f} s; there is {str(instead())[:1500]}"
            raise AssertionError(message)
        time.sleep(0.1)


def build(
    folder: Path, configuration: str, *, with_slack: bool = True, variables: Mapping[str, str] | None = None
) -> Place:
    """Start the stand-in Slack (unless it is not wanted) and the bot. ``{evals}`` in the configuration is filled in.

    ``variables`` are further ones of the bot's environment, such as secrets that the configuration names.
    """
    folder.mkdir(parents=True, exist_ok=True)
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PULLCORD_", "SLACK_"))}
    evals = folder / "evals.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch", "main", str(evals)], check=True)
    written = folder / "pullcord.yaml"
    written.write_text(configuration.replace("{evals}", str(evals)), encoding="utf-8")
    environment = {
        **inherited,
        **{name: secrets.token_urlsafe(24) for name in _SECRETS},
        **(variables or {}),
        "PULLCORD_CONFIG": str(written),
        "PULLCORD_DATA_DIR": str(folder / "data"),
        "PULLCORD_HOST": "127.0.0.1",
        "PULLCORD_PORT": str(free_port()),
    }
    http = httpx.Client(timeout=15, trust_env=False)
    slack: Process | None = None
    try:
        if with_slack:
            command = [sys.executable, "-m", "sandbox.slack", "--port", "0", "--manifest", str(_MANIFEST)]
            slack = start("slack", command, inherited, folder / "slack.log", ready=r"Slack sandbox: (http://\S+?)/\s")
            environment.update(_slack_settings(http, slack.origin))
        bot = start_bot(environment, folder)
    except BaseException:
        http.close()
        if slack is not None:
            slack.stop()
        raise
    return Place(folder, environment, bot, slack, http)


def free_port() -> int:
    """A port of the loopback address that nobody holds now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def told(what: str, seen: object) -> None:
    """Print what a test saw, as evidence (``make peers ARGS=-s`` shows it, a failure always does)."""
    print(f"· {what}: {seen if isinstance(seen, str) else json.dumps(seen, default=str)}")


def _slack_settings(http: httpx.Client, origin: str) -> Mapping[str, str]:
    about = http.get(f"{origin}/sandbox/about").raise_for_status().json()
    return {
        "SLACK_BOT_TOKEN": about["bot_token"],
        "SLACK_APP_TOKEN": about["app_token"],
        "SLACK_API_URL": f"{origin}/api/",
    }
