"""A made-up trace store: a courier's logbook that answers ``GET /walks/<id>`` with one line of JSON per step.

One file is all that a store takes: its settings, who talks to it, and how its answers are read.
"""

import json
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from bot.domain.span import SpanRecord
from bot.domain.trace_ref import TraceRef
from bot.errors import Refused
from bot.plugin import Fetched, StoreHttp, StoreSettings, trace_source


class CourierSettings(StoreSettings):
    """``depot`` is where the logbook lies."""

    depot: Annotated[str, Field(pattern=r"^[a-z]+$")] = "north"


class Courier:
    """Asks the logbook."""

    def __init__(self, settings: CourierSettings, http: StoreHttp) -> None:
        """Nothing is asked yet."""
        self._settings = settings
        self._http = http

    async def fetch(self, ref: TraceRef) -> Sequence[bytes] | None:
        """The steps of a walk; None when it is in no logbook."""
        answer = await self._http.get(f"/walks/{ref.trace_id}", {"depot": self._settings.depot})
        return None if answer.status == 404 else [answer.body]

    def ref_of(self, link: str) -> TraceRef | None:
        """``<url>/walks/<id>``."""
        start = f"{self._settings.url}/walks/"
        walk = link.removeprefix(start)
        return TraceRef(trace_id=walk, link=link) if link.startswith(start) and len(walk) == 32 else None

    async def ping(self) -> str:
        """The depot answers."""
        await self._http.get("/", {"depot": self._settings.depot})
        return f"the {self._settings.depot} depot answered"


def read(answers: Sequence[bytes], ref: TraceRef) -> Fetched:
    """A span for each line. What the courier noted is kept under ``courier.``."""
    spans = []
    for line in b"\n".join(answers).splitlines():
        try:
            step = json.loads(line)
        except ValueError:
            raise Refused("The logbook is illegible.", field="body", next_step="Ask the courier.") from None
        spans.append(
            SpanRecord(
                trace_id=ref.trace_id,
                span_id=f"{step['step']:016x}",
                parent_id=f"{step['after']:016x}" if step.get("after") else None,
                name=step["did"],
                start_ns=step["at"],
                end_ns=step["until"],
                status="error" if step.get("trouble") else "unset",
                status_message=step.get("trouble", ""),
                attributes={f"courier.{name}": value for name, value in step["notes"].items()},
            )
        )
    return Fetched(tuple(spans), partial="the last page is torn out" if b"torn" in answers[-1] else None)


courier_log = trace_source("courier", settings=CourierSettings, read=read)(Courier)
