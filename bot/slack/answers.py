"""Answers to clickers, sent after the acknowledgement by tasks that are owned and drained, never by bare ones.

An answer goes through the interaction's ``response_url``, else as an ephemeral message, else as a direct message.
Being told twice does no harm, so every way is tried.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from bot.domain.base import Json
from bot.errors import PullcordError
from bot.slack.client import SlackClient
from bot.slack.metrics import ANSWERS_LOST

_LOG = structlog.get_logger(__name__)
_WORKERS = 4
_QUEUED = 1000
_DRAIN_SECONDS = 3.0
_TEXT = 3000


@dataclass(frozen=True, slots=True)
class Answer:
    """One sentence (and perhaps blocks) for one person."""

    user: str
    text: str
    blocks: Sequence[Mapping[str, Json]] = ()
    channel: str | None = None
    thread_ts: str | None = None
    response_url: str | None = None


class Answers:
    """The queue. ``run`` is its owner and must be running; on cancellation it sends what is queued, for at most 3 s."""

    def __init__(self, client: SlackClient) -> None:
        """Nothing is sent before ``run``."""
        self._client = client
        self._queue: asyncio.Queue[Answer] = asyncio.Queue(_QUEUED)

    def say(self, answer: Answer) -> None:
        """Queue an answer; never waits. When a thousand wait already it is counted as lost."""
        try:
            self._queue.put_nowait(answer)
        except asyncio.QueueFull:
            ANSWERS_LOST.inc()
            _LOG.warning("slack answer lost: too many wait", user=answer.user)

    async def run(self) -> None:
        """Send until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(_WORKERS):
                    group.create_task(self._work())
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_DRAIN_SECONDS):
                    while not self._queue.empty():
                        await self._send(self._queue.get_nowait())

    async def drained(self) -> None:
        """Wait until everything queued so far was sent or given up."""
        await self._queue.join()

    async def _work(self) -> None:
        while True:
            answer = await self._queue.get()
            try:
                await self._send(answer)
            except asyncio.CancelledError:
                self.say(answer)  # the drain sends it; being told twice does no harm
                raise
            finally:
                self._queue.task_done()

    async def _send(self, answer: Answer) -> None:
        reasons: list[str] = []
        for way in (self._by_url, self._ephemeral, self._direct):
            try:
                if await way(answer):
                    return
            except PullcordError as error:
                reasons.append(str(error))
            except Exception as error:  # noqa: BLE001 - one answer must never end the queue
                reasons.append(type(error).__name__)
        ANSWERS_LOST.inc()
        _LOG.warning("slack answer lost", user=answer.user, reasons=reasons)

    async def _by_url(self, answer: Answer) -> bool:
        if answer.response_url is None:
            return False
        await self._client.respond(
            answer.response_url,
            {"response_type": "ephemeral", "replace_original": False, **_content(answer)},
        )
        return True

    async def _ephemeral(self, answer: Answer) -> bool:
        if answer.channel is None or answer.channel.startswith("D"):
            return False
        await self._client.call(
            "chat.postEphemeral",
            channel=answer.channel,
            user=answer.user,
            thread_ts=answer.thread_ts,
            **_content(answer),
        )
        return True

    async def _direct(self, answer: Answer) -> bool:
        opened = await self._client.call("conversations.open", users=answer.user)
        await self._client.call(
            "chat.postMessage",
            channel=opened["channel"]["id"],
            unfurl_links=False,
            unfurl_media=False,
            **_content(answer),
        )
        return True


def _content(answer: Answer) -> dict[str, Any]:
    content: dict[str, Any] = {"text": answer.text[:_TEXT] or "Done."}
    if answer.blocks:
        content["blocks"] = [dict(block) for block in answer.blocks]
    return content
