"""Opening the Home tab: what the interaction asks for, and for whom it asks nothing."""

# ruff: noqa: D102 - the methods are those of the two protocols
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.events import Actor, ActorKind
from bot.domain.incident import AlertState, IncidentRow, IncidentState
from bot.domain.mitigation import MitigationRow
from bot.domain.waiting import WaitingApproval
from bot.errors import Refused
from bot.plugin import Click, Quiet, Reply, Services, ShowHome
from handlers.slack.home import home_opened

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DANA = Actor(kind=ActorKind.PERSON, id="U0DANA", team="T1")


@dataclass
class Desk:
    """Both protocols, as far as the tab asks them."""

    guest: bool = False
    asked: list[str] = field(default_factory=list)

    async def may_look(self, by: Actor) -> None:
        if self.guest:
            raise Refused("You are a guest here.", who_may="Full members may.")

    async def waiting_for(self, by: Actor) -> Sequence[WaitingApproval]:
        self.asked.append(f"waiting for {by.id}")
        deadline = AT + timedelta(minutes=30)
        fields = {"incident": "INC-1", "execution": "ex_1", "title": "Restore issue_refund", "by": "U0LEE"}
        return [WaitingApproval.model_validate({**fields, "preview": "", "why": "", "deadline": deadline})]

    async def mine(self, by: Actor, limit: int) -> Sequence[IncidentRow]:
        self.asked.append(f"open incidents of {by.id}")
        row = IncidentRow(
            id="INC-1",
            number=1,
            state=IncidentState.OPEN,
            alert_state=AlertState.FIRING,
            severity="SEV2",
            agent="refund-bot",
            name="n",
            title="t",
            opened_at=AT,
        )
        return [row]

    async def mitigations(self, limit: int) -> Sequence[MitigationRow]:
        self.asked.append("mitigations")
        return []


async def opened(desk: Desk, **event: Any) -> Reply:
    """Dana opens a tab of the app."""
    services = Services(incidents=desk, requests=desk, clock=lambda: AT)  # type: ignore[arg-type]
    click = Click(key="event_1", id="app_home_opened", by=DANA, event=event)
    return await home_opened.run(click, services)


async def test_the_tab_is_made_of_what_the_kernel_says_of_this_person() -> None:
    """For the one who opened it."""
    desk = Desk()
    reply = await opened(desk, tab="home")
    assert isinstance(reply, ShowHome)
    assert sorted(desk.asked) == ["mitigations", "open incidents of U0DANA", "waiting for U0DANA"]
    assert "Restore issue_refund" in str(reply.blocks)
    assert "INC-1" in str(reply.blocks)


async def test_the_messages_tab_asks_nothing() -> None:
    """Slack tells of it by the same event."""
    desk = Desk()
    assert isinstance(await opened(desk, tab="messages"), Quiet)
    assert desk.asked == []


async def test_a_guest_reads_why_and_nothing_is_read_for_a_guest() -> None:
    """Fail closed: the sentence is all."""
    desk = Desk(guest=True)
    reply = await opened(desk, tab="home")
    assert isinstance(reply, ShowHome)
    assert "You are a guest here." in str(reply.blocks)
    assert desk.asked == []
