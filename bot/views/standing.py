"""An incident's effects as they stand now, and its worst run: worked out once for a card, its messages and its page.

A card, an announcement and direct messages ask for both several times, and a large run has thousands of effects.
"""

from collections import Counter
from datetime import datetime

from bot.domain.effect import Effect, Reversibility, ranked
from bot.domain.incident import AttachedRun, Incident
from bot.domain.kept import Kept

_MANY = 50
"""Fewer effects are looked at anew."""
_standing: Kept[tuple[int, tuple[Effect, ...]]] = Kept()
"""How many windows had closed, and the effects as they stood then: nothing changes before the next one closes."""
_windows: Kept[tuple[datetime, ...]] = Kept()
_worst: Kept[AttachedRun] = Kept()


def standing(incident: Incident, now: datetime) -> tuple[Effect, ...]:
    """The tool calls as they stand now, worst first: what counts as a change is the beginning of it.

    When an undo window closes and no other way back is left, the effect becomes irreversible (PRODUCT.md). A window
    that had already closed when the run was read was judged by the catalogue's ``after_window``, which is kept.
    """
    many = len(incident.effects) >= _MANY
    closed = sum(end <= now for end in _ends(incident.effects, many=many))
    if not closed:
        return ranked(incident.effects)
    before = _standing.get(incident.effects, incident.runs) if many else None
    if before is not None and before[0] == closed:
        return before[1]
    read_at = {run.summary.trace_id: run.attached_at for run in incident.runs}
    stands = ranked([_now(effect, read_at.get(effect.trace_id), now) for effect in incident.effects])
    if many:
        _standing.keep((closed, stands), incident.effects, incident.runs)
    return stands


def _ends(effects: tuple[Effect, ...], *, many: bool) -> tuple[datetime, ...]:
    """When undo windows close."""
    kept = _windows.get(effects) if many else None
    if kept is not None:
        return kept
    ends = tuple(effect.undo_deadline for effect in effects if effect.undo_deadline is not None)
    return _windows.keep(ends, effects) if many else ends


def _now(effect: Effect, read_at: datetime | None, now: datetime) -> Effect:
    closed = effect.undo_deadline is not None and effect.undo_deadline <= now
    judged = closed and read_at is not None and effect.undo_deadline is not None and effect.undo_deadline <= read_at
    if not closed or judged or effect.reversibility not in {Reversibility.COMPENSABLE, Reversibility.REVERSIBLE}:
        return effect
    return effect.model_copy(update={"reversibility": Reversibility.IRREVERSIBLE})


def worst_run(incident: Incident) -> AttachedRun | None:
    """The run that the card names: most that cannot be undone, then the one that was alerted on, then the newest."""
    if len(incident.runs) <= 1:  # most often
        return incident.runs[0] if incident.runs else None
    kept = _worst.get(incident.effects, incident.runs)
    if kept is not None:
        return kept
    lost = Counter(effect.trace_id for effect in incident.effects if effect.irreversible)

    def key(run: AttachedRun) -> tuple[int, bool, datetime]:
        return lost[run.summary.trace_id], run.alerted, run.attached_at

    return _worst.keep(max(incident.runs, key=key), incident.effects, incident.runs)
