"""A made-up control plane: a depot that keeps a limit per agent (``GET`` and ``PUT /limits/<agent>``).

What it enforces is asked at its gate (``GET /gate/<agent>``), which may be slower than its books.
"""

from datetime import timedelta
from urllib.parse import quote

from bot.domain.action import Applied, Change, Restraint, Snapshot, Target, Verification, Verified
from bot.domain.base import Json
from bot.errors import Refused
from bot.plugin import ControlHttp, ControlHttpSettings, ControlName, control_plane
from bot.ports import Clock
from bot.settings import Token


class DepotSettings(ControlHttpSettings):
    """The key of the depot's door."""

    door: Token


class Depot:
    """Meets the port of ``limit_parcels``, whose file it does not need to know."""

    def __init__(self, settings: DepotSettings, http: ControlHttp, name: ControlName, clock: Clock) -> None:
        """Nothing is asked yet."""
        self.name = str(name)
        self._headers = {"authorization": f"Bearer {settings.door.get_secret_value()}"}
        self._http = http
        self._clock = clock

    async def limit_parcels(self, agent: str, most: int, expires_in: timedelta | None) -> Change:
        """Plan."""
        target = Target(control=self.name, subject=agent, setting="parcels")
        before = (await self.current(target)).value
        if before == most:
            raise Refused(f"{agent} may send {most} parcels already.", field="most", next_step="Choose another number.")
        summary = f"limited {agent} to {most} parcels"
        return Change(target=target, desired=most, before=before, summary=summary, expires_in=expires_in)

    async def current(self, target: Target) -> Snapshot:
        """The books."""
        return Snapshot(value=await self._asked("limits", target), anonymous=True, at=self._clock.now())

    async def apply(self, change: Change, key: str, restraint: Restraint | None) -> Applied:
        """Write it into the books."""
        if (await self.current(change.target)).value == change.desired:
            return Applied(value=change.desired, already=True, key=key)
        return await self._put(change.target, change.desired, key)

    async def verify(self, change: Change, applied: Applied) -> Verification:
        """The gate."""
        now, held = self._clock.now(), await self._asked("gate", change.target)
        said = f"the gate lets {held} parcels through"
        if held == change.desired:
            return Verification(verified=Verified.IN_FORCE, detail=said, at=now)
        return Verification(verified=Verified.MISMATCH, detail=said, at=now)

    async def restore(self, change: Change, applied: Applied, before: Snapshot, key: str) -> Applied:
        """Write back what was there."""
        held = (await self.current(change.target)).value
        if held != change.desired:
            raise Refused(f"The depot holds {held} now.", next_step="Look at who changed it.")
        return await self._put(change.target, before.value, key)

    async def _asked(self, where: str, target: Target) -> Json:
        answer = await self._http.read("GET", f"{where}/{quote(target.subject, safe='')}", headers=self._headers)
        read = answer.json()
        return read.get("most") if isinstance(read, dict) else None

    async def _put(self, target: Target, value: Json, key: str) -> Applied:
        path, headers = f"limits/{quote(target.subject, safe='')}", {**self._headers, "idempotency-key": key}
        await self._http.write("PUT", path, json={"most": value}, headers=headers)
        return Applied(value=value, key=key)


depot = control_plane("depot", settings=DepotSettings)(Depot)
