"""The frozen runs that were looked at last, kept for a minute: a person who opens one step opens the next one too."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

from bot.domain.incident import Incident
from bot.domain.run import Run
from bot.ports import EvidenceReader

_MOST_RUNS: Final = 4
_MOST_BYTES: Final = 96_000_000
"""Of evidence, as frozen: larger runs are kept alone."""
_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class _Kept:
    run: Run
    bytes: int
    forget: asyncio.TimerHandle


class KeptRuns:
    """Implements ``bot.ports.EvidenceReader`` over another one. A run is read once however many ask for it at a time.

    What is kept is named by the hash of its evidence, so that a run that was read again is never shown as it was.
    """

    def __init__(self, evidence: EvidenceReader) -> None:
        """``evidence`` reads what is not kept."""
        self._evidence = evidence
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._reading: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def run(self, incident: Incident, trace_id: str) -> Run:
        """The frozen run. Raises as the reader below."""
        attached = incident.run(trace_id)
        if attached is None:
            return await self._evidence.run(incident, trace_id)  # which says what is wrong
        key = (trace_id, attached.evidence)
        lock = self._reading.setdefault(key, asyncio.Lock())
        async with lock:
            held = self._kept.get(key)
            if held is None:
                run = await self._evidence.run(incident, trace_id)
            else:
                held.forget.cancel()
                run = held.run
            self._keep(key, run, attached.evidence_bytes)
            return run

    def _keep(self, key: tuple[str, str], run: Run, size: int) -> None:
        self._kept.pop(key, None)
        forget = asyncio.get_running_loop().call_later(_SECONDS, self._forget, key)
        self._kept[key] = _Kept(run, size, forget)
        while len(self._kept) > 1 and (len(self._kept) > _MOST_RUNS or self._bytes() > _MOST_BYTES):
            _, oldest = self._kept.popitem(last=False)
            oldest.forget.cancel()

    def _bytes(self) -> int:
        return sum(held.bytes for held in self._kept.values())

    def _forget(self, key: tuple[str, str]) -> None:
        self._kept.pop(key, None)
