"""The operations behind `WorldDriver`: people, groups, how the app is reached, the bad day."""

from dataclasses import fields, replace
from typing import Any, get_args

from sandbox.slack.delivery import Kind, Retry
from sandbox.slack.errors import DriveError
from sandbox.slack.events import Delivered
from sandbox.slack.faults import Fault
from sandbox.slack.limits import Limits
from sandbox.slack.looking import Looking
from sandbox.slack.model import Json
from sandbox.slack.people import Group, Person
from sandbox.slack.registration import Registration
from sandbox.slack.webhook import Webhook


class DrivingWorld(Looking):
    """Each public coroutine is one operation, named as in `WorldDriver`."""

    # -- people and groups --------------------------------------------------------------------------------------

    async def add_person(self, name: str, flags: Json) -> Json:
        """See `WorldDriver.add_person`."""
        workspace = self._slack.workspace
        given: Json = {"id": f"U0{name.upper()}", "name": name, "real_name": name.capitalize(), "email": ""}
        made = Person(**given | flags)
        if workspace.find_person(made.id) or workspace.find_person(name):
            raise DriveError(f"there is somebody {name!r} already")
        workspace.people[made.id] = made
        if not made.deleted:
            for channel in ("#incidents", "#general"):
                self._channel(channel).members.append(made.id)
        self._slack.feed.changed()
        return made.wire()

    async def set_person(self, user: str, flags: Json) -> Json:
        """See `WorldDriver.set_person`."""
        person = self._person(user)
        unknown = set(flags) - ({one.name for one in fields(Person)} - {"id"})
        if unknown:
            raise DriveError(f"a person has no {', '.join(sorted(unknown))}")
        for name, value in flags.items():
            setattr(person, name, value)
        self._slack.feed.changed()
        return person.wire()

    async def groups(self) -> list[Json]:
        """See `WorldDriver.groups`."""
        return [one.wire(include_users=True) for one in self._slack.workspace.groups.values()]

    async def set_group(
        self,
        group: str,
        users: list[str] | None = None,
        disabled: bool = False,  # noqa: FBT001, FBT002 - one operation of a JSON interface, always named
        unreadable: str = "",
    ) -> Json:
        """See `WorldDriver.set_group`."""
        groups = self._slack.workspace.groups
        handle = group.removeprefix("@")
        found = groups.get(group) or next((one for one in groups.values() if one.handle == handle), None)
        if found is None:
            found = Group(group if group.startswith("S0") else f"S0{handle.upper()}", handle, handle.capitalize())
            groups[found.id] = found
        if users is not None:
            found.users = [self._person(one).id for one in users]
        found.disabled, found.unreadable = disabled, unreadable
        self._slack.feed.changed()
        return found.wire(include_users=True)

    # -- how the app is reached ---------------------------------------------------------------------------------

    async def deliver_to(
        self,
        url: str | list[str] | None,
        verify: bool = True,  # noqa: FBT001, FBT002 - as above
    ) -> None:
        """See `WorldDriver.deliver_to`."""
        slack = self._slack
        made = None
        if url:
            made = Webhook([url] if isinstance(url, str) else url, slack.signing_secret, slack.ack_timeout)
            try:
                if verify:
                    await made.verify()
            except DriveError:
                await made.close()
                raise
        if slack.webhook is not None:
            await slack.webhook.close()
        slack.webhook = made

    async def set_copies(self, copies: int) -> None:
        """See `WorldDriver.set_copies`."""
        self._slack.deliveries.copies = copies

    async def deliveries(self, kind: Kind | None = None) -> list[Json]:
        """See `WorldDriver.deliveries`."""
        return [dict(one) for one in self._slack.deliveries.sent if kind in (None, one["kind"])]

    async def deliver(self, kind: Kind, payload: Json) -> Json:
        """See `WorldDriver.deliver`."""
        if kind not in get_args(Kind):
            raise DriveError(f"delivery kind {kind!r} is unknown: use one of {', '.join(get_args(Kind))}")
        answer = await self._slack.deliveries.send(kind, payload, Retry(), wants_answer=kind != "events_api")
        return {"acked": answer.acked, "error": answer.error, "answer": answer.payload, "request": answer.request}

    # -- the bad day --------------------------------------------------------------------------------------------

    async def fault(self, **given: Any) -> None:
        """See `Driver.fault`."""
        self._slack.faults.arm(Fault(**given))

    async def clear_faults(self) -> None:
        """See `Driver.clear_faults`."""
        self._slack.faults.armed.clear()

    async def outage(self, kind: str = "refuse") -> None:
        """See `Driver.outage`."""
        if kind not in ("refuse", "hang", "503"):
            raise DriveError(f"outage kind {kind!r} is unknown: use refuse, hang or 503")
        self._slack.faults.outage = kind  # type: ignore[assignment] # one of the three, checked above
        self._slack.sockets.refusing = True
        await self._slack.sockets.cut()

    async def restore(self) -> None:
        """See `Driver.restore`."""
        self._slack.faults.outage = None
        self._slack.sockets.refusing = False

    async def disconnect_sockets(self, reason: str = "refresh_requested") -> int:
        """See `Driver.disconnect_sockets`."""
        sockets = self._slack.sockets
        if reason != "cut":
            return await sockets.disconnect(reason)
        held = len(sockets.live)
        await sockets.cut()
        return held

    async def set_limits(self, **given: Any) -> None:
        """See `Driver.set_limits`."""
        self._slack.limits = Limits(**given)

    async def set_scopes(self, remove: list[str], add: list[str]) -> list[str]:
        """See `Driver.set_scopes`."""
        registration = self._slack.registration
        self._slack.registration = replace(registration, scopes=(registration.scopes - set(remove)) | set(add))
        return sorted(self._slack.registration.scopes)

    async def register(self, manifest: Json) -> None:
        """See `Driver.register`."""
        self._slack.registration = Registration.from_manifest(manifest)

    async def snooze(self, user: str, until: int | None) -> None:
        """See `Driver.snooze`."""
        self._person(user).snoozed_until = until

    async def repeat_event(self, event_id: str) -> None:
        """See `Driver.repeat_event`."""
        for one in self._slack.events.sent:
            if one.event_id == event_id:
                self._slack.events.repeat(Delivered(one.event_id, one.event))
                return
        raise DriveError(f"no event {event_id!r} was sent")
