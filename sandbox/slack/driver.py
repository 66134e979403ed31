"""What people and tests can do to the workspace: one typed set of methods, in process and over HTTP alike.

People are named by id, `@name` or `name`; channels by id, `#name` or `name`. Everything returned is plain JSON. A
thing that a person could not do in Slack (no such button, not their message) raises `DriveError` with what there is
instead.
"""

import asyncio
import json
import time

from sandbox.slack.driver_world import WorldDriver
from sandbox.slack.errors import DriveError
from sandbox.slack.model import Json

__all__ = ["DriveError", "Driver"]

LOOK_AGAIN = 1.0


class Driver(WorldDriver):
    """Subclasses say how a named operation reaches the workspace.

    Attributes:
        base_url: the Web API's base for slack_sdk, as in `http://127.0.0.1:8090/api/`.
        bot_token: `xoxb-` token that the workspace accepts.
        app_token: `xapp-` token for Socket Mode.
        signing_secret: what HTTP mode requests are signed with.
    """

    base_url: str
    bot_token: str
    app_token: str
    signing_secret: str

    # -- looking ------------------------------------------------------------------------------------------------

    async def messages(self, channel: str, *, thread_ts: str | None = None) -> list[Json]:
        """All messages of a channel, oldest first, with metadata; with `thread_ts` only that thread, parent first."""
        return list(await self._do("messages", channel=channel, thread_ts=thread_ts))

    async def find_message(
        self, channel: str, contains: str | None = None, *, ts: str | None = None, thread_ts: str | None = None
    ) -> Json | None:
        """The newest message whose text or blocks contain `contains` (or the one with this `ts`).

        None when there is none.
        """
        found: Json | None = await self._do(
            "find_message", channel=channel, contains=contains, ts=ts, thread_ts=thread_ts
        )
        return found

    async def wait_for_message(
        self, channel: str, contains: str, *, thread_ts: str | None = None, timeout: float = 5.0
    ) -> Json:
        """Wait until `find_message` finds one.

        Raises:
            DriveError: not within `timeout` seconds; names what was there.
        """
        until = time.monotonic() + timeout
        revision = 0
        while True:
            found: Json | None = None
            try:
                found = await self.find_message(channel, contains, thread_ts=thread_ts)
            except DriveError:
                if time.monotonic() > until:
                    raise
            if found is not None:
                return found
            left = until - time.monotonic()
            if left <= 0:
                there = [one["text"][:80] for one in await self.messages(channel, thread_ts=thread_ts)]
                raise DriveError(f"no message with {contains!r} in {channel} after {timeout} s; there are {there}")
            revision = await self.changed(revision, timeout=min(left, LOOK_AGAIN))

    async def changed(self, revision: int, *, timeout: float = 10.0) -> int:
        """Wait until the workspace moved past `revision` (or `timeout` seconds); returns its current one."""
        return int(await self._do("changed", revision=revision, timeout=timeout))

    async def ephemerals(self, user: str, channel: str) -> list[Json]:
        """What only this person sees in the channel, oldest first."""
        return list(await self._do("ephemerals", user=user, channel=channel))

    async def elements(self, channel: str, ts: str, *, user: str | None = None) -> list[Json]:
        """The buttons and menus of a message: action_id, block_id, type, label, value or options, style, confirm."""
        return list(await self._do("elements", channel=channel, ts=ts, user=user))

    async def references(self, channel: str, ts: str) -> Json:
        """What is live in a message: users, groups, broadcasts, channels and links that readers can be drawn by."""
        return dict(await self._do("references", channel=channel, ts=ts))

    async def mentions(self, user: str) -> list[Json]:
        """Every message that notified this person: a mention of them, their group or all, or a direct message.

        Oldest first.
        """
        return list(await self._do("mentions", user=user))

    async def views(self, user: str) -> list[Json]:
        """The person's open modals, bottom of the stack first, each with its `errors` by block id."""
        return list(await self._do("views", user=user))

    async def home(self, user: str) -> Json | None:
        """The person's published home tab."""
        found: Json | None = await self._do("home", user=user)
        return found

    async def channels(self) -> list[Json]:
        """All channels, with `members`, `bookmarks` and the `pins` (ts)."""
        return list(await self._do("channels"))

    async def people(self) -> list[Json]:
        """All people, as `users.info` shows them."""
        return list(await self._do("people"))

    async def calls(self, method: str | None = None) -> list[Json]:
        """The Web API calls made, oldest first.

        Each: at (Unix seconds), method, args, status (0 = no answer), ok,
        error, took_ms.
        """
        return list(await self._do("calls", method=method))

    async def interactions(self) -> list[Json]:
        """What people did, oldest first: acked, timed_out, error, shown (what their client said), ms, errors."""
        return list(await self._do("interactions"))

    async def events(self) -> list[Json]:
        """The events sent to the app: event_id, event, attempts, acked."""
        return list(await self._do("events"))

    async def connections(self) -> int:
        """How many sockets the app holds open."""
        return int(await self._do("connections"))

    async def wait_connected(self, count: int = 1, *, timeout: float = 5.0) -> None:
        """Wait until the app holds at least `count` sockets.

        Raises:
            DriveError: not within `timeout` seconds.
        """
        until = time.monotonic() + timeout
        while (held := await self.connections()) < count:
            if time.monotonic() > until:
                raise DriveError(f"the app holds {held} sockets after {timeout} s, not {count}")
            await asyncio.sleep(0.02)

    # -- acting as a person -------------------------------------------------------------------------------------

    async def click(
        self,
        user: str,
        channel: str,
        ts: str,
        action_id: str,
        value: str | list[str] | None = None,
        *,
        block_id: str | None = None,
        stale: bool = False,
    ) -> Json:
        """Press a button or pick in a menu of a message (any confirm counts as answered yes); waits for the ack or 3 s.

        `value` picks the option, or the button where several share an action id. `stale` presses what the message
        showed before an edit, as someone does whose screen is behind. Returns the interaction (see `interactions`)
        with `confirm`.
        """
        return dict(
            await self._do(
                "click",
                user=user,
                channel=channel,
                ts=ts,
                action_id=action_id,
                value=value,
                block_id=block_id,
                stale=stale,
            )
        )

    async def click_view(
        self,
        user: str,
        view_id: str,
        action_id: str,
        value: str | list[str] | None = None,
        *,
        block_id: str | None = None,
        values: Json | None = None,
    ) -> Json:
        """Press or pick inside an open modal or the home tab. `values`: its fields, as for `submit_view`."""
        pressed: Json = {"view_id": view_id, "action_id": action_id, "value": value, "block_id": block_id}
        return dict(await self._do("click_view", user=user, values=values, **pressed))

    async def submit_view(self, user: str, view_id: str, values: Json | None = None) -> Json:
        """Fill in and submit a modal. `values`: by action id, or by block id and action id; options by their value.

        Returns the interaction; `errors` by block id when Slack's checks or the app refused (the modal stays open).
        """
        return dict(await self._do("submit_view", user=user, view_id=view_id, values=values or {}))

    async def close_view(self, user: str, view_id: str, *, clear: bool = False) -> Json | None:
        """Cancel a modal, or with `clear` the whole stack."""
        found: Json | None = await self._do("close_view", user=user, view_id=view_id, clear=clear)
        return found

    async def slash(self, user: str, channel: str, command: str, text: str = "") -> Json:
        """Run a slash command; returns the interaction."""
        return dict(await self._do("slash", user=user, channel=channel, command=command, text=text))

    async def shortcut(self, user: str, callback_id: str, channel: str | None = None, ts: str | None = None) -> Json:
        """Run a global shortcut, or with `channel` and `ts` one on that message."""
        return dict(await self._do("shortcut", user=user, callback_id=callback_id, channel=channel, ts=ts))

    async def post(self, user: str, channel: str, text: str, *, thread_ts: str | None = None) -> Json:
        """Type a message (escaped and linked as Slack's client does); returns it."""
        return dict(await self._do("post", user=user, channel=channel, text=text, thread_ts=thread_ts))

    async def react(self, user: str, channel: str, ts: str, name: str, *, remove: bool = False) -> None:
        """Add or take back a reaction."""
        await self._do("react", user=user, channel=channel, ts=ts, name=name, remove=remove)

    async def join(self, user: str, channel: str) -> None:
        """Join a public channel."""
        await self._do("join", user=user, channel=channel)

    async def open_home(self, user: str, tab: str = "home") -> Json:
        """Open the app's Home tab (or its `messages`): tells the app, which publishes later; see `wait_for_home`.

        Returns `event_id` (None when the app did not subscribe to `app_home_opened`) and the `view` that is there.
        """
        return dict(await self._do("open_home", user=user, tab=tab))

    async def wait_for_home(self, user: str, contains: str, *, timeout: float = 5.0) -> Json:
        """Wait until the person's home tab shows `contains`.

        Raises:
            DriveError: not within `timeout` seconds; shows what is there.
        """
        until = time.monotonic() + timeout
        revision = 0
        while True:
            view = await self.home(user)
            shown = json.dumps(view["blocks"], ensure_ascii=False) if view else ""
            if view is not None and contains in shown:
                return view
            left = until - time.monotonic()
            if left <= 0:
                raise DriveError(f"no {contains!r} on the home tab of {user} after {timeout} s but {shown[:600]}")
            revision = await self.changed(revision, timeout=min(left, LOOK_AGAIN))

    async def open_direct(self, user: str, other: str) -> Json:
        """Open the direct message between two people (the bot is one too); returns the channel."""
        return dict(await self._do("open_direct", user=user, other=other))
