"""``/healthz``, ``/readyz`` and ``/metrics``.

Ready = the store answers, and the clock ticks where this process has one. A stale Slack connection is reconnected,
metered and shown by ``doctor``; it must not take intake and control plane out of service.
"""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response

from bot import metrics
from bot.web.answers import answer

Probe = Callable[[], Awaitable[str | None]]
"""Answers None when all is well, else what is wrong in one sentence."""


class Operations:
    """The three endpoints of an operator."""

    def __init__(self, probes: Mapping[str, Probe]) -> None:
        """``probes``: what must hold for this process to be ready, by name."""
        self._probes = probes

    async def health(self, _request: Request) -> Response:
        """The process answers."""
        return answer(200, {"status": "ok"})

    async def ready(self, _request: Request) -> Response:
        """200 when every probe is content, else 503 that names the others."""
        problems = {name: told for name, probe in self._probes.items() if (told := await probe()) is not None}
        if problems:
            return answer(503, {"status": "not ready", "problems": dict(problems)}, {"retry-after": "2"})
        return answer(200, {"status": "ready"})

    async def metrics(self, _request: Request) -> Response:
        """Prometheus text format."""
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")
