import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import structlog.testing

from bot.domain.events import Actor, ActorKind
from bot.errors import Busy, Refused, StoreUnavailable
from bot.plugin import Click, FieldErrors, Interaction, Kind, OpenModal, Quiet, Reading, Registry, Reply, Say, Services
from bot.slack import texts
from bot.slack.clicks import Incoming
from bot.slack.client import SlackClient
from bot.slack.identity import Identity
from bot.slack.wrapper import Ack, Wrapper
from sandbox.slack.people import TEAM
from sandbox.slack.server import SlackSandbox
from tests.bot.slack.workspace import announce_channel
from tests.support.waiting import wait_until

Run = Callable[[Click, Services], Awaitable[Reply]]
VIEW: dict[str, Any] = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "T"},
    "blocks": [{"type": "section", "text": {"type": "plain_text", "text": "x"}}],
}


@asynccontextmanager
async def wrapped(slack: SlackSandbox, run: Run, kind: Kind = Kind.BUTTON) -> AsyncIterator[Wrapper]:
    """A wrapper that knows one interaction, `it`."""
    interaction = Interaction(id="it", kind=kind, run=run, help="", module="tests")
    registry = Registry({}, {}, {}, {}, {}, {(kind, "it"): interaction})
    client = await SlackClient.open(slack.bot_token, slack.base_url, timeout=2)
    identity = Identity(client)
    await identity.learn()
    wrapper = Wrapper(registry, None, client, identity, write_seconds=0.1)  # type: ignore[arg-type]
    task = asyncio.create_task(wrapper.run())
    await asyncio.sleep(0)
    try:
        yield wrapper
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await client.aclose()


async def incoming(slack: SlackSandbox, kind: Kind = Kind.BUTTON, key: str = "k", **more: Any) -> Incoming:
    """Dana presses `it` in the public channel."""
    by = Actor(kind=ActorKind.PERSON, id="U0DANA", team=TEAM)
    fields = {"id": "it", "channel": await announce_channel(slack), **more.pop("click", {})}
    return Incoming(kind=kind, click=Click(key=key, by=by, **fields), team=more.pop("team", TEAM), **more)


async def said(slack: SlackSandbox) -> str:
    """Everything that only Dana sees."""
    return "\n".join(m["text"] for m in await slack.ephemerals("dana", await announce_channel(slack)))


def replying(reply: Reply | Exception, *, after: float = 0, calls: list[str] | None = None) -> Run:
    """A handler with this outcome."""

    async def run(click: Click, services: Services) -> Reply:
        if calls is not None:
            calls.append(click.key)
        await asyncio.sleep(after)
        if isinstance(reply, Exception):
            raise reply
        return reply

    return run


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Say("done for you"), "done for you"),
        (Refused("Only a commander may.", who_may="<@U0LEE>"), "Only a commander may. <@U0LEE>"),
        (Busy("Too much is queued.", retry_after=7), "7 s"),
        (StoreUnavailable("not confirmed"), texts.NOT_CONFIRMED),
        (Refused("broken <!channel> text"), "&lt;!channel&gt;"),
    ],
)
async def test_each_outcome_is_said_to_the_clicker_alone(
    slack: SlackSandbox, outcome: Reply | Exception, words: str
) -> None:
    """The listener itself is acknowledged in each case."""
    async with wrapped(slack, replying(outcome)) as wrapper:
        assert await wrapper.handle(await incoming(slack)) == Ack()
        await wait_until(lambda: _has(slack, words))


async def _has(slack: SlackSandbox, words: str) -> bool:
    return words in await said(slack)


async def test_a_fault_of_ours_is_logged_under_a_reference_that_the_clicker_gets(slack: SlackSandbox) -> None:
    """Never raised: bolt would lose the acknowledgement."""
    with structlog.testing.capture_logs() as logs:
        async with wrapped(slack, replying(ValueError("secret detail"))) as wrapper:
            await wrapper.handle(await incoming(slack))
            reference = next(entry["reference"] for entry in logs if "reference" in entry)
            await wait_until(lambda: _has(slack, reference))
    assert "secret detail" not in await said(slack)


async def test_a_slow_handler_is_acknowledged_at_its_bound_and_its_outcome_still_told(slack: SlackSandbox) -> None:
    """Not confirmed first, then what came of it."""
    async with wrapped(slack, replying(Quiet(), after=0.4)) as wrapper:
        loop = asyncio.get_running_loop()
        started = loop.time()
        await wrapper.handle(await incoming(slack))
        assert loop.time() - started < 0.35
        await wait_until(lambda: _has(slack, texts.NOT_CONFIRMED))
        await wait_until(lambda: _has(slack, texts.CONFIRMED_NOW))


async def test_the_same_click_delivered_twice_runs_once(slack: SlackSandbox) -> None:
    """An envelope may come again; the handler's operation id guards other replicas."""
    calls: list[str] = []
    async with wrapped(slack, replying(Quiet(), calls=calls)) as wrapper:
        await wrapper.handle(await incoming(slack))
        await wrapper.handle(await incoming(slack))
        await wrapper.handle(await incoming(slack, key="another"))
    assert calls == ["k", "another"]


