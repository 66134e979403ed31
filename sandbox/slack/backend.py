"""Everything a Web API method or an interaction may reach, wired together once."""

import time
from dataclasses import dataclass, field

from sandbox.slack.calls import Calls
from sandbox.slack.clock import Now
from sandbox.slack.delivery import Deliveries, Delivery
from sandbox.slack.events import Events
from sandbox.slack.faults import Faults
from sandbox.slack.feed import Feed
from sandbox.slack.jobs import Jobs
from sandbox.slack.limits import Limits
from sandbox.slack.people import Person, default_groups, default_people
from sandbox.slack.registration import Registration
from sandbox.slack.responses import Responses
from sandbox.slack.sockets import Sockets
from sandbox.slack.triggers import Triggers
from sandbox.slack.views import Views
from sandbox.slack.webhook import Webhook
from sandbox.slack.workspace import Workspace

ACK_TIMEOUT = 3.0
"""Seconds an app has to ack (https://docs.slack.dev/interactivity/handling-user-interaction)."""


@dataclass
class Backend:
    """One running workspace. `origin` is its own address, as in `http://127.0.0.1:8090`."""

    registration: Registration = field(default_factory=Registration)
    people: list[Person] = field(default_factory=default_people)
    bot_token: str = "xoxb-sandbox-bot"  # noqa: S105 - a made-up token of a made-up workspace
    app_token: str = "xapp-sandbox-app"  # noqa: S105 - same
    signing_secret: str = "sandbox-signing-secret"  # noqa: S105 - same
    ack_timeout: float = ACK_TIMEOUT
    origin: str = ""
    now: Now = time.time

    def __post_init__(self) -> None:
        self.jobs = Jobs()
        self.feed = Feed()
        self.faults = Faults()
        self.limits = Limits()
        self.calls = Calls()
        self.triggers = Triggers()
        self.workspace = Workspace(self.people, default_groups(), self.feed, self.now)
        self.views = Views(self.feed, self.workspace.stamps)
        self.sockets = Sockets(self.jobs, self.ack_timeout)
        self.webhook: Webhook | None = None
        self.responses = Responses(self.workspace)
        self.deliveries = Deliveries(self._way)
        self.events = Events(self.jobs, self.route, lambda: self.registration.scopes, lambda: self.registration.events)
        self.workspace.listeners.append(self.events.happened)

    def route(self) -> Delivery:
        """The way to the app; what goes out is kept in `deliveries`."""
        return self.deliveries

    def _way(self) -> Delivery:
        """Its request URL when it has one, else its sockets."""
        return self.webhook or self.sockets

    def use(self, origin: str) -> None:
        """Learn the address at which this workspace is reached."""
        self.origin = origin
        self.responses.base = origin

    async def close(self) -> None:
        """End streams, sockets and background work."""
        self.feed.close()
        await self.jobs.close()
        await self.sockets.cut()
        if self.webhook is not None:
            await self.webhook.close()
