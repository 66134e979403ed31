"""The composition root: settings -> store -> plug-ins -> engine -> servers. Nothing else wires things.

``serve`` runs everything in one process, or only its web or worker half. Each part is started inside one
``AsyncExitStack`` and one ``TaskGroup``, so that whatever ends ends everything, in order.
"""

import asyncio
import contextlib
import gc
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta

import structlog
import uvicorn
from starlette.applications import Starlette

from bot.domain.work import Work, WorkItem
from bot.engine.drift import slice_of
from bot.engine.engine import Engine, redactor_of
from bot.engine.evidence import FrozenRuns
from bot.engine.planning import ControlPlanes
from bot.engine.retention import Retention, sweep_period
from bot.errors import Misconfigured, StoreUnavailable
from bot.logs import configure
from bot.metrics import TICK_AGE
from bot.open_store import SystemClock, open_store
from bot.paging.paging import Paging
from bot.plugin import Registry, Services
from bot.plugin_faults import registry_of
from bot.ports import CatalogueTarget, Clock, DesiredState, EvalTarget, EvidenceReader
from bot.recorder.dialects import with_packs
from bot.recorder.limits import Limits
from bot.recorder.offload import Parser
from bot.recorder.redact import Redactor
from bot.settings import Settings
from bot.slack.start import Part, SlackParts, no_slack, start_slack
from bot.timeline.store import Store
from bot.web.app import make_web
from bot.web.connection import BoundedHttp
from bot.work.consumer import Consumer
from bot.work.ticks import Ticks

_log = structlog.get_logger(__name__)
_STALE_TICK = 5.0
_STOP_SECONDS = 10.0
_EXECUTE_LIMIT = timedelta(seconds=720)
"""What says how far it is may take ten minutes (``bot.engine.progress``); each call of its own is bounded shorter.

Cut off, it would end as unknown. A few at once only, so that pages find their places (``bot.engine.execute``)."""
_BACKGROUND = 2
"""Items of the background at once: indexing is CPU work, and an incident's own reading must find its turn."""


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
        dialects = with_packs(registry.dialects.values())
        parser = await stack.enter_async_context(Parser(redactor, limits, dialects=dialects))
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
        consumers: list[Consumer] = []
        ticks: Ticks | None = None
        if only != "web":
            paging = Paging(store, slack.chat, settings, clock)
            handlers, scrub = _handlers(engine, paging, slack), kernel.redactor.text
            front = Consumer(store, handlers, clock, limits={Work.EXECUTE: _EXECUTE_LIMIT}, scrub=scrub)
            behind = Consumer(store, handlers, clock, concurrency=_BACKGROUND, scrub=scrub, work=store.background)
            consumers += [front, behind]
            ticks = Ticks(store, clock, scrub=kernel.redactor.text)
            _keep_evidence(ticks, kernel)
            ticks.once_per("drift", slice_of(settings.mitigations.drift_every), engine.drift.tick)
            await ticks.start()
            stack.push_async_callback(ticks.stop)
            probes["clock"] = _ticking(ticks)
            running += [group.create_task(consumer.run(), name="consumer") for consumer in consumers]
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
        _settle()
        await stop.wait()
        _log.info("stopping")
        for consumer in consumers:
            consumer.stop()
        await _wind_down(running)


def _keep_evidence(ticks: Ticks, kernel: _Kernel) -> None:
    """One replica lets go of evidence that is past its retention, once per period."""
    retention = Retention(kernel.store, kernel.clock)

    async def sweep() -> None:
        await retention.sweep()

    ticks.once_per("evidence", sweep_period(kernel.settings.recorder.evidence_ttl), sweep)


def _settle() -> None:
    """Keep what lives as long as the process out of the garbage collector's way: clicks wait for its pauses."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def _wind_down(running: list[asyncio.Task[None]]) -> None:
    """Let the consumer and the web server finish what they hold, then end the rest."""
    graceful = [task for task in running if task.get_name() in {"consumer", "web"}]
    if graceful:
        await asyncio.wait(graceful, timeout=_STOP_SECONDS)
    for task in running:
        task.cancel()


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
    kept = kernel.settings.catalogue_repository
    services[CatalogueTarget] = CatalogueTarget(remote=kept.remote, branch=kept.branch, file=kept.file)
    evals = kernel.settings.evals
    services[EvalTarget] = EvalTarget(remote=evals.remote, branch=evals.branch, directory=evals.directory)
    return ControlPlanes(kernel.registry, kernel.settings, services)


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
        http=BoundedHttp,
        ws="none",
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
