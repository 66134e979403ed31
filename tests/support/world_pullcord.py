"""Pullcord in the words of its users, for the tests that tell the product."""

import hashlib
from pathlib import Path

import httpx

from sandbox.demo.looking import all_text
from sandbox.slack.driver import Driver
from tests.support.world import AGENT, World, alert, bad_run
from tests.support.world_watching import Json


class Pullcord(World):
    """A running Pullcord and one test's own incident in it."""

    def __init__(
        self, folder: Path, slack: Driver, http: httpx.AsyncClient, environment: dict[str, str], port: int, name: str
    ) -> None:
        """``name`` makes the test's alerts and runs its own."""
        super().__init__(folder, slack, http)
        self.environment, self.port, self.name = environment, port, name
        self.trace = hashlib.sha256(name.encode()).hexdigest()[:32]

    async def fires(self, fingerprint: str = "one", *, agent: str = AGENT, run: bool = False, **more: str) -> str:
        """The alert fires; ``run``: it names the run. Answers the alert's id. The incident becomes the current one."""
        given = {"trace_id": self.trace, **more} if run else more
        (found,) = await self.deliver(alert(f"{self.name} {fingerprint}", agent=agent, title=self.name, **given))

        async def look() -> bool:
            for row in (await self.api("/api/incidents"))["incidents"]:
                if row["name"] == self.name and found in await self.alerts(row["number"]):
                    self.current = row["number"]
            return found in await self.alerts()

        await self.until("the alert in an incident", look)
        return found

    async def goes_wrong(self) -> None:
        """The agent refunds too much and its run is recorded; the alert about it fires and the card shows the run."""
        await self.spans(*bad_run(self.trace))
        await self.fires(run=True)
        await self.button("Revoke issue_refund")

    async def alerts(self, number: int = 0) -> list[str]:
        """Ids of the incident's alerts."""
        return [one["id"] for one in (await self.incident(number))["alerts"]]

    async def card_says(self, *words: str) -> str:
        """Wait until the card says all of this; its whole text."""

        async def look() -> str:
            text = all_text(await self.card())
            missing = [w for w in words if w.lower() not in text.lower()]
            assert not missing, f"{missing} not in {text[:800]}"
            return text

        return str(await self.until(f"{words} on the card", look))

    async def events(self, kind: str) -> list[Json]:
        """What the timeline holds of one type, oldest first."""
        entries = (await self.api(f"/api/incidents/INC-{self.current}/timeline?limit=200"))["entries"]
        return [dict(e["event"]) for e in entries if e["event"]["type"] == kind]

    async def once(self, kind: str) -> Json:
        """The first event of this type, once it is there."""

        async def look() -> Json | None:
            found = await self.events(kind)
            return found[0] if found else None

        return dict(await self.until(f"{kind} on the timeline", look))
