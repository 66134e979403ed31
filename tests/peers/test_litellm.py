"""A real LiteLLM proxy with our hook: what restrains an agent, what happens while Pullcord is away, and the canary."""

import json
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from bot.domain.action import Applied, Change, Restraint, Verified
from bot.domain.desired import NEUTRAL
from bot.engine.control_http import ControlClient
from bot.errors import ActionFailed, Refused
from bot.plugin import ControlName
from bot.timeline.store import Store
from runbooks.controls.litellm_hook import LiteLLMHook, LiteLLMHookSettings
from sandbox.ofrep_stub import Fault, OfrepStub
from tests.peers.litellm_proxy import Gateway, gateway
from tests.peers.model_provider import ModelProvider, model_provider
from tests.peers.place import free_port, told, until
from tests.support.clock import ManualClock
from tests.support.store import clock, connections, raw, store, valkey

__all__ = ["clock", "connections", "raw", "store", "valkey"]

pytestmark = [pytest.mark.peers, pytest.mark.timeout(900)]

AGENT = "refund-bot"
TOKENS = {"REFUND_BOT_TOKEN": "agent-token", "OTHER_BOT_TOKEN": "not-known-to-pullcord"}
WHY = {"by": "@dana", "why": "double refunds", "incident": "INC-42"}
SAID = "by @dana in INC-42, until somebody lifts it. Reason: double refunds."
BOUND = {"issue_refund": {"type": "object", "properties": {"amount": {"maximum": 5000}}}}
BEYOND, WITHIN = '{"amount": 420000}', '{"amount": 4200}'


@dataclass
class Setup:
    """The gateway, the provider behind it, and the control plane that its hook reads."""

    gateway: Gateway
    provider: ModelProvider
    pullcord: OfrepStub

    def obeys(self, **restraints: Any) -> None:
        """Set exactly these flags (``__`` for a dot) and wait until the gateway says that it obeys them."""
        for key in NEUTRAL:
            self.pullcord.lift(key)
        for key, value in restraints.items():
            self.pullcord.restrain(key.replace("__", "."), value, **WHY)
        wanted = str(self.pullcord.revision)
        until(lambda: self.gateway.chat().headers.get("x-pullcord-revision") == wanted, "the gateway reads")
        self.provider.asked.clear()
        self.provider.calls, self.provider.down = [], set()

    @property
    def asked(self) -> dict[str, Any]:
        """The last body that reached the provider."""
        return self.provider.asked[-1]


@pytest.fixture(scope="module")
def provider() -> Iterator[ModelProvider]:
    """One for all tests."""
    with model_provider() as made:
        yield made


@pytest.fixture(scope="module")
def running(provider: ModelProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setup]:
    """A proxy, started while Pullcord answers."""
    pullcord = OfrepStub(agent=AGENT, token=TOKENS["REFUND_BOT_TOKEN"])
    try:
        with gateway(tmp_path_factory.mktemp("litellm"), provider, pullcord.url, TOKENS) as made:
            yield Setup(made, provider, pullcord)
    finally:
        pullcord.close()


@pytest.fixture
def setup(running: Setup) -> Setup:
    """Nothing restrained yet."""
    running.pullcord.fault = "none"
    running.obeys()
    return running


def _tool(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}


def _message(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["message"])


def test_a_pin_routes_and_the_headers_tell_so(setup: Setup) -> None:
    """Whatever the caller asked for, and without its own fallbacks; nobody else is touched."""
    setup.obeys(agent__model="gpt-x-2026-03-12")
    answer = setup.gateway.chat(fallbacks=["mini-y"])
    assert answer.headers["x-litellm-model-group"] == "gpt-x-2026-03-12"
    assert setup.asked["model"] == "gpt-x-2026-03-12"
    setup.provider.down = {"gpt-x-2026-03-12"}
    assert setup.gateway.chat(fallbacks=["mini-y"]).status_code == 500, "another model never answers behind a pin"
    for other in (None, "somebody", "other-bot"):
        assert setup.gateway.chat(other, model="other-alias").json()["choices"][0]["message"]["content"]
        assert setup.gateway.chat(other if other != "other-bot" else None).headers["x-litellm-model-group"] == "gpt-x"


def test_a_fallback_routes_alone_and_catches_a_failing_pin(setup: Setup) -> None:
    """Alone it takes every request; beside a pin it answers when the pinned model fails."""
    setup.obeys(agent__fallback_model="mini-y")
    assert setup.gateway.chat().headers["x-litellm-model-group"] == "mini-y"
    setup.obeys(agent__model="gpt-x-2026-03-12", agent__fallback_model="mini-y")
    assert setup.gateway.chat().headers["x-litellm-model-group"] == "gpt-x-2026-03-12"
    setup.provider.down = {"gpt-x-2026-03-12"}
    answer = setup.gateway.chat()
    assert answer.status_code == 200
    assert (answer.headers["x-litellm-model-group"], answer.headers["x-litellm-attempted-fallbacks"]) == ("mini-y", "1")


