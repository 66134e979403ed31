"""An engine on a real store, with people, an agent, a control plane that can misbehave, and kill points.

A kill is an exception that no handler catches: the task is gone, nothing of it was cleaned up, and a new engine on the
same store gets the work again, as after kill -9. Killing whole processes is the matter of ``tests/faults``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from bot.domain.action import Applied, Change, Restraint, Snapshot, Target, Verification, Verified
from bot.domain.alert import Alert, AlertStatus
from bot.domain.base import Json
from bot.domain.events import PULLCORD, Actor, ActorKind, PersonPaged
from bot.domain.incident import Incident
from bot.domain.work import Work, WorkItem
from bot.engine.engine import Engine
from bot.engine.evidence import FrozenRuns
from bot.engine.planning import ControlPlanes
from bot.errors import ActionFailed, Refused
from bot.plugin import OfferView, Registry, Reply, TraceSource, control_plane
from bot.ports import ChatMessage, Clock, DesiredState, DirectMessage, EvidenceReader
from bot.registry import discover
from bot.settings import Settings
from bot.timeline.store import Store
from bot.timeline.timeline import Write
from bot.timeline.workstream import Leased, WorkStream
from tests.support.clock import ManualClock

AGENT = "refund-bot"
REMOTE_AGENT = "mail-bot"
TRACE = "4f1c" + "0" * 28
TEAM = "T0TEAM"


def someone(user: str, team: str | None = TEAM) -> Actor:
    """A person who clicked."""
    return Actor(kind=ActorKind.PERSON, id=user, team=team)


DANA = someone("U0DANA")
"""A responder, on call."""
LEE = someone("U0LEE")
"""A responder too."""
KIM = someone("U0KIM")
"""The commander."""
SAM = someone("U0SAM")
"""A full member whom the configuration does not name."""
GUEST = someone("U0GUEST")


class Killed(BaseException):
    """What kill -9 looks like from inside: nothing catches it."""


@dataclass
class Slack:
    """What people were told, and who they are. Meets ``ports.Chat``."""

    members: dict[str, bool] = field(
        default_factory=lambda: {"U0SAM": True, "U0GUEST": False, "U0DANA": True, "U0LEE": True, "U0KIM": True}
    )
    readable: bool = True
    told: list[tuple[str | None, str, str]] = field(default_factory=list)
    lookups: int = 0
    messages: dict[tuple[str, str], ChatMessage] = field(default_factory=dict)
    reactions: list[tuple[str, str, str]] = field(default_factory=list)
    ephemeral_works: bool = True
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    shown: list[tuple[str, tuple[Mapping[str, Json], ...]]] = field(default_factory=list)
    sent: list[tuple[str, str, DirectMessage]] = field(default_factory=list)
    """Where to (a user, or ``channel/thread``), under which key, what: each key once, as the port promises."""
    away: BaseException | None = None
    """Raised by every message while set."""
    unreachable: frozenset[str] = frozenset()
    """People who take no direct messages."""

    async def direct(self, user: str, message: DirectMessage, dedupe_key: str) -> str:
        """A direct message."""
        if user in self.unreachable:
            raise ActionFailed("Slack answered cannot_dm_bot.")
        self._send(user, dedupe_key, message)
        self.told.append((None, user, message.text))
        return "1.0"

    async def post(self, channel: str, message: DirectMessage, dedupe_key: str, thread_ts: str | None = None) -> str:
        """A post."""
        self._send(f"{channel}/{thread_ts or ''}", dedupe_key, message)
        return "1.0"

    def _send(self, where: str, key: str, message: DirectMessage) -> None:
        if self.away is not None:
            raise self.away
        if key not in {sent for _, sent, _ in self.sent}:
            self.sent.append((where, key, message))

    async def ephemeral(self, channel: str, user: str, text: str, blocks: Sequence[Mapping[str, Json]] = ()) -> None:
        """An ephemeral message, unless this workspace refuses it."""
        if not self.ephemeral_works:
            raise ActionFailed("Slack answered user_not_in_channel.")
        self.told.append((channel, user, text))
        self.shown.append((user, tuple(blocks)))

    async def group_members(self, group: str) -> frozenset[str]:
        """By the list of groups."""
        self.lookups += 1
        if not self.readable:
            raise ActionFailed("Slack answered missing_scope.")
        return frozenset(self.groups.get(group, ()))

    async def is_full_member(self, user: str, team: str | None) -> bool:
        """By the list of members."""
        self.lookups += 1
        if not self.readable:
            raise ActionFailed("Slack answered missing_scope.")
        return self.members.get(user, False)

    async def message(self, channel: str, ts: str) -> ChatMessage | None:
        """A message that somebody wrote."""
        return self.messages.get((channel, ts))

    async def react(self, channel: str, ts: str, name: str) -> None:
        """A reaction."""
        self.reactions.append((channel, ts, name))


class NoSettings(BaseModel):
    """Nothing to set."""


class Remote:
    """An outside system that takes tools from agents: ``held`` is its truth, ``writes`` counts what it did.

    It writes once per key, as the port demands. ``trouble`` is raised instead of the next write; ``lost`` after it.
    """

    name = "remote"

    def __init__(self, clock: Clock) -> None:
        """Nothing is denied."""
        self._clock = clock
        self.held: dict[tuple[str, str | None], tuple[Json, Restraint | None]] = {}
        self.keys: dict[str, Applied] = {}
        self.writes = 0
        self.trouble: BaseException | None = None
        self.lost: BaseException | None = None
        self.reads = Verified.IN_FORCE

    async def revoke_tool(self, agent: str, tool: str, expires_in: timedelta | None) -> Change:
        """Plan."""
        target = Target(control=self.name, subject=agent, setting="tools", element=tool)
        return Change(target=target, desired=True, summary=f"revoked {tool} from {agent}", expires_in=expires_in)

    async def restore_tool(self, agent: str, tool: str) -> Change:
        """Plan."""
        target = Target(control=self.name, subject=agent, setting="tools", element=tool)
        return Change(target=target, desired=None, before=True, summary=f"restored {tool} to {agent}")

    async def current(self, target: Target) -> Snapshot:
        """What is held."""
        value, restraint = self.held.get((target.subject, target.element), (None, None))
        return Snapshot(value=value, restraint=restraint, at=self._clock.now())

    async def apply(self, change: Change, key: str, restraint: Restraint | None) -> Applied:
        """Write once per key."""
        return self._write(change.target, change.desired, key, restraint)

    async def verify(self, change: Change, applied: Applied) -> Verification:
        """As told by ``reads``; a mismatch when something else is held."""
        value, _ = self.held.get((change.target.subject, change.target.element), (None, None))
        verified = self.reads if value == change.desired else Verified.MISMATCH
        return Verification(verified=verified, detail=f"it holds {value}", at=self._clock.now())

    async def restore(self, change: Change, applied: Applied, before: Snapshot, key: str) -> Applied:
        """Guarded by what is held."""
        value, _ = self.held.get((change.target.subject, change.target.element), (None, None))
        if key not in self.keys and value != change.desired:
            raise Refused(f"{change.target} is no longer what this action set; somebody else set {value}.")
        return self._write(change.target, before.value, key, before.restraint)

    def _write(self, target: Target, value: Json, key: str, restraint: Restraint | None) -> Applied:
        if key in self.keys:
            return self.keys[key].model_copy(update={"already": True})
        if self.trouble is not None:
            trouble, self.trouble = self.trouble, None
            raise trouble
        self.writes += 1
        if value is None:
            self.held.pop((target.subject, target.element), None)
        else:
            self.held[target.subject, target.element] = (value, restraint)
        self.keys[key] = Applied(value=value)
        if self.lost is not None:
            lost, self.lost = self.lost, None
            raise lost
        return self.keys[key]


def settings_of(**changes: Any) -> Settings:
    """Two agents, two responders, one commander, unless changed."""
    values: dict[str, Any] = {
        "roles": {"responder": ["U0DANA", "U0LEE"], "commander": ["U0KIM"]},
        "agents": {
            AGENT: {
                "on_call": ["U0DANA"],
                "models": ["gpt-x-2026-05-01", "gpt-x-2026-01-01"],
                "tools": ["issue_refund", "send_email"],
            },
            REMOTE_AGENT: {"on_call": ["U0DANA"], "tools": ["send_email"], "control": "remote"},
        },
        "default_agent": {"on_call": ["U0LEE"], "fallback": ["U0KIM"]},
        "tools": [
            {"name": "issue_refund", "reversibility": "irreversible"},
            {"name": "book_courier", "reversibility": "compensable"},
            {"name": "get_order", "reversibility": "read_only"},
        ],
        **changes,
    }
    return Settings.model_validate(values)


def alert_of(clock: Clock, **changes: Any) -> Alert:
    """A firing alert about the agent's run."""
    values: dict[str, Any] = {
        "source": "alertmanager",
        "fingerprint": "abc123",
        "status": AlertStatus.FIRING,
        "name": "RefundsTooHigh",
        "starts_at": clock.now(),
        "agent": AGENT,
        "trace_id": TRACE,
        "summary": "refunds over the limit",
        **changes,
    }
    return Alert(**values)


