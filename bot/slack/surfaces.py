"""What a reply shows outside of messages: modals opened, stacked and changed in place, and Home tabs.

Each method answers None when the person sees it, else the sentence that says why not. Rules (a trigger id is good once
and for 3 s, a view's hash guards against a lost update): Slack's references of ``views.open``, ``.push``, ``.update``
and ``.publish``.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from bot.domain.base import Json
from bot.errors import PullcordError
from bot.slack import texts
from bot.slack.clicks import Incoming
from bot.slack.client import SlackClient
from bot.slack.errors import SlackError, TriggerExpired

_LOG = structlog.get_logger(__name__)
_TRIGGER_SECONDS = 2.5
_SAID = "pullcord_said"
_MOST_BLOCKS = 100
_VIEW_FIELDS = (
    "type",
    "title",
    "submit",
    "close",
    "private_metadata",
    "callback_id",
    "external_id",
    "clear_on_close",
    "notify_on_close",
)
_NEWER = frozenset({"hash_conflict"})
_CLOSED = frozenset({"not_found", "view_not_found"})


class Surfaces:
    """Modals and Home tabs of whoever interacted."""

    def __init__(self, client: SlackClient) -> None:
        """Calls go out at once: a trigger does not wait in a queue."""
        self._client = client

    async def open(self, incoming: Incoming, view: Mapping[str, Json], started: float) -> str | None:
        """Open a modal, on top of the one in which this happened; ``started`` is when it came, monotonic."""
        left = _left(started)
        if incoming.trigger_id is None or left <= 0:
            return texts.MODAL_LATE
        method = "views.push" if incoming.click.surface == "modal" else "views.open"
        return await self._call(incoming, method, left, trigger_id=incoming.trigger_id, view=dict(view))

    async def update(self, incoming: Incoming, view: Mapping[str, Json], started: float) -> str | None:
        """Change the modal in which this happened; one that a later press changed already is left as it is."""
        left = max(_left(started), 0.5)
        seen = incoming.view.get("hash")
        shown = {"view_id": incoming.click.view, "view": dict(view), "hash": seen if isinstance(seen, str) else None}
        return await self._call(incoming, "views.update", left, **shown)

    async def note(self, incoming: Incoming, text: str, started: float) -> str | None:
        """Say a sentence at the top of the modal in which this happened: a message would be hidden behind it."""
        return await self.update(incoming, noted(incoming.view, text), started)

    async def publish(self, incoming: Incoming, blocks: Sequence[Mapping[str, Json]]) -> str | None:
        """Set the person's Home tab."""
        view = {"type": "home", "blocks": [dict(block) for block in blocks][:_MOST_BLOCKS]}
        return await self._call(incoming, "views.publish", _TRIGGER_SECONDS, user_id=incoming.click.by.id, view=view)

    async def _call(self, incoming: Incoming, method: str, seconds: float, **arguments: Any) -> str | None:
        try:
            await self._client.call(method, timeout=seconds, **arguments)
        except TriggerExpired:
            return texts.MODAL_LATE
        except SlackError as error:
            if error.error in _NEWER:
                return None
            if error.error in _CLOSED:
                return texts.MODAL_CLOSED
            _LOG.warning("view refused", method=method, error=error.error, interaction=incoming.click.id)
            return texts.view_refused(error.error)
        except PullcordError:
            return texts.HOME_LATE if method == "views.publish" else texts.MODAL_LATE
        return None


def noted(view: Mapping[str, Any], text: str) -> dict[str, Json]:
    """The view as Slack sent it, as one may send it back, with a sentence on top that replaces an earlier one."""
    kept: dict[str, Json] = {name: view[name] for name in _VIEW_FIELDS if view.get(name)}
    blocks = view.get("blocks")
    given = [block for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []
    others = [block for block in given if block.get("block_id") != _SAID]
    said: Json = {"type": "section", "block_id": _SAID, "text": {"type": "mrkdwn", "text": f":warning: {text}"[:2900]}}
    return {**kept, "blocks": [said, *others[: _MOST_BLOCKS - 1]]}


def _left(started: float) -> float:
    return _TRIGGER_SECONDS - (time.monotonic() - started)
