"""All of the Slack side wired together, for ``bot.app``: what it needs, what runs, what HTTP mode serves."""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.routing import Route

from bot.domain.base import Json
from bot.domain.work import WorkItem
from bot.errors import ActionFailed
from bot.plugin import Registry, Services
from bot.ports import Chat, ChatMessage, Clock, DirectMessage
from bot.settings import Settings
from bot.slack.app import make_bolt
from bot.slack.cards import BotViews
from bot.slack.chat import SlackChat
from bot.slack.client import DEFAULT_API_URL, SlackClient
from bot.slack.http import SlackHttp, events_route
from bot.slack.identity import Identity
from bot.slack.people import learn_people
from bot.slack.poster import Offers, Poster
from bot.slack.render import Views
from bot.slack.socket import SocketConnection, SocketHealth
from bot.slack.wrapper import Wrapper
from bot.timeline.store import Store

Loop = Callable[[], Coroutine[Any, Any, None]]
Part = Literal["web", "worker"]


@dataclass(slots=True)
class SlackParts:
    """The Slack side. Call ``connect`` once the engine exists, then run ``loops``. Without a token nothing runs."""

    chat: Chat
    client: SlackClient | None = None
    identity: Identity | None = None
    _make: "Callable[[Services, Offers], _Running] | None" = None
    _names: Loop | None = None
    _running: "_Running | None" = field(default=None, init=False)

    def connect(self, services: Services, offers: Offers) -> None:
        """Tie interactions to what they may ask for, and the poster to what may be offered."""
        if self._make is not None:
            self._running = self._make(services, offers)

    def loops(self, only: Part | None = None) -> Mapping[str, Loop]:
        """What must run as long as the process does, by name: interactions belong to ``web``, posting to ``worker``."""
        running = self._running
        if running is None:
            return {}
        found: dict[str, Loop] = {}
        if only != "worker":
            found["slack-answers"] = running.wrapper.run
            if running.socket is not None:
                found["slack-socket"] = running.socket.run
            if running.http is not None:
                found["slack-app"] = running.identity.learn_app
        if only != "web":
            found["slack-poster"] = running.poster.run
            if self._names is not None:
                found["slack-names"] = self._names
        return found

    def routes(self) -> Sequence[Route]:
        """``/slack/events`` in HTTP mode, else nothing."""
        running = self._running
        return (events_route(running.http),) if running is not None and running.http is not None else ()

    async def refresh(self, item: WorkItem) -> None:
        """Handler of ``Work.REFRESH``."""
        if self._running is not None:
            await self._running.poster.refresh(item)

    def health(self) -> SocketHealth | None:
        """The Socket Mode connection, for ``doctor`` and metrics; None where there is none."""
        socket = self._running.socket if self._running is not None else None
        return socket.health() if socket is not None else None


@dataclass(frozen=True, slots=True)
class _Running:
    wrapper: Wrapper
    poster: Poster
    socket: SocketConnection | None
    http: SlackHttp | None
    identity: Identity


@asynccontextmanager
async def start_slack(
    store: Store, registry: Registry, settings: Settings, clock: Clock, *, views: Views | None = None
) -> AsyncIterator[SlackParts]:
    """Open the client and close it at the end. Without ``SLACK_BOT_TOKEN`` this is ``no_slack()``."""
    environment = settings.environment
    token = environment.slack_bot_token
    if token is None:
        yield no_slack()
        return
    client = await SlackClient.open(token.get_secret_value(), environment.slack_api_url or DEFAULT_API_URL)
    identity = Identity(client, settings.slack.team_ids)
    shown = views or BotViews(settings)

    def make(services: Services, offers: Offers) -> _Running:
        wrapper = Wrapper(registry, services, client, identity)
        poster = Poster(store, offers, client, identity, settings, clock, shown)
        app = make_bolt(wrapper, registry, client, identity)
        mode, app_token, secrets = settings.slack_mode, environment.slack_app_token, environment.slack_signing_secrets
        if mode == "socket" and app_token is not None:
            socket = SocketConnection(app, app_token.get_secret_value(), client, identity)
            return _Running(wrapper, poster, socket, None, identity)
        if mode == "http" and secrets:
            http = SlackHttp(app, secrets, clock, replays=store.replays, identity=identity)
            return _Running(wrapper, poster, None, http, identity)
        return _Running(wrapper, poster, None, None, identity)

    chat = SlackChat(client, identity, store.intents, clock, store.names)

    try:
        yield SlackParts(
            chat=chat,
            client=client,
            identity=identity,
            _make=make,
            _names=lambda: learn_people(chat, settings),
        )
    finally:
        await client.aclose()


def no_slack() -> SlackParts:
    """The Slack side when no token is set: nothing runs, and whoever would be reached is said not to be."""
    return SlackParts(chat=_NoChat())


class _NoChat:
    """Says a definite no, so that nothing is retried for ever."""

    _WHY = "Slack is not configured."
    _NEXT = "Set SLACK_BOT_TOKEN and SLACK_APP_TOKEN."

    def _no(self) -> ActionFailed:
        return ActionFailed(self._WHY, next_step=self._NEXT)

    async def direct(self, user: str, message: DirectMessage, dedupe_key: str) -> str:  # noqa: ARG002
        raise self._no()

    async def post(
        self,
        channel: str,  # noqa: ARG002
        message: DirectMessage,  # noqa: ARG002
        dedupe_key: str,  # noqa: ARG002
        thread_ts: str | None = None,  # noqa: ARG002
    ) -> str:
        raise self._no()

    async def ephemeral(
        self,
        channel: str,  # noqa: ARG002
        user: str,  # noqa: ARG002
        text: str,  # noqa: ARG002
        blocks: Sequence[Mapping[str, Json]] = (),  # noqa: ARG002
    ) -> None:
        raise self._no()

    async def group_members(self, group: str) -> frozenset[str]:  # noqa: ARG002
        raise self._no()

    async def is_full_member(self, user: str, team: str | None) -> bool:  # noqa: ARG002
        raise self._no()

    async def message(self, channel: str, ts: str) -> ChatMessage | None:  # noqa: ARG002
        return None

    async def react(self, channel: str, ts: str, name: str) -> None:  # noqa: ARG002
        return None
