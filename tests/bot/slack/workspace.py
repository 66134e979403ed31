"""What the tests of the Slack side share: a real store, a stand-in workspace, small views that say what they show."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain import events as ev
from bot.domain.action import Execution
from bot.domain.base import Json
from bot.domain.events import Entry
from bot.domain.incident import Incident
from bot.plugin import OfferView
from bot.ports import Clock
from bot.settings import AgentSettings, Settings, SlackSettings
from bot.slack.budget import Budget
from bot.slack.chat import SlackChat
from bot.slack.client import SlackClient
from bot.slack.identity import Identity
from bot.slack.poster import Poster, PosterTimes
from bot.slack.render import Rendered
from bot.timeline.store import Store
from bot.views.approval_blocks import question
from sandbox.slack.server import SlackSandbox

GENERAL = "C0GENERAL"


def settings_for(channel: str, *, fixed: bool = False, agent: str = "refund-bot") -> Settings:
    """Dana is on call for the agent, Lee is the fallback."""
    mode = "fixed" if fixed else "new"
    return Settings(
        slack=SlackSettings(announce_channel=channel, incident_channel=mode),
        agents={agent: AgentSettings(on_call=("U0DANA",), fallback=("U0LEE",))},
    )


class SmallViews:
    """Sentences instead of cards, so that a test reads what changed."""

    def card(self, incident: Incident, offers: Sequence[OfferView], now: datetime) -> Rendered:
        """State, last thing said, and an Acknowledge button while nobody has it."""
        last = incident.last.text if incident.last else ""
        text = f"card of {incident.id} {incident.state.value} {last} ({incident.notes} notes)"
        blocks: list[dict[str, Json]] = [{"type": "section", "text": {"type": "mrkdwn", "text": text}}]
        button: dict[str, Json] = {
            "type": "button",
            "action_id": "pullcord_ack",
            "value": incident.id,
            "text": {"type": "plain_text", "text": "Acknowledge"},
        }
        return Rendered(text=text, blocks=(*blocks, {"type": "actions", "elements": [button]}))

    def approval(
        self, incident: Incident, execution: Execution, now: datetime, *, again: bool = False
    ) -> Rendered | None:
        """As the bot asks, without anybody called."""
        made = question(incident, execution, now, again=again)
        return None if made is None else Rendered(text=made.text, blocks=made.blocks)

    def announcement(self, incident: Incident, now: datetime) -> Rendered:
        """State only."""
        text = f"announcement of {incident.id} {incident.state.value}"
        return Rendered(text=text, blocks=({"type": "section", "text": {"type": "mrkdwn", "text": text}},))

    def direct(self, incident: Incident, now: datetime, reason: str) -> Rendered:
        """State and reason only."""
        text = f"direct of {incident.id} {incident.state.value} {reason}".strip()
        return Rendered(text=text, blocks=({"type": "section", "text": {"type": "mrkdwn", "text": text}},))

    def line(self, entry: Entry, incident: Incident) -> str | None:
        """Notes and acknowledgements are told."""
        if isinstance(entry.event, ev.NoteAdded):
            return f"note {entry.seq}: {entry.event.text}"
        return f"acknowledged {entry.seq}" if isinstance(entry.event, ev.Acknowledged) else None


async def no_offers(incident: Incident) -> Sequence[OfferView]:
    """Nothing may be done."""
    return ()


@dataclass
class Desk:
    """A poster with everything it stands on."""

    slack: SlackSandbox
    store: Store
    client: SlackClient
    identity: Identity
    settings: Settings
    clock: Clock
    views: SmallViews = field(default_factory=SmallViews)

    def poster(self, **more: object) -> Poster:
        """A poster as one process has it; make a second one for a restart."""
        times = PosterTimes(idle=0.01, away=0.05, away_most=0.2, longest=0.05)
        options = {"budget": Budget(), "times": times, **more}
        return Poster(
            self.store,
            no_offers,
            self.client,
            self.identity,
            self.settings,
            self.clock,
            self.views,
            **options,  # type: ignore[arg-type]
        )

    @property
    def chat(self) -> SlackChat:
        """How people are reached."""
        return SlackChat(self.client, self.identity, self.store.intents, self.clock)

    async def root(self, incident_id: str) -> tuple[str, str]:
        """Channel and ts of the card."""
        incident = await self.store.incidents.read(incident_id)
        assert incident.channel is not None
        assert incident.root_ts is not None
        return incident.channel, incident.root_ts

    async def cards(self, incident_id: str) -> list[dict[str, object]]:
        """Every message of the workspace that carries the card's dedupe key."""
        found = []
        for channel in await self.slack.channels():
            for message in await self.slack.messages(channel["id"]):
                key = ((message.get("metadata") or {}).get("event_payload") or {}).get("dedupe_key", "")
                if str(key).startswith(f"{incident_id}:card"):
                    found.append(message)
        return found


@asynccontextmanager
async def a_desk(slack: SlackSandbox, store: Store, settings: Settings, clock: Clock) -> AsyncIterator[Desk]:
    """A client that is closed at the end."""
    client = await SlackClient.open(slack.bot_token, slack.base_url, timeout=1.0)
    try:
        yield Desk(slack, store, client, Identity(client), settings, clock)
    finally:
        await client.aclose()


async def announce_channel(slack: SlackSandbox) -> str:
    """The id of a public channel that exists from the start."""
    return next(str(c["id"]) for c in await slack.channels() if not c["is_im"])
