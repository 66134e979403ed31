"""The half of `Driver` that changes the workspace itself: people, groups, the app, how it is reached, the bad day."""

from abc import ABC, abstractmethod
from typing import Any

from sandbox.slack.delivery import Kind
from sandbox.slack.faults import FaultKind, OutageKind
from sandbox.slack.model import Json


class WorldDriver(ABC):
    """What no single person does, but an admin, Slack, or bad luck."""

    @abstractmethod
    async def _do(self, operation: str, **arguments: Any) -> Any:
        """Run one operation of `driving.py` and return its JSON value."""

    # -- people and groups --------------------------------------------------------------------------------------

    async def add_person(self, name: str, **flags: Any) -> Json:
        """A new person, in #incidents and #general: `id` (else made from the name), `real_name`, `email`, `team`.

        Further flags: `is_restricted`, `is_ultra_restricted` (guests), `deleted`, `tz`. Returns the user object.
        """
        return dict(await self._do("add_person", name=name, flags=flags))

    async def set_person(self, user: str, **flags: Any) -> Json:
        """Change a person: make a guest (`is_restricted=True`), deactivate (`deleted=True`), move to another `team`."""
        return dict(await self._do("set_person", user=user, flags=flags))

    async def groups(self) -> list[Json]:
        """All user groups with their `users`."""
        return list(await self._do("groups"))

    async def set_group(
        self, group: str, users: list[str] | None = None, *, disabled: bool = False, unreadable: str = ""
    ) -> Json:
        """Make or change a user group, by id or handle; `users` None leaves its members.

        `unreadable` is the error with which `usergroups.users.list` then refuses it, as in `permission_denied`; empty
        makes it readable again. A `disabled` group has nobody in it. A missing scope is `set_scopes`, a network that is
        away `fault("usergroups.users.list", ...)`.
        """
        return dict(await self._do("set_group", group=group, users=users, disabled=disabled, unreadable=unreadable))

    # -- how the app is reached ---------------------------------------------------------------------------------

    async def deliver_to(self, url: str | list[str] | None, *, verify: bool = True) -> None:
        """HTTP mode: deliver to this request URL, signed; None goes back to sockets.

        A list names replicas behind one address, which are taken in turn. With `verify` the URL first has to answer
        the challenge of `url_verification`, as in the app's settings.

        Raises:
            DriveError: it did not.
        """
        await self._do("deliver_to", url=url, verify=verify)

    async def set_copies(self, copies: int) -> None:
        """Deliver everything so many times at once (over HTTP each copy goes to the next URL), 1 = as it should be."""
        await self._do("set_copies", copies=copies)

    async def deliveries(self, kind: Kind | None = None) -> list[Json]:
        """What was sent to the app, oldest first: kind, payload, retry, acked, error, answer, ms.

        Over HTTP also `request`: url, body, headers and the `status` that came back, so that a test can replay it.
        """
        return list(await self._do("deliveries", kind=kind))

    async def deliver(self, kind: Kind, payload: Json) -> Json:
        """Send the app any payload, really signed: an edited one, one of another workspace, one of yesterday.

        Returns acked, error and answer.
        """
        return dict(await self._do("deliver", kind=kind, payload=payload))

    # -- the bad day --------------------------------------------------------------------------------------------

    async def fault(
        self,
        method: str,
        kind: FaultKind,
        times: int = 1,
        *,
        after: int = 0,
        retry_after: int = 1,
        error: str = "internal_error",
    ) -> None:
        """Make the next calls of `method` (`*` = any) fail; see `faults.Fault` for the kinds."""
        await self._do(
            "fault", method=method, kind=kind, times=times, after=after, retry_after=retry_after, error=error
        )

    async def clear_faults(self) -> None:
        """Disarm all faults."""
        await self._do("clear_faults")

    async def outage(self, kind: OutageKind = "refuse") -> None:
        """Slack is away: every call is cut off, hangs or gets 503; sockets are cut and new ones refused."""
        await self._do("outage", kind=kind)

    async def restore(self) -> None:
        """End the outage."""
        await self._do("restore")

    async def disconnect_sockets(self, reason: str = "refresh_requested") -> int:
        """Recycle the sockets: `refresh_requested`, `warning`, `link_disabled`, or `cut` for no word at all."""
        return int(await self._do("disconnect_sockets", reason=reason))

    async def set_limits(self, *, on: bool = True, posts_per_second: float = 1.0, burst: int = 3) -> None:
        """Turn Slack's rate limits on (1 post a second and channel, tiers per minute) or off."""
        await self._do("set_limits", on=on, posts_per_second=posts_per_second, burst=burst)

    async def set_scopes(self, *, remove: list[str] | None = None, add: list[str] | None = None) -> list[str]:
        """Take scopes from the app or give them back; returns what it has."""
        return list(await self._do("set_scopes", remove=remove or [], add=add or []))

    async def register(self, manifest: Json) -> None:
        """Register the app anew from its manifest: what it does not ask for is not granted."""
        await self._do("register", manifest=manifest)

    async def snooze(self, user: str, until: int | None) -> None:
        """Put a person into do-not-disturb until then (Unix seconds), or out of it."""
        await self._do("snooze", user=user, until=until)

    async def repeat_event(self, event_id: str) -> None:
        """Deliver an event once more under the same id, as Slack sometimes does."""
        await self._do("repeat_event", event_id=event_id)
