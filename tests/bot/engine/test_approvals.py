"""A second person: asked with a preview, reminded, decided once, and decided again before anything starts."""

import asyncio
from typing import Any

import pytest

from bot.domain import events as ev
from bot.domain.action import Execution, ExecutionState
from bot.domain.desired import TOOLS_DENIED
from bot.domain.events import Actor
from bot.plugin import FieldErrors, Quiet, Say
from tests.support.engine import AGENT, DANA, GUEST, KIM, LEE, SAM, World, settings_of, someone

ZOE = someone("U0ZOE")
"""A second commander."""
TWO: dict[str, Any] = {"roles": {"responder": ["U0DANA", "U0LEE"], "commander": ["U0KIM", "U0ZOE"]}}


@pytest.fixture
async def revoked(world: World) -> World:
    """Dana took a tool from the agent; taking that back is a commander's matter."""
    world.settings = settings_of(**TWO)
    world.slack.members |= {"U0ZOE": True}
    world.restart()
    await world.fire()
    await world.click("Revoke a tool", tool="issue_refund", why="refunds too much")
    return world


async def refused(world: World, by: Actor = DANA, label: str = "Undo", **values: Any) -> tuple[Say, Execution]:
    """Somebody presses and is refused: what they were told, and the refusal on the timeline."""
    reply = await world.click(label, by, key=f"press-{by.id}", **values)
    assert isinstance(reply, Say)
    return reply, (await world.incident()).executions[-1]


async def asked(world: World, by: Actor = DANA) -> Execution:
    """Somebody is refused and asks those who may; the request that waits."""
    _, no = await refused(world, by)
    assert isinstance(await world.engine.requests.ask("INC-1", no.id, by, key="ask"), Quiet)
    await world.work()
    return (await world.incident()).executions[-1]


async def events(world: World) -> list[ev.Event]:
    """The timeline."""
    return [entry.event for entry in await world.store.incidents.entries("INC-1", 0, 500)]


async def kinds(world: World, *wanted: type) -> list[str]:
    """Types of the events of these kinds, in order."""
    return [e.type for e in await events(world) if isinstance(e, wanted)]


def ids(say: Say) -> list[str]:
    """Action ids of the buttons that somebody was shown."""
    blocks: Any = say.blocks
    return [str(e["action_id"]) for block in blocks for e in block.get("elements", ()) if "action_id" in e]


async def denied(world: World) -> list[str]:
    """Tools that the agent may not use now."""
    value: Any = (await world.store.desired.state(AGENT)).value(TOOLS_DENIED)
    return list(value["tools"])


async def test_a_refusal_says_who_may_offers_to_ask_and_is_on_the_timeline(revoked: World) -> None:
    """Seen by the clicker alone; the same press again adds nothing."""
    reply, no = await refused(revoked)
    assert reply.text == ("You may not undo Revoke tool: it needs the role commander. Ask <@U0KIM>, <@U0ZOE>.")
    assert ids(reply) == ["pullcord_ask", "pullcord_glass"]
    assert (no.state, no.by, no.undo_of) == (
        ExecutionState.REFUSED,
        "U0DANA",
        (await revoked.incident()).executions[0].id,
    )
    last = (await events(revoked))[-1]
    assert isinstance(last, ev.ActionRefused)
    assert last.who_may == "commander: <@U0KIM>, <@U0ZOE>"
    before = (await revoked.incident()).seq
    await refused(revoked)
    assert (await revoked.incident()).seq == before
    assert await denied(revoked) == ["issue_refund"]


@pytest.mark.parametrize(("by", "offered"), [(SAM, ["pullcord_ask"]), (GUEST, [])])
async def test_members_may_ask_and_guests_may_nothing(revoked: World, by: Actor, offered: list[str]) -> None:
    """Who saw it may ask; a guest is offered nothing."""
    reply, _ = await refused(revoked, by)
    assert ids(reply) == offered


