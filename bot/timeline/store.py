"""The store as one object: made once by ``bot.app`` and handed to everything that reads or writes state."""

from bot.errors import Misconfigured
from bot.ports import Clock, EvidenceStore
from bot.timeline import keys
from bot.timeline.approvals import Approvals
from bot.timeline.chain import FORMAT, Chain
from bot.timeline.connection import Connections
from bot.timeline.desired import Desired
from bot.timeline.directs import Directs
from bot.timeline.evidence import RedisEvidence
from bot.timeline.intake import Intake
from bot.timeline.intents import Intents
from bot.timeline.mitigations import MitigationIndex
from bot.timeline.names import Names
from bot.timeline.offers import OfferStore
from bot.timeline.outbox import Outbox
from bot.timeline.progress import ProgressStore
from bot.timeline.replays import Replays
from bot.timeline.run_index import RunIndex
from bot.timeline.sessions import Sessions
from bot.timeline.spans import SpanStore
from bot.timeline.timeline import Timeline
from bot.timeline.workstream import BACKGROUND, WorkStream


class Store:
    """All of Pullcord's state. Call ``start`` once before use; every failure to reach it is a StoreUnavailable."""

    def __init__(
        self, connections: Connections, chain_key: bytes, clock: Clock, lifetimes: keys.Lifetimes | None = None
    ) -> None:
        """``chain_key`` is ``PULLCORD_CHAIN_KEY``, or ``local_chain_key(data_dir)`` of the embedded store."""
        life = lifetimes or keys.Lifetimes()
        hot, blocking = connections.hot, connections.blocking
        self.connections = connections
        self.outbox = Outbox(hot, clock)
        self.chain = Chain(chain_key)
        self.incidents = Timeline(hot, self.chain, clock, life, self.outbox.stir)
        self.work = WorkStream(hot, blocking, clock, life)
        self.background = WorkStream(hot, blocking, clock, life, BACKGROUND)
        self.desired = Desired(hot, clock)
        self.spans = SpanStore(hot, blocking, clock, life)
        self.evidence: EvidenceStore = RedisEvidence(blocking, life.evidence)  # bot.open_store may choose another
        self.run_index = RunIndex(hot, blocking, clock, life)
        self.intake = Intake(hot, clock, life)
        self.intents = Intents(hot, clock, life)
        self.directs = Directs(hot)
        self.progress = ProgressStore(hot)
        self.replays = Replays(hot)
        self.mitigations = MitigationIndex(hot, clock)
        self.sessions = Sessions(hot, clock, life)
        self.names = Names(hot)
        self.approvals = Approvals(hot)
        self.offers = OfferStore(hot, life.offers)

    async def start(self) -> None:
        """Check that this store was written with this chain key (else Misconfigured), and make the consumer groups."""
        hot = self.connections.hot
        await hot.call("HSETNX", keys.META(), "chain", self.chain.fingerprint)
        await hot.call("HSETNX", keys.META(), "format", FORMAT)
        known = (await hot.call("HGET", keys.META(), "chain")).decode()
        if known != self.chain.fingerprint:
            raise Misconfigured(
                "The timelines in this store were written with another chain key.",
                next_step="Set PULLCORD_CHAIN_KEY to the key of the other replicas (embedded: restore chain.key).",
            )
        await self.work.make_group()
        await self.background.make_group()

    async def ping(self) -> None:
        """One round trip; StoreUnavailable when the store does not answer within half a second."""
        await self.connections.ping()
