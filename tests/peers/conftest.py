import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from sandbox.slack.client import SandboxClient
from tests.peers.alertmanager import Alertmanager, running
from tests.peers.place import Place, build

CONFIGURATION = """\
slack: {announce_channel: C0INCIDENTS, incident_channel: new}
roles: {responder: [U0DANA, U0LEE], commander: [U0DANA]}
agents:
  refund-bot:
    on_call: [U0LEE]
    token: ${AGENT_TOKEN}
    models: [gpt-x-2026-03-12, gpt-x-2026-05-01]
    tools: [issue_refund]
  other-bot: {token: "${OTHER_TOKEN}"}
  eval-bot: {on_call: [U0LEE]}
sources:
  alertmanager:
    bearer: ${ALERT_TOKEN}
    basic: {username: prometheus, password: "${ALERT_PASSWORD}"}
tools:
  - {name: issue_refund, reversibility: irreversible, target: "{arguments.customer_id}"}
evals: {remote: {evals}}
"""


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One Pullcord for the whole session; each test uses an agent of its own, so they do not meet."""
    made = build(tmp_path_factory.mktemp("peers"), CONFIGURATION)
    yield made
    made.stop()


@pytest.fixture
async def slack(place: Place) -> AsyncIterator[SandboxClient]:
    """The hands of the people in the stand-in workspace."""
    assert place.slack is not None
    async with SandboxClient(place.slack.origin) as client:
        yield client


@pytest.fixture
def alertmanager(place: Place, tmp_path: Path) -> Iterator[Callable[[str], Alertmanager]]:
    """Start a real Alertmanager that sends to this Pullcord with the credentials given as YAML."""
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if program is None:
        pytest.skip("there is no prometheus-alertmanager here (Debian: apt-get install prometheus-alertmanager)")
    started: list[Alertmanager] = []

    def start(http_config: str) -> Alertmanager:
        started.append(running(program, tmp_path, f"{place.bot.origin}/alerts/alertmanager", http_config))
        return started[-1]

    yield start
    for one in started:
        one.stop()
