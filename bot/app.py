"""The composition root: settings -> store -> plug-ins -> engine -> servers. Nothing else wires things.

``serve`` runs everything in one process, or only its web or worker half. Each part is started inside one
``AsyncExitStack`` and one ``TaskGroup``, so that whatever ends ends everything, in order.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
import uvicorn
from pydantic_core import to_json
from starlette.applications import Starlette

from bot.domain.base import Json
from bot.domain.work import Work, WorkItem
from bot.engine.engine import Engine, redactor_of
from bot.engine.evidence import FrozenRuns
from bot.engine.planning import ControlPlanes
from bot.errors import Fault, Misconfigured, StoreUnavailable
from bot.logs import configure
from bot.metrics import TICK_AGE
from bot.paging.paging import Paging
from bot.plugin import Registry, Services
from bot.ports import Clock, DesiredState, EvalRepository, EvalTarget, EvidenceReader
from bot.recorder.limits import Limits
from bot.recorder.offload import Parser
from bot.recorder.redact import Redactor
from bot.registry import discover
from bot.settings import Settings
from bot.slack.start import Part, SlackParts, no_slack, start_slack
from bot.timeline.chain import local_chain_key
from bot.timeline.connection import Connections
from bot.timeline.embedded import running_store, start_embedded
from bot.timeline.keys import Lifetimes
from bot.timeline.store import Store
from bot.web.app import make_web
from bot.work.consumer import Consumer
from bot.work.ticks import Ticks

_log = structlog.get_logger(__name__)
_STALE_TICK = 5.0
_STOP_SECONDS = 10.0
_EXECUTE_LIMIT = timedelta(seconds=120)
"""A git push may take its 60 s twice; cut off, it would end as unknown."""


class SystemClock:
    """The machine's clock, as ``ports.Clock``."""

    def now(self) -> datetime:
        """Aware UTC now."""
        return datetime.now(UTC)


def registry_of(settings: Settings) -> Registry:
    """The plug-ins of the configuration. Raises Misconfigured for one that cannot be loaded."""
    return discover(settings.plugins)


def plugin_faults(settings: Settings) -> list[Fault]:
    """Everything wrong in the configuration that only plug-ins can judge: sources, control planes, the eval format."""
    try:
        registry = registry_of(settings)
    except Misconfigured as error:
        return list(error.faults)
    faults: list[Fault] = []
    for name in settings.sources:
        source = registry.alert_sources.get(name)
        if source is None:
            known = ", ".join(sorted(registry.alert_sources))
            faults.append(Fault(settings.where("sources", name), f"{name} is no alert source here", f"known: {known}"))
            continue
        try:
            settings.options(name, source.settings)
        except Misconfigured as error:
            faults.extend(error.faults)
    for name, agent in settings.agents.items():
        if agent.control not in registry.control_planes:
            known = ", ".join(sorted(registry.control_planes))
            where = settings.where("agents", name, "control")
            faults.append(Fault(where, f"there is no control plane {agent.control}", f"known: {known}"))
    if settings.evals.format not in registry.eval_formats:
        known = ", ".join(sorted(registry.eval_formats))
        where = settings.where("evals", "format")
        faults.append(Fault(where, f"there is no eval format {settings.evals.format}", f"known: {known}"))
    return faults


@asynccontextmanager
async def open_store(settings: Settings, clock: Clock | None = None, *, guest: bool = False) -> AsyncIterator[Store]:
    """The store: Redis where ``PULLCORD_REDIS_URL`` says so, else the embedded Valkey in the data directory.

    ``guest`` uses an embedded store that a running bot holds instead of being refused (for the command line).
    """
    environment = settings.environment
    async with AsyncExitStack() as stack:
        if environment.redis_url is not None:
            url = environment.redis_url.get_secret_value()
        else:
            running = await running_store(settings.data_dir) if guest else None
            if running is None:
                embedded = await start_embedded(settings.data_dir)
                stack.push_async_callback(embedded.aclose)
                running = embedded.url
                if not guest:
                    _log.info("embedded store", directory=str(settings.data_dir), adopted=embedded.adopted)
            url = running
        if environment.chain_key is not None:
            key = environment.chain_key.get_secret_value().encode()
        else:
            key = local_chain_key(settings.data_dir)
        connections = await Connections.open(url)
        stack.push_async_callback(connections.aclose)
        lifetimes = Lifetimes(
            join_window=settings.incidents.join_window,
            spans=settings.recorder.trace_ttl,
            evidence=settings.recorder.evidence_ttl,
        )
        store = Store(connections, key, clock or SystemClock(), lifetimes)
        await store.start()
        yield store


