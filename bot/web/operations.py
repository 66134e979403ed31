"""``/healthz``, ``/readyz`` and ``/metrics``.

Ready = the store answers, and the clock ticks where this process has one. A stale Slack connection is reconnected,
metered and shown by ``doctor``; it must not take intake and control plane out of service.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog
from starlette.requests import Request
from starlette.responses import Response

from bot import metrics
from bot.domain.base import Json
from bot.web.answers import answer

_log = structlog.get_logger(__name__)
_PROBE_SECONDS = 2.0

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
        """200 when every probe is content, else 503 that names the others; one that fails or hangs is not content."""
        told = await asyncio.gather(*(_asked(name, probe) for name, probe in self._probes.items()))
        problems: dict[str, Json] = {name: problem for name, problem in zip(self._probes, told, strict=True) if problem}
        if problems:
            return answer(503, {"status": "not ready", "problems": problems}, {"retry-after": "2"})
        return answer(200, {"status": "ready"})

    async def metrics(self, _request: Request) -> Response:
        """Prometheus text format."""
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")


async def _asked(name: str, probe: Probe) -> str | None:
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            return await probe()
    except TimeoutError:
        return f"was not found out within {_PROBE_SECONDS:g} s"
    except Exception as problem:  # noqa: BLE001 - whatever a probe raises, the answer is "not ready"
        _log.error("a readiness probe failed", probe=name, exc_info=problem)
        return "could not be found out; the reason is in the log"
