"""Shows in the thread how far long actions are: one message each, edited in place, at most every five seconds.

The edits come out of the one budget of the workspace, after every card. While an action runs nothing is put back for
it: an incident that waits for its bar would let its card wait too. Its next step asks again.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from bot.domain.action import ExecutionState
from bot.domain.base import Json
from bot.domain.progress import ProgressState
from bot.slack.errors import SlackError, Unauthorized
from bot.slack.render import Rendered
from bot.slack.sending import Sender, Wait
from bot.views.progress import progress

EDIT_SECONDS: Final = 5.0
AFTER_SECONDS: Final = 2.0
"""What is done sooner needs no message of its own: its line in the thread says it."""


async def show_progress(sender: Sender) -> Wait | None:
    """Bring the messages of the incident's long actions up to date. None when nothing is left to show."""
    waits: list[Wait] = []
    for state in await sender.t.store.progress.of(sender.incident.id):
        wait = await _Message(sender, state).show()
        if wait is not None:
            waits.append(wait)
    return min(waits, key=lambda wait: wait.seconds, default=None)


class _Message:
    """The message of one long action."""

    def __init__(self, sender: Sender, state: ProgressState) -> None:
        self._sender = sender
        self._state = state

    async def show(self) -> Wait | None:
        """Post it, edit it, or say its end and let go of it."""
        sender, state = self._sender, self._state
        execution = sender.incident.execution(state.execution)
        if execution is None or sender.incident.root_ts is None:
            await self._let_go()
            return None
        runs = execution.state is ExecutionState.STARTED
        made = progress(sender.incident, execution, state)
        shown = Rendered(text=made.text, blocks=made.blocks)
        kept = self._kept()
        try:
            if kept is None:
                return await self._first(shown, runs=runs)
            wait = await self._edit(kept, shown, runs=runs)
        except Unauthorized:
            raise
        except SlackError:
            wait = None  # taken away, or not to be edited: the thread's own lines say how it ends
            runs = False
        if wait is None and not runs:
            await self._let_go()
        return wait

    async def _first(self, shown: Rendered, *, runs: bool) -> Wait | None:
        sender, state = self._sender, self._state
        if not runs:
            await self._let_go()
            return None
        age = (sender.t.clock.now() - state.began).total_seconds()
        if age < AFTER_SECONDS:
            return None
        key = f"{sender.incident.id}:progress:{state.execution}"
        posted = await sender.post(sender.incident.channel or "", shown, key, thread_ts=sender.incident.root_ts)
        if isinstance(posted, Wait):
            return posted  # a second at most: the channel took a message just now
        await self._keep(posted, shown)
        return None

    async def _edit(self, kept: Mapping[str, Any], shown: Rendered, *, runs: bool) -> Wait | None:
        sender = self._sender
        if kept["mark"] == _mark(shown):
            return None
        age = (sender.t.clock.now() - datetime.fromisoformat(kept["at"])).total_seconds()
        if runs and 0 <= age < EDIT_SECONDS - 0.5:
            return None
        wait = await sender.edit(sender.incident.channel or "", kept["ts"], shown, urgent=False, spare=True)
        if wait is None:
            await self._keep(kept["ts"], shown)
        return None if runs else wait

    # ------------------------------------------------------------------ what was shown

    def _all(self) -> dict[str, Json]:
        kept = self._sender.state.more.get("progress")
        return dict(kept) if isinstance(kept, dict) else {}

    def _kept(self) -> Mapping[str, Any] | None:
        kept = self._all().get(self._state.execution)
        return kept if isinstance(kept, dict) and {"ts", "mark", "at"} <= kept.keys() else None

    async def _keep(self, ts: str, shown: Rendered) -> None:
        at = self._sender.t.clock.now().isoformat()
        mine: dict[str, Json] = {"ts": ts, "mark": _mark(shown), "at": at}
        more = {**self._sender.state.more, "progress": {**self._all(), self._state.execution: mine}}
        await self._sender.save(more=more, intent=None)

    async def _let_go(self) -> None:
        """Its end is said, or was never worth a message."""
        left = {name: kept for name, kept in self._all().items() if name != self._state.execution}
        if left != self._all():
            await self._sender.save(more={**self._sender.state.more, "progress": left})
        await self._sender.t.store.progress.drop(self._sender.incident.id, self._state.execution)


def _mark(shown: Rendered) -> str:
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]
