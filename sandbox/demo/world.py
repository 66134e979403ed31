"""The demo's world: a directory with the configuration, fresh secrets, an eval repository, and the processes."""

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from sandbox.demo.processes import Process, start

CONFIG = """\
# Written by `pullcord demo`: what a platform engineer would write for one agent.
slack:
  announce_channel: C0INCIDENTS
  incident_channel: new
roles:
  responder: [U0DANA, U0LEE]
  commander: [U0DANA]
agents:
  refund-bot:
    on_call: [U0LEE]
    fallback: [U0DANA]
    repage_after: 5m
    token: ${REFUND_BOT_CONTROL_TOKEN}
    otlp_token: ${REFUND_BOT_OTLP_TOKEN}
    models: [gpt-x-2026-03-12, gpt-x-2026-05-01]
sources:
  alertmanager:
    bearer: ${REFUND_BOT_ALERT_TOKEN}
tools:
  - name: issue_refund
    reversibility: irreversible
    target: "order {arguments.order_id}"
    summary: "{arguments.amount_minor|money:arguments.currency} → order {arguments.order_id}"
  - name: send_email
    reversibility: irreversible
    target: "{arguments.recipient}"
    summary: "→ {arguments.recipient} “{arguments.subject}”"
  - name: book_courier
    reversibility: compensable
    undo_window: 1h
    target: "order {arguments.order_id}"
    summary: "pickup of order {arguments.order_id} at {arguments.address}"
  - names: [create_ticket, update_order]
    reversibility: reversible
    target: "order {arguments.order_id}"
    summary: "order {arguments.order_id}"
  - names: [set_account_flag, apply_coupon]
    reversibility: reversible
    target: "{arguments.customer_id}"
    summary: "{arguments.customer_id}"
evals:
  remote: {evals}
mitigations:
  lengths: [12s, 1h, 4h, 24h, 7d]   # twelve seconds, so that an end can be watched
"""


@dataclass(slots=True)
class World:
    """Everything that the demo started. ``origin`` of the bot is its HTTP address."""

    folder: Path
    environment: dict[str, str]
    bot: Process
    slack: Process
    agent: Process
    api_token: str
    processes: list[Process] = field(default_factory=list)

    @property
    def evals(self) -> Path:
        """The bare git repository that stands in for the team's eval repository."""
        return self.folder / "evals.git"

    def pullcord(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a ``pullcord`` command beside the running bot."""
        command = [sys.executable, "-m", "bot", *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=60)

    def stop(self) -> None:
        """End all processes, the last one started first."""
        for process in reversed(self.processes):
            process.stop()


def build(folder: Path, *, port: int = 0, slack_port: int = 0, agent_port: int = 0, pace: float = 0.2) -> World:
    """Start everything in ``folder``. Ports of 0 are chosen by the system.

    Raises RuntimeError with the end of the log of whatever did not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["git", "init", "--quiet", "--bare", "--initial-branch", "main", str(folder / "evals.git")], check=True
    )
    tokens = {
        name: secrets.token_urlsafe(24)
        for name in (
            "REFUND_BOT_CONTROL_TOKEN",
            "REFUND_BOT_OTLP_TOKEN",
            "REFUND_BOT_ALERT_TOKEN",
            "PULLCORD_API_TOKEN",
        )
    }
    (folder / "pullcord.yaml").write_text(CONFIG.replace("{evals}", str(folder / "evals.git")), encoding="utf-8")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PULLCORD_", "SLACK_"))}
    started: list[Process] = []
    try:
        manifest = folder / "manifest.json"
        made = subprocess.run(
            [sys.executable, "-m", "bot", "manifest"],
            env=inherited,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        manifest.write_text(made.stdout, encoding="utf-8")
        slack = start(
            "slack",
            [sys.executable, "-m", "sandbox.slack", "--port", str(slack_port), "--manifest", str(manifest)],
            inherited,
            folder / "slack.log",
            ready=r"Slack sandbox: (http://\S+?)/\s",
        )
        started.append(slack)
        environment = {
            **inherited,
            **tokens,
            **_slack_tokens(slack.origin),
            "PULLCORD_CONFIG": str(folder / "pullcord.yaml"),
            "PULLCORD_DATA_DIR": str(folder / "data"),
            "PULLCORD_HOST": "127.0.0.1",
            "PULLCORD_PORT": str(port or _free_port()),
        }
        bot = start_bot(environment, folder)
        started.append(bot)
        agent = start(
            "refund-bot",
            [
                sys.executable, "-m", "sandbox.agent", "--pullcord", bot.origin, "--state", str(folder / "guard.json"),
                "--shop", str(folder / "shop.sqlite"), "--port", str(agent_port), "--pace", str(pace),
            ],
            {**inherited, **tokens},
            folder / "agent.log",
            ready=r"refund-bot listens on (http://\S+)",
        )  # fmt: skip
        started.append(agent)
    except BaseException:
        for process in reversed(started):
            process.stop()
        raise
    return World(folder, environment, bot, slack, agent, tokens["PULLCORD_API_TOKEN"], started)


def start_bot(environment: Mapping[str, str], folder: Path) -> Process:
    """Start ``pullcord serve`` and wait until it is ready."""
    origin = f"http://{environment['PULLCORD_HOST']}:{environment['PULLCORD_PORT']}"
    command = [sys.executable, "-m", "bot", "serve"]
    return start("bot", command, environment, folder / "bot.log", ready_url=f"{origin}/readyz", origin=origin)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _slack_tokens(origin: str) -> dict[str, str]:
    about = httpx.get(f"{origin}/sandbox/about", trust_env=False, timeout=10).raise_for_status().json()
    return {
        "SLACK_BOT_TOKEN": about["bot_token"],
        "SLACK_APP_TOKEN": about["app_token"],
        "SLACK_API_URL": f"{origin}/api/",
    }
