"""Ports: what the kernel needs from the outside, as Protocols.

Adapters live in runbooks/controls, handlers/traces and bot/slack.

May import only ``bot.domain`` and ``bot.errors``. A verb names a port as the type of an argument and gets the adapter
that the agent's configuration chose; a verb whose port nobody provides is not offered, with the reason.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from bot.domain.action import Applied, Change, Restraint, Snapshot, Target, Verification
from bot.domain.base import Json, Utc, Value
from bot.domain.desired import AgentState, FlagRead
from bot.domain.effect import Reversibility
from bot.domain.incident import Incident
from bot.domain.run import Run


class Clock(Protocol):
    """The only source of time. Tests inject a fast or fixed one."""

    def now(self) -> datetime:
        """Aware UTC now."""
        ...


@runtime_checkable
class ControlPlane(Protocol):
    """One enforcing system. All four calls are bounded by the adapter's own timeout.

    Raises ActionFailed when the target says no, OutcomeUnknown when it may or may not have happened.
    """

    @property
    def name(self) -> str:
        """The adapter's name, as in ``Target.control``."""
        ...

    async def current(self, target: Target) -> Snapshot:
        """What the target holds now. Only reads."""
        ...

    async def apply(self, change: Change, key: str, restraint: Restraint | None) -> Applied:
        """Write the desired value. The same ``key`` twice writes once. ``restraint`` None = this loosens."""
        ...

    async def verify(self, change: Change, applied: Applied) -> Verification:
        """Read back from the side that enforces, not from the one that was written to."""
        ...

    async def restore(self, change: Change, applied: Applied, before: Snapshot, key: str) -> Applied:
        """Put ``before`` back, only while the target is still what ``change`` set; else raises Refused."""
        ...


@runtime_checkable
class ModelControl(ControlPlane, Protocol):
    """Chooses which model an agent's new runs use."""

    async def pin_model(self, agent: str, model: str, expires_in: timedelta | None) -> Change:
        """Plan to route every new run of the agent to one model. Only reads."""
        ...


@runtime_checkable
class ToolControl(ControlPlane, Protocol):
    """Takes tools from an agent and gives them back."""

    async def revoke_tool(self, agent: str, tool: str, expires_in: timedelta | None) -> Change:
        """Plan to deny one tool to the agent. Only reads."""
        ...

    async def restore_tool(self, agent: str, tool: str) -> Change:
        """Plan to allow one denied tool again. Only reads. Raises Refused when it is not denied."""
        ...


@runtime_checkable
class AgentControl(ControlPlane, Protocol):
    """Stops and resumes an agent's new runs."""

    async def pause_agent(self, agent: str, expires_in: timedelta | None) -> Change:
        """Plan to stop new runs of the agent. Only reads."""
        ...

    async def resume_agent(self, agent: str) -> Change:
        """Plan to let new runs start again. Only reads. Raises Refused when it is not paused."""
        ...


@runtime_checkable
class ToolClassControl(Protocol):
    """Says how reversible an agent's tool is. Meets ControlPlane too, but is no choice of the agent's configuration."""

    async def classify_tool(self, agent: str, tool: str, reversibility: Reversibility) -> Change:
        """Plan to class one tool from now on. Only reads."""
        ...


class DesiredState(Protocol):
    """Where the embedded control plane keeps what each agent must obey. Implemented in ``bot.timeline``."""

    async def state(self, agent: str) -> AgentState:
        """All that is set for the agent."""
        ...

    async def put(
        self,
        agent: str,
        flag: str,
        element: str | None,
        value: Json,
        *,
        key: str,
        restraint: Restraint | None,
        only_if_key: str | None = None,
        owner: str | None = None,
    ) -> Applied:
        """Set one flag or element; ``value`` None removes it. The same ``key`` again answers ``already``.

        With ``only_if_key`` the write happens only while the setting is still the one that this key wrote
        ("still what we set"; empty: still nothing set); else raises Refused that says who set what since. ``owner``
        (default ``key``) is whose the setting is from now on: an undo gives it back to the one who had set it.
        """
        ...

    async def reads(self, agent: str) -> Mapping[str, FlagRead]:
        """Newest read of each flag by the agent's own token."""
        ...

    async def record_read(self, agent: str, flags: Sequence[str], revision: int) -> bool:
        """Note that the agent's token was answered these flags at this revision. True when it was newer than before."""
        ...


