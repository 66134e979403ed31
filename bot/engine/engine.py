"""The engine as one object: made once by ``bot.app``, which ties ``handlers()`` to the work stream."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from bot.domain.incident import Incident
from bot.domain.work import Work, WorkItem
from bot.engine.approving import Approvals
from bot.engine.choosing import Choosing
from bot.engine.comparing import Comparing
from bot.engine.drift import Drift
from bot.engine.drilling import Drilling
from bot.engine.execute import Execute
from bot.engine.expire import Expire
from bot.engine.extending import Extend
from bot.engine.incidents import StoredIncidents
from bot.engine.indexing import Indexing
from bot.engine.lifecycle import Lifecycle
from bot.engine.mitigations import AskOwner
from bot.engine.offers import Menu
from bot.engine.opening import Opening
from bot.engine.parts import Parts
from bot.engine.planning import ControlPlanes
from bot.engine.reading import Reader, RunReader
from bot.engine.refusal import Tell
from bot.engine.requests import ClickRequests
from bot.engine.runs import Runs
from bot.engine.stores import TraceStores
from bot.engine.trouble import Trouble
from bot.engine.verify import Verify
from bot.engine.watching import Watching
from bot.plugin import OfferView, Registry
from bot.ports import Chat, Clock
from bot.recorder.redact import RedactionSettings, Redactor
from bot.settings import Settings
from bot.timeline.store import Store

Handler = Callable[[WorkItem], Awaitable[None]]


class Engine:
    """Requests and reads for interactions, and the handlers of all work that is not paging or posting."""

    def __init__(
        self,
        store: Store,
        registry: Registry,
        settings: Settings,
        planes: ControlPlanes,
        chat: Chat,
        clock: Clock,
        parser: RunReader | None = None,
    ) -> None:
        """``parser`` reads large runs in a process of its own; without it a thread does."""
        redactor = redactor_of(settings)
        self._parts = Parts(store, registry, settings, planes, chat, clock, redactor.text)
        self._stores = TraceStores(registry, settings)
        self._reader = Reader(store, self._stores, settings, clock, redactor, parser)
        self.requests = ClickRequests(self._parts)
        self.incidents = StoredIncidents(self._parts)
        self.drift = Drift(self._parts)
        self.handlers: Mapping[Work, Handler] = self._handlers()
        """The handler of each kind of work that is not paging or posting. Each may be run again for the same item."""

    async def offers(self, incident: Incident) -> Sequence[OfferView]:
        """What may be done now, most useful first. Reads nothing; whoever shows them stores them first."""
        return self._parts.menu(incident).offers

    def menu(self, incident: Incident) -> Menu:
        """The offers, and the verbs that are hidden now with their reasons."""
        return self._parts.menu(incident)

    def _handlers(self) -> Mapping[Work, Handler]:
        parts = self._parts
        verify = Verify(parts)
        runs = Runs(parts, self._reader, self._stores)
        trouble = Trouble(parts)
        approvals = Approvals(parts)
        return {
            Work.ALERT: Opening(parts, self._stores).handle,
            Work.READ_RUN: runs.handle,
            Work.SPANS_ARRIVED: runs.handle_spans,
            Work.INDEX_RUN: Indexing(parts, self._reader).handle,
            Work.COMPARE_RUN: Comparing(parts).handle,
            Work.OFFER_RUNS: Choosing(parts).handle,
            Work.LIFECYCLE: Lifecycle(parts).handle,
            Work.EXECUTE: Execute(parts).handle,
            Work.APPROVAL_ASK: approvals.ask,
            Work.APPROVAL_REMIND: approvals.remind,
            Work.APPROVAL_DUE: approvals.expire,
            Work.GLASS_PAGE: approvals.page,
            Work.VERIFY: verify.handle,
            Work.AGENT_READ: verify.handle_read,
            Work.EXPIRE: Expire(parts).handle,
            Work.LOOK: Watching(parts).handle,
            Work.EXPIRY_ASK: AskOwner(parts).handle,
            Work.EXTEND: Extend(parts).handle,
            Work.DRIFT: self.drift.handle,
            Work.DRILL: Drilling(parts).handle,
            Work.REFUSAL: Tell(parts).handle,
            Work.SOURCE_TROUBLE: trouble.source,
            Work.DEAD_LETTER: trouble.dead,
        }


def redactor_of(settings: Settings) -> Redactor:
    """The redactor that the settings describe: the maintained rules, and the configured fields and patterns."""
    redact = settings.recorder.redact
    patterns = {f"pattern {number}": pattern for number, pattern in enumerate(redact.patterns, 1)}
    return Redactor(RedactionSettings(fields=redact.fields, patterns=patterns))
