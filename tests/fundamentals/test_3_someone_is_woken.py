from sandbox.demo.looking import all_text
from tests.support.world import ANNOUNCE, DANA, LEE
from tests.support.world_pullcord import Pullcord


async def test_the_person_on_call_is_mentioned_and_gets_a_direct_message(pullcord: Pullcord) -> None:
    """Announced in one fixed channel with a mention; the direct message has Acknowledge, for a phone at night."""
    await pullcord.fires()
    announced = await pullcord.slack.wait_for_message(ANNOUNCE, f"INC-{pullcord.current} ")
    assert f"<@{LEE}>" in all_text(announced)

    async def look() -> bool:
        (direct,) = await pullcord.posted(f"INC-{pullcord.current}:page:0:{LEE}")
        return "Acknowledge" in all_text(direct)

    await pullcord.until("a direct message with Acknowledge", look)


async def test_acknowledge_shows_on_the_same_message_and_stops_the_paging(pullcord: Pullcord) -> None:
    """One root message, edited in place; nobody else is woken."""
    await pullcord.fires(agent="sleepy-bot")
    card = await pullcord.card()
    await pullcord.press(LEE, "Acknowledge")
    await pullcord.once("acknowledged")
    await pullcord.card_says("acknowledged")
    assert (await pullcord.card())["ts"] == card["ts"]
    assert DANA not in {page["user"] for page in (await pullcord.incident())["pages"]}


async def test_when_nobody_answers_others_are_woken_and_the_end_is_said(pullcord: Pullcord) -> None:
    """Mentioned again, then the fallback, then the card says that nobody is left: never silence."""
    await pullcord.fires(agent="sleepy-bot")
    await pullcord.once("escalation_ended")
    steps = [(p["step"], p["user"]) for p in (await pullcord.incident())["pages"] if p["how"] == "direct_message"]
    assert steps == [(0, LEE), (1, LEE), (2, DANA)]
    await pullcord.card_says("nobody is left to wake")
