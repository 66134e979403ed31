"""Facts that rest on a comparison with recent good runs (``bot.engine.comparing``): what is not as it was."""

from collections.abc import Callable, Sequence
from typing import Final

from bot.domain.fact import Basis, Fact
from bot.domain.incident import Compared, Incident
from bot.domain.profile import ChangeKind

FEW: Final = 5
"""Fewer good runs to compare with than this may differ by chance."""
_SHOWN: Final = 60


def differs(fact: str, kinds: frozenset[ChangeKind], what: str, unrecorded: str = "") -> Callable[[Incident], Fact]:
    """A fact that holds when something of these kinds is not as it was in recent good runs."""

    def made(incident: Incident) -> Fact:
        compared = [c for c in incident.compared if c.compared]
        if not compared:
            return Fact(id=fact, holds=None, evidence=_not_compared(incident), basis=Basis.COMPARED)
        basis = _basis(compared)
        for one in compared:
            found = [change for change in one.changes if change.kind in kinds]
            if found:
                first = found[0]
                name = f" {cut(first.name)}" if first.name else ""
                values = f": {cut(first.before or 'none')} → {cut(first.after or 'none')}"
                words = f"{what}{name} changed{values if first.before or first.after else ''}"
                if first.runs_before:
                    words += f" ({first.runs_before:,} good runs before had the old one)"
                return Fact(id=fact, holds=True, evidence=words, basis=basis)
        if unrecorded and all(unrecorded in one.unrecorded for one in compared):
            return Fact(id=fact, holds=None, evidence=f"{what}: not recorded, so not compared", basis=basis)
        return Fact(id=fact, holds=False, evidence=f"{what}: as in {_runs(compared)}", basis=basis)

    return made


def nothing_differs(incident: Incident) -> Fact:
    """No commit, no model, no prompt, no tool, no document differs: the log is clean, as far as it was recorded."""
    compared = [c for c in incident.compared if c.compared]
    if not compared:
        return Fact(id="nothing_changed", holds=None, evidence=_not_compared(incident), basis=Basis.COMPARED)
    basis = _basis(compared)
    changes = [change for one in compared for change in one.changes]
    if changes:
        kinds = list(dict.fromkeys(change.kind.value.replace("_", " ") for change in changes))
        return Fact(id="nothing_changed", holds=False, evidence=f"changed: {', '.join(kinds[:5])}", basis=basis)
    blind = list(dict.fromkeys(name for one in compared for name in one.unrecorded))
    aside = f"; not recorded, so not compared: {', '.join(blind)}" if blind else ""
    words = f"nothing changed against {_runs(compared)}{aside}"
    return Fact(id="nothing_changed", holds=True, evidence=words, basis=basis)


def _not_compared(incident: Incident) -> str:
    if not incident.runs:
        return "no run was read yet"
    notes = [cut(c.note, 120) for c in incident.compared if c.note]
    return notes[0] if notes else "no run was compared with good ones yet"


def _basis(compared: Sequence[Compared]) -> Basis:
    return Basis.COMPARED if max(c.compared for c in compared) >= FEW else Basis.COMPARED_FEW


def _runs(compared: Sequence[Compared]) -> str:
    count = max(c.compared for c in compared)
    return f"{count:,} recent good run{'' if count == 1 else 's'}"


def cut(text: str | None, most: int = _SHOWN) -> str:
    """Foreign words on one line, cut."""
    line = " ".join((text or "").split())
    return line if len(line) <= most else line[: most - 1] + "…"