@dataclass(frozen=True, slots=True)
class _Kernel:
    """What both halves of the process share."""

    settings: Settings
    registry: Registry
    store: Store
    clock: Clock
    redactor: Redactor
    parser: Parser
    evidence: EvidenceReader


async def serve(settings: Settings, only: Part | None = None) -> None:
    """Run until SIGTERM or SIGINT. ``only``: None for everything, ``web`` or ``worker``.

    Raises Misconfigured when it cannot start, with every fault.
    """
    redactor = redactor_of(settings)
    configure(redactor.text)
    registry = registry_of(settings)
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings, clock))
        limits = Limits(body=settings.recorder.max_body, inflated=settings.recorder.max_inflated)
        parser = await stack.enter_async_context(Parser(redactor, limits))
        kernel = _Kernel(settings, registry, store, clock, redactor, parser, FrozenRuns(store.evidence))
        try:
            await _run(kernel, only, stack)
        except* Misconfigured as faults:  # one part that cannot start ends all; its reason is what people need
            raise _first(faults) from None


def _first(group: BaseExceptionGroup[Misconfigured]) -> Misconfigured:
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found if isinstance(found, Misconfigured) else Misconfigured(str(found))


async def _run(kernel: _Kernel, only: Part | None, stack: AsyncExitStack) -> None:
    settings, store, clock = kernel.settings, kernel.store, kernel.clock
    slack = await _slack(kernel, stack)
    engine = Engine(store, kernel.registry, settings, _planes(kernel), slack.chat, clock, kernel.parser)
    slack.connect(Services(engine.incidents, engine.requests, clock.now), engine.offers)
    probes: dict[str, Callable[[], Awaitable[str | None]]] = {"store": lambda: _store_answers(store)}
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with asyncio.TaskGroup() as group:
        running: list[asyncio.Task[None]] = []
        consumer: Consumer | None = None
        ticks: Ticks | None = None
        if only != "web":
            paging = Paging(store, slack.chat, settings, clock)
            consumer = Consumer(
                store,
                _handlers(engine, paging, slack),
                clock,
                limits={Work.EXECUTE: _EXECUTE_LIMIT},
                scrub=kernel.redactor.text,
            )
            ticks = Ticks(store, clock, scrub=kernel.redactor.text)
            await ticks.start()
            stack.push_async_callback(ticks.stop)
            probes["clock"] = _ticking(ticks)
            running.append(group.create_task(consumer.run(), name="consumer"))
        running += [group.create_task(run(), name=name) for name, run in slack.loops(only).items()]
        if only != "worker":
            web = make_web(
                store=store,
                registry=kernel.registry,
                settings=settings,
                redactor=kernel.redactor,
                parser=kernel.parser,
                evidence=kernel.evidence,
                clock=clock,
                probes=probes,
                extra=slack.routes(),
            )
            running.append(group.create_task(_listen(web, settings, stop), name="web"))
        await stop.wait()
        _log.info("stopping")
        if consumer is not None:
            consumer.stop()
        await _wind_down(running, consumer)


async def _wind_down(running: list[asyncio.Task[None]], consumer: Consumer | None) -> None:
    """Let the consumer and the web server finish what they hold, then end the rest."""
    graceful = [task for task in running if task.get_name() in {"consumer", "web"}]
    if graceful:
        await asyncio.wait(graceful, timeout=_STOP_SECONDS)
    for task in running:
        task.cancel()
    del consumer


async def _slack(kernel: _Kernel, stack: AsyncExitStack) -> SlackParts:
    if kernel.settings.environment.slack_bot_token is None:
        _log.warning("SLACK_BOT_TOKEN is not set: incidents are kept and shown on the page, nobody is told in Slack")
        return no_slack()
    return await stack.enter_async_context(start_slack(kernel.store, kernel.registry, kernel.settings, kernel.clock))


