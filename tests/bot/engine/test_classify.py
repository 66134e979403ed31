"""A person says what a tool does: the incident is read again with it, and so is every later run; undo takes it back."""

from bot.domain.action import ExecutionState, Verified
from bot.domain.effect import Effect, Reversibility
from tests.support.engine import KIM, LEE, TRACE, World
from tests.support.spans import root_span, tool_span


async def effect(world: World, tool: str, number: int = 1) -> Effect:
    """The first effect of this tool."""
    return next(e for e in (await world.incident(number)).effects if e.tool == tool)


async def opened(world: World) -> None:
    """An incident whose run called a tool that only its name calls a read, and one that nobody classified."""
    now = world.clock.now()
    spans = (
        root_span(TRACE, now),
        tool_span(TRACE, 1, "get_quota", {"id": 1}, now),
        tool_span(TRACE, 2, "frobnicate", {"id": 1}, now),
    )
    await world.store.spans.upsert(TRACE, "refund-bot", {s.span_id: s.to_bytes() for s in spans})
    await world.later(seconds=1)
    await world.fire()


async def classify(world: World, tool: str, reversibility: str) -> None:
    """Fill in the modal."""
    offers = await world.engine.offers(await world.incident())
    offer = next(o for o in offers if o.action == "classify_tool" and o.asks)
    await world.click(offer.label, LEE, tool=tool, reversibility=reversibility)


async def test_a_class_takes_effect_at_once_and_is_read_back(world: World) -> None:
    """The effects of this incident change with it, and the severity follows."""
    await opened(world)
    assert (await effect(world, "frobnicate")).reversibility is Reversibility.UNCLASSIFIED
    assert (await world.incident()).severity == "SEV2"
    await classify(world, "frobnicate", "reversible")
    now = await effect(world, "frobnicate")
    assert (now.reversibility, now.guessed) == (Reversibility.REVERSIBLE, False)
    assert "classified by" in now.reason
    incident = await world.incident()
    assert incident.executions[-1].verified is Verified.IN_FORCE
    assert incident.severity == "SEV3"


async def test_a_wrong_guess_is_corrected_and_the_correction_can_be_taken_back(world: World) -> None:
    """get_quota was a guess; undo by the commander makes it a guess again."""
    await opened(world)
    assert (await effect(world, "get_quota")).guessed
    await classify(world, "get_quota", "irreversible")
    assert (await effect(world, "get_quota")).reversibility is Reversibility.IRREVERSIBLE
    await world.click("Undo", KIM, key="click-2")
    assert (await world.incident()).executions[-1].state is ExecutionState.SUCCEEDED
    again = await effect(world, "get_quota")
    assert (again.reversibility, again.guessed) == (Reversibility.READ_ONLY, True)


async def test_a_class_counts_for_later_incidents_of_this_agent_only(world: World) -> None:
    """Another agent's tool of the same name is another tool."""
    await opened(world)
    await classify(world, "frobnicate", "reversible")
    other = "c" * 32
    now = world.clock.now()
    spans = (root_span(other, now), tool_span(other, 1, "frobnicate", {"id": 2}, now))
    await world.store.spans.upsert(other, "refund-bot", {s.span_id: s.to_bytes() for s in spans})
    await world.later(seconds=1)
    await world.fire(name="Another", fingerprint="other", trace_id=other)
    assert (await effect(world, "frobnicate", 2)).reversibility is Reversibility.REVERSIBLE
    third = "d" * 32
    spans = (root_span(third, now), tool_span(third, 1, "frobnicate", {"id": 2}, now))
    await world.store.spans.upsert(third, "mail-bot", {s.span_id: s.to_bytes() for s in spans})
    await world.later(seconds=1)
    await world.fire(name="Third", fingerprint="third", trace_id=third, agent="mail-bot")
    assert (await effect(world, "frobnicate", 3)).reversibility is Reversibility.UNCLASSIFIED


async def test_a_suggested_class_is_one_click_that_a_person_confirms(world: World) -> None:
    """The button names tool and class, the confirm what follows from it; the effect was not treated by it before."""
    await opened(world)
    before = await effect(world, "frobnicate")
    assert before.suggestion is not None
    assert (before.reversibility, before.suggestion.reversibility) == ("unclassified", "irreversible")
    offer = await world.offer("Classify frobnicate as irreversible")
    assert not offer.asks
    assert offer.params == {"tool": "frobnicate", "reversibility": "irreversible"}
    assert "counts as irreversible from now on" in offer.consequence
    assert before.suggestion.reason in offer.consequence
    await world.click("Classify frobnicate as irreversible", LEE)
    now = await effect(world, "frobnicate")
    assert (now.reversibility, now.suggestion) == (Reversibility.IRREVERSIBLE, None)
    assert not [label for label in await world.labels() if label.startswith("Classify frobnicate as")]


async def test_the_button_of_a_tool_with_an_endless_name_still_says_the_class(world: World) -> None:
    """A name that fills the button would leave open what a press says of it."""
    now = world.clock.now()
    spans = (root_span(TRACE, now), tool_span(TRACE, 1, "wire_money_" + "x" * 150, {"iban": "GB1", "amount": 9}, now))
    await world.store.spans.upsert(TRACE, "refund-bot", {s.span_id: s.to_bytes() for s in spans})
    await world.later(seconds=1)
    await world.fire()
    assert [label for label in await world.labels() if label.endswith("… as irreversible")]
