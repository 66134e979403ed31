"""The trace stores of a team: which of them serve an agent, which run a link means, and one fetch from one of them.

A store that some agent names under ``traces`` serves the agents that name it; one that nobody names serves all. An
alert without an agent may be about any, so all are asked for its run.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn, TypeVar
from urllib.parse import SplitResult, urlsplit

import structlog

from bot.domain.alert import Alert
from bot.domain.base import Json
from bot.domain.incident import Incident
from bot.domain.trace_ref import TraceRef
from bot.errors import ActionFailed, Fault, Misconfigured, PullcordError
from bot.plugin import Registry, StoreAnswer, StoreSettings, TraceSource, TraceStore
from bot.plugin.traces import QueryParams
from bot.recorder.fetch import StoreClient, tls_context
from bot.settings import Settings

log = structlog.get_logger(__name__)

_MAX_LINK = 2_000
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Configured:
    """One entry of ``trace_stores``. ``talker`` asks nothing: it only knows links."""

    source: TraceSource
    settings: StoreSettings
    talker: TraceStore


class TraceStores:
    """Asks the configured trace stores. Holds no connection between fetches."""

    def __init__(self, registry: Registry, settings: Settings) -> None:
        """Raises Misconfigured for a store whose type or options are wrong (``bot.plugin_faults`` finds them all)."""
        self._settings = settings
        self._stores = {name: _configured(name, registry, settings) for name in settings.trace_stores}
        self._named = frozenset(name for agent in settings.agents.values() for name in agent.traces)
        self._tls = tls_context() if self._stores else None

    def of(self, agent: str | None) -> tuple[str, ...]:
        """The names of the stores that serve an agent: those it names, in its order, then those that nobody names."""
        if agent is None:
            return tuple(self._stores)
        own = [name for name in self._settings.agent(agent).traces if name in self._stores]
        return (*dict.fromkeys(own), *(name for name in self._stores if name not in self._named))

    def source(self, name: str) -> TraceSource:
        """The plug-in of a store."""
        return self._stores[name].source

    def settings(self, name: str) -> StoreSettings:
        """The checked settings of a store."""
        return self._stores[name].settings

    def ref_of(self, link: str, agent: str | None) -> TraceRef | None:
        """The run that a link into one of the agent's stores means; None for any other address.

        Whoever sends alerts chooses links, so only one below a store's ``url`` or ``links`` is looked at, and it says
        which run is meant, never what is asked.
        """
        if len(link) > _MAX_LINK:
            return None
        for name in self.of(agent):
            store = self._stores[name]
            if not _below(link, store.settings):
                continue
            try:
                ref = store.talker.ref_of(link)
            except Exception as error:  # noqa: BLE001 - a plug-in in the hands of a foreign link
                log.warning("trace_link_failed", store=name, error=type(error).__name__)
                continue
            if ref is not None:
                return ref
        return None

    def ref_in(self, alert: Alert) -> TraceRef | None:
        """The run that an alert means: by its link, else by an address in its annotations and labels."""
        values = ([alert.link] if alert.link else []) + [*alert.links, *alert.labels.values()]
        refs = (self.ref_of(text, alert.agent) for text in values if text.startswith(("https://", "http://")))
        found = next((ref for ref in refs if ref is not None), None)
        return None if found is None else found.model_copy(update={"agent": alert.agent, "at": alert.starts_at})

    def ref(self, incident: Incident, trace_id: str) -> TraceRef:
        """What is known of a run of this incident: the id, and from its alerts the store's own id, and the time."""
        alerts = [alert for alert in incident.alerts if alert.trace_id == trace_id]
        for alert in alerts:
            found = self.ref_in(alert)
            if found is not None and found.trace_id == trace_id:
                return found.model_copy(update={"agent": incident.agent})
        at = alerts[0].starts_at if alerts else None
        return TraceRef(trace_id=trace_id, agent=incident.agent, at=at)

    async def fetch(self, name: str, ref: TraceRef) -> Sequence[bytes] | None:
        """A store's answers about a run; None when it does not have it. Raises ActionFailed and OutcomeUnknown.

        An id of a store's own is for the store that the link leads into; another knows the run by its trace id only.
        """
        if ref.link is None or not _below(ref.link, self._stores[name].settings):
            ref = ref.model_copy(update={"native": None, "link": None})
        return await self._with(name, lambda store: store.fetch(ref))

    async def ping(self, name: str) -> str:
        """Prove a store's address and credentials. Raises as ``fetch``."""
        return await self._with(name, lambda store: store.ping())

    async def _with(self, name: str, ask: Callable[[TraceStore], Awaitable[_T]]) -> _T:
        """One talk with a store, under one deadline and one cap."""
        store = self._stores[name]
        if self._tls is None:  # there is no store without it
            raise ActionFailed(f"{name} is no configured trace store.")
        async with StoreClient(name, store.settings, self._tls) as http:
            try:
                return await ask(store.source.make(store.settings, http))
            except PullcordError:
                raise
            except Exception as error:  # noqa: BLE001 - a plug-in in the hands of a foreign answer
                log.warning("trace_store_failed", store=name, error=type(error).__name__)
                raise ActionFailed(
                    f"{name} answered what its plug-in could not handle ({type(error).__name__}).",
                    next_step="See whether the store's version is one that its plug-in knows.",
                ) from None


class _Mute:
    """For a store that is only asked about links."""

    async def get(self, path: str, params: QueryParams | None = None, headers: object = None) -> StoreAnswer:
        """Nothing is asked."""
        self._refuse(path, params, headers)

    async def post(self, path: str, body: Json, headers: object = None) -> StoreAnswer:
        """Nothing is asked."""
        self._refuse(path, body, headers)

    def _refuse(self, *_: object) -> NoReturn:
        raise ActionFailed("A trace store may be asked only within a fetch.")


def _configured(name: str, registry: Registry, settings: Settings) -> _Configured:
    kind = settings.trace_stores[name].type or name
    source = registry.trace_sources.get(kind)
    if source is None:
        known = ", ".join(sorted(registry.trace_sources)) or "none"
        fault = Fault(settings.where("trace_stores", name), f"{kind} is no trace store here", f"known: {known}")
        raise Misconfigured("A trace store cannot be used.", (fault,))
    options = settings.trace_store_options(name, source.settings)
    return _Configured(source, options, source.make(options, _Mute()))


def _below(link: str, settings: StoreSettings) -> bool:
    """Whether a link has scheme, host, port and path of ``url`` or of one of ``links``, and names no user."""
    try:
        found = urlsplit(link)
        if found.username is not None or found.password is not None:
            return False
        for base in (settings.url, *settings.links):
            wanted = urlsplit(base)
            folder = wanted.path.rstrip("/")
            if _origin(found) == _origin(wanted) and (found.path == folder or found.path.startswith(f"{folder}/")):
                return True
    except ValueError:  # no address at all, such as a port that is no number
        return False
    return False


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
