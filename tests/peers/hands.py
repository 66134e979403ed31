"""People in the stand-in workspace who act on one incident's card, and wait for what follows."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from sandbox.demo.looking import Looking, filled, not_yet, pressable
from sandbox.demo.world import World
from sandbox.slack.client import SandboxClient
from tests.peers.agent_run import record
from tests.peers.place import Place


class Hands(Looking):
    """Presses what the card shows. ``incident``, ``channel`` and ``root`` are the card's."""

    async def choose(self, user: str, label: str, **values: str) -> None:
        """Press a button and, where it opens a modal, fill it in and submit it."""
        pressed = await self.press(user, label)
        assert pressed["acked"], pressed
        if not values:
            return
        view = await self.modal(user)
        done = await self.slack.submit_view(user, view["id"], filled(**values))
        assert not done.get("errors"), done

    async def undo(self, user: str, action: str) -> None:
        """Give back what the newest execution of this action took: ``/pullcord undo``, then the button it offers."""
        given = [e for e in (await self.state())["executions"] if e["action"] == action and e["verified"]]
        asked = await self.slack.slash(user, self.channel, "/pullcord", f"undo {given[-1]['id']}")
        assert asked["acked"], asked

        async def look() -> tuple[str, str, str | None]:
            for shown in reversed(await self.slack.ephemerals(user, self.channel)):
                for _, (action_id, value) in pressable(shown.get("blocks") or []):
                    return shown["ts"], action_id, value
            return tuple(not_yet(asked))

        ts, action_id, value = await self.until("a button that undoes", look)
        await self.slack.click(user, self.channel, ts, action_id, value)

        async def undone() -> object:
            made = [e for e in (await self.state())["executions"] if e["undo_of"] == given[-1]["id"]]
            return made[-1]["state"] == "succeeded" if made else not_yet(made)

        await self.until(f"{action} undone", undone)

    async def see(self, what: str) -> None:
        """Print where a restraint stands, as evidence."""
        shown = [(e["action"], e["state"], e["verified"]) for e in (await self.state())["executions"]]
        print(f"· {what}: {json.dumps(shown)}")


@asynccontextmanager
async def at_the_card(place: Place, slack: SandboxClient, agent: str) -> AsyncIterator[Hands]:
    """Let this agent go wrong, and stand before the card of its incident."""
    trace_id, _ = record(place.bot.origin, place.token("PULLCORD_OTLP_TOKEN"), agent)
    place.alert(agent, trace_id)
    opened = place.incident(agent, lambda found: found["runs"] and found["root_ts"])
    assert place.slack is not None
    world = World(
        Path(place.folder), place.environment, place.bot, place.slack, place.slack, place.token("PULLCORD_API_TOKEN")
    )
    async with httpx.AsyncClient(timeout=15, trust_env=False) as http:
        hands = Hands(world, slack, http)
        hands.incident, hands.channel, hands.root = opened["id"], opened["channel"], opened["root_ts"]
        yield hands
