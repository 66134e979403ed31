"""``Work.REFUSAL``: tell one person something, visible to that person only, even after a crash."""

from bot.domain.work import WorkItem
from bot.engine.parts import Parts, optional_text, text_of
from bot.errors import ActionFailed
from bot.ports import DirectMessage


class Tell:
    """Says it in the channel where it matters; where Slack will not, by direct message."""

    def __init__(self, parts: Parts) -> None:
        """``parts`` is what the engine works with."""
        self._parts = parts

    async def handle(self, item: WorkItem) -> None:
        """Payload: ``user``, ``text``, and where known ``channel`` and ``key``. Raises what Slack raises."""
        user, text = text_of(item, "user"), text_of(item, "text")
        channel = optional_text(item, "channel")
        if channel is None and item.incident is not None:
            channel = (await self._parts.store.incidents.read(item.incident)).channel
        if channel is not None and not channel.startswith("D"):  # in a direct conversation it is said directly
            try:
                await self._parts.chat.ephemeral(channel, user, text)
            except ActionFailed:
                pass  # not in that channel, or it is archived: the person is still reachable directly
            else:
                return
        key = optional_text(item, "key") or text
        await self._parts.chat.direct(user, DirectMessage(text=text, blocks=()), f"tell:{key}")
