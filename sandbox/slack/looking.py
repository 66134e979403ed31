"""Finding what a person means, and looking: the half of the operations behind `Driver` that changes nothing."""

import json

from sandbox.slack.backend import Backend
from sandbox.slack.choices import elements
from sandbox.slack.errors import DriveError
from sandbox.slack.interactions import Interactions
from sandbox.slack.live import references
from sandbox.slack.model import Channel, Json, Message, View
from sandbox.slack.people import BOT_USER, Person

LONGEST_WAIT = 30.0


class Looking:
    """Finds people, channels, messages and views, and shows them."""

    def __init__(self, slack: Backend) -> None:
        self._slack = slack
        self._interactions = Interactions(slack)

    # -- finding ------------------------------------------------------------------------------------------------

    def _person(self, ref: str, *, acting: bool = False) -> Person:
        person = self._slack.workspace.find_person(ref)
        if person is None:
            names = ", ".join(f"@{one.name}" for one in self._slack.workspace.people.values())
            raise DriveError(f"nobody here is {ref!r}; there are {names}")
        if acting and (person.deleted or person.is_bot):
            raise DriveError(f"@{person.name} cannot act: {'a bot' if person.is_bot else 'deactivated'}")
        return person

    def _channel(self, ref: str, person: Person | None = None) -> Channel:
        workspace = self._slack.workspace
        channel = workspace.find_channel(ref)
        if channel is None and (found := workspace.find_person(ref)) is not None:
            other = BOT_USER if person is None or person.id == found.id else person.id
            channel = workspace.direct([found.id, other])
        if channel is None:
            names = ", ".join(f"#{one.name}" for one in workspace.channels.values() if one.name)
            raise DriveError(f"there is no channel {ref!r}; there are {names}")
        if person is not None and channel.kind != "public" and person.id not in channel.members:
            raise DriveError(f"@{person.name} is not in {channel.id} and cannot see it")
        return channel

    def _message(self, channel: Channel, ts: str, person: Person | None = None) -> Message:
        message = channel.messages.get(ts)
        if message is None:
            own = [one for one in channel.ephemerals if one.ts == ts and person and one.ephemeral_to == person.id]
            message = own[0] if own else None
        if message is None:
            raise DriveError(f"there is no message {ts} in {channel.name or channel.id} that this person can see")
        return message

    def _view(self, person: Person, view_id: str) -> View:
        view = self._slack.views.find(view_id)
        home = self._slack.views.homes.get(person.id)
        if view is None and home is not None and home.id == view_id:
            view = home
        if view is None or view.user != person.id:
            raise DriveError(f"@{person.name} has no view {view_id} open")
        return view

    # -- looking ------------------------------------------------------------------------------------------------

    async def messages(self, channel: str, thread_ts: str | None = None) -> list[Json]:
        """See `Driver.messages`."""
        found = self._channel(channel).messages.values()
        wanted = [one for one in found if thread_ts is None or thread_ts in (one.ts, one.thread_ts)]
        return [one.wire(metadata=True) for one in wanted]

    async def find_message(
        self, channel: str, contains: str | None = None, ts: str | None = None, thread_ts: str | None = None
    ) -> Json | None:
        """See `Driver.find_message`."""
        for message in reversed(self._channel(channel).messages.values()):
            if ts not in (None, message.ts) or thread_ts not in (None, message.ts, message.thread_ts):
                continue
            if contains is None or contains in message.text + json.dumps(message.blocks, ensure_ascii=False):
                return message.wire(metadata=True)
        return None

    async def changed(self, revision: int, timeout: float) -> int:
        """See `Driver.changed`."""
        return await self._slack.feed.after(revision, min(timeout, LONGEST_WAIT))

    async def ephemerals(self, user: str, channel: str) -> list[Json]:
        """See `Driver.ephemerals`."""
        person = self._person(user)
        return [one.wire() for one in self._channel(channel).ephemerals if one.ephemeral_to == person.id]

    async def elements(self, channel: str, ts: str, user: str | None = None) -> list[Json]:
        """See `Driver.elements`."""
        person = self._person(user) if user else None
        return [
            {
                "action_id": element["action_id"],
                "block_id": block["block_id"],
                "type": element["type"],
                "label": _label(element),
                "value": element.get("value"),
                "options": [one.get("value") for one in element.get("options") or []],
                "style": element.get("style"),
                "url": element.get("url"),
                "confirm": element.get("confirm"),
            }
            for block, element in elements(self._message(self._channel(channel), ts, person).blocks)
        ]

    async def references(self, channel: str, ts: str) -> Json:
        """See `Driver.references`."""
        return references(self._message(self._channel(channel), ts))

    async def mentions(self, user: str) -> list[Json]:
        """See `Driver.mentions`."""
        person = self._person(user)
        groups = {one.id for one in self._slack.workspace.groups.values() if person.id in one.users}
        found = []
        for channel in self._slack.workspace.channels.values():
            for message in channel.messages.values():
                live = references(message)
                direct = channel.kind in ("im", "mpim") and person.id in channel.members
                called = person.id in live["users"] or groups & set(live["groups"])
                everyone = bool(live["broadcasts"]) and person.id in channel.members
                if message.user != person.id and message.subtype is None and (direct or called or everyone):
                    found.append(message.wire(metadata=True) | {"channel": channel.id})
        return sorted(found, key=lambda one: str(one["ts"]))

    async def views(self, user: str) -> list[Json]:
        """See `Driver.views`."""
        stack = self._slack.views.stacks.get(self._person(user).id, [])
        return [one.wire() | {"errors": dict(one.errors)} for one in stack]

    async def home(self, user: str) -> Json | None:
        """See `Driver.home`."""
        view = self._slack.views.homes.get(self._person(user).id)
        return view.wire() if view else None

    async def channels(self) -> list[Json]:
        """See `Driver.channels`."""
        return [
            one.wire()
            | {
                "members": list(one.members),
                "bookmarks": list(one.bookmarks),
                "pins": [message.ts for message in one.messages.values() if message.pinned_by],
            }
            for one in self._slack.workspace.channels.values()
        ]

    async def people(self) -> list[Json]:
        """See `Driver.people`."""
        return [one.wire() for one in self._slack.workspace.people.values()]

    async def calls(self, method: str | None = None) -> list[Json]:
        """See `Driver.calls`."""
        return [one.wire() for one in self._slack.calls.made if method in (None, one.method)]

    async def interactions(self) -> list[Json]:
        """See `Driver.interactions`."""
        return [one.wire() for one in self._interactions.made]

    async def events(self) -> list[Json]:
        """See `Driver.events`."""
        return [one.wire() for one in self._slack.events.sent]

    async def connections(self) -> int:
        """See `Driver.connections`."""
        return len(self._slack.sockets.live)


def _label(element: Json) -> str:
    text = element.get("text") or element.get("placeholder") or {}
    return str(text.get("text", "")) if isinstance(text, dict) else ""