class EvidenceStore(Protocol):
    """Where frozen bytes are kept, named by their SHA-256: the store, a directory or a bucket.

    All raise StoreUnavailable when the place does not answer in time.
    """

    async def put(self, data: bytes) -> str:
        """Store the bytes for the configured time; the same again only lives longer. Their SHA-256 in hex."""
        ...

    async def get(self, sha256: str) -> bytes:
        """The bytes, compared with their hash on every read. Raises Refused when they are gone or do not fit it."""
        ...

    async def holds(self, sha256: str) -> bool:
        """Whether something is kept under this name; says nothing of what is in it."""
        ...

    async def sweep(self, named: Collection[str], now: datetime) -> int:
        """Let go of what is past its retention. What is in ``named`` (open incidents) stays and counts from ``now``.

        How many were removed. Called every few hours by one replica.
        """
        ...


class RunTexts(Protocol):
    """Texts that the index of runs keeps once each: prompts and tool definitions, redacted, still foreign."""

    async def text(self, hash: str) -> str | None:  # noqa: A002 - what a TextHash points at
        """The text that a ``profile.TextHash`` points at; None when it is not kept (any more)."""
        ...


class EvidenceReader(Protocol):
    """Reads frozen runs."""

    async def run(self, incident: Incident, trace_id: str) -> Run:
        """The frozen run. Raises Refused when this incident has none with that trace id."""
        ...


class EvalTarget(Value):
    """Where eval cases belong (``evals:`` of the configuration): git remote, base branch, directory in it."""

    remote: str
    branch: str
    directory: str


class CatalogueTarget(Value):
    """Where classes that people gave tools are kept for good (``catalogue_repository:``). ``remote`` None: nowhere.

    ``branch`` is what a change's branch starts from, ``file`` the YAML file whose ``tools:`` list is the catalogue.
    """

    remote: str | None = None
    branch: str = "main"
    file: str = "pullcord.yaml"


class PushedCase(Value):
    """A branch that was pushed. ``commit`` is its hash, ``url`` shows it where the host has pages.

    ``message`` is the commit's, where the branch was looked up: it names the execution that pushed it.
    """

    branch: str
    commit: str
    path: str
    url: str | None = None
    message: str = ""


@runtime_checkable
class EvalRepository(Protocol):
    """Where eval cases go."""

    async def push(self, branch: str, files: Mapping[str, str], message: str) -> PushedCase:
        """Put files (path -> text) on a branch in one commit and push it; the same again is one push."""
        ...

    async def find(self, branch: str) -> PushedCase | None:
        """The branch on the remote with its commit's message, or None. This is the probe after a crash."""
        ...


class DirectMessage(Value):
    """What a page says: text for the notification and screen readers, Block Kit blocks, and who is mentioned."""

    text: str
    blocks: tuple[dict[str, Json], ...]


class ChatMessage(Value):
    """A message that somebody wrote in Slack. All of ``text`` is foreign. ``author`` is a user or bot id."""

    text: str
    author: str | None
    at: Utc
    permalink: str | None = None


class Chat(Protocol):
    """How people are reached in Slack. Raises ActionFailed (a no), Busy (ask later) or OutcomeUnknown (no answer)."""

    async def direct(self, user: str, message: DirectMessage, dedupe_key: str) -> str:
        """Send one person a direct message, once per ``dedupe_key``; answers its ts."""
        ...

    async def post(self, channel: str, message: DirectMessage, dedupe_key: str, thread_ts: str | None = None) -> str:
        """Post to a channel or thread, once per ``dedupe_key``; answers its ts."""
        ...

    async def ephemeral(self, channel: str, user: str, text: str) -> None:
        """Tell one person something in a channel, visible to that person only."""
        ...

    async def is_full_member(self, user: str, team: str | None) -> bool:
        """True for an active full member of our workspace: no guest, no bot. Raises when unreadable."""
        ...

    async def message(self, channel: str, ts: str) -> ChatMessage | None:
        """One message of a channel or thread, or None when there is none (any more) or it is not ours to read."""
        ...

    async def react(self, channel: str, ts: str, name: str) -> None:
        """Put a reaction (``white_check_mark``) on a message; having it already or not being allowed to is no error."""
        ...
