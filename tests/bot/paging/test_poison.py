"""Something unforeseen in one message must not keep anybody else asleep, nor end the escalation."""

from datetime import timedelta

import pytest

from bot.paging import messages
from bot.ports import DirectMessage
from bot.slack.chat import SlackChat
from tests.bot.paging.conftest import Night


async def test_an_unforeseen_fault_with_one_person_leaves_the_others_woken(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said of that person, tried again, and the next step is due."""
    night.with_people(("U0DANA", "U0LEE"), ())
    original = SlackChat.direct

    async def breaks(self: SlackChat, user: str, message: DirectMessage, dedupe_key: str) -> str:
        if user == "U0DANA":
            raise KeyError("channel")
        return await original(self, user, message, dedupe_key)

    monkeypatch.setattr(SlackChat, "direct", breaks)
    await night.open()
    await night.work()
    assert await night.woken("U0LEE") == 1
    incident = await night.read()
    assert [(p.user, p.delivered) for p in incident.pages if p.how == "direct_message"] == [
        ("U0DANA", False),
        ("U0LEE", True),
    ]
    assert await night.store.work.due_at("page:INC-1:1") == night.clock.now() + timedelta(minutes=5)
    monkeypatch.setattr(SlackChat, "direct", original)
    await night.later(1)
    assert (await night.woken("U0DANA"), await night.woken("U0LEE")) == (1, 1)


async def test_a_message_that_cannot_be_drawn_is_sent_in_plain_words(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page without its layout wakes as well as one with it."""

    def breaks(*_: object) -> DirectMessage:
        raise ValueError("no such row")

    monkeypatch.setattr(messages, "direct", breaks)
    await night.open()
    await night.work()
    (message,) = await night.slack.messages("U0DANA")
    assert "INC-1" in message["text"]
    assert "You are on call." in message["text"]
