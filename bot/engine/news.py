"""Which answers about a run go on the timeline, and what of them it did not say before. Pure.

A run that goes on for an hour is read and compared again and again, and the counts move each time. An answer that names
the same things is written once at the end, with its last counts, so that no run fills the timeline.
"""

from bot.domain.events import ChangesFound, SimilarRunsFound
from bot.domain.incident import Compared, Incident, Similar
from bot.domain.profile import ChangeKind, Difference

_GROWN = 1.25
"""So many times the runs alike that were named are worth an entry: the card shows how far it spread."""
_Named = tuple[ChangeKind, str, str | None, str | None, str]


def worth_telling(before: Compared | None, found: ChangesFound, *, last: bool) -> bool:
    """Whether what changed is not on the timeline yet; ``last``: nobody looks again, so the newest counts are kept.

    An answer is not taken back because good runs joined an incident since, so that none is left to compare with.
    """
    if before is None or bool(before.compared) < bool(found.compared):
        return True
    if not found.compared:
        return False
    return _named(before.changes) != _named(found.changes) or (last and before.changes != found.changes)


def new_changes(incident: Incident, found: ChangesFound) -> tuple[int, ...] | None:
    """The places of the changes that no comparison of this incident named; None where all of the answer is new."""
    if not found.changes:
        alike = [c for c in incident.compared if not c.changes and bool(c.compared) == bool(found.compared)]
        return () if alike else None
    told = {name for compared in incident.compared for name in _named(compared.changes)}
    return tuple(place for place, change in enumerate(_named(found.changes)) if change not in told)


def worth_naming(before: Similar | None, found: SimilarRunsFound, *, last: bool) -> bool:
    """Whether the runs alike are not on the timeline yet: other groups, or many more runs."""
    if before is None or {group.id for group in before.groups} != {group.id for group in found.groups}:
        return True
    if found.runs > before.runs * _GROWN:
        return True
    return last and (before.groups, before.runs) != (found.groups, found.runs)


def new_groups(incident: Incident, found: SimilarRunsFound) -> tuple[str, ...]:
    """The ids of the groups that no search of this incident named: which signatures tell runs apart moves with them."""
    told = {name for similar in incident.similar for group in similar.groups for name in (group.id, group.words)}
    return tuple(group.id for group in found.groups if group.id not in told and group.words not in told)


def _named(changes: tuple[Difference, ...]) -> list[_Named]:
    """What changes are about, without their counts."""
    return [(change.kind, change.name, change.before, change.after, change.detail) for change in changes]