def test_a_denied_tool_never_reaches_the_model(setup: Setup) -> None:
    """Taken out of the request; insisted on, it is refused with who and why; called all the same, it is held back."""
    setup.obeys(agent__tools__denied={"tools": ["issue_refund"]})
    answer = setup.gateway.chat(tools=[_tool("issue_refund"), _tool("look_up")], tool_choice="auto")
    assert [tool["function"]["name"] for tool in setup.asked["tools"]] == ["look_up"]
    assert answer.headers["x-pullcord-removed-tools"] == "issue_refund"
    setup.gateway.chat(tools=[_tool("issue_refund")], tool_choice="required")
    assert not {"tools", "tool_choice"} & set(setup.asked)
    asked = len(setup.provider.asked)
    refused = setup.gateway.chat(tools=[_tool("issue_refund")], tool_choice=_tool("issue_refund"))
    assert (refused.status_code, refused.headers["x-should-retry"]) == (403, "false")
    assert _message(refused) == f"The tool issue_refund is denied to refund-bot {SAID}"
    assert len(setup.provider.asked) == asked
    setup.provider.calls = [("issue_refund", WITHIN)]
    choice = setup.gateway.chat(tools=[_tool("look_up")]).json()["choices"][0]
    assert not choice["message"].get("tool_calls")
    assert SAID in choice["message"]["content"]
    told("denied", choice["message"]["content"])


def test_a_guarding_sentence_joins_the_system_text(setup: Setup) -> None:
    """Behind the agent's own, or as a message of its own."""
    setup.obeys(agent__prompt__suffix="Refund only what is owed.")
    setup.gateway.chat()
    assert setup.asked["messages"][0] == {"role": "system", "content": "Refund only what is owed."}
    own = [{"role": "system", "content": "You are kind."}, {"role": "user", "content": "hi"}]
    setup.gateway.chat(messages=own)
    assert setup.asked["messages"][0]["content"] == "You are kind.\n\nRefund only what is owed."
    assert len(setup.asked["messages"]) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_a_paused_agent_is_answered_503_with_the_reason(setup: Setup, stream: bool) -> None:
    """No model is asked, and OpenAI's clients are told not to try again."""
    setup.obeys(agent__paused=True)
    answer = setup.gateway.chat(stream=stream)
    assert (answer.status_code, answer.headers["x-should-retry"]) == (503, "false")
    assert _message(answer) == f"refund-bot is paused {SAID}"
    assert setup.provider.asked == []
    assert setup.gateway.chat(None).status_code == 200
    told("paused", _message(answer))


def _streamed(answer: httpx.Response) -> tuple[str, list[tuple[str, str]], str | None]:
    """Text, tool calls and finish reason, put together as a client does."""
    text, calls, finish = "", list[list[str]](), None
    for line in answer.text.splitlines():
        if not line.startswith("data: {"):
            continue
        choice = json.loads(line[6:])["choices"][0]
        text += choice["delta"].get("content") or ""
        for call in choice["delta"].get("tool_calls") or []:
            while len(calls) <= call["index"]:
                calls.append(["", ""])
            calls[call["index"]][0] += call["function"].get("name") or ""
            calls[call["index"]][1] += call["function"].get("arguments") or ""
        finish = choice.get("finish_reason") or finish
    return text, [(name, arguments) for name, arguments in calls], finish


