from collections.abc import Callable, Iterator

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason

from sandbox.slack.client import SandboxClient
from tests.peers.hands import at_the_card
from tests.peers.place import Place, told

pytestmark = [pytest.mark.peers, pytest.mark.timeout(180)]

PINNED = "gpt-x-2026-03-12"
Client = Callable[[str], OpenFeatureClient]


@pytest.fixture
def client(place: Place) -> Iterator[Client]:
    """Give a token's name, get an OpenFeature client with the plain OFREP provider: not a line of ours in between."""
    providers: list[OFREPProvider] = []

    def make(token: str) -> OpenFeatureClient:
        provider = OFREPProvider(place.bot.origin, headers_factory=lambda: place.bearer(token), timeout=15)
        providers.append(provider)
        api.set_provider_and_wait(provider, token)
        return api.get_client(token)

    yield make
    api.clear_providers()
    for provider in providers:
        provider.session.close()


async def test_a_plain_openfeature_client_reads_pin_revoke_pause_and_their_undo(
    place: Place, slack: SandboxClient, client: Client
) -> None:
    """Each restraint comes from a click in Slack, is read by the SDK with who and why, is in force, and goes again.

    A plain provider falls back to the code's default on anything that it dislikes, so no default here is the answer.
    """
    sdk = client("AGENT_TOKEN")
    me = EvaluationContext("refund-bot")

    def paused() -> bool:
        read = {sdk.get_boolean_value("agent.paused", default_value=d, evaluation_context=me) for d in (True, False)}
        assert len(read) == 1, "the client fell back to its default"
        return read.pop()

    def model() -> str:
        return sdk.get_string_value("agent.model", "the code's default", me)

    def denied() -> object:
        return sdk.get_object_value("agent.tools.denied", {"the code's": "default"}, me)

    assert (paused(), model(), denied()) == (False, "", {"tools": []})
    async with at_the_card(place, slack, "refund-bot") as hands:
        await hands.choose("U0DANA", "Revoke issue_refund")
        await hands.execution("revoke_tool")
        assert denied() == {"tools": ["issue_refund"]}
        details = sdk.get_object_details("agent.tools.denied", {}, me)
        told("revoked", {"value": details.value, "metadata": dict(details.flag_metadata)})
        assert (details.reason, details.variant) == (Reason.STATIC, "restrained")
        assert details.flag_metadata["incident"] == hands.incident
        assert details.flag_metadata["by"] in {"@dana", "U0DANA"}  # by name, as soon as it was learnt
        await hands.execution("revoke_tool", verified="in_force")

        await hands.choose("U0DANA", "Pin model", model=PINNED)
        await hands.execution("pin_model")
        assert model() == PINNED
        await hands.execution("pin_model", verified="in_force")

        await hands.choose("U0DANA", "Pause agent", why="nobody knows which tool")
        await hands.execution("pause_agent")
        assert paused()
        why = sdk.get_boolean_details("agent.paused", default_value=False, evaluation_context=me).flag_metadata["why"]
        assert why == "nobody knows which tool"
        await hands.execution("pause_agent", verified="in_force")
        await hands.see("restrained")
        told("read by the SDK", {"paused": paused(), "model": model(), "denied": denied()})

        for action in ("revoke_tool", "pin_model", "pause_agent"):
            await hands.undo("U0DANA", action)
        assert (paused(), model(), denied()) == (False, "", {"tools": []})

        async def all_in_force() -> bool:
            return all(e["verified"] == "in_force" for e in (await hands.state())["executions"])

        await hands.until("each undo in force, since the agent has read it", all_in_force)
        await hands.see("given back")
        told("read by the SDK", {"paused": paused(), "model": model(), "denied": denied()})


def test_an_agent_reads_only_its_own_state_and_unknown_flags_are_not_found(place: Place, client: Client) -> None:
    """The token decides; what another agent asks, or a wrong token, gives an error and never a value."""
    sdk = client("OTHER_TOKEN")
    me, another = EvaluationContext("other-bot"), EvaluationContext("refund-bot")
    spying = sdk.get_boolean_details("agent.paused", default_value=True, evaluation_context=another)
    unknown = sdk.get_string_details("agent.mood", "calm", me)
    own = sdk.get_boolean_details("agent.paused", default_value=True, evaluation_context=me)
    told("another agent's flag", {"error": spying.error_code, "message": spying.error_message})
    told("an unknown flag", {"error": unknown.error_code, "value": unknown.value})
    assert spying.error_code is not None
    assert unknown.error_code == ErrorCode.FLAG_NOT_FOUND
    assert (own.value, own.error_code, own.reason) == (False, None, Reason.DEFAULT)
    wrong = client("ALERT_TOKEN").get_boolean_details("agent.paused", default_value=True)
    assert wrong.error_code is not None
    told("a token of no agent", {"error": wrong.error_code})
