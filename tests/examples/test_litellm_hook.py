"""The LiteLLM hook's decisions, without LiteLLM: whose request it is, and what a hostile request cannot do.

``make peers`` runs it in the real proxy (tests/peers/test_litellm.py).
"""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest
import yaml
from starlette.exceptions import HTTPException

from examples.litellm.pullcord_hook import PullcordHook, broken
from sandbox.ofrep_stub import Fault, OfrepStub
from tests.examples.conftest import wait_for

Make = Callable[..., PullcordHook]
NOBODY = SimpleNamespace(key_alias=None, metadata={})


@pytest.fixture
def make(stub: OfrepStub, tmp_path: Path) -> Iterator[Make]:
    """Hooks on one state folder; each is as a new process of the gateway."""
    made: list[PullcordHook] = []

    def one(url: str | None = None, **options: Any) -> PullcordHook:
        settings = {
            "url": url or stub.url,
            "state_dir": str(tmp_path / "state"),
            "every": 0.02,
            "timeout": 0.3,
            "identify_by": ["key_alias", "key_metadata", "model", "metadata"],
            "agents": {"refund-bot": {"token": stub.token, "models": ["refunds"]}},
        }
        made.append(PullcordHook({**settings, **options}))
        return made[-1]

    yield one
    for hook in made:
        hook.reader.stop()


def _chat(**further: Any) -> dict[str, Any]:
    said: dict[str, Any] = {"agent": "refund-bot"}
    return {"model": "gpt-x", "messages": [{"role": "user", "content": "hi"}], "metadata": said, **further}


