"""All routes of the HTTP server as one Starlette application. Wired by ``bot.app``; imports no other part of it."""

from collections.abc import Mapping, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route

from bot.plugin import Registry
from bot.ports import Clock, EvidenceReader
from bot.recorder.redact import Redactor
from bot.settings import Settings
from bot.timeline.store import Store
from bot.web.access import Access
from bot.web.api import ReadApi
from bot.web.assets import Assets
from bot.web.drills import Drills
from bot.web.faults import Faults, no_route
from bot.web.intake import Intake
from bot.web.kept_runs import KeptRuns
from bot.web.mitigations import Mitigations
from bot.web.ofrep import Ofrep
from bot.web.operations import Operations, Probe
from bot.web.otlp import Otlp, SpanParser
from bot.web.pages import Pages
from bot.web.run_pages import RunPages


def make_web(  # noqa: PLR0913 - one name for each part that the composition root hands over
    *,
    settings: Settings,
    registry: Registry,
    store: Store,
    redactor: Redactor,
    parser: SpanParser,
    evidence: EvidenceReader,
    clock: Clock,
    probes: Mapping[str, Probe],
    extra: Sequence[BaseRoute] = (),
) -> Starlette:
    """The application. ``probes`` decide ``/readyz``; ``extra`` are routes of other parts (``POST /slack/events``).

    Starts nothing and holds nothing open: what it is given is closed by who made it. Raises Misconfigured, with every
    fault, for an alert source that no plug-in declares or whose options are not understood.
    """
    agents = settings.agents
    intake = Intake(settings, registry.alert_sources, store, redactor, clock)
    traces = Otlp(
        settings.environment.otlp_token,
        {name: agent.otlp_token for name, agent in agents.items()},
        parser,
        store,
        settings.recorder.max_body,
    )
    flags = Ofrep({name: agent.token for name, agent in agents.items()}, store.desired)
    api = ReadApi(settings.environment.api_token, store, evidence)
    operations = Operations(probes)
    secure = settings.base_url.startswith("https://")
    access = Access(settings.environment.api_token, store.sessions, clock, secure=secure)
    kept = KeptRuns(evidence)
    pages = Pages(settings, store, kept, access, clock)
    mitigations = Mitigations(settings.environment.api_token, store, access, clock)
    run_pages = RunPages(store, kept, store.run_index, access, clock)
    routes: list[BaseRoute] = [
        Route("/alerts/{source}", intake.receive, methods=["POST"]),
        Route("/v1/traces", traces.receive, methods=["POST"]),
        Route("/v1/logs", traces.receive_logs, methods=["POST"]),
        Route("/ofrep/v1/evaluate/flags", flags.bulk, methods=["POST"]),
        Route("/ofrep/v1/evaluate/flags/{key:path}", flags.one, methods=["POST"]),
        Route("/api/incidents", api.incidents),
        Route("/api/incidents/{id}", api.incident),
        Route("/api/incidents/{id}/timeline", api.timeline),
        Route("/api/incidents/{id}/evidence", api.evidence),
        Route("/api/drills", Drills(settings.environment.api_token, store, settings, clock).open, methods=["POST"]),
        Route("/api/mitigations", mitigations.api),
        Route("/mitigations", mitigations.page),
        Route("/incidents", pages.incidents),
        Route("/incidents/{id}", pages.incident),
        Route("/incidents/{id}/runs/{trace}", run_pages.run),
        Route("/incidents/{id}/runs/{trace}/steps/{step}", run_pages.step),
        Route("/incidents/{id}/runs/{trace}/changes", run_pages.changes),
        Route("/open/{token}", access.open),
        Route("/static/{name}", Assets().get),
        Route("/healthz", operations.health),
        Route("/readyz", operations.ready),
        Route("/metrics", operations.metrics),
        *extra,
    ]
    web = Starlette(
        routes=routes,
        middleware=[Middleware(Faults)],
        exception_handlers={HTTPException: no_route},
    )
    web.router.redirect_slashes = False  # a redirect would be built from the sender's own Host header
    return web
