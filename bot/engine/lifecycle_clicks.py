"""Clicks about an incident as such: acknowledge, take command, resolve, note, declare, look at it."""

from collections.abc import Mapping

from bot.domain.base import Json
from bot.domain.events import Actor
from bot.domain.incident import Incident
from bot.domain.work import Work, WorkItem
from bot.engine.clicking import Clicking
from bot.engine.lifecycle import may_ask, read_request
from bot.engine.lifecycle_rules import What
from bot.engine.membership import RESPONDER, needs_incident
from bot.engine.parts import tell
from bot.engine.taking_part import in_a_sentence, may_look


class LifecycleClicks(Clicking):
    """Each is one durable piece of work, done by the worker."""

    async def lifecycle(
        self, incident_id: str, what: str, by: Actor, *, key: str, text: str = "", **extra: Json
    ) -> None:
        """Ask for ``acknowledge``, ``take``, ``resolve``, ``note``, ``pin`` or ``add_runs``. Done by the worker.

        ``extra``: ``channel``, where the person pressed, for a pin ``ts``, for runs ``traces`` (at most 200),
        ``groups`` (ids of similar groups, whole) and ``why`` (``similar``, ``offered``). Raises Refused for all else
        and for whom roles or workspace do not allow it, StoreUnavailable when it was not confirmed.
        """
        asked = await self._allowed(what, by, key, text, extra, incident_id)
        await self._ask(WorkItem(kind=Work.LIFECYCLE, incident=incident_id, payload=asked), key)

    async def declare(self, by: Actor, *, key: str, agent: str | None, summary: str, channel: str | None) -> None:
        """Ask for a new incident that a person reports."""
        asked = await self._allowed(What.DECLARE, by, key, summary, {"agent": agent, "channel": channel}, None)
        await self._ask(WorkItem(kind=Work.LIFECYCLE, payload=asked), key)

    async def may_look(self, by: Actor) -> None:
        """Raise Refused unless ``by`` may be shown incidents: guests may run commands too, in any channel of theirs."""
        with in_a_sentence():
            await may_look(self._parts, by, "look at incidents")

    async def may_ask(self, what: str, by: Actor, incident_id: str | None = None) -> None:
        """Raise Refused when it is known at once that ``by`` may not do this: before a modal opens."""
        with in_a_sentence():
            await may_ask(self._parts, What(what), by, await self._where(incident_id))

    async def page_link(self, incident_id: str, by: Actor) -> str:
        """A one-time link (60 s) to the incident's page. Refused when there is no such incident.

        Only for full members: the page shows what the agent was told and did.
        """
        incident = await self._parts.store.incidents.read(incident_id)
        await self.may_look(by)
        token = await self._parts.store.sessions.link(by.id, (incident.id,))
        return f"{self._parts.settings.base_url}/open/{token}"

    async def say_later(self, channel: str, by: Actor, text: str, *, key: str) -> None:
        """Tell a person something from the worker (survives a crash)."""
        await self._ask(tell(None, channel, by.id, text, key), f"say:{key}")

    async def _allowed(
        self, what: str, by: Actor, key: str, text: str, extra: Mapping[str, Json], incident_id: str | None
    ) -> dict[str, Json]:
        asked = read_request(what, by, key, self._parts.now(), self._parts.scrub(text), extra)
        with in_a_sentence():
            await may_ask(self._parts, asked.what, by, await self._where(incident_id))
        dumped: dict[str, Json] = asked.model_dump(mode="json")
        return dumped

    async def _where(self, incident_id: str | None) -> Incident | None:
        """The incident, where who holds the role depends on one."""
        if incident_id is None or not needs_incident(self._parts.settings.roles, RESPONDER):
            return None
        return await self._read(incident_id)
