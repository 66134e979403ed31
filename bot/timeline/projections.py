"""Projections kept in memory, the most recently used ones: a cache and nothing else, bounded in number and in size."""

from collections import OrderedDict
from typing import Final

from bot.domain.incident import Incident

MOST: Final = 256
MOST_PARTS: Final = 100_000
"""Effects, alerts, executions and pages of all that is kept: about 200 MB at 2 kB each."""


class Projections:
    """Incidents by id as they were last read or written."""

    def __init__(self, most: int = MOST, most_parts: int = MOST_PARTS) -> None:
        """The newest is always kept, however large it is."""
        self._most = most
        self._most_parts = most_parts
        self._kept: OrderedDict[str, Incident] = OrderedDict()
        self._parts = 0

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._kept)

    def get(self, incident_id: str) -> Incident | None:
        """The incident as it is kept; it may be older than its timeline."""
        return self._kept.get(incident_id)

    def keep(self, incident: Incident) -> Incident:
        """Keep it unless a later state is kept already, and forget what was not used for longest."""
        known = self._kept.get(incident.id)
        if known is None or known.seq <= incident.seq:
            self._kept[incident.id] = incident
            self._parts += _parts(incident) - (0 if known is None else _parts(known))
        self._kept.move_to_end(incident.id)
        while len(self._kept) > 1 and (len(self._kept) > self._most or self._parts > self._most_parts):
            _, gone = self._kept.popitem(last=False)
            self._parts -= _parts(gone)
        return incident


def _parts(incident: Incident) -> int:
    return len(incident.effects) + len(incident.alerts) + len(incident.executions) + len(incident.pages)
