"""Who may do what: decided in one place, denied by default, and said in words."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.domain.action import Risk
from bot.domain.events import PULLCORD, Actor
from bot.engine.authorise import Allowed, Decision, NeedsSecond, No, decide
from bot.engine.deciding import Asked, need_of, roles_needed, within
from bot.engine.taking_part import may_act
from bot.errors import ActionFailed, Refused
from bot.plugin import Action, ActionContext, Once, Params, action
from bot.settings_actions import Bound
from tests.support.engine import AGENT, DANA, GUEST, KIM, LEE, SAM, World, settings_of, someone

LEADS, OPS = "S0LEADS", "S0OPS"
GROUPS: Mapping[str, Any] = {"roles": {"responder": [OPS], "commander": [LEADS]}}
UMA, VIC = someone("U0UMA"), someone("U0VIC")


class Nothing(Params):
    """No parameters."""


def verb(
    *,
    tightens: bool = True,
    role: str = "responder",
    undo_role: str | None = None,
    risk: Risk = Risk.LOW,
    touches: frozenset[str] = frozenset(),
) -> Action:
    """A verb of this kind."""

    @action("a_verb", title="A verb", tightens=tightens, risk=risk, role=role, undo_role=undo_role, touches=touches)
    def a_verb(ctx: ActionContext, params: Nothing) -> Once:
        """Do a thing."""
        raise NotImplementedError

    return a_verb


def asked(a_verb: Action, *, undo: bool = False, agents: tuple[str, ...] = (AGENT,), **params: Any) -> Asked:
    """Somebody asks for it."""
    return Asked(a_verb, params, agents, undo=undo)


async def said(world: World, by: Actor, what: Asked) -> Decision:
    """What is decided about it."""
    return await decide(world.engine.requests._parts, await world.incident(), what, by)


@pytest.fixture
async def groups(world: World) -> World:
    """Roles are held by user groups; Uma is a responder, Vic a commander."""
    world.settings = settings_of(**GROUPS)
    world.slack.groups = {OPS: ("U0UMA", "U0GUEST"), LEADS: ("U0VIC",)}
    world.slack.members |= {"U0UMA": True, "U0VIC": True}
    world.restart()
    await world.fire()
    return world


async def test_tightening_is_easy_and_loosening_is_not(world: World) -> None:
    """One responder restrains; only a commander loosens or undoes; a commander may do what a responder may."""
    await world.fire()
    tight, loose = asked(verb()), asked(verb(tightens=False))
    assert [type(await said(world, p, tight)) for p in (DANA, LEE, KIM, GUEST)] == [Allowed, Allowed, Allowed, No]
    assert [type(await said(world, p, loose)) for p in (DANA, KIM)] == [No, Allowed]
    assert [type(await said(world, p, asked(verb(), undo=True))) for p in (DANA, KIM)] == [No, Allowed]


@pytest.mark.parametrize("touches", ["money", "messages"])
async def test_money_and_messages_are_no_mere_restraint(world: World, touches: str) -> None:
    """Whatever a verb says of itself: a responder needs a commander's approval."""
    await world.fire()
    what = asked(verb(tightens=True, touches=frozenset({touches})))
    refused = await said(world, DANA, what)
    assert isinstance(refused, No)
    assert (refused.askable, refused.glass) == ("commander", True)
    assert isinstance(await said(world, KIM, what), Allowed)


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (asked(verb(), agents=(AGENT, "mail-bot")), "it touches 2 agents (refund-bot, mail-bot)"),
        (asked(verb(tightens=False, risk=Risk.HIGH)), "it is of high risk, and it does more than restrain"),
        (Asked(verb(), {}, (AGENT,), second="it takes more than a team can spare"), "it takes more than a team"),
    ],
)
async def test_what_is_large_takes_a_second_person_whoever_asks(world: World, what: Asked, why: str) -> None:
    """Fleet-wide, high risk that loosens, and what the verb says of itself: also for a commander."""
    await world.fire()
    decision = await said(world, KIM, what)
    assert isinstance(decision, NeedsSecond)
    assert decision.why.startswith(why)


async def test_restraining_one_agent_never_takes_a_second_person(world: World) -> None:
    """At three in the morning nobody else is awake: not by risk, and not by the configuration."""
    world.settings = settings_of(permissions=[{"role": "responder", "second_person": True}])
    world.restart()
    await world.fire()
    assert isinstance(await said(world, DANA, asked(verb(risk=Risk.HIGH))), Allowed)
    assert isinstance(await said(world, DANA, asked(verb(tightens=False))), NeedsSecond)