class World:
    """An engine on a store. ``restart`` is a new process on the same store."""

    def __init__(
        self,
        store: Store,
        clock: ManualClock,
        settings: Settings | None = None,
        trace_sources: Mapping[str, TraceSource] | None = None,
    ) -> None:
        """People, plug-ins and the remote system."""
        self.store = store
        self.clock = clock
        self.slack = Slack()
        self.settings = settings or settings_of()
        self.remote = Remote(clock)
        found = discover(["runbooks"])
        remote = control_plane("remote", settings=NoSettings)(lambda settings: self.remote)
        planes = {**found.control_planes, "remote": remote}
        self.registry = Registry(
            actions=dict(found.actions),
            alert_sources={},
            trace_sources=trace_sources or {},
            control_planes=planes,
            eval_formats=found.eval_formats,
            interactions={},
        )
        self.paged: list[WorkItem] = []
        self.restart()

    def restart(self) -> None:
        """A new engine: nothing that was in memory is left."""
        services: dict[type, object] = {
            DesiredState: self.store.desired,
            Clock: self.clock,
            EvidenceReader: FrozenRuns(self.store.evidence),
        }
        planes = ControlPlanes(self.registry, self.settings, services)
        self.engine = Engine(self.store, self.registry, self.settings, planes, self.slack, self.clock)

    async def incident(self, number: int = 1) -> Incident:
        """An incident as its timeline tells it."""
        return await self.store.incidents.read(f"INC-{number}")

    async def fire(self, **changes: Any) -> Alert:
        """Accept an alert and work."""
        alert = alert_of(self.clock, **changes)
        await self.store.intake.accept([alert])
        await self.work()
        return alert

    async def work(self) -> int:
        """Do all work that is there, as the consumer does; how many items. A kill leaves its item undone."""
        count = 0
        while True:
            for lane in (self.store.background, self.store.work):
                items = await lane.takeover("worker", 0) or await lane.take("worker", 10, 1)
                if items:
                    break
            if not items:
                return count
            for leased in items:
                await self._do(leased, lane)
                count += 1

    async def _do(self, leased: Leased, lane: WorkStream) -> None:
        if leased.item.kind is Work.PAGE:
            self.paged.append(leased.item)
            await self._woken(leased)
        else:
            await self.engine.handlers[leased.item.kind](leased.item)
        await lane.done(leased.id)

    async def _woken(self, leased: Leased) -> None:
        """What paging writes."""
        woken = PersonPaged(at=self.clock.now(), by=PULLCORD, step=0, user="U0DANA", how="mention", delivered=True)
        incident = leased.item.incident or ""
        await self.store.incidents.write(incident, f"page:{leased.id}", lambda _: Write(events=(woken,)))

    async def later(self, **length: float) -> None:
        """Let time pass, move what is due, and work."""
        await self.store.work.move_due(self.clock.forward(**length))
        await self.store.background.move_due(self.clock.now())
        await self.work()

    async def offer(self, label: str, number: int = 1) -> OfferView:
        """The offer whose label begins so, as the card shows it now."""
        offers = await self.engine.requests.offers(await self.incident(number))
        found = [o for o in offers if o.label.startswith(label)]
        assert len(found) == 1, f"{label}: {[o.label for o in offers]}"
        return found[0]

    async def labels(self, number: int = 1) -> list[str]:
        """Labels of what is offered now."""
        return [o.label for o in await self.engine.offers(await self.incident(number))]

    async def click(
        self, label: str, by: Actor = DANA, *, key: str = "click-1", number: int = 1, **values: Json
    ) -> Reply:
        """Press a button (and send its modal), and let the worker work."""
        offer = await self.offer(label, number)
        reply = await self.engine.requests.submit(offer.id, by, values, key=key)
        await self.work()
        return reply

    async def agent_reads(self, agent: str = AGENT) -> None:
        """The agent reads its state over OFREP, and the worker hears of it."""
        state = await self.store.desired.state(agent)
        flags = ["agent.model", "agent.paused", "agent.tools.denied"]
        await self.store.desired.record_read(agent, flags, state.revision)
        await self.work()

    @contextmanager
    def kill_at(self, op: str, *, after: bool = False) -> Iterator[None]:
        """Kill at the write whose operation id begins so: before it reached the store, or after."""
        incidents = self.store.incidents
        original = incidents.write

        async def write(incident_id: str, name: str, decide: Callable[[Incident], Any]) -> Any:
            if name.startswith(op) and not after:
                raise Killed(name)
            written = await original(incident_id, name, decide)
            if name.startswith(op):
                raise Killed(name)
            return written

        incidents.write = write  # type: ignore[assignment,method-assign]
        try:
            yield
        finally:
            incidents.write = original  # type: ignore[method-assign]

    def told(self, user: str) -> list[str]:
        """What was said to this person alone."""
        return [text for _, who, text in self.slack.told if who == user]