async def test_a_commander_approves_what_a_responder_asked_for(revoked: World) -> None:
    """With the preview of what will be done; the undo runs as the requester's, approved by name."""
    waits = await asked(revoked)
    assert waits.state is ExecutionState.AWAITING_APPROVAL
    assert waits.approval is not None
    assert (waits.approval.role, waits.approval.asked) == ("commander", True)
    assert "agent.tools.denied[issue_refund] of refund-bot: now" in waits.approval.preview
    assert waits.approval.preview.endswith("then nothing")
    assert await denied(revoked) == ["issue_refund"]
    (shown,) = await revoked.engine.requests.waiting_for(KIM)
    assert (shown.incident, shown.execution, shown.by) == ("INC-1", waits.id, "U0DANA")
    assert await revoked.engine.requests.waiting_for(LEE) == []
    assert await revoked.engine.requests.waiting_for(DANA) == []
    assert isinstance(await revoked.engine.requests.approve("INC-1", waits.id, KIM, key="yes"), Quiet)
    await revoked.work()
    done = (await revoked.incident()).executions[-1]
    assert (done.state, done.by) == (ExecutionState.SUCCEEDED, "U0DANA")
    assert done.approval is not None
    assert done.approval.by == "U0KIM"
    assert await denied(revoked) == []
    assert await revoked.engine.requests.waiting_for(KIM) == []
    assert await kinds(revoked, ev.ActionRefused, ev.ApprovalAsked, ev.ApprovalGiven, ev.ActionStarted) == [
        "action_started",
        "action_refused",
        "approval_asked",
        "approval_given",
        "action_started",
    ]


@pytest.mark.parametrize("by", [DANA, someone("U0DANA", "T0OTHER"), someone("u0dana")])
async def test_the_requester_cannot_approve_under_whatever_name(revoked: World, by: Actor) -> None:
    """Nor from another workspace, nor with the id written in another way."""
    revoked.settings = settings_of(roles={"responder": ["U0DANA"], "commander": ["U0DANA", "U0KIM"]})
    waits = await asked(revoked)
    revoked.restart()
    reply = await revoked.engine.requests.approve("INC-1", waits.id, by, key="me")
    assert isinstance(reply, Say)
    assert "somebody else must approve" in reply.text
    assert (await revoked.incident()).executions[-1] == waits
    assert await kinds(revoked, ev.DecisionRefused) == ["decision_refused"]


@pytest.mark.parametrize("by", [LEE, SAM, GUEST])
async def test_only_who_holds_the_role_approves_and_who_tried_is_on_the_timeline(revoked: World, by: Actor) -> None:
    """A fellow responder is told who may; the request goes on waiting."""
    waits = await asked(revoked)
    for _ in range(2):
        reply = await revoked.engine.requests.approve("INC-1", waits.id, by, key="no")
        assert isinstance(reply, Say)
        assert "needs the role commander. Ask <@U0KIM>, <@U0ZOE>" in reply.text
    assert (await revoked.incident()).execution(waits.id) == waits
    tried = [e for e in await events(revoked) if isinstance(e, ev.DecisionRefused)]
    assert [(e.execution, e.by.id, e.what) for e in tried] == [(waits.id, by.id, "approve")]
    assert len((await revoked.incident()).executions) == 3, "revoked, refused, asked: a refused press is no action"


async def test_a_rejection_has_a_reason_that_whoever_asked_is_shown(revoked: World) -> None:
    """The tool stays taken away, and the button is there again."""
    waits = await asked(revoked)
    empty = await revoked.engine.requests.reject("INC-1", waits.id, KIM, reason="  ", key="no")
    assert isinstance(empty, FieldErrors)
    assert isinstance(await revoked.engine.requests.reject("INC-1", waits.id, KIM, reason="not yet", key="no"), Quiet)
    await revoked.work()
    ended = (await revoked.incident()).execution(waits.id)
    assert ended is not None
    assert (ended.state, ended.reason) == (ExecutionState.REJECTED, "not yet")
    late = await revoked.engine.requests.approve("INC-1", waits.id, ZOE, key="late")
    assert isinstance(late, Say)
    assert late.text.startswith("<@U0KIM> already rejected it 0 s ago")
    assert await denied(revoked) == ["issue_refund"]
    assert [label for label in await revoked.labels() if label.startswith("Undo")]