def _tool(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


@pytest.mark.parametrize(
    ("key", "data", "agent"),
    [
        ({"key_alias": "refund-bot"}, {}, "refund-bot"),
        ({"metadata": {"agent": "refund-bot"}}, {}, "refund-bot"),
        ({}, {"model": "refunds"}, "refund-bot"),
        ({}, {"metadata": {"agent": "refund-bot"}}, "refund-bot"),
        ({}, {"metadata": {"requester_metadata": {"agent": "refund-bot"}}}, "refund-bot"),
        ({"key_alias": "refund-bot"}, {"metadata": {"agent": "nobody"}}, "refund-bot"),
        ({}, {"metadata": {"agent": {"a": 1}}}, None),
        ({}, {"metadata": {"agent": ["refund-bot"]}}, None),
        ({}, {"metadata": "refund-bot"}, None),
        ({"metadata": "x"}, {"model": ["refunds"]}, None),
        ({}, {}, None),
    ],
)
def test_an_agent_is_known_by_its_key_its_model_or_what_it_says(
    make: Make, key: dict[str, Any], data: dict[str, Any], agent: str | None
) -> None:
    """In the order of ``identify_by``; what cannot be a name is nobody, and nobody is not restrained."""
    assert make().agent_of(SimpleNamespace(**{"key_alias": None, "metadata": {}, **key}), data) == agent


async def test_what_a_caller_says_of_itself_counts_only_where_that_is_chosen(make: Make) -> None:
    """An agent could call itself another one otherwise."""
    hook = make(identify_by=["key_alias", "key_metadata", "model"])
    assert hook.agent_of(NOBODY, {"metadata": {"agent": "refund-bot"}}) is None
    assert make(identify_by=None).agent_of(NOBODY, {"metadata": {"agent": "refund-bot"}}) is None


async def test_an_unrestrained_request_is_left_as_it_is(make: Make) -> None:
    """Also a strange one."""
    hook = make()
    for data in (_chat(tools="strange"), _chat(messages=None), {"model": "gpt-x", "metadata": {"agent": "refund-bot"}}):
        before = {name: value for name, value in data.items() if name != "metadata"}
        after = await hook.async_pre_call_hook(NOBODY, None, data, "acompletion")
        assert {name: value for name, value in after.items() if name != "metadata"} == before


@pytest.mark.parametrize(
    "strange", [{"tools": 5}, {"tools": [None, 7]}, {"messages": ["x"]}, {"tool_choice": {"function": 5}}]
)
async def test_a_restrained_request_that_cannot_be_read_never_slips_by(
    make: Make, stub: OfrepStub, strange: dict[str, Any]
) -> None:
    """It is refused, or nothing of what was denied is left in it."""
    stub.restrain("agent.tools.denied", {"tools": ["issue_refund"]})
    stub.restrain("agent.prompt.suffix", "Refund only what is owed.")
    with suppress(HTTPException):
        after = await make().async_pre_call_hook(NOBODY, None, _chat(**strange), "acompletion")
        assert "issue_refund" not in str(after)
        assert "Refund only what is owed." in str(after)


@pytest.mark.parametrize(
    "request_",
    [
        {"tools": [_tool("issue_refund"), _tool("look")]},
        {"tools": [{"type": "function", "name": "issue_refund"}, {"name": "look"}]},
        {"functions": [{"name": "issue_refund"}, {"name": "look"}]},
    ],
)
async def test_a_denied_tool_is_taken_out_of_every_shape(make: Make, stub: OfrepStub, request_: dict[str, Any]) -> None:
    """Chat completions, Responses, Anthropic's messages, and the functions of old."""
    stub.restrain("agent.tools.denied", {"tools": ["issue_refund"]})
    after = await make().async_pre_call_hook(NOBODY, None, _chat(**request_), "acompletion")
    assert "issue_refund" not in str({name: value for name, value in after.items() if name != "metadata"})
    assert "look" in str(after)


@pytest.mark.parametrize(
    "choice", [{"tool_choice": _tool("issue_refund")}, {"function_call": {"name": "issue_refund"}}]
)
async def test_insisting_on_a_denied_tool_is_refused(make: Make, stub: OfrepStub, choice: dict[str, Any]) -> None:
    """With the reason."""
    stub.restrain("agent.tools.denied", {"tools": ["issue_refund"]}, tool__issue_refund__by="@lee")
    stub.restrain("agent.tools.denied", {"tools": ["issue_refund"]}, by="@lee", why="\u202etricks\n")
    with pytest.raises(HTTPException) as refused:
        await make().async_pre_call_hook(NOBODY, None, _chat(**choice), "acompletion")
    assert refused.value.status_code == 403
    assert "by @lee" in refused.value.detail
    assert refused.value.detail.isprintable()


@pytest.mark.parametrize("fault", [fault for fault in get_args(Fault) if fault != "none"])
async def test_a_pause_stands_whatever_pullcord_does_also_over_a_restart(
    make: Make, stub: OfrepStub, fault: Fault
) -> None:
    """In the same process and in a new one; lifted as soon as Pullcord says so."""
    stub.restrain("agent.paused", value=True, by="@dana")
    hook = make()
    stub.fault = fault
    wait_for(lambda: hook.reader.known("refund-bot").problem)
    for process in (hook, make()):
        with pytest.raises(HTTPException, match="paused by @dana"):
            await process.async_pre_call_hook(NOBODY, None, _chat(), "acompletion")
    stub.fault = "none"
    stub.lift("agent.paused")
    wait_for(lambda: not hook.reader.known("refund-bot").restrains)


def test_an_unchanged_state_is_not_sent_again(make: Make, stub: OfrepStub) -> None:
    """ETag and 304: one answer, then confirmations."""
    make()
    wait_for(lambda: stub.requests.count(304) > 3)
    assert stub.requests.count(200) == 1


@pytest.mark.parametrize(("unknown", "paused"), [("pause", True), ("proceed", False)])
def test_a_damaged_state_file_is_unknown_and_the_setting_decides(
    make: Make, stub: OfrepStub, tmp_path: Path, unknown: str, paused: bool
) -> None:
    """With Pullcord away too; without a file nobody was ever restrained."""
    assert make("http://127.0.0.1:9").reader.known("refund-bot").value("agent.paused") is False
    stub.restrain("agent.model", "gpt-x-1")
    make()
    (file,) = (tmp_path / "state").iterdir()
    file.write_text("{")
    known = make("http://127.0.0.1:9", when_unknown=unknown).reader.known("refund-bot")
    assert known.value("agent.paused") is paused
    assert known.problem


def test_an_unreadable_flag_keeps_its_last_value(make: Make, stub: OfrepStub) -> None:
    """And the others are taken."""
    stub.restrain("agent.paused", value=True)
    hook = make()
    stub.replace["agent.paused"] = {"key": "agent.paused", "errorCode": "GENERAL"}
    stub.restrain("agent.model", "gpt-x-1")
    wait_for(lambda: hook.reader.known("refund-bot").value("agent.model") == "gpt-x-1")
    assert hook.reader.known("refund-bot").value("agent.paused") is True


@pytest.mark.parametrize("wrong", [{"identify_by": ["header"]}, {"when_unknown": "stop"}, {"urls": "x"}])
def test_a_setting_that_cannot_be_meant_stops_the_gateway_at_its_start(make: Make, wrong: dict[str, Any]) -> None:
    """Never silently ignored."""
    with pytest.raises(ValueError, match=r"pullcord_hook\.yaml"):
        make(**wrong)


def test_a_token_that_is_not_there_stops_the_gateway_at_its_start(make: Make) -> None:
    """By the variable's name."""
    with pytest.raises(ValueError, match="NOT_SET_ANYWHERE"):
        make(agents={"refund-bot": {"token": "os.environ/NOT_SET_ANYWHERE"}})


def test_the_example_of_the_settings_is_one_that_starts(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it stands in the folder, and README.md tells each of its settings."""
    monkeypatch.setenv("REFUND_BOT_TOKEN", "made-up")
    folder = Path(__file__).parents[2] / "examples" / "litellm"
    settings = yaml.safe_load((folder / "pullcord_hook.yaml").read_text())
    hook = make(**{**settings, "url": "http://127.0.0.1:9", "state_dir": str(tmp_path / "state")})
    assert hook.agent_of(SimpleNamespace(key_alias="refund-bot-prod", metadata={}), {}) == "refund-bot"
    assert hook.agent_of(NOBODY, {"model": "refund-bot"}) == "refund-bot"
    readme = (folder / "README.md").read_text()
    assert [name for name in (*settings, "every", "timeout", "when_unknown") if name not in readme] == ["url"]


@pytest.mark.parametrize(
    ("schema", "arguments", "holds"),
    [
        ({"maximum": 5}, '{"a": 5}', True),
        ({"maximum": 5}, '{"a": "9999"}', False),
        ({"maximum": 5}, '{"a": 1, "a": 9999}', False),
        ({"maximum": 5}, '{"a": Infinity}', False),
        ({"maximum": 5}, "[" * 100_000, False),
        ({"maximum": 5}, "", True),
        ({"maximum": 5}, None, True),
        ({"format": "email"}, '{"a": "x"}', False),
        ({"$ref": "https://elsewhere.test/x"}, '{"a": "x"}', False),
    ],
)
def test_bounds_hold_against_what_a_model_writes(schema: Any, arguments: Any, holds: bool) -> None:
    """What cannot be judged, or could be read in two ways, is held back."""
    assert (broken({"type": "object", "properties": {"a": schema}}, arguments) is None) == holds


async def test_a_pin_does_not_touch_embeddings_and_the_like(make: Make, stub: OfrepStub) -> None:
    """An agent's other models stay; a pause stops them too."""
    stub.restrain("agent.model", "gpt-x-1")
    data = {"model": "embed-y", "input": "text", "metadata": {"agent": "refund-bot"}}
    hook = make()
    assert (await hook.async_pre_call_hook(NOBODY, None, data, "aembedding"))["model"] == "embed-y"
    stub.restrain("agent.paused", value=True)
    wait_for(lambda: hook.reader.known("refund-bot").value("agent.paused"))
    with pytest.raises(HTTPException, match="is paused"):
        await hook.async_pre_call_hook(NOBODY, None, data, "aembedding")


@pytest.mark.parametrize("call_type", ["_arealtime", "agenerate_content", "acreate_batch", "pass_through_endpoint"])
async def test_where_nothing_can_be_held_a_restrained_agent_is_refused(
    make: Make, stub: OfrepStub, call_type: str
) -> None:
    """Else it could reach the model there unseen; an unrestrained agent goes on."""
    hook = make()
    assert await hook.async_pre_call_hook(NOBODY, None, _chat(), call_type)
    stub.restrain("agent.tools.denied", {"tools": ["issue_refund"]})
    wait_for(lambda: hook.reader.known("refund-bot").restrains)
    with pytest.raises(HTTPException, match="cannot be held on this kind of request"):
        await hook.async_pre_call_hook(NOBODY, None, _chat(), call_type)


async def test_a_tool_of_litellms_own_mcp_gateway_is_refused_at_its_call(make: Make, stub: OfrepStub) -> None:
    """Denied, or beyond its bound; others are called."""
    stub.restrain("agent.tools.denied", {"tools": ["send_email"]})
    stub.restrain("agent.validation", {"issue_refund": {"properties": {"amount": {"maximum": 5}}}})
    hook = make()

    async def call(name: str, **arguments: Any) -> Any:
        data = {"mcp_tool_name": name, "mcp_arguments": arguments, "metadata": {"agent": "refund-bot"}}
        return await hook.async_pre_call_hook(NOBODY, None, data, "call_mcp_tool")

    assert await call("issue_refund", amount=5)
    for name, amount in (("issue_refund", 6), ("send_email", 1)):
        with pytest.raises(HTTPException) as refused:
            await call(name, amount=amount)
        assert refused.value.status_code == 403


async def test_an_answer_of_an_unrestrained_agent_is_never_looked_into(make: Make, stub: OfrepStub) -> None:
    """Whatever its shape; a restrained agent's that cannot be read is refused."""
    hook = make()
    strange = SimpleNamespace(choices=[SimpleNamespace(message=SimpleNamespace(tool_calls=5))])
    assert await hook.async_post_call_success_hook(_chat(), NOBODY, strange) is strange
    stub.restrain("agent.tools.denied", {"tools": ["issue_refund"]})
    wait_for(lambda: hook.reader.known("refund-bot").restrains)
    with pytest.raises(HTTPException, match="cannot be read for it"):
        await hook.async_post_call_success_hook(_chat(), NOBODY, strange)
    custom = SimpleNamespace(function=None, custom=SimpleNamespace(name="issue_refund", input="all of it"))
    message = SimpleNamespace(tool_calls=[custom], content=None)
    answer = SimpleNamespace(choices=[SimpleNamespace(message=message, finish_reason="tool_calls")])
    await hook.async_post_call_success_hook(_chat(), NOBODY, answer)
    assert message.tool_calls is None
    assert "is denied to refund-bot" in str(message.content)


async def test_no_request_waits_for_a_pullcord_that_hangs(make: Make, stub: OfrepStub) -> None:
    """A thread reads; a thousand decisions take no longer than they take."""
    stub.restrain("agent.model", "gpt-x-1")
    hook = make(timeout=3)
    stub.fault = "hang"
    wait_for(lambda: hook.reader.known("refund-bot").revision == 1)
    before = time.monotonic()
    for _ in range(1000):
        assert (await hook.async_pre_call_hook(NOBODY, None, _chat(), "acompletion"))["model"] == "gpt-x-1"
    assert time.monotonic() - before < 2


async def test_a_gateway_that_was_given_a_wrong_token_says_that_it_never_read(make: Make) -> None:
    """What the canary brings back, so that people look at the token and not at the gateway."""
    hook = make(agents={"refund-bot": {"token": "wrong"}})
    data = await hook.async_pre_call_hook(NOBODY, None, _chat(), "acompletion")
    told = await hook.async_post_call_response_headers_hook(data, NOBODY, None)
    assert (told["x-pullcord-revision"], told["x-pullcord-stale-since"]) == ("0", "never read")
    assert "wrong" not in str(told)


def test_a_state_file_that_was_removed_is_written_again(make: Make, stub: OfrepStub, tmp_path: Path) -> None:
    """A restart during an outage must not find it missing."""
    stub.restrain("agent.paused", value=True)
    make()
    (file,) = (tmp_path / "state").iterdir()
    file.unlink()
    wait_for(file.exists)
    assert file.stat().st_mode & 0o777 == 0o600


async def test_side_doors_are_shut_while_an_agent_is_restrained(make: Make, stub: OfrepStub) -> None:
    """What LiteLLM merges in behind the hook: a body of its own, and fallbacks with arguments of their own."""
    stub.restrain("agent.tools.denied", {"tools": ["issue_refund"]})
    doors = {
        "extra_body": {"tools": [_tool("issue_refund")], "model": "other", "seed": 1},
        "fallbacks": ["mini-y", {"model": "x", "tools": [_tool("issue_refund")]}],
    }
    after = await make().async_pre_call_hook(NOBODY, None, _chat(**doors), "acompletion")
    assert after["extra_body"] == {"seed": 1}
    assert after["fallbacks"] == ["mini-y"]


async def test_tools_of_a_remote_mcp_server_are_narrowed_or_taken(make: Make, stub: OfrepStub) -> None:
    """The provider would call them by itself: without a list of what is allowed nobody knows which."""
    stub.restrain("agent.tools.denied", {"tools": ["issue_refund"]})
    some = {"type": "mcp", "server_label": "shop", "allowed_tools": ["issue_refund", "look"]}
    tools = [some, {"type": "mcp", "server_label": "all"}, {"type": "custom", "custom": {"name": "issue_refund"}}]
    data = {"model": "gpt-x", "input": "hi", "tools": tools, "metadata": {"agent": "refund-bot"}}
    after = await make().async_pre_call_hook(NOBODY, None, {**data, "mcp_servers": [{"url": "x"}]}, "aresponses")
    assert "mcp_servers" not in after
    assert after["tools"] == [{"type": "mcp", "server_label": "shop", "allowed_tools": ["look"]}]


@pytest.mark.parametrize("told", [None, "x", 5, []])
@pytest.mark.parametrize("name", ["metadata", "litellm_metadata"])
async def test_odd_notes_on_a_request_fail_no_agent(make: Make, stub: OfrepStub, name: str, told: Any) -> None:
    """What a caller writes where LiteLLM keeps its notes: unrestrained it goes on, restrained it is obeyed."""
    hook = make()
    key = SimpleNamespace(key_alias="refund-bot", metadata={})
    asked = {"model": "gpt-x", "messages": [], "litellm_metadata": None, name: told}
    assert (await hook.async_pre_call_hook(key, None, dict(asked), "acompletion"))["model"] == "gpt-x"
    stub.restrain("agent.model", "gpt-pinned")
    wait_for(lambda: hook.reader.known("refund-bot").restrains)
    assert (await hook.async_pre_call_hook(key, None, dict(asked), "acompletion"))["model"] == "gpt-pinned"


def _piece(name: str | None, arguments: str, **further: Any) -> Any:
    call = SimpleNamespace(function=SimpleNamespace(name=name, arguments=arguments), **further)
    delta = SimpleNamespace(tool_calls=[call], content=None, function_call=None)
    return SimpleNamespace(choices=[SimpleNamespace(index=0, delta=delta, finish_reason=None)])


def _old_piece(name: str | None, arguments: str) -> Any:
    delta = SimpleNamespace(tool_calls=None, content=None, function_call={"name": name, "arguments": arguments})
    return SimpleNamespace(choices=[SimpleNamespace(index=0, delta=delta, finish_reason="function_call")])


@pytest.mark.parametrize(
    "pieces",
    [
        [_piece("issue_refund", "{}", index=0)],
        [_piece("issue_", "", index=0), _piece("refund", "{}", index=0)],
        [_piece("get_order", "{}", index=0), _piece("issue_refund", "{}", index=0)],
        [_piece("issue_refund", "{}", index=None), _piece("issue_refund", "{}", index=None)],
        [_old_piece("issue_refund", ""), _old_piece(None, "{}")],
    ],
)
async def test_no_shape_of_a_streamed_call_carries_a_denied_tool(
    make: Make, stub: OfrepStub, pieces: list[Any]
) -> None:
    """Names in pieces, calls that are all numbered alike or not at all, and calls as they were before tools."""
    stub.restrain("agent.tools.denied", {"tools": ["issue_refund"]}, **{"tool.issue_refund.why": "double refunds"})
    hook = make()
    wait_for(lambda: hook.reader.known("refund-bot").restrains)

    async def stream() -> Any:
        for piece in pieces:
            yield piece

    data = _chat()
    key = SimpleNamespace(key_alias="refund-bot", metadata={})
    out = [chunk async for chunk in hook.async_post_call_streaming_iterator_hook(key, stream(), data)]
    deltas = [chunk.choices[0].delta for chunk in out]
    assert not any(delta.tool_calls or delta.function_call for delta in deltas)
    assert any("double refunds" in (delta.content or "") for delta in deltas)


async def test_a_call_as_it_was_before_tools_is_held_back(make: Make, stub: OfrepStub) -> None:
    """``function_call`` of a whole answer, as an object or as LiteLLM's dictionary."""
    stub.restrain("agent.tools.denied", {"tools": ["issue_refund"]})
    hook = make()
    wait_for(lambda: hook.reader.known("refund-bot").restrains)
    key = SimpleNamespace(key_alias="refund-bot", metadata={})
    for old in ({"name": "issue_refund", "arguments": "{}"}, SimpleNamespace(name="issue_refund", arguments="{}")):
        message = SimpleNamespace(tool_calls=None, content=None, function_call=old)
        choice = SimpleNamespace(message=message, finish_reason="function_call")
        await hook.async_post_call_success_hook(_chat(), key, SimpleNamespace(choices=[choice]))
        assert message.function_call is None
        assert "issue_refund is denied" in str(message.content)
        assert choice.finish_reason == "stop"


def test_what_takes_the_square_of_a_text_is_not_tried() -> None:
    """The gateway has one thread for all requests."""
    began = time.monotonic()
    schema = {"type": "object", "properties": {"to": {"pattern": "[a-z]+@"}}}
    assert "cannot be judged" in str(broken(schema, {"to": "a" * 100_000}))
    assert broken(schema, {"to": "a@", "body": "a" * 100_000}) is None
    assert time.monotonic() - began < 1
