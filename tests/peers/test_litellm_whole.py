"""The whole way: a click in Slack, our own server read by the hook, and a real LiteLLM proxy that shows it in force."""

import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.slack.client import SandboxClient
from tests.peers.hands import at_the_card
from tests.peers.litellm_proxy import Gateway, gateway
from tests.peers.model_provider import model_provider
from tests.peers.place import Place, build, free_port, told, until

pytestmark = [pytest.mark.peers, pytest.mark.timeout(600)]

PINNED = "gpt-x-2026-03-12"
CONFIGURATION = """\
slack: {{announce_channel: C0INCIDENTS, incident_channel: new}}
roles: {{responder: [U0DANA, U0LEE], commander: [U0DANA]}}
controls:
  gateway:
    type: litellm_hook
    url: http://127.0.0.1:{port}
    key: ${{GATEWAY_KEY}}
    every: 1s
    agents: {{refund-bot: {{model: gpt-x}}}}
agents:
  refund-bot:
    on_call: [U0LEE]
    token: ${{AGENT_TOKEN}}
    models: [gpt-x-2026-03-12, gpt-x-2026-05-01]
    tools: [issue_refund]
    control: gateway
sources:
  alertmanager: {{bearer: "${{ALERT_TOKEN}}"}}
tools:
  - {{name: issue_refund, reversibility: irreversible, target: "{{arguments.customer_id}}"}}
evals: {{remote: {{evals}}}}
"""


@dataclass(frozen=True)
class Whole:
    """Our bot with the stand-in Slack, and the gateway."""

    place: Place
    gateway: Gateway


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """Both running; the hook reads the bot's own OFREP endpoint with the agent's token."""
    folder: Path = tmp_path_factory.mktemp("whole")
    port, key = free_port(), f"sk-{secrets.token_urlsafe(32)}"
    place = build(folder / "pullcord", CONFIGURATION.format(port=port), variables={"GATEWAY_KEY": key})
    tokens = {"REFUND_BOT_TOKEN": place.token("AGENT_TOKEN"), "OTHER_BOT_TOKEN": "nobody-knows-it"}
    try:
        with (
            model_provider() as provider,
            gateway(folder / "litellm", provider, place.bot.origin, tokens, port=port, key=key) as made,
        ):
            yield Whole(place, made)
    finally:
        place.stop()


@pytest.fixture
async def slack(whole: Whole) -> AsyncIterator[SandboxClient]:
    """The hands of the people."""
    assert whole.place.slack is not None
    async with SandboxClient(whole.place.slack.origin) as client:
        yield client


async def test_from_a_click_to_the_gateway_and_on_while_pullcord_is_killed(whole: Whole, slack: SandboxClient) -> None:
    """Pinned, then paused: in force by canaries; with the bot killed the pause stands, and nobody else notices."""
    place, proxy = whole.place, whole.gateway
    async with at_the_card(place, slack, "refund-bot") as hands:
        await hands.choose("U0DANA", "Pin model", model=PINNED)
        await hands.execution("pin_model", verified="in_force")
        assert proxy.chat().headers["x-litellm-model-group"] == PINNED
        detail = next(e for e in (await hands.state())["executions"] if e["action"] == "pin_model")
        told("pinned", {name: detail.get(name) for name in ("verified", "verified_detail", "control")})
        await hands.choose("U0DANA", "Pause agent", why="it refunds twice")
        await hands.execution("pause_agent", verified="in_force")
        refused = proxy.chat()
        assert refused.status_code == 503
        assert "it refunds twice" in refused.text
        told("paused", refused.json()["error"]["message"])
    place.bot.kill()
    until(lambda: proxy.chat().headers.get("x-pullcord-stale-since"), "the hook notices")
    for _ in range(20):
        assert (proxy.chat().status_code, proxy.chat(None).status_code) == (503, 200)