def test_a_plug_in_cannot_weaken_the_undo_of_a_restraint() -> None:
    """It can only ask for more than a commander."""
    assert roles_needed(verb(undo_role="responder"), undo=True) == ("commander", "responder")


async def test_an_empty_or_unknown_role_is_held_by_nobody_and_names_its_key(world: World) -> None:
    """Deny by default, and say what to configure."""
    world.settings = settings_of(roles={"responder": [], "commander": []})
    world.restart()
    await world.fire()
    with pytest.raises(Refused) as refused:
        await may_act(world.engine.requests._parts, DANA, "responder", "take command")
    assert refused.value.who_may == "nobody (roles.responder is empty)"
    nobody = await said(world, KIM, asked(verb(role="treasurer")))
    assert isinstance(nobody, No)
    assert (nobody.who_may, nobody.askable) == ("nobody (roles.treasurer is empty)", None)


async def test_only_a_person_asks(world: World) -> None:
    """Pullcord itself starts nothing; that it may end a temporary mitigation is decided elsewhere."""
    await world.fire()
    assert isinstance(await said(world, PULLCORD, asked(verb())), No)


async def test_a_person_of_another_workspace_has_no_role(world: World) -> None:
    """Slack Connect brings strangers into channels, and nothing is offered to them."""
    world.settings = settings_of(slack={"team_ids": ["T0TEAM"]})
    world.restart()
    await world.fire()
    assert isinstance(await said(world, DANA, asked(verb())), Allowed)
    for stranger in (someone("U0DANA", "T0OTHER"), someone("U0DANA", None)):
        refused = await said(world, stranger, asked(verb()))
        assert isinstance(refused, No)
        assert (refused.askable, refused.glass) == (None, False)


async def test_members_of_user_groups_hold_roles_and_guests_among_them_do_not(groups: World) -> None:
    """Slack is asked who is in a group, and for whom nothing but a group speaks, whether it is a full member."""
    tight, undo = asked(verb()), asked(verb(), undo=True)
    assert isinstance(await said(groups, UMA, tight), Allowed)
    assert isinstance(await said(groups, VIC, undo), Allowed)
    guest = await said(groups, GUEST, tight)
    assert isinstance(guest, No)
    assert "only full members" in guest.message
    assert (guest.askable, guest.glass) == (None, False)
    refused = await said(groups, UMA, undo)
    assert isinstance(refused, No)
    assert (refused.who_may, refused.askable, refused.glass) == ("commander: user group S0LEADS", "commander", True)


