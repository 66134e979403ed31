from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider

from examples.guard import Guard
from sandbox.agent.bot import RefundBot, RunReport, RunRequest
from sandbox.agent.model import ScriptedModel
from sandbox.agent.shop import Shop
from sandbox.agent.tracing import tracer_provider
from sandbox.ofrep_stub import OfrepStub, ofrep_stub
from tests.sandbox.agent.pullcord_sink import PullcordSink

Ask = Callable[..., RunReport]


@pytest.fixture
def control() -> Iterator[OfrepStub]:
    """The control plane; ``restrain`` and ``lift`` are what Pullcord's buttons do."""
    with ofrep_stub(token="control-token") as stub:
        yield stub


@pytest.fixture
def pullcord(control: OfrepStub) -> Iterator[PullcordSink]:
    """All of Pullcord that the agent talks to."""
    sink = PullcordSink(control)
    yield sink
    sink.close()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A shop that just opened."""
    with Shop(tmp_path / "shop.sqlite") as opened:
        yield opened


@pytest.fixture
def traces(pullcord: PullcordSink) -> Iterator[TracerProvider]:
    """The exporter to Pullcord."""
    provider = tracer_provider(pullcord.url, agent="refund-bot", token="otlp-token")
    yield provider
    provider.shutdown()


@pytest.fixture
def guard(pullcord: PullcordSink, tmp_path: Path) -> Iterator[Guard]:
    """A guard that asks before every answer."""
    url, state = pullcord.url, tmp_path / "guard.json"
    with Guard(url, agent="refund-bot", token="control-token", state_file=state, max_age=0) as made:
        yield made


@pytest.fixture
def bot(guard: Guard, shop: Shop, traces: TracerProvider) -> RefundBot:
    """The agent in this process."""
    return RefundBot(guard=guard, shop=shop, model=ScriptedModel(), tracer=traces.get_tracer("refund-bot"))


@pytest.fixture
def ask(bot: RefundBot) -> Ask:
    """Write to the agent as a customer."""

    def run(
        customer: str = "cus_81Kd", message: str = "Order 88123 came with a broken jug, my money back!"
    ) -> RunReport:
        return bot.handle(RunRequest(customer=customer, message=message))

    return run
