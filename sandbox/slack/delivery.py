"""How payloads reach the app, and what came back: over a socket (`sockets.py`) or signed HTTP (`webhook.py`).

`Deliveries` is the road in front of both: it sends copies where a test asked for them and keeps what was sent.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from sandbox.slack.model import Json

Kind = Literal["interactive", "slash_commands", "events_api"]
KEPT = 2_000


@dataclass(frozen=True)
class Answer:
    """The app's answer. `error` is Slack's word for what went wrong: operation_timeout, dispatch_failed, http_error.

    `request` is the HTTP request as it was sent (url, body, headers) with the `status` that came back, None over a
    socket; `no_retry` that the app asked not to be sent this event again.
    """

    acked: bool
    payload: Json | None = None
    error: str | None = None
    ms: float = 0.0
    request: Json | None = None
    no_retry: bool = False

    @property
    def timed_out(self) -> bool:
        """Nothing came back in time."""
        return self.error == "operation_timeout"


@dataclass(frozen=True)
class Retry:
    """The how-manieth repeat of an event this is, and why there is one."""

    attempt: int = 0
    reason: str = ""


class Delivery(Protocol):
    """One way to the app."""

    @property
    def timeout_reason(self) -> str:
        """What a repeat says when the app did not answer in time."""
        ...

    async def send(self, kind: Kind, payload: Json, retry: Retry, *, wants_answer: bool) -> Answer:
        """Deliver and wait for the ack, at most Slack's 3 s."""
        ...


@dataclass
class Deliveries:
    """Sends each payload `copies` times at once, and keeps the last 2,000 that went out, oldest first."""

    way: Callable[[], Delivery]
    copies: int = 1
    sent: list[Json] = field(default_factory=list)

    @property
    def timeout_reason(self) -> str:
        """That of the way it takes."""
        return self.way().timeout_reason

    async def send(self, kind: Kind, payload: Json, retry: Retry, *, wants_answer: bool) -> Answer:
        """Deliver; the answer to the first copy is the one that counts."""
        way = self.way()
        one = [self._once(way, kind, payload, retry, wants_answer=wants_answer) for _ in range(max(1, self.copies))]
        answers = await asyncio.gather(*one)
        return answers[0]

    async def _once(self, way: Delivery, kind: Kind, payload: Json, retry: Retry, *, wants_answer: bool) -> Answer:
        kept: Json = {"at": time.time(), "kind": kind, "payload": payload, "retry": retry.attempt}
        self.sent.append(kept)
        del self.sent[:-KEPT]
        answer = await way.send(kind, payload, retry, wants_answer=wants_answer)
        kept |= {
            "acked": answer.acked,
            "error": answer.error,
            "answer": answer.payload,
            "ms": round(answer.ms, 2),
            "request": answer.request,
        }
        return answer