async def test_whoever_may_be_a_guest_of_a_group_restrains_nothing_until_slack_says_what_they_are(
    groups: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The group was read, the person was not: a guest in it must not slip through; who was read lately goes on."""
    tight = asked(verb())
    assert isinstance(await said(groups, UMA, tight), Allowed)

    async def away(user: str, team: str | None) -> bool:
        raise ActionFailed("Slack answered ratelimited.")

    monkeypatch.setattr(groups.slack, "is_full_member", away)
    assert isinstance(await said(groups, UMA, tight), Allowed)
    guest = await said(groups, GUEST, tight)
    assert isinstance(guest, No)
    assert "did not say whether you are a full member" in guest.message


async def test_what_slack_does_not_say_is_a_no_for_what_loosens_and_it_says_so(groups: World) -> None:
    """A restraint may stand on what was read in the last quarter of an hour; the timeline is told."""
    tight, undo = asked(verb()), asked(verb(), undo=True)
    groups.slack.readable = False
    never = await said(groups, UMA, tight)
    assert isinstance(never, No)
    assert "Slack did not say who is in user group" in never.message
    groups.slack.readable = True
    assert [type(await said(groups, p, undo)) for p in (UMA, VIC)] == [No, Allowed]
    groups.slack.readable = False
    groups.clock.forward(minutes=10)
    old = await said(groups, UMA, tight)
    assert isinstance(old, Allowed)
    assert "what it said 10 min ago" in old.note
    refused = await said(groups, VIC, undo)
    assert isinstance(refused, No)
    assert "this loosens" in refused.message
    assert refused.askable is None
    groups.clock.forward(minutes=6)
    assert isinstance(await said(groups, UMA, tight), No)


async def test_people_named_in_person_restrain_without_slack(world: World) -> None:
    """An outage of Slack's API must not keep an agent running."""
    await world.fire()
    world.slack.readable, world.slack.lookups = False, 0
    assert isinstance(await said(world, DANA, asked(verb())), Allowed)
    assert world.slack.lookups == 0
    undo = await said(world, KIM, asked(verb(), undo=True))
    assert isinstance(undo, No)
    assert "did not say whether you are a full member" in undo.message


async def test_roles_of_the_incident(world: World) -> None:
    """Whoever has command, and whoever is on call for every agent that is touched."""
    world.settings = settings_of(roles={"responder": ["agent:on_call"], "commander": ["incident:commander"]})
    world.restart()
    await world.fire()
    assert isinstance(await said(world, DANA, asked(verb())), Allowed)
    assert isinstance(await said(world, LEE, asked(verb())), No)
    undo = asked(verb(), undo=True)
    assert isinstance(await said(world, DANA, undo), No)
    await world.engine.requests.lifecycle("INC-1", "take", DANA, key="take")
    await world.work()
    assert isinstance(await said(world, DANA, undo), Allowed)


async def test_higher_roles_contain_lower_ones_and_own_ones_contain_nothing(world: World) -> None:
    """An admin is a commander; a treasurer is only that."""
    world.settings = settings_of(
        roles={"admin": ["U0KIM"], "finance": ["U0LEE"]}, permissions=[{"verbs": ["a_verb"], "role": "finance"}]
    )
    world.restart()
    await world.fire()
    assert isinstance(await said(world, LEE, asked(verb())), Allowed)
    assert isinstance(await said(world, KIM, asked(verb())), No)
    world.settings = settings_of(roles={"admin": ["U0KIM"], "finance": ["U0LEE"]})
    world.restart()
    assert isinstance(await said(world, KIM, asked(verb(tightens=False))), Allowed)
    assert isinstance(await said(world, LEE, asked(verb())), No)


def test_the_first_permission_that_fits_decides() -> None:
    """By verb, agent, risk, undo and bounds of arguments; where none fits, the verb's own role."""
    settings = settings_of(
        permissions=[
            {"verbs": ["a_verb"], "where": {"amount": {"max": 500}}, "role": "responder", "undo": False},
            {"verbs": ["a_verb"], "agents": ["mail-bot"], "role": "viewer"},
            {"verbs": ["a_verb"], "risks": ["low"], "role": "finance", "second_person": True},
        ]
    )

    def roles(what: Asked) -> tuple[str, ...]:
        return need_of(settings, what).roles

    assert roles(asked(verb(), amount=500)) == ("responder",)
    assert roles(asked(verb(), amount=500.01)) == ("finance",)
    assert roles(asked(verb(), amount=500, undo=True)) == ("finance",)
    assert roles(asked(verb(), agents=("mail-bot",), amount=501)) == ("viewer",)
    assert roles(asked(verb(), agents=("mail-bot", AGENT), amount=501)) == ("finance",)
    assert roles(asked(verb(risk=Risk.HIGH))) == ("responder",)
    assert need_of(settings, asked(verb(tightens=False), amount=501)).second is not None


@pytest.mark.parametrize(
    ("bound", "value", "fits"),
    [
        ({"max": 500}, 500, True),
        ({"max": 500}, 501, False),
        ({"max": 500}, "499", False),
        ({"max": 500}, True, False),
        ({"max": 500}, float("nan"), False),
        ({"min": 1, "max": 5}, [1, 5], True),
        ({"min": 1, "max": 5}, [1, 6], False),
        ({"max": 5}, [], False),
        ({"max": 10**4}, 10**400, False),
        ({"max": 86400}, timedelta(hours=24), True),
        ({"max": 86400}, timedelta(hours=25), False),
        ({"max": 86400}, None, False),
        ({"one_of": ["a", "b"]}, "a", True),
        ({"one_of": ["a", "b"]}, "A", False),
        ({"one_of": ["1"]}, 1, False),
        ({"one_of": [1]}, True, False),
        ({"one_of": [True]}, True, True),
        ({}, "anything", False),
    ],
)
def test_bounds_of_arguments(bound: dict[str, Any], value: object, fits: bool) -> None:
    """Nothing is converted; what is no number is in no range; a bound that says nothing holds for nothing."""
    assert within(Bound.model_validate(bound), value) is fits


async def test_a_member_without_a_role_may_ask_and_not_go_alone(world: World) -> None:
    """Whoever saw it can ask; breaking glass is for responders."""
    await world.fire()
    refused = await said(world, SAM, asked(verb()))
    assert isinstance(refused, No)
    assert (refused.askable, refused.glass) == ("responder", False)
    assert "<@U0DANA>, <@U0LEE>, <@U0KIM>" in refused.who_may


@pytest.mark.parametrize("amount", ["500.00000000000000000001", "NaN", "sNaN", "Infinity"])
def test_a_decimal_is_not_rounded_below_its_bound(amount: str) -> None:
    """Nor is what is no number in any range."""
    assert not within(Bound(max=500), Decimal(amount))
