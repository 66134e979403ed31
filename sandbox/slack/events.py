"""The Events API: what the app subscribed to, in which channels it may see it, retried until it is acked."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.slack.delivery import Answer, Delivery, Retry
from sandbox.slack.jobs import Jobs
from sandbox.slack.model import Channel, Json
from sandbox.slack.people import APP_ID, BOT_USER, TEAM
from sandbox.slack.scopes import EVENT_SCOPES
from sandbox.slack.workspace import new_id

RETRY_AFTER = (1.0, 60.0, 300.0)
"""Seconds before each repeat: nearly at once, a minute, five (facts of the Events API; exact times are Slack's)."""

MESSAGE_KINDS = {"public": "message.channels", "private": "message.groups", "im": "message.im", "mpim": "message.mpim"}


@dataclass
class Delivered:
    """One event and how its deliveries went."""

    event_id: str
    event: Json
    attempts: int = 0
    acked: bool = False

    def wire(self) -> Json:
        """As the driving API shows it."""
        return {"event_id": self.event_id, "event": self.event, "attempts": self.attempts, "acked": self.acked}


@dataclass
class Events:
    """Turns changes of the workspace into event deliveries."""

    jobs: Jobs
    route: Callable[[], Delivery]
    scopes: Callable[[], frozenset[str]]
    subscribed: Callable[[], frozenset[str]]
    retry_after: tuple[float, ...] = RETRY_AFTER
    sent: list[Delivered] = field(default_factory=list)

    def happened(self, event: Json, channel: Channel) -> None:
        """A listener of the workspace: deliver what the app asked for, may read, and is in the channel of."""
        name = MESSAGE_KINDS[channel.kind] if event["type"] == "message" else str(event["type"])
        allowed = self.scopes()
        if name not in self.subscribed() or BOT_USER not in channel.members:
            return
        if any(scope in allowed for scope in EVENT_SCOPES.get(name, ())):
            self.repeat(Delivered(new_id("Ev"), event))

    def told(self, event: Json) -> Delivered | None:
        """An event of no channel (`app_home_opened`), which needs no scope; None when the app did not subscribe."""
        if event["type"] not in self.subscribed():
            return None
        delivered = Delivered(new_id("Ev"), event)
        self.repeat(delivered)
        return delivered

    def repeat(self, delivered: Delivered) -> None:
        """Start delivering (again, with the same event id: Slack may send an event twice)."""
        self.sent.append(delivered)
        del self.sent[:-5_000]
        self.jobs.start(self._deliver(delivered))

    async def _deliver(self, delivered: Delivered) -> None:
        payload = {
            "token": "verification-token",
            "team_id": TEAM,
            "api_app_id": APP_ID,
            "event": delivered.event,
            "type": "event_callback",
            "event_id": delivered.event_id,
            "event_time": int(time.time()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": TEAM,
                    "user_id": BOT_USER,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
        }
        retry = Retry()
        for wait in (*self.retry_after, None):
            delivered.attempts += 1
            route = self.route()
            answer = await route.send("events_api", payload, retry, wants_answer=False)
            delivered.acked = answer.acked
            if answer.acked or answer.no_retry or wait is None:
                return
            await asyncio.sleep(wait)
            retry = Retry(retry.attempt + 1, _reason(answer, route.timeout_reason))


def _reason(answer: Answer, timeout: str) -> str:
    return {"operation_timeout": timeout, "http_error": "http_error"}.get(answer.error or "", "connection_failed")