async def test_the_requester_takes_it_back(revoked: World) -> None:
    """Without a reason if need be; nobody can approve it afterwards."""
    waits = await asked(revoked)
    assert isinstance(await revoked.engine.requests.reject("INC-1", waits.id, DANA, reason="", key="back"), Quiet)
    late = await revoked.engine.requests.approve("INC-1", waits.id, KIM, key="late")
    assert isinstance(late, Say)
    assert late.text.startswith("<@U0DANA> already took it back")
    await revoked.work()
    assert await denied(revoked) == ["issue_refund"]


async def test_approve_and_reject_at_once_have_one_outcome_and_the_other_is_told(revoked: World) -> None:
    """Two commanders disagree in the same moment, each pressing ten times."""
    waits = await asked(revoked)
    requests = revoked.engine.requests
    replies = await asyncio.gather(
        *(requests.approve("INC-1", waits.id, KIM, key=f"yes-{n}") for n in range(10)),
        *(requests.reject("INC-1", waits.id, ZOE, reason="no", key=f"no-{n}") for n in range(10)),
    )
    assert sum(isinstance(reply, Quiet) for reply in replies) == 1
    assert all("already" in reply.text.lower() for reply in replies if isinstance(reply, Say))
    assert len(await kinds(revoked, ev.ApprovalGiven, ev.ApprovalRejected)) == 1
    await revoked.work()
    given = await kinds(revoked, ev.ApprovalGiven)
    assert await denied(revoked) == ([] if given else ["issue_refund"])


async def test_it_is_asked_once_more_and_then_expires_across_restarts(revoked: World) -> None:
    """Due times of the store, not of a process: each commander gets one message, whoever asked is told the end."""
    waits = await asked(revoked)
    revoked.restart()
    await revoked.later(minutes=5, seconds=1)
    await revoked.later(seconds=1)
    for user in ("U0KIM", "U0ZOE"):
        (told,) = revoked.told(user)
        assert "Still waits, 9 min left" in told
    assert revoked.told("U0DANA") == []
    revoked.restart()
    await revoked.later(minutes=10)
    ended = (await revoked.incident()).execution(waits.id)
    assert ended is not None
    assert ended.state is ExecutionState.EXPIRED
    assert "Nobody approved" in revoked.told("U0DANA")[0]
    late = await revoked.engine.requests.approve("INC-1", waits.id, KIM, key="late")
    assert isinstance(late, Say)
    assert late.text.startswith("Too late")
    assert await kinds(revoked, ev.ApprovalReminded, ev.ApprovalExpired) == ["approval_reminded", "approval_expired"]
    assert await denied(revoked) == ["issue_refund"]


async def test_after_its_deadline_nothing_is_approved_even_if_no_clock_ticked(revoked: World) -> None:
    """A worker that is away must not make a deadline longer."""
    waits = await asked(revoked)
    revoked.clock.forward(minutes=16)
    reply = await revoked.engine.requests.approve("INC-1", waits.id, KIM, key="late")
    assert isinstance(reply, Say)
    assert reply.text.startswith("Too late")
    assert await kinds(revoked, ev.ApprovalGiven) == []


@pytest.mark.parametrize("roles", [{"responder": ["U0DANA"], "commander": ["U0ZOE"]}, {"commander": ["U0ZOE"]}])
async def test_an_approver_who_lost_the_role_meanwhile_has_not_approved(revoked: World, roles: dict[str, Any]) -> None:
    """Between the yes and the start: refused, and whoever asked is told why."""
    waits = await asked(revoked)
    assert isinstance(await revoked.engine.requests.approve("INC-1", waits.id, KIM, key="yes"), Quiet)
    revoked.settings = settings_of(roles=roles)
    revoked.restart()
    await revoked.work()
    ended = (await revoked.incident()).execution(waits.id)
    assert ended is not None
    assert ended.state is ExecutionState.REFUSED
    assert "<@U0KIM> approved it, but may not approve it any more" in (ended.reason or "")
    assert "was refused" in revoked.told("U0DANA")[-1]
    assert await denied(revoked) == ["issue_refund"]


