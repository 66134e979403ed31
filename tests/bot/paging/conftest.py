from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest_asyncio

from bot.domain.incident import Incident
from bot.domain.work import Work, WorkItem
from bot.paging.paging import Paging, first_page
from bot.settings import AgentSettings, Settings, SlackSettings
from bot.slack.chat import SlackChat
from bot.slack.client import SlackClient
from bot.slack.identity import Identity
from bot.timeline.store import Store
from sandbox.slack.server import SlackSandbox
from tests.bot.slack.incidents import open_one
from tests.support.clock import ManualClock
from tests.support.store import clock, connections, raw, store, valkey  # noqa: F401


@dataclass
class Night:
    """Paging against a real store and a stand-in workspace; time moves by hand."""

    slack: SlackSandbox
    store: Store
    client: SlackClient
    settings: Settings
    clock: ManualClock
    channel: str

    def paging(self) -> Paging:
        """As one process has it; another one stands for a restart."""
        chat = SlackChat(self.client, Identity(self.client), self.store.intents, self.clock)
        return Paging(self.store, chat, self.settings, self.clock)

    async def open(self) -> str:
        """An incident whose first page waits in the work stream."""
        return (await open_one(self.store, work=(first_page("INC-1"),))).incident_id

    async def read(self, incident_id: str = "INC-1") -> Incident:
        """The incident now."""
        return await self.store.incidents.read(incident_id)

    async def work(self, *, done: bool = True) -> list[WorkItem]:
        """Move what is due and do it, as a consumer does. ``done=False``: killed before it was written down."""
        await self.store.work.move_due(self.clock.now())
        found = await self.store.work.takeover("w", 0) or await self.store.work.take("w", 20, 5)
        for leased in found:
            assert leased.item.kind is Work.PAGE
            await self.paging().handle(leased.item)
            if done:
                await self.store.work.done(leased.id)
        return [leased.item for leased in found]

    async def later(self, minutes: float) -> list[WorkItem]:
        """Time passes, then what is due is done."""
        self.clock.forward(minutes=minutes)
        return await self.work()

    async def woken(self, user: str) -> int:
        """How many direct messages this person has."""
        return len(await self.slack.messages(user))

    def with_people(self, on_call: tuple[str, ...], fallback: tuple[str, ...]) -> None:
        """Another configuration."""
        agent = AgentSettings(on_call=on_call, fallback=fallback)
        self.settings = self.settings.model_copy(update={"agents": {"refund-bot": agent}})


@pytest_asyncio.fixture
async def night(store: Store, clock: ManualClock) -> AsyncIterator[Night]:  # noqa: F811
    """Dana is on call, Lee is the fallback."""
    async with SlackSandbox.start() as slack:
        channel = next(str(c["id"]) for c in await slack.channels() if not c["is_im"])
        agent = AgentSettings(on_call=("U0DANA",), fallback=("U0LEE",))
        settings = Settings(slack=SlackSettings(announce_channel=channel), agents={"refund-bot": agent})
        client = await SlackClient.open(slack.bot_token, slack.base_url, timeout=0.5)
        try:
            yield Night(slack, store, client, settings, clock, channel)
        finally:
            await client.aclose()
