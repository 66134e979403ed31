"""The operations behind `Driver`: finds what a person means, refuses what they could not do, and does it."""

from typing import Any

from sandbox.slack.choices import elements, stateful
from sandbox.slack.driving_world import DrivingWorld
from sandbox.slack.errors import DriveError
from sandbox.slack.model import Json, Message
from sandbox.slack.people import BOT_USER
from sandbox.slack.typed import stored


class Driving(DrivingWorld):
    """Each public coroutine is one operation; `do` is the only door to them."""

    async def do(self, operation: str, arguments: Json) -> Any:
        """Run an operation by name.

        Raises:
            DriveError: there is none of that name, its arguments do not fit, or it cannot be done.
        """
        function = None if operation.startswith("_") or operation == "do" else getattr(self, operation, None)
        if function is None:
            raise DriveError(f"the sandbox has no operation {operation!r}")
        try:
            return await function(**arguments)
        except TypeError as error:
            if "argument" not in str(error):
                raise
            raise DriveError(f"{operation}: {error}") from error

    # -- acting -------------------------------------------------------------------------------------------------

    async def click(
        self,
        user: str,
        channel: str,
        ts: str,
        action_id: str,
        value: Any = None,
        block_id: str | None = None,
        stale: bool = False,  # noqa: FBT001, FBT002 - one operation of a JSON interface, always named
    ) -> Json:
        """See `Driver.click`."""
        person = self._person(user, acting=True)
        where = self._channel(channel, person)
        message = self._message(where, ts, person)
        shown = [message.blocks or [], *(reversed(message.former) if stale else ())]
        for blocks in shown:
            found = _pick(blocks, action_id, block_id, value)
            if found:
                return (await self._interactions.click(person, where, message, *found, value)).wire()
        there = [element["action_id"] for _, element in elements(message.blocks)]
        raise DriveError(f"message {ts} has no element {action_id!r} (value {value!r}); it has {there}")

    async def click_view(
        self,
        user: str,
        view_id: str,
        action_id: str,
        value: Any = None,
        block_id: str | None = None,
        values: Json | None = None,
    ) -> Json:
        """See `Driver.click_view`."""
        person = self._person(user, acting=True)
        view = self._view(person, view_id)
        found = _pick(view.body["blocks"], action_id, block_id, value)
        if found is None:
            there = [element["action_id"] for _, element in elements(view.body["blocks"])]
            raise DriveError(f"view {view_id} has no element {action_id!r}; it has {there}")
        return (await self._interactions.click_in_view(person, view, *found, value, values)).wire()

    async def submit_view(self, user: str, view_id: str, values: Json) -> Json:
        """See `Driver.submit_view`."""
        person = self._person(user, acting=True)
        return (await self._interactions.submit(person, self._view(person, view_id), values)).wire()

    async def close_view(
        self,
        user: str,
        view_id: str,
        clear: bool = False,  # noqa: FBT001, FBT002 - as above
    ) -> Json | None:
        """See `Driver.close_view`."""
        person = self._person(user, acting=True)
        made = await self._interactions.close(person, self._view(person, view_id), clear=clear)
        return made.wire() if made else None

    async def slash(self, user: str, channel: str, command: str, text: str = "") -> Json:
        """See `Driver.slash`."""
        person = self._person(user, acting=True)
        return (await self._interactions.slash(person, self._channel(channel, person), command, text)).wire()

    async def shortcut(self, user: str, callback_id: str, channel: str | None = None, ts: str | None = None) -> Json:
        """See `Driver.shortcut`."""
        person = self._person(user, acting=True)
        where = self._channel(channel, person) if channel else None
        message = self._message(where, ts, person) if where and ts else None
        return (await self._interactions.shortcut(person, callback_id, where, message)).wire()

    async def post(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> Json:
        """See `Driver.post`."""
        person = self._person(user, acting=True)
        where = self._channel(channel, person)
        if person.id not in where.members:
            raise DriveError(f"@{person.name} is not in #{where.name}: join it first")
        if where.archived:
            raise DriveError(f"#{where.name} is archived")
        if not text.strip():
            raise DriveError("an empty message cannot be sent")
        if thread_ts:
            self._message(where, thread_ts)
        workspace = self._slack.workspace
        message = Message(workspace.stamps.next(), where.id, person.id, stored(workspace, text), thread_ts=thread_ts)
        return workspace.post(message).wire()

    async def react(
        self,
        user: str,
        channel: str,
        ts: str,
        name: str,
        remove: bool = False,  # noqa: FBT001, FBT002 - as above
    ) -> None:
        """See `Driver.react`."""
        person = self._person(user, acting=True)
        message = self._message(self._channel(channel, person), ts)
        if (person.id in message.reactions.get(name.strip(":"), [])) is remove:
            self._slack.workspace.react(message, person.id, name.strip(":"), added=not remove)

    async def join(self, user: str, channel: str) -> None:
        """See `Driver.join`."""
        person = self._person(user, acting=True)
        where = self._channel(channel, person)
        if person.id not in where.members:
            self._slack.workspace.join(where, person.id)

    async def open_home(self, user: str, tab: str = "home") -> Json:
        """See `Driver.open_home`."""
        person = self._person(user, acting=True)
        slack = self._slack
        if not slack.registration.home_tab:
            raise DriveError("the app has no Home tab: its manifest does not enable it")
        if tab not in ("home", "messages"):
            raise DriveError(f"the app has no tab {tab!r}: use home or messages")
        view = slack.views.homes.get(person.id) if tab == "home" else None
        event: Json = {
            "type": "app_home_opened",
            "user": person.id,
            "channel": slack.workspace.direct([person.id, BOT_USER]).id,
            "event_ts": slack.workspace.stamps.next(),
            "tab": tab,
        }
        event |= {"view": view.wire()} if view else {}
        sent = slack.events.told(event)
        return {"event_id": sent.event_id if sent else None, "view": view.wire() if view else None}

    async def open_direct(self, user: str, other: str) -> Json:
        """See `Driver.open_direct`."""
        person = self._person(user, acting=True)
        return self._slack.workspace.direct([person.id, self._person(other).id]).wire(person.id)


def _pick(blocks: list[Json], action_id: str, block_id: str | None, value: Any) -> tuple[Json, Json] | None:
    """The element meant: by action id, by block id where given, by value where buttons share an action id."""
    found = [
        (block, element)
        for block, element in elements(blocks)
        if element["action_id"] == action_id and block_id in (None, block["block_id"])
    ]
    plain = [one for one in found if not stateful(one[1]) and one[1]["type"] != "overflow"]
    if value is not None and plain and len(plain) == len(found):
        found = [one for one in found if one[1].get("value") == value]
    return found[0] if found else None