def _planes(kernel: _Kernel) -> ControlPlanes:
    services: dict[type, object] = {
        DesiredState: kernel.store.desired,
        Clock: kernel.clock,
        EvidenceReader: kernel.evidence,
    }
    absent: dict[type, str] = {}
    evals = kernel.settings.evals
    if evals.remote is None:
        absent[EvalRepository] = "no eval repository is configured (evals.remote)"
    else:
        services[EvalTarget] = EvalTarget(remote=evals.remote, branch=evals.branch, directory=evals.directory)
    return ControlPlanes(kernel.registry, kernel.settings, services, absent)


def _handlers(
    engine: Engine, paging: Paging, slack: SlackParts
) -> Mapping[Work, Callable[[WorkItem], Awaitable[None]]]:
    """Which kind of work is done by whom. A kind without a handler stops the start."""
    handlers = {**engine.handlers, Work.PAGE: paging.handle, Work.REFRESH: slack.refresh}
    missing = sorted(kind.value for kind in Work if kind not in handlers)
    if missing:
        message = f"no handler for work of kind {', '.join(missing)}"
        raise TypeError(message)
    return handlers


async def _store_answers(store: Store) -> str | None:
    try:
        await store.ping()
    except StoreUnavailable as error:
        return error.message
    return None


def _ticking(ticks: Ticks) -> Callable[[], Awaitable[str | None]]:
    async def probe() -> str | None:
        age = ticks.last_tick_age()
        TICK_AGE.set(age)
        return f"the clock has not ticked for {age:.0f} s" if age > _STALE_TICK else None

    return probe


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the composition root decides when it ends."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def _listen(web: Starlette, settings: Settings, stop: asyncio.Event) -> None:
    environment = settings.environment
    config = uvicorn.Config(
        web,
        host=environment.host,
        port=environment.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=64 * 1024,
    )
    server = _Server(config)

    async def ender() -> None:
        await stop.wait()
        server.should_exit = True

    async with asyncio.TaskGroup() as group:
        ending = group.create_task(ender())
        try:
            await server.serve()
        except SystemExit as error:
            message = f"Nothing can listen on {environment.host}:{environment.port}."
            raise Misconfigured(message, next_step="Set PULLCORD_PORT to a free one.") from error
        finally:
            ending.cancel()
    if not stop.is_set():
        message = f"The web server ended; is {environment.host}:{environment.port} free?"
        raise Misconfigured(message, next_step="Set PULLCORD_PORT to a free one.")


# ------------------------------------------------------------------------------------------------ the command line


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What ``pullcord verify`` prints, and whether all is well."""

    ok: bool
    text: str


async def verify_incident(settings: Settings, incident_id: str, head: str | None) -> VerifyResult:
    """Check one timeline from its first entry to its last. Raises Refused when there is no such incident."""
    async with open_store(settings, guest=True) as store:
        verdict = await store.incidents.verify(incident_id, head)
    if verdict.ok:
        against = " and holds the head that was given" if head else ""
        return VerifyResult(
            True, f"{incident_id}: {verdict.entries} entries fit{against}. Head {verdict.entries}:{verdict.head}"
        )
    where = f"entry {verdict.first_bad}" if verdict.first_bad is not None else "its end"
    return VerifyResult(
        False, f"{incident_id}: {where} does not fit: {verdict.reason} Do not rely on it from there on."
    )


async def export_incident(settings: Settings, incident_id: str) -> str:
    """An incident as one JSON document: projection, entries with their codes, frozen runs."""
    async with open_store(settings, guest=True) as store:
        incident = await store.incidents.read(incident_id)
        reader = FrozenRuns(store.evidence)
        entries: list[Json] = []
        after = 0
        while page := await store.incidents.entries(incident_id, after, 500):
            entries += [entry.model_dump(mode="json") for entry in page]
            after = page[-1].seq
        runs = [(await reader.run(incident, r.summary.trace_id)).model_dump(mode="json") for r in incident.runs]
        verdict = await store.incidents.verify(incident_id)
    document = {
        "pullcord_export": 1,
        "exported_at": datetime.now(UTC).isoformat(),
        "incident": incident.model_dump(mode="json"),
        "chain": verdict.model_dump(mode="json"),
        "entries": entries,
        "runs": runs,
    }
    return to_json(document, indent=2).decode()