async def test_an_event_that_could_not_be_stored_is_asked_for_again(slack: SlackSandbox) -> None:
    """Unacknowledged, so that Slack delivers it once more; and then it runs."""
    calls: list[str] = []
    run = replying(StoreUnavailable("away"), calls=calls)
    async with wrapped(slack, run, Kind.EVENT) as wrapper:
        for _ in range(2):
            assert (await wrapper.handle(await incoming(slack, Kind.EVENT))).again
    assert calls == ["k", "k"]


async def test_a_modal_keeps_open_with_its_errors(slack: SlackSandbox) -> None:
    """FieldErrors become the acknowledgement; so does a write that was not confirmed."""
    async with wrapped(slack, replying(FieldErrors({"reason": "Say why."})), Kind.VIEW) as wrapper:
        ack = await wrapper.handle(await incoming(slack, Kind.VIEW, first_input="reason"))
        assert ack.payload == {"response_action": "errors", "errors": {"reason": "Say why."}}
    async with wrapped(slack, replying(StoreUnavailable("away")), Kind.VIEW) as wrapper:
        for _ in range(2):
            ack = await wrapper.handle(await incoming(slack, Kind.VIEW, first_input="reason"))
            assert ack.payload["errors"] == {"reason": texts.NOT_CONFIRMED}


async def test_a_modal_that_comes_too_late_is_said(slack: SlackSandbox) -> None:
    """The trigger is good once, for three seconds."""
    async with wrapped(slack, replying(OpenModal(VIEW))) as wrapper:
        await wrapper.handle(await incoming(slack, trigger_id="not-a-trigger"))
        await wait_until(lambda: _has(slack, "dialog"))


async def test_another_workspace_and_unknown_buttons_are_refused_visibly(slack: SlackSandbox) -> None:
    """Before any handler runs."""
    calls: list[str] = []
    async with wrapped(slack, replying(Quiet(), calls=calls)) as wrapper:
        await wrapper.handle(await incoming(slack, team="T0OTHER"))
        await wait_until(lambda: _has(slack, "does not serve your workspace"))
        await wrapper.handle(await incoming(slack, click={"id": "gone_<!here>"}))
        await wait_until(lambda: _has(slack, "does not know"))
    assert calls == []
    assert "<!here>" not in await said(slack)


async def test_an_id_matches_by_the_part_before_its_colon(slack: SlackSandbox) -> None:
    """`pullcord_run:3` is the third button of one interaction."""
    calls: list[str] = []
    async with wrapped(slack, replying(Quiet(), calls=calls)) as wrapper:
        await wrapper.handle(await incoming(slack, click={"id": "it:3"}))
    assert calls == ["k"]


async def test_an_answer_where_the_bot_is_no_member_comes_as_a_direct_message(slack: SlackSandbox) -> None:
    """Every way is tried before an answer is lost."""
    async with wrapped(slack, replying(Say("reached you"))) as wrapper:
        await wrapper.handle(await incoming(slack, click={"channel": "C0NOWHERE"}))
        await wait_until(lambda: _direct(slack))


async def _direct(slack: SlackSandbox) -> bool:
    return any("reached you" in m["text"] for m in await slack.messages("dana"))


async def test_answers_that_wait_are_sent_when_the_process_stops(slack: SlackSandbox) -> None:
    """A bounded drain, no orphan task."""
    async with wrapped(slack, replying(Say("before the end"))) as wrapper:
        await wrapper.handle(await incoming(slack))
    assert "before the end" in await said(slack)


async def test_what_only_reads_on_is_late_by_no_means(slack: SlackSandbox) -> None:
    """A modal that waits for a control plane opens, and nobody is told meanwhile that something is not confirmed."""

    async def run(click: Click, services: Services) -> Reply:
        async def read() -> Reply:
            await asyncio.sleep(0.3)
            return Say("read at last")

        return Reading(read)

    async with wrapped(slack, run) as wrapper:
        assert await wrapper.handle(await incoming(slack)) == Ack()
        await wait_until(lambda: _has(slack, "read at last"))
        assert texts.NOT_CONFIRMED not in await said(slack)


async def test_a_refusal_or_a_fault_of_what_only_reads_is_said(slack: SlackSandbox) -> None:
    """And what reads for ever is given up in words; never silence."""

    async def refused() -> Reply:
        raise Refused("It is resolved.")

    async def away() -> Reply:
        raise StoreUnavailable("nothing answers")

    for key, read, words in (("a", refused, "It is resolved."), ("b", away, texts.MODAL_LATE)):
        async with wrapped(slack, replying(Reading(read))) as wrapper:
            assert await wrapper.handle(await incoming(slack, key=key)) == Ack()
            await wait_until(lambda words=words: _has(slack, words))  # type: ignore[misc]