@pytest.mark.parametrize(
    ("calls", "kept"),
    [
        ([("issue_refund", WITHIN)], 1),
        ([("issue_refund", BEYOND)], 0),
        ([("issue_refund", '{"amount": "420000"}')], 0),
        ([("issue_refund", '{"amount": 1, "amount": 420000}')], 0),
        ([("issue_refund", '{"amount": NaN}')], 0),
        ([("issue_refund", "not json")], 0),
        ([("issue_refund", BEYOND), ("look_up", "{}"), ("issue_refund", WITHIN)], 2),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_call_beyond_its_bound_does_not_reach_the_agent(
    setup: Setup, calls: list[tuple[str, str]], kept: int, stream: bool
) -> None:
    """Whole or streamed: what breaks the bound is taken out, with the reason as text; the other calls stay."""
    setup.obeys(agent__validation=BOUND)
    setup.provider.calls = calls
    answer = setup.gateway.chat(tools=[_tool("issue_refund"), _tool("look_up")], stream=stream)
    assert answer.status_code == 200
    if stream:
        text, got, finish = _streamed(answer)
        assert text.startswith("I am gpt-x-2026-05-01"), "text is not held back"
    else:
        choice = answer.json()["choices"][0]
        made = choice["message"].get("tool_calls") or []
        got = [(call["function"]["name"], call["function"]["arguments"]) for call in made]
        text, finish = choice["message"]["content"] or "", choice["finish_reason"]
    assert got == [call for call in calls if call in {("issue_refund", WITHIN), ("look_up", "{}")}]
    assert len(got) == kept
    assert (SAID in text) == (kept < len(calls))
    assert finish == ("tool_calls" if kept else "stop")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (
            "/v1/responses",
            {"input": "hi", "tools": [{"type": "function", "name": n} for n in ("issue_refund", "look")]},
        ),
        (
            "/v1/messages",
            {
                "max_tokens": 5,
                "messages": [{"role": "user", "content": "hi"}],
                "tools": [{"name": n, "input_schema": {"type": "object"}} for n in ("issue_refund", "look")],
            },
        ),
    ],
)
def test_where_answers_are_not_checked_a_bounded_tool_is_not_offered(setup: Setup, path: str, body: Any) -> None:
    """The Responses API and Anthropic's messages: the tool is taken out, the sentence is added."""
    setup.obeys(agent__validation=BOUND, agent__prompt__suffix="Refund only what is owed.")
    request = {"model": "gpt-x", "metadata": {"agent": AGENT}, **body}
    setup.gateway.http.post(f"{setup.gateway.program.url}{path}", json=request, headers=setup.gateway.headers)
    seen = str(setup.asked)
    assert "issue_refund" not in seen
    assert "look" in seen
    assert "Refund only what is owed." in seen


@pytest.mark.parametrize("fault", ["hang", "error", "not_json", "wrong_shape", "drip", "cut"])
def test_under_load_no_request_fails_whatever_pullcord_does(setup: Setup, fault: Fault) -> None:
    """Ten callers, one half of an agent that is paused: it stays so; the others notice nothing, nor wait."""
    setup.obeys(agent__paused=True)
    seen, slowest = _load(setup.gateway, lambda: setattr(setup.pullcord, "fault", fault))
    told(fault, {"answers": str(dict(seen)), "slowest": round(slowest, 2)})
    assert set(seen) == {(AGENT, 503), (None, 200)}
    stale = setup.gateway.chat()
    assert stale.headers["x-pullcord-stale-since"]


def test_killed_under_load_then_the_gateway_restarts_without_it(provider: ModelProvider, tmp_path: Path) -> None:
    """Pullcord is gone for good: a running gateway and a new one on the same state obey what was last known."""
    port = free_port()
    pullcord = OfrepStub(agent=AGENT, token=TOKENS["REFUND_BOT_TOKEN"], port=port)
    pullcord.restrain("agent.paused", value=True, **WHY)
    with gateway(tmp_path, provider, pullcord.url, TOKENS) as running:
        assert running.chat().status_code == 503, "read before the first request"
        seen, slowest = _load(running, pullcord.close)
        told("killed", {"answers": str(dict(seen)), "slowest": round(slowest, 2)})
        assert set(seen) == {(AGENT, 503), (None, 200)}
    with gateway(tmp_path, provider, pullcord.url, TOKENS) as again:
        assert _message(again.chat()) == f"refund-bot is paused {SAID}"
        assert again.chat(None, model="other-alias").status_code == 200, "never restrained, never read: it goes on"
        back = OfrepStub(agent=AGENT, token=TOKENS["REFUND_BOT_TOKEN"], port=port)
        try:
            until(lambda: again.chat().status_code == 200, "the pause is lifted")
        finally:
            back.close()


def _load(running: Gateway, then: Any) -> tuple[Counter[tuple[str | None, int]], float]:
    """Ten callers for a while, ``then`` in the middle. Answers by agent and status; the longest wait in seconds."""
    seen: Counter[tuple[str | None, int]] = Counter()
    ended, slowest = threading.Event(), [0.0]

    def ask(agent: str | None) -> None:
        with httpx.Client(timeout=20, trust_env=False) as http:
            mine = Gateway(running.program, running.key, http)
            while not ended.is_set():
                before = time.monotonic()
                seen[agent, mine.chat(agent).status_code] += 1
                slowest[0] = max(slowest[0], time.monotonic() - before)

    with ThreadPoolExecutor(10) as pool:
        asking = [pool.submit(ask, agent) for agent in (AGENT, None) * 5]
        until(lambda: sum(seen.values()) > 40, "some load")
        then()
        so_far = sum(seen.values())
        until(lambda: sum(seen.values()) > so_far + 120, "load while it is away")
        ended.set()
        for one in asking:
            one.result(30)
    return seen, slowest[0]


# ------------------------------------------------------------------------------------------ the adapter, for real


