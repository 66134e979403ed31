"""Clicks about an execution whose outcome nobody knows: check it, or say as a person what became of it."""

from collections.abc import Mapping

from bot.domain.base import Json
from bot.domain.events import Actor
from bot.domain.work import Work, WorkItem
from bot.engine.clicking import Clicking
from bot.engine.marking import marked, may_settle
from bot.engine.offers import CHECK, MARK_DONE
from bot.engine.words import NOT_CONFIRMED, plain
from bot.errors import PullcordError, StoreUnavailable
from bot.plugin import FieldErrors, OfferView, Quiet, Reply, Say


class Settling(Clicking):
    """Each is one durable write. Never raises a PullcordError: the person gets a sentence in each case."""

    async def _about_unknown(self, offer: OfferView, by: Actor, values: Mapping[str, Json], key: str) -> Reply:
        execution = str(offer.params.get("execution", ""))
        if offer.action == CHECK:
            return await self.check(offer.incident, execution, by, key=key)
        reason = values.get("reason")
        words = reason if isinstance(reason, str) else ""
        done = offer.action == MARK_DONE
        return await self.mark(offer.incident, execution, by, done=done, reason=words, key=key)

    async def mark(self, incident_id: str, execution_id: str, by: Actor, *, done: bool, reason: str, key: str) -> Reply:
        """Mark an unknown execution done or not done."""
        words = self._parts.scrub(reason.strip())[:1000]
        if not words:
            return FieldErrors({"reason": "Say how you know; it goes on the timeline."})
        now = self._parts.now()
        try:
            incident = await self._read(incident_id)
            await may_settle(self._parts, incident, execution_id, by)
            await self._write(
                incident_id,
                f"mark:{execution_id}:{key}",
                lambda current: marked(current, execution_id, by, done=done, reason=words, now=now),
            )
        except (TimeoutError, StoreUnavailable):
            return Say(NOT_CONFIRMED)
        except PullcordError as error:
            return Say(str(error))
        return Quiet()

    async def check(self, incident_id: str, execution_id: str, by: Actor, *, key: str) -> Reply:
        """Probe an unknown execution, or read back one that is not in force. The worker tells what it found."""
        try:
            incident = await self._read(incident_id)
            execution = await may_settle(self._parts, incident, execution_id, by)
            payload: dict[str, Json] = {"execution": execution.id, "by": by.id, "key": key, "channel": incident.channel}
            await self._add(WorkItem(kind=Work.VERIFY, incident=incident_id, payload=payload), f"check:{key}")
        except (TimeoutError, StoreUnavailable):
            return Say(NOT_CONFIRMED)
        except PullcordError as error:
            return Say(str(error))
        return Say(f"Checking {plain(execution.title)}; you will be told what is found.")
