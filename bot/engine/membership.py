"""Who holds a role now: people by id, Slack user groups, the incident's commander, whoever is on call.

What Slack is asked is asked once at a time and never keeps anybody waiting longer than they can: an answer that comes
late is there for the next question. What was read last is kept for a quarter of an hour, for those decisions that may
stand on it (``authorise``); everything else takes an unread group for what it is, not known.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import structlog

from bot.domain.events import Actor
from bot.errors import PullcordError
from bot.ports import Chat, Clock
from bot.settings import RoleSettings, Settings

log = structlog.get_logger(__name__)

VIEWER: Final = "viewer"
RESPONDER: Final = "responder"
COMMANDER: Final = "commander"
ADMIN: Final = "admin"
_LADDER: Final = (VIEWER, RESPONDER, COMMANDER, ADMIN)
"""Each of the built-in roles is held by those above it too."""

INCIDENT_COMMANDER: Final = "incident:commander"
ON_CALL: Final = "agent:on_call"

ASK_SECONDS: Final = 0.2
"""So long a click waits for Slack; a part of what a click may take."""
WORK_SECONDS: Final = 4.0
"""So long a worker waits for Slack."""
OLD: Final = timedelta(minutes=15)
"""How old what was read last may be for a decision that may stand on it."""
_CALL_SECONDS: Final = 5.0
_MOST_PEOPLE: Final = 5000

_Ask = Callable[[], Awaitable[None]]


class Holds(StrEnum):
    """Whether somebody holds a role. ``unreadable``: Slack did not say, so nobody knows."""

    YES = "yes"
    NO = "no"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a role is asked about: who has command of the incident, and who is on call for every agent it is about."""

    commander: str | None = None
    on_call: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether somebody holds a role. ``named``: by the configuration or the incident alone, without Slack.

    ``age`` is set where it is known only from an earlier reading: how old that is. ``unread`` are the groups that Slack
    did not tell.
    """

    holds: Holds
    named: bool = False
    age: timedelta | None = None
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class People:
    """Everybody who holds a role, each once, and the groups that could not be read."""

    users: tuple[str, ...]
    unread: tuple[str, ...] = ()


class Membership:
    """Reads roles. One per process."""

    def __init__(self, settings: Settings, chat: Chat, clock: Clock) -> None:
        """``chat`` is asked for groups and for who is a full member."""
        self._roles = settings.roles
        self._chat = chat
        self._clock = clock
        self._groups: dict[str, tuple[frozenset[str], datetime]] = {}
        self._full: dict[tuple[str, str | None], tuple[bool, datetime]] = {}
        self._asking: dict[object, asyncio.Task[bool]] = {}

    async def standing(self, by: Actor, role: str, place: Place, seconds: float) -> Standing:
        """Whether ``by`` holds the role. Never raises for what Slack does; waits at most ``seconds``."""
        members = members_of(self._roles, role)
        if by.id in named_by(members, place):
            return Standing(Holds.YES, named=True)
        groups = [member for member in members if member.startswith("S")]
        read = await asyncio.gather(*(self._read(group, seconds) for group in groups))
        unread = tuple(group for group, fresh in zip(groups, read, strict=True) if not fresh)
        if any(by.id in self._groups[group][0] for group in groups if group not in unread):
            return Standing(Holds.YES)
        if not unread:
            return Standing(Holds.NO)
        now = self._clock.now()
        ages = [now - self._groups[group][1] for group in unread if by.id in self._groups.get(group, (frozenset(),))[0]]
        young = [age for age in ages if age <= OLD]
        return Standing(Holds.UNREADABLE, age=min(young, default=None), unread=unread)

    async def full_member(self, by: Actor, seconds: float) -> bool | None:
        """True for a full member of our workspace, False for a guest, a stranger or a bot; None: Slack did not say."""
        key = (by.id, by.team)
        if not await self._asked(("member", *key), lambda: self._look_up(by), seconds):
            return None
        known = self._full.get(key)
        return None if known is None else known[0]

    def lately_full(self, by: Actor) -> bool:
        """True when Slack said in the last quarter of an hour that this is a full member; asks nothing."""
        full, at = self._full.get((by.id, by.team), (False, None))
        return full and at is not None and self._clock.now() - at <= OLD

    def known_stranger(self, by: Actor) -> bool:
        """True when Slack said earlier that this is no full member; asks nothing."""
        return self._full.get((by.id, by.team), (None, None))[0] is False

    async def people(self, role: str, place: Place, seconds: float = WORK_SECONDS) -> People:
        """Everybody who holds the role, those named in person first."""
        members = members_of(self._roles, role)
        groups = [member for member in members if member.startswith("S")]
        read = await asyncio.gather(*(self._read(group, seconds) for group in groups))
        unread = tuple(group for group, fresh in zip(groups, read, strict=True) if not fresh)
        in_groups = [user for group in groups if group not in unread for user in sorted(self._groups[group][0])]
        return People(tuple(dict.fromkeys([*sorted_as_named(members, place), *in_groups])), unread)

    # ------------------------------------------------------------------ asking Slack

    async def _read(self, group: str, seconds: float) -> bool:
        async def read() -> None:
            members = await self._chat.group_members(group)
            self._groups[group] = (members, self._clock.now())

        return await self._asked(("group", group), read, seconds)

    async def _look_up(self, by: Actor) -> None:
        full = await self._chat.is_full_member(by.id, by.team)
        if len(self._full) >= _MOST_PEOPLE:
            self._full.clear()
        self._full[by.id, by.team] = (full, self._clock.now())

    async def _asked(self, key: object, ask: _Ask, seconds: float) -> bool:
        """Whether Slack answered in time. Questions asked meanwhile share one call, which goes on for the next one."""
        task = self._asking.get(key)
        if task is None or task.done():
            task = asyncio.get_running_loop().create_task(_bounded(ask), name=f"membership {key}")
            self._asking[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        done, _ = await asyncio.wait({task}, timeout=seconds)
        return bool(done) and not task.cancelled() and task.result()

    def _forget(self, key: object, task: "asyncio.Task[bool]") -> None:
        if self._asking.get(key) is task:
            del self._asking[key]


async def _bounded(ask: _Ask) -> bool:
    try:
        async with asyncio.timeout(_CALL_SECONDS):
            await ask()
    except (PullcordError, TimeoutError, OSError):
        return False
    except Exception:
        log.exception("membership_broke")  # whatever it is: nobody is let in by it
        return False
    return True


def members_of(roles: RoleSettings, role: str) -> tuple[str, ...]:
    """Everything that is written under a role and under the roles that contain it, each once."""
    if role not in _LADDER:
        return tuple(dict.fromkeys(roles.members(role)))
    contained = _LADDER[_LADDER.index(role) :]
    return tuple(dict.fromkeys(member for name in contained for member in roles.members(name)))


def contains(role: str, other: str) -> bool:
    """Whether everybody who holds ``role`` holds ``other`` too, by the ladder of the built-in roles."""
    return role in _LADDER and other in _LADDER and _LADDER.index(role) >= _LADDER.index(other)


def needs_incident(roles: RoleSettings, role: str) -> bool:
    """Whether who holds the role depends on an incident."""
    return bool({INCIDENT_COMMANDER, ON_CALL} & set(members_of(roles, role)))


def sorted_as_named(members: Iterable[str], place: Place) -> tuple[str, ...]:
    """The people among these members that are known without Slack, in the order in which they are written."""
    found: list[str] = []
    for member in members:
        if member == INCIDENT_COMMANDER:
            found += [place.commander] if place.commander is not None else []
        elif member == ON_CALL:
            found += place.on_call
        elif not member.startswith("S"):
            found.append(member)
    return tuple(dict.fromkeys(found))


def named_by(members: Iterable[str], place: Place) -> frozenset[str]:
    """The same as a set."""
    return frozenset(sorted_as_named(members, place))


def members_in_words(members: Sequence[str], place: Place) -> str:
    """Up to ten members for people: mentions, groups by their id, and what the symbols mean here.

    A group is no live mention here: it would call all of its members each time that somebody is refused.
    """
    words: list[str] = []
    for member in members[:10]:
        if member == INCIDENT_COMMANDER:
            who = f" <@{place.commander}>" if place.commander is not None else ", nobody yet"
            words.append(f"whoever has command{who}")
        elif member == ON_CALL:
            who = " ".join(f"<@{user}>" for user in place.on_call) or "nobody"
            words.append(f"on call: {who}")
        else:
            words.append(f"user group {member}" if member.startswith("S") else f"<@{member}>")
    return ", ".join(words) + (" and others" if len(members) > 10 else "")