@pytest.fixture
async def plane(setup: Setup, store: Store, clock: ManualClock) -> AsyncIterator[LiteLLMHook]:
    """Our adapter on the running gateway; what it writes is copied to where the gateway's hook reads."""
    settings = LiteLLMHookSettings.model_validate(
        {
            "url": setup.gateway.program.url,
            "key": SecretStr(setup.gateway.key),
            "agents": {AGENT: {"model": "gpt-x"}},
            "canaries": 2,
        }
    )
    yield LiteLLMHook(settings, ControlClient("gateway", settings), ControlName("gateway"), clock, store.desired)
    setup.obeys()


async def _read_by_the_gateway(setup: Setup, store: Store) -> None:
    """What our store holds, at its revision: the gateway's hook reads it from the stand-in for our server."""
    state = await store.desired.state(AGENT)
    for key in NEUTRAL:
        setup.pullcord.lift(key)
    for flag in {one.flag for one in state.settings}:
        setup.pullcord.restrain(flag, state.value(flag), **WHY)
    setup.pullcord.revision = state.revision
    until(lambda: setup.gateway.chat().headers["x-pullcord-revision"] == str(state.revision), "the gateway reads")


async def _verified(plane: LiteLLMHook, setup: Setup, store: Store, change: Change, key: str) -> tuple[Applied, str]:
    """Applied, pending until the gateway read it, in force afterwards."""
    await _read_by_the_gateway(setup, store)
    applied = await plane.apply(change, key, Restraint(incident="INC-42", by="@dana", why="double refunds"))
    early = await plane.verify(change, applied)
    assert early.verified is Verified.PENDING
    assert early.known_at is not None
    await _read_by_the_gateway(setup, store)
    verified = await plane.verify(change, applied)
    assert verified.verified is Verified.IN_FORCE, verified.detail
    told(change.summary, verified.detail)
    return applied, verified.detail


async def test_canaries_show_each_verb_in_force_and_lifted(plane: LiteLLMHook, setup: Setup, store: Store) -> None:
    """Model by LiteLLM's own header, tool and pause by the refusal with its reason."""
    assert "gpt-x-2026-03-12" in await plane.models(AGENT)
    _, said = await _verified(plane, setup, store, await plane.pin_model(AGENT, "gpt-x-2026-03-12", None), "ex_1")
    assert "answered by gpt-x-2026-03-12 (openai/gpt-x-2026-03-12)" in said
    change = await plane.revoke_tool(AGENT, "issue_refund", None)
    before = await plane.current(change.target)
    applied, said = await _verified(plane, setup, store, change, "ex_2")
    assert "refused: The tool issue_refund is denied to refund-bot by @dana in INC-42" in said
    await plane.restore(change, applied, before, "ex_3")
    await _read_by_the_gateway(setup, store)
    assert (await plane.verify(change, applied)).verified is Verified.MISMATCH
    bound = await plane.tighten_validation(AGENT, "issue_refund", "amount", {"maximum": 5000}, None)
    await _verified(plane, setup, store, bound, "ex_b")
    await _verified(plane, setup, store, await plane.patch_prompt(AGENT, "Refund only what is owed.", None), "ex_p")
    _, said = await _verified(plane, setup, store, await plane.pause_agent(AGENT, None), "ex_4")
    assert "503: refund-bot is paused by @dana in INC-42" in said
    await _verified(plane, setup, store, await plane.resume_agent(AGENT), "ex_5")


async def test_a_gateway_that_does_not_obey_is_a_mismatch(plane: LiteLLMHook, setup: Setup, store: Store) -> None:
    """It says a revision that is new enough, and lets the tool through all the same."""
    change = await plane.revoke_tool(AGENT, "issue_refund", None)
    applied = await plane.apply(change, "ex_1", None)
    setup.obeys()
    found = await plane.verify(change, applied)
    assert found.verified is Verified.MISMATCH
    assert "let through to gpt-x" in found.detail


async def test_a_model_that_the_gateway_lacks_is_refused_and_a_wrong_key_is_said(
    plane: LiteLLMHook, setup: Setup, store: Store, clock: ManualClock
) -> None:
    """At the field, before anything is written; the key is never quoted."""
    with pytest.raises(Refused, match="offers no model nope") as refused:
        await plane.pin_model(AGENT, "nope", None)
    assert refused.value.field == "model"
    settings = LiteLLMHookSettings.model_validate(
        {
            "url": setup.gateway.program.url,
            "key": SecretStr("sk-wrong-0123456789"),
            "agents": {AGENT: {"model": "gpt-x"}},
        }
    )
    wrong = LiteLLMHook(settings, ControlClient("gateway", settings), ControlName("gateway"), clock, store.desired)
    with pytest.raises(ActionFailed) as caught:
        await wrong.models(AGENT)
    assert "sk-wrong" not in str(caught.value)