async def test_a_requester_who_is_a_guest_by_now_gets_nothing_done(revoked: World) -> None:
    """It was approved, but whoever asked does not belong here any more."""
    waits = await asked(revoked)
    assert isinstance(await revoked.engine.requests.approve("INC-1", waits.id, KIM, key="yes"), Quiet)
    revoked.slack.members["U0DANA"] = False
    revoked.restart()
    await revoked.work()
    ended = (await revoked.incident()).execution(waits.id)
    assert ended is not None
    assert ended.state is ExecutionState.REFUSED
    assert await denied(revoked) == ["issue_refund"]


async def test_breaking_glass_needs_a_reason_tells_every_commander_and_goes_alone(revoked: World) -> None:
    """From the refusal itself; each commander gets one message, also when the work is done twice."""
    _, no = await refused(revoked)
    requests = revoked.engine.requests
    assert isinstance(await requests.break_glass("INC-1", no.id, DANA, reason=" ", key="g"), FieldErrors)
    why = "customers cannot be refunded at all"
    assert isinstance(await requests.break_glass("INC-1", no.id, DANA, reason=why, key="g"), Quiet)
    await revoked.work()
    done = (await revoked.incident()).executions[-1]
    assert (done.state, done.broke_glass) == (ExecutionState.SUCCEEDED, why)
    assert await denied(revoked) == []
    for user in ("U0KIM", "U0ZOE"):
        (told,) = revoked.told(user)
        assert "BREAK GLASS" in told
        assert why in told
    assert await kinds(revoked, ev.GlassBroken) == ["glass_broken"]


async def test_glass_is_broken_by_the_one_who_waits_and_the_question_ends(revoked: World) -> None:
    """Nobody answered in time for them; nobody can approve it any more."""
    waits = await asked(revoked)
    other = await revoked.engine.requests.break_glass("INC-1", waits.id, LEE, reason="me", key="g")
    assert isinstance(other, Say)
    assert "Only <@U0DANA>" in other.text
    assert isinstance(await revoked.engine.requests.break_glass("INC-1", waits.id, DANA, reason="now", key="g"), Quiet)
    await revoked.work()
    assert await denied(revoked) == []
    late = await revoked.engine.requests.approve("INC-1", waits.id, KIM, key="late")
    assert isinstance(late, Say)
    assert late.text.startswith("<@U0DANA> broke glass and went alone")


@pytest.mark.parametrize(
    ("by", "settings", "says"),
    [
        (SAM, {}, "needs the role responder"),
        (GUEST, {}, "needs the role responder"),
        (DANA, {"approvals": {"break_glass": False}}, "approvals.break_glass is off"),
    ],
)
async def test_glass_is_for_responders_where_it_is_allowed(
    revoked: World, by: Actor, settings: dict[str, Any], says: str
) -> None:
    """The button is not shown to others, and a forged press is refused and recorded."""
    revoked.settings = settings_of(**TWO, **settings)
    revoked.restart()
    reply, no = await refused(revoked, by)
    assert "pullcord_glass" not in ids(reply)
    forged = await revoked.engine.requests.break_glass("INC-1", no.id, by, reason="please", key="g")
    assert isinstance(forged, Say)
    assert says in forged.text
    await revoked.work()
    assert await denied(revoked) == ["issue_refund"]


async def test_buttons_of_others_and_stale_ones_do_nothing(revoked: World) -> None:
    """A value is only a name: it proves nothing about who presses and what is left of it."""
    _, no = await refused(revoked)
    requests = revoked.engine.requests
    first = (await revoked.incident()).executions[0].id
    for reply, says in (
        (await requests.ask("INC-1", no.id, LEE, key="k"), "Only <@U0DANA>"),
        (await requests.ask("INC-1", first, DANA, key="k"), "nothing here to ask"),
        (await requests.ask("INC-1", "ex_unknown", DANA, key="k"), "nothing here to ask"),
        (await requests.ask("INC-7", no.id, DANA, key="k"), "There is no incident"),
        (await requests.approve("INC-1", first, KIM, key="k"), "has no request"),
        (await requests.approve("INC-1", "ex_unknown", KIM, key="k"), "has no request"),
        (await requests.reject("INC-1", no.id, KIM, reason="x", key="k"), "has no request"),
        (await requests.break_glass("INC-1", "ex_unknown", DANA, reason="x", key="k"), "has no request"),
    ):
        assert isinstance(reply, Say)
        assert says in reply.text, reply.text
    await revoked.click("Undo", KIM)
    used = await requests.ask("INC-1", no.id, DANA, key="k")
    assert isinstance(used, Say)
    assert "Already done by <@U0KIM>" in used.text


