"""Looking at the demo from outside: what the steps of ``check`` wait for and read."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from sandbox.demo.world import World
from sandbox.slack.client import SandboxClient
from sandbox.slack.driver import DriveError

Json = dict[str, Any]
WAIT = 20.0


class NotSeen(AssertionError):
    """A step did not hold; the text says what was there instead."""


class Looking:
    """Looks at the world as its people do: the read API, Slack, the shop. Waits with a bound, never sleeps blindly."""

    def __init__(self, world: World, slack: SandboxClient, http: httpx.AsyncClient) -> None:
        """``http`` follows no redirects."""
        self.world = world
        self.slack = slack
        self.http = http
        self.incident = ""
        self.channel = ""
        self.root = ""
        self.bad: Json = {}
        self._first_revoke = ("", "")

    # ------------------------------------------------------------------ looking

    async def api(self, path: str) -> Json:
        """A GET of the read API."""
        answer = await self.http.get(
            f"{self.world.bot.origin}{path}", headers={"authorization": f"Bearer {self.world.api_token}"}
        )
        if answer.status_code != 200:
            raise NotSeen(f"GET {path} answered {answer.status_code}: {answer.text[:200]}")
        return dict(answer.json())

    async def state(self) -> Json:
        """The incident as the read API tells it."""
        return await self.api(f"/api/incidents/{self.incident}")

    async def until(self, what: str, look: Callable[[], Awaitable[Any]]) -> Any:
        """Wait until ``look`` gives something true; its last answer or exception is told otherwise."""
        end = time.monotonic() + WAIT
        last: object = None
        while time.monotonic() < end:
            try:
                if found := await look():
                    return found
                last = found
            except (NotSeen, DriveError, httpx.HTTPError, KeyError, StopIteration) as error:
                last = error
            await asyncio.sleep(0.1)
        raise NotSeen(f"{what}: not seen within {WAIT:.0f} s (last: {last!r})")

    async def shop(self) -> Json:
        """The shop's tables."""
        return dict((await self.http.get(f"{self.world.agent.origin}/shop")).json())

    async def ask(self, customer: str, message: str) -> Json:
        """One run of the agent."""
        answer = await self.http.post(
            f"{self.world.agent.origin}/run", json={"customer": customer, "message": message}, timeout=60
        )
        return dict(answer.json())

    async def execution(self, action: str, state: str = "succeeded", verified: str | None = None) -> Json:
        """The newest execution of this action, once it is in this state."""

        async def look() -> Json | None:
            found = [e for e in (await self.state())["executions"] if e["action"] == action]
            if not found or found[-1]["state"] != state:
                raise NotSeen(f"{action}: {[(e['state'], e.get('reason')) for e in found]}")
            if verified is not None and found[-1]["verified"] != verified:
                raise NotSeen(f"{action} is {found[-1]['verified']}: {found[-1]['verified_detail']}")
            return dict(found[-1])

        return dict(await self.until(f"{action} {state} {verified or ''}", look))

    async def press(self, user: str, label: str) -> Json:
        """Press the button (or overflow option) of the card whose label begins so; waits until the card has it."""

        async def look() -> tuple[str, str | None]:
            card = await self.slack.find_message(self.channel, ts=self.root) or {}
            shown = pressable(card.get("blocks") or [])
            found = next((where for text, where in shown if text.startswith(label)), None)
            return found or tuple(not_yet([text for text, _ in shown]))

        action_id, value = await self.until(f"a button {label!r}", look)
        return await self.slack.click(user, self.channel, self.root, action_id, value)

    async def modal(self, user: str, *fields: str) -> Json:
        """The person's newest open modal, once it has these fields: an earlier one may stand there still."""

        async def look() -> Json | None:
            views = await self.slack.views(user)
            asked = {block.get("block_id") for block in views[-1]["blocks"]} if views else set()
            return views[-1] if views and asked >= set(fields) else None

        return dict(await self.until(f"a modal of {user}", look))

    async def told(self, user: str, words: str) -> str:
        """Wait until this person, and only this person, was told something with these words."""

        async def look() -> str | None:
            said = [all_text(e) for e in await self.slack.ephemerals(user, self.channel)]
            return next((t for t in reversed(said) if re.search(words, t)), None) or not_yet(said)

        return str(await self.until(f"{user} is told {words!r}", look))


def pressable(blocks: list[Json]) -> list[tuple[str, tuple[str, str | None]]]:
    """What can be pressed: the text of each button and of each option, with its action id and value."""
    found: list[tuple[str, tuple[str, str | None]]] = []
    for block in blocks:
        for element in [*(block.get("elements") or ()), *filter(None, [block.get("accessory")])]:
            if element.get("type") == "button":
                found.append((element["text"]["text"], (element["action_id"], element.get("value"))))
            found += [(o["text"]["text"], (element["action_id"], o["value"])) for o in element.get("options") or ()]
    return found


_UNREAD = frozenset(
    {
        "type",
        "ts",
        "user",
        "bot_id",
        "app_id",
        "channel",
        "team",
        "block_id",
        "action_id",
        "metadata",
        "bot_profile",
        "bot_name",
        "username",
        "subtype",
        "user_team",
    }
)
"""Fields of a message that nobody reads."""


def all_text(value: Any) -> str:
    """Every text of a message or view that a person reads, joined."""
    if isinstance(value, dict):
        return "\n".join(all_text(v) for k, v in value.items() if k not in _UNREAD)
    if isinstance(value, list):
        return "\n".join(all_text(v) for v in value)
    return value if isinstance(value, str) else ""


def not_yet(seen: object) -> Any:
    """Say what is there instead of what was waited for."""
    raise NotSeen(str(seen)[:400])


async def git(world: World, *arguments: str) -> str:
    """What git says of the demo's eval repository."""
    process = await asyncio.create_subprocess_exec(
        "git", "-C", str(world.evals), *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, told = await process.communicate()
    if process.returncode:
        raise NotSeen(told.decode(errors="replace"))
    return out.decode()


def filled(**fields: str) -> Json:
    """A modal's fields as the driving interface takes them: by block id and action id."""
    return {name: {"value": value} for name, value in fields.items()}
