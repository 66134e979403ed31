"""A modal whose verb refuses what was typed stays open with the reason at the field, and nothing is written."""

import pytest

from bot.engine import trying
from bot.engine.engine import Engine
from bot.engine.evidence import FrozenRuns
from bot.engine.planning import ControlPlanes
from bot.plugin import FieldErrors, Quiet
from bot.ports import Clock, DesiredState, EvalRepository, EvalTarget, EvidenceReader
from bot.settings import EvalSettings
from runbooks.controls.git import GitRemote, GitSettings
from tests.support.engine import AGENT, DANA, LEE, TRACE, World
from tests.support.spans import root_span, tool_span


async def test_a_refusal_of_the_verb_that_names_a_field_comes_back_at_that_field(world: World) -> None:
    """What was typed is not lost, and the timeline says nothing of it; corrected, the same button works."""
    await world.fire()
    await world.click("Revoke", tool="send_email", key="a")
    await world.fire(name="Another", fingerprint="b")
    before = await world.incident(2)
    reply = await world.click("Revoke", tool="send_email", key="b", number=2)
    assert isinstance(reply, FieldErrors)
    assert reply.errors["tool"].startswith(f"send_email is already revoked from {AGENT}.")
    assert (await world.incident(2)).seq == before.seq
    assert await world.click("Revoke", tool="issue_refund", key="b", number=2) == Quiet()
    assert len((await world.incident(2)).executions) == 1


async def test_a_verb_that_does_not_say_so_in_time_is_asked_by_the_worker(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The click goes on; the refusal then stands on the timeline and is told to whoever asked."""
    await world.fire()
    await world.click("Revoke", tool="send_email", key="a")
    await world.fire(name="Another", fingerprint="b")
    monkeypatch.setattr(trying, "TRY_SECONDS", 0.0)
    assert await world.click("Revoke", tool="send_email", key="b", number=2) == Quiet()
    assert "already revoked" in world.told("U0DANA")[-1]


async def test_whoever_is_second_with_a_modal_is_told_who_was_first_and_not_what_the_verb_says_now(
    world: World,
) -> None:
    """The same button, the same tool: the first one's revoke is the answer."""
    await world.fire()
    offer = await world.offer("Revoke")
    assert await world.engine.requests.submit(offer.id, DANA, {"tool": "send_email"}, key="a") == Quiet()
    await world.work()
    reply = await world.engine.requests.submit(offer.id, LEE, {"tool": "send_email"}, key="b")
    assert "Already done by <@U0DANA>" in str(reply)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("{amount: 4200}", "not JSON"),
        ('{"amount_cents": 42001}', "that were recorded"),
        ("[1]", "must be a JSON object"),
    ],
)
async def test_an_eval_case_that_proves_nothing_keeps_its_modal_open(world: World, arguments: str, told: str) -> None:
    """Also the prefilled arguments left as they are; no refusal stands on the card."""
    services: dict[type, object] = {
        DesiredState: world.store.desired,
        Clock: world.clock,
        EvidenceReader: FrozenRuns(world.store.evidence),
        EvalRepository: GitRemote(GitSettings(), EvalTarget(remote="/nowhere", branch="main", directory="evals")),
    }
    settings = world.settings.model_copy(update={"evals": EvalSettings(remote="/nowhere")})
    planes = ControlPlanes(world.registry, settings, services)
    world.engine = Engine(world.store, world.registry, settings, planes, world.slack, world.clock)
    now = world.clock.now()
    spans = [root_span(TRACE, now), tool_span(TRACE, 1, "issue_refund", {"amount_cents": 42001}, now)]
    await world.store.spans.upsert(TRACE, AGENT, {span.span_id: span.to_bytes() for span in spans})
    await world.later(seconds=1)
    await world.fire()
    before = await world.incident()
    wrong, expected = before.effects[0].id, "Refund what is owed."
    reply = await world.click("Open eval case", call=wrong, expected=expected, arguments=arguments)
    assert isinstance(reply, FieldErrors)
    assert told in reply.errors["arguments"]
    assert (await world.incident()).seq == before.seq
