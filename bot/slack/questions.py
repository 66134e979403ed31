"""Questions to a second person, and broken glass: messages of their own in the thread, edited in place once decided.

The poster compares what should be asked with what was posted, so an outage delays a question and loses none, and a
restart carries on. Direct messages that asked for the same are corrected with it.
"""

from bot.domain.action import Execution, ExecutionState
from bot.domain.base import Json
from bot.slack.errors import ChannelGone, MessageGone, SlackError, Unauthorized
from bot.slack.render import Rendered
from bot.slack.sending import Sender, Wait

_KEPT = "questions"
_GLASS = ":glass"


class Questions(Sender):
    """The part of bringing an incident up to date that asks for approvals."""

    async def ask_for_approvals(self) -> Wait | None:
        """Post what is asked and was not posted, edit what was decided. One message at a time; None when all is so."""
        incident, root = self.incident, self.incident.root_ts
        if root is None or incident.channel is None:
            return None
        for execution in incident.executions:
            if execution.leads is not None or (execution.approval is None and execution.broke_glass is None):
                continue
            for name, again in _messages(execution):
                wait = await self._question(execution, root, name, again=again)
                if wait is not None:
                    return wait
        return None

    async def _question(self, execution: Execution, root: str, name: str, *, again: bool) -> Wait | None:
        posted = self._posted(name)
        # a countdown alone is no reason to spend an edit: it is drawn anew only when something was decided
        stage = _stage(execution)
        if posted is not None and posted.get("stage") == stage:
            return None
        shown = self.t.views.approval(self.incident, execution, self.t.clock.now(), again=again)
        if shown is None:
            return None
        channel = self.incident.channel or ""
        if posted is None:
            if execution.state is not ExecutionState.AWAITING_APPROVAL and not name.endswith(_GLASS):
                return None  # decided before it could be asked: the thread's line tells it
            return await self._first(name, channel, root, shown, stage)
        wait = await self._correct(channel, str(posted.get("ts", "")), shown)
        if wait is None and not again:
            wait = await self._correct_directs(execution, shown)
        if wait is None:
            await self._keep(name, {**posted, "stage": stage})
        return wait

    async def _first(self, name: str, channel: str, root: str, shown: Rendered, stage: str) -> Wait | None:
        try:
            posted = await self.post(channel, shown, f"{self.incident.id}:approval:{name}", thread_ts=root)
        except ChannelGone:
            await self._keep(name, {"ts": "", "stage": stage})
            return None
        if isinstance(posted, Wait):
            return posted
        await self._keep(name, {"ts": posted, "stage": stage})
        return None

    async def _correct(self, channel: str, ts: str, shown: Rendered) -> Wait | None:
        if not ts:
            return None
        try:
            return await self.edit(channel, ts, shown, urgent=True)
        except (MessageGone, ChannelGone):
            return None  # somebody took it away; what was decided stands in the thread

    async def _correct_directs(self, execution: Execution, shown: Rendered) -> Wait | None:
        for channel, ts in await self.t.store.approvals.directs(execution.id):
            try:
                wait = await self.edit(channel, ts, shown, urgent=False)
            except Unauthorized:
                raise
            except SlackError:
                wait = None  # one person's old message holds nothing else up
            if wait is not None:
                return wait
        return None

    def _posted(self, name: str) -> dict[str, Json] | None:
        kept = self.state.more.get(_KEPT)
        found = kept.get(name) if isinstance(kept, dict) else None
        return found if isinstance(found, dict) else None

    async def _keep(self, name: str, posted: dict[str, Json]) -> None:
        kept = self.state.more.get(_KEPT)
        asked: dict[str, Json] = {**(kept if isinstance(kept, dict) else {}), name: posted}
        await self.save(more={**self.state.more, _KEPT: asked}, intent=None)


def _messages(execution: Execution) -> tuple[tuple[str, bool], ...]:
    """The messages about one request: the question, its reminder, and a new one for broken glass.

    An edit calls nobody, so broken glass is never only an edit of the question.
    """
    asked = ((execution.id, False), (f"{execution.id}:again", True))
    return (*asked, (f"{execution.id}{_GLASS}", False)) if execution.broke_glass is not None else asked


def _stage(execution: Execution) -> str:
    """What a question says, apart from the time that is left."""
    approval = execution.approval
    if execution.broke_glass is not None:
        return "glass"
    if execution.state is ExecutionState.AWAITING_APPROVAL:
        return "asked"
    by = approval.by if approval is not None else None
    ended = execution.state in {ExecutionState.REJECTED, ExecutionState.EXPIRED}
    return f"{execution.state.value if ended else 'approved'}:{by or ''}"