async def test_pressing_ask_thrice_asks_once(revoked: World) -> None:
    """Slack delivers again, and people press again."""
    _, no = await refused(revoked)
    requests = revoked.engine.requests
    replies = [await requests.ask("INC-1", no.id, DANA, key=key) for key in ("a", "a", "b")]
    assert [type(reply) for reply in replies[:2]] == [Quiet, Quiet]
    assert isinstance(replies[2], Say)
    await revoked.work()
    assert await kinds(revoked, ev.ApprovalAsked) == ["approval_asked"]


async def test_what_the_verb_refuses_is_refused_before_anybody_is_bothered(revoked: World) -> None:
    """A commander gave the tool back in the same moment: the preview finds it, and nobody is asked to approve it."""
    _, no = await refused(revoked, label="Restore tool", tool="issue_refund")
    undo = await revoked.offer("Undo")
    assert isinstance(await revoked.engine.requests.submit(undo.id, KIM, {}, key="kim"), Quiet)
    assert isinstance(await revoked.engine.requests.ask("INC-1", no.id, DANA, key="ask"), Quiet)
    await revoked.work()
    assert (await revoked.incident()).executions[-1].state is ExecutionState.REFUSED
    assert "was refused" in revoked.told("U0DANA")[-1]
    assert await kinds(revoked, ev.ApprovalAsked) == []


async def test_a_group_that_cannot_be_read_approves_nothing(revoked: World) -> None:
    """Fail closed, and say so; it can be pressed again when Slack answers."""
    roles = {"responder": ["U0DANA"], "commander": ["S0LEADS"]}
    revoked.settings = settings_of(roles=roles)
    revoked.slack.groups = {"S0LEADS": ("U0KIM",)}
    revoked.restart()
    waits = await asked(revoked)
    revoked.slack.readable = False
    reply = await revoked.engine.requests.approve("INC-1", waits.id, KIM, key="yes")
    assert isinstance(reply, Say)
    assert "Slack did not say who is in user group S0LEADS" in reply.text
    revoked.slack.readable = True
    assert isinstance(await revoked.engine.requests.approve("INC-1", waits.id, KIM, key="yes-2"), Quiet)
    revoked.slack.readable = False
    await revoked.work()
    ended = (await revoked.incident()).execution(waits.id)
    assert ended is not None
    assert ended.state is ExecutionState.REFUSED
    assert await denied(revoked) == ["issue_refund"]


@pytest.mark.parametrize("press", ["approve", "break_glass"])
async def test_what_restrains_nothing_any_more_is_not_done_in_a_resolved_incident(revoked: World, press: str) -> None:
    """A yes is a press like any other: resolved means that only what takes something back goes on."""
    _, no = await refused(revoked, label="Restore tool", tool="issue_refund")
    assert isinstance(await revoked.engine.requests.ask("INC-1", no.id, DANA, key="ask"), Quiet)
    await revoked.work()
    waits = (await revoked.incident()).executions[-1]
    assert waits.state is ExecutionState.AWAITING_APPROVAL
    await revoked.engine.requests.lifecycle("INC-1", "resolve", KIM, key="over", text="it is over")
    await revoked.work()
    if press == "approve":
        reply = await revoked.engine.requests.approve("INC-1", waits.id, KIM, key="late")
    else:
        reply = await revoked.engine.requests.break_glass("INC-1", waits.id, DANA, reason="now", key="late")
    assert isinstance(reply, Say)
    assert "resolved" in reply.text
    await revoked.work()
    assert await denied(revoked) == ["issue_refund"]
    assert isinstance(await revoked.engine.requests.reject("INC-1", waits.id, KIM, reason="it is over", key="n"), Quiet)
