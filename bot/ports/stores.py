"""What the kernel keeps for others: desired state, evidence, texts, and the clock."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bot.domain.action import Applied, Restraint
from bot.domain.base import Json
from bot.domain.desired import AgentState, FlagRead
from bot.domain.incident import Incident
from bot.domain.run import Run


class Clock(Protocol):
    """The only source of time. Tests inject a fast or fixed one."""

    def now(self) -> datetime:
        """Aware UTC now."""
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
