from datetime import timedelta

import pytest

from bot.domain.events import PULLCORD, IncidentOpened
from bot.domain.work import Due, Work, WorkItem
from bot.paging.paging import first_page
from bot.timeline.timeline import Write
from sandbox.slack.faults import FaultKind
from tests.bot.paging.conftest import Night
from tests.bot.slack.incidents import a_run_with, acknowledge, an_effect, resolve


async def test_step_0_announces_with_a_mention_and_wakes_each_person_directly(night: Night) -> None:
    """And the next step's due time stands in the same write."""
    await night.open()
    await night.work()
    incident = await night.read()
    assert incident.announced_channel == night.channel
    assert await night.woken("U0DANA") == 1
    assert [(p.step, p.user, p.how, p.delivered) for p in incident.pages] == [
        (0, "U0DANA", "direct_message", True),
        (0, "U0DANA", "mention", True),
    ]
    assert await night.store.work.due_at("page:INC-1:1") == night.clock.now() + timedelta(minutes=5)


async def test_unacknowledged_they_are_woken_again_then_the_fallback_then_the_end_is_said(night: Night) -> None:
    """Nobody is woken after that; it is said that nobody is left."""
    await night.open()
    await night.work()
    await night.later(5)
    assert (await night.woken("U0DANA"), await night.woken("U0LEE")) == (2, 0)
    await night.later(5)
    assert (await night.woken("U0DANA"), await night.woken("U0LEE")) == (2, 1)
    await night.later(5)
    assert "Nobody is left to wake" in str((await night.read()).escalation_ended)
    assert await night.later(60) == []
    assert (await night.woken("U0DANA"), await night.woken("U0LEE")) == (2, 1)


async def test_before_their_time_nobody_is_woken_again(night: Night) -> None:
    """Due times, not guesses."""
    await night.open()
    await night.work()
    assert await night.later(4.9) == []


@pytest.mark.parametrize("end", [acknowledge, resolve])
async def test_a_late_page_after_an_acknowledgement_does_nothing(night: Night, end: object) -> None:
    """The item may have been in the stream already when somebody acknowledged."""
    await night.open()
    await night.work()
    write = end()  # type: ignore[operator]
    await night.store.incidents.write("INC-1", "end", lambda _i: write)
    await night.paging().handle(WorkItem(kind=Work.PAGE, incident="INC-1", payload={"step": 1}))
    assert await night.woken("U0DANA") == 1
    assert len((await night.read()).pages) == 2


async def test_a_page_whose_worker_was_killed_after_sending_is_not_sent_twice(night: Night) -> None:
    """The item comes again to another worker; messages and events are there once."""
    await night.open()
    await night.work(done=False)
    await night.work()
    assert await night.woken("U0DANA") == 1
    assert len((await night.read()).pages) == 2
    assert len(await night.slack.messages(night.channel)) == 1


@pytest.mark.parametrize("kind", ["lost_reply", "hang", "500", "429"])
async def test_a_bad_answer_is_retried_and_ends_in_one_message_each(night: Night, kind: FaultKind) -> None:
    """Not delivered is said first, delivered in the end; the escalation's clock does not wait for it."""
    await night.slack.fault("chat.postMessage", kind, 2)
    await night.open()
    await night.work()
    assert not all(p.delivered for p in (await night.read()).pages)
    assert await night.store.work.due_at("page:INC-1:1") == night.clock.now() + timedelta(minutes=5)
    await night.later(0.1)
    assert await night.woken("U0DANA") == 1
    assert len(await night.slack.messages(night.channel)) == 1
    delivered = {(p.user, p.how) for p in (await night.read()).pages if p.delivered}
    assert delivered == {("U0DANA", "mention"), ("U0DANA", "direct_message")}


async def test_slack_away_is_said_and_everyone_is_woken_when_it_is_back(night: Night) -> None:
    """Waits grow; nothing is lost."""
    await night.slack.outage("refuse")
    await night.open()
    await night.work()
    for _ in range(3):
        await night.later(0.5)
    pages = (await night.read()).pages
    assert pages
    assert not any(p.delivered for p in pages)
    assert len(pages) == 2, "an outage is said once per person and way, not with each try"
    await night.slack.restore()
    await night.later(1.1)
    assert await night.woken("U0DANA") == 1


async def test_somebody_who_cannot_be_written_to_does_not_stop_the_others(night: Night) -> None:
    """A leaver in the configuration: said, not retried; the fallback comes in its time."""
    night.with_people(("U0GONE", "U0DANA"), ("U0LEE",))
    await night.open()
    await night.work()
    pages = {(p.user, p.how): p for p in (await night.read()).pages}
    assert pages["U0DANA", "direct_message"].delivered
    assert not pages["U0GONE", "direct_message"].delivered
    assert await night.later(1) == []


async def test_nobody_configured_is_said_at_once_and_announced(night: Night) -> None:
    """The announcement stands without a mention; the timeline says what to set."""
    night.with_people((), ())
    await night.open()
    await night.work()
    incident = await night.read()
    assert "on_call" in str(incident.escalation_ended)
    assert incident.announced_ts is not None
    assert await night.later(60) == []


async def test_without_on_call_the_fallback_is_woken_at_once(night: Night) -> None:
    """Nobody waits ten minutes for a list that is empty."""
    night.with_people((), ("U0LEE",))
    await night.open()
    await night.work()
    assert await night.woken("U0LEE") == 1


async def test_a_new_irreversible_effect_pages_again_although_acknowledged(night: Night) -> None:
    """Once per item, also when it is delivered twice; it starts no escalation."""
    await night.open()
    await night.work()
    await night.store.incidents.write("INC-1", "a", lambda _i: acknowledge(clear=("page:INC-1:1",)))
    item = WorkItem(kind=Work.PAGE, incident="INC-1", payload={"step": 0, "reason": "One more refund went out."})
    await night.store.work.schedule(Due(id="again:INC-1", at=night.clock.now(), item=item))
    await night.work(done=False)
    await night.work()
    assert await night.woken("U0DANA") == 2
    assert any("One more refund" in p.detail for p in (await night.read()).pages)
    assert await night.later(60) == []
    await night.store.incidents.write("INC-1", "e", lambda _i: Write(events=a_run_with(an_effect())))
    await night.store.work.schedule(Due(id="again:INC-1", at=night.clock.now(), item=item))
    await night.work()
    assert await night.woken("U0DANA") == 3, "the same words about another effect are another page"


async def test_hostile_names_wake_nobody_else(night: Night) -> None:
    """An alert's text is never a live mention or link."""
    hostile = "<!channel> <@U0MO> <https://evil.example|click> *x*"

    def make(number: int) -> tuple[IncidentOpened, Write]:
        at = night.clock.now()
        event = IncidentOpened(
            at=at, by=PULLCORD, number=number, agent="refund-bot", name=hostile, severity="SEV2", summary=hostile
        )
        return event, Write(events=(), work=(first_page(f"INC-{number}"),))

    await night.store.incidents.open("o", make, None)
    await night.work()
    assert await night.slack.mentions("U0MO") == []
    message = (await night.slack.messages(night.channel))[0]
    live = await night.slack.references(night.channel, message["ts"])
    assert live["broadcasts"] == []
    assert live["links"] == []
    assert live["users"] == ["U0DANA"]
