"""Looking at a running Pullcord from outside, and acting as the people of its Slack workspace. Waits, never sleeps."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx

from bot.timeline.store import Store
from sandbox.demo.looking import all_text, pressable
from sandbox.slack.driver import DriveError, Driver

Json = dict[str, Any]
BAD = (httpx.HTTPError, DriveError, AssertionError, KeyError, StopIteration, IndexError)


class Watching(ABC):
    """What a test sees of Pullcord, and what its people do."""

    slack: Driver
    http: httpx.AsyncClient
    environment: dict[str, str]
    current: int = 1
    """The incident that is meant where no number is given."""

    @property
    @abstractmethod
    def origin(self) -> str:
        """The HTTP address of the bot."""

    @abstractmethod
    def tail(self) -> str:
        """The end of the bot's log, for a failure's message."""

    @abstractmethod
    def store(self) -> AbstractAsyncContextManager[Store]:
        """The bot's store, beside the running bot."""

    # ------------------------------------------------------------------ looking

    async def until(self, what: str, look: Callable[[], Awaitable[Any]], *, seconds: float = 20) -> Any:
        """Wait until ``look`` gives something true; its last answer or error is told otherwise."""
        end = time.monotonic() + seconds
        last: object = None
        while time.monotonic() < end:
            try:
                if found := await look():
                    return found
                last = found
            except BAD as error:
                last = error
            await asyncio.sleep(0.05)
        raise AssertionError(f"{what}: not seen within {seconds:g} s (last: {str(last)[:600]!r})\n{self.tail()}")

    async def api(self, path: str) -> Json:
        """A GET of the read API."""
        headers = {"authorization": f"Bearer {self.environment['PULLCORD_API_TOKEN']}"}
        answer = await self.http.get(f"{self.origin}{path}", headers=headers)
        assert answer.status_code == 200, f"GET {path} answered {answer.status_code}: {answer.text[:200]}"
        return dict(answer.json())

    async def incidents(self) -> list[Json]:
        """Every incident whole, oldest first."""
        rows = (await self.api("/api/incidents"))["incidents"]
        return [await self.api(f"/api/incidents/{row['id']}") for row in reversed(rows)]

    async def incident(self, number: int = 0) -> Json:
        """One incident."""
        return await self.api(f"/api/incidents/INC-{number or self.current}")

    async def card(self, number: int = 0) -> Json:
        """The root message of an incident, once it stands."""

        async def look() -> Json | None:
            whole = await self.incident(number)
            return await self.slack.find_message(whole["channel"], ts=whole["root_ts"]) if whole["root_ts"] else None

        return dict(await self.until(f"the card of INC-{number}", look))

    async def quiet(self) -> None:
        """Wait until nothing is left to do: no work waits or is leased, nothing is to be posted, nothing is due now."""

        async def look() -> bool:
            async with self.store() as store:
                depth = await store.work.depth()
                left = (depth.waiting, depth.leased, depth.dead, await store.outbox.size(), await _posting(store))
                assert left == (0, 0, 0, 0, 0), f"waiting, leased, dead, to post, posting: {left}"
            return True

        await self.until("all work is done", look)

    async def posted(self, key: str) -> list[Json]:
        """Every message in Slack whose dedupe key ends so, wherever it stands. Found by metadata, counted by us."""
        found = []
        for channel in await self.slack.channels():
            for message in await self.slack.messages(channel["id"]):
                payload = (message.get("metadata") or {}).get("event_payload") or {}
                if str(payload.get("dedupe_key", "")).endswith(key):
                    found.append(message)
        return found

    async def verified(self) -> int:
        """Check the chain of every incident; how many entries fit."""
        fit = 0
        async with self.store() as store:
            for row in (await store.incidents.rows()).rows:
                verdict = await store.incidents.verify(row.id)
                assert verdict.ok, verdict
                fit += verdict.entries
        return fit

    # ------------------------------------------------------------------ people

    async def button(self, label: str, number: int = 0) -> tuple[str, str, str, str | None]:
        """Channel, ts, action id and value of the card's button that begins so, once it is there."""

        async def look() -> tuple[str, str, str, str | None] | None:
            whole = await self.incident(number)
            assert whole["root_ts"], "no card yet"
            card = await self.slack.find_message(whole["channel"], ts=whole["root_ts"]) or {}
            shown = pressable(card.get("blocks") or [])
            found = next((where for text, where in shown if text.startswith(label)), None)
            assert found is not None, f"no {label!r} among {[text for text, _ in shown]}"
            return (whole["channel"], whole["root_ts"], *found)

        found: tuple[str, str, str, str | None] = await self.until(f"the button {label!r}", look)
        return found

    async def press(self, user: str, label: str, number: int = 0) -> Json:
        """Press it."""
        channel, ts, action, value = await self.button(label, number)
        return await self.slack.click(user, channel, ts, action, value, stale=True)

    async def fill(self, user: str, **values: str) -> Json:
        """Fill in and submit the person's open modal, once one with these fields is open; it must be taken."""

        async def look() -> Json | None:
            views = await self.slack.views(user)
            asked = {block.get("block_id") for block in views[-1]["blocks"]} if views else set()
            return views[-1] if views and asked >= set(values) else None

        view = await self.until(f"a modal of {user}", look)
        return await self.slack.submit_view(user, view["id"], {k: {"value": v} for k, v in values.items()})

    async def told(self, user: str, *words: str, number: int = 0) -> str:
        """Wait until this person alone was told something with one of these words."""
        channel = (await self.incident(number))["channel"]

        async def look() -> str | None:
            said = [all_text(e) for e in await self.slack.ephemerals(user, channel)]
            return next((t for t in reversed(said) if any(w in t for w in words)), None)

        return str(await self.until(f"{user} is told one of {words}", look))

    async def execution(self, state: str, *, number: int = 0, index: int = -1, verified: str | None = None) -> Json:
        """An execution of the incident, once it is in this state."""

        async def look() -> Json:
            found = (await self.incident(number))["executions"]
            assert found, "no execution"
            mine: Json = found[index]
            assert mine["state"] == state, f"{mine['action']} is {mine['state']}: {mine.get('reason')}"
            assert verified in (None, mine["verified"]), f"{mine['verified']}: {mine.get('verified_detail')}"
            return mine

        return dict(await self.until(f"an execution {state} {verified or ''}", look))


async def _posting(store: Store) -> int:
    return int(await store.connections.hot.call("HLEN", "{pullcord}:outbox:posting"))
