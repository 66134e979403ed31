"""What a run that was read adds to an incident: the evidence's hash, its effects, the severity, and who is woken.

Pure. An entry stays far under 256 kB: effects are listed in parts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.base import Json
from bot.domain.effect import Effect, SeverityInputs, counts, severity_inputs
from bot.domain.events import PULLCORD, EffectsListed, Event, RunAttached, SeveritySet
from bot.domain.incident import Incident
from bot.domain.run import RunSummary
from bot.domain.work import Due, Work, WorkItem
from bot.engine import names
from bot.recorder.profile import Profiled
from bot.settings import Settings
from bot.timeline.timeline import Write
from bot.views import limits

MOST_EFFECTS = 100
MOST_BYTES = 150_000
"""Of one part, so that an entry with its frame stays under 256 kB."""
_MOST_WORDS = 1000
_TEXTS = ("tool", "agent", "call_id", "target", "summary", "reason", "outcome_reason", "outbound", "substitute")


@dataclass(frozen=True, slots=True)
class Reading:
    """A run as it was read and frozen. ``source`` says where it came from, ``catalogue`` which rules classed it.

    ``source_note`` says why that source, where stores were asked.
    """

    summary: RunSummary
    effects: tuple[Effect, ...]
    evidence: str
    evidence_bytes: int
    source: str
    catalogue: str
    source_note: str = ""
    profiled: Profiled | None = None
    """What the index of runs keeps of it."""


def attach(
    incident: Incident,
    reading: Reading,
    settings: Settings,
    now: datetime,
    parts: Sequence[tuple[Effect, ...]] | None = None,
) -> Write:
    """The entries for a run, its severity, and another page when it shows new effects that cannot be undone.

    ``parts`` are its effects as ``in_parts`` cuts them, where that was done before.
    """
    run, effects = reading.summary, reading.effects
    parts = tuple(in_parts(effects)) if parts is None else parts
    told = _told(incident, run.trace_id)
    events: list[Event] = [
        RunAttached(
            at=now,
            by=PULLCORD,
            run=run,
            evidence=reading.evidence,
            evidence_bytes=reading.evidence_bytes,
            source=reading.source,
            source_note=reading.source_note,
            alerted=run.trace_id in incident.alerted_traces,
            catalogue=reading.catalogue,
            parts=len(parts),
            configuration=settings.version,
        ),
        *(
            EffectsListed(
                at=now,
                by=PULLCORD,
                trace_id=run.trace_id,
                evidence=reading.evidence,
                part=number,
                effects=part,
                new=None if told is None else tuple(effect.id for effect in part if effect.id not in told),
            )
            for number, part in enumerate(parts, 1)
        ),
    ]
    others = [e for e in incident.effects if e.trace_id != run.trace_id]
    severity, why = severity_of(severity_inputs([*others, *effects]), settings.severity.many_runs)
    if (severity, why) != (incident.severity, incident.severity_why):
        events.append(SeveritySet(at=now, by=PULLCORD, severity=severity, why=why))
    page = page_again(incident, run.trace_id, effects, settings, now)
    compare = WorkItem(kind=Work.COMPARE_RUN, incident=incident.id, payload={"trace_id": run.trace_id, "attempt": 0})
    return Write(events=tuple(events), work=(compare,), due=() if page is None else (page,))


def _told(incident: Incident, run: str) -> frozenset[str] | None:
    """The effects of a run that stand in the thread already: the card has no room for so many. None for a new run."""
    if incident.run(run) is None or counts(incident.effects).changes <= limits.EFFECT_ROWS:
        return None
    return frozenset(effect.id for effect in incident.effects_of(run) if effect.changes)


def severity_of(inputs: SeverityInputs, many_runs: int) -> tuple[str, str]:
    """SEV1 irreversible effects in many runs, SEV2 irreversible, SEV3 other effects, SEV4 none (PRODUCT.md)."""
    if inputs.irreversible and inputs.irreversible_runs >= many_runs:
        return (
            "SEV1",
            f"{_count(inputs.irreversible, 'effect')} that cannot be undone, in {inputs.irreversible_runs} runs",
        )
    if inputs.irreversible:
        return "SEV2", f"{_count(inputs.irreversible, 'effect')} that cannot be undone"
    if inputs.changes:
        return "SEV3", f"{_count(inputs.changes, 'effect')}, each can be undone or compensated"
    return "SEV4", "nothing was changed outside the run"


def page_again(
    incident: Incident, run: str, effects: Sequence[Effect], settings: Settings, now: datetime
) -> Due | None:
    """Wake people again for effects without a way back that are new, once somebody may have stopped looking.

    While the first escalation still runs and no run was read, it is about this run already. A call that was listed
    before is not new, whatever class it has now: whoever gave it that class is awake. So is who just added ``run``
    (a trace id): its effects are news only when it goes on. Several runs within ``repage_after`` are one page.
    """
    known = {e.id for e in incident.effects if e.happened}
    new = [e for e in effects if e.irreversible and e.id not in known]
    if not new or not incident.open or (not incident.runs and incident.acknowledged_by is None):
        return None
    if run in incident.added and incident.run(run) is None:
        return None
    pause = settings.agent(incident.agent).repage_after
    last = max((p.at for p in incident.pages), default=None)
    at = now if last is None else max(now, last + pause)
    payload: dict[str, Json] = {"step": 0, "reason": "the agent did more that cannot be undone"}
    item = WorkItem(kind=Work.PAGE, incident=incident.id, payload=payload)
    return Due(id=names.due_again(incident.id), at=at, item=item)


def in_parts(effects: Sequence[Effect]) -> Iterator[tuple[Effect, ...]]:
    """The effects in order, each part small enough for one entry; one that is none by itself has its texts cut."""
    part: list[Effect] = []
    size = 0
    for whole in effects:
        effect, length = whole, len(whole.model_dump_json())
        if length > MOST_BYTES:
            effect = _short(whole)
            length = len(effect.model_dump_json())
        if part and (len(part) == MOST_EFFECTS or size + length > MOST_BYTES):
            yield tuple(part)
            part, size = [], 0
        part.append(effect)
        size += length
    if part:
        yield tuple(part)


def _short(effect: Effect) -> Effect:
    """Names and arguments are recorded as somebody sent them, of any length; the evidence has them whole."""
    cut: dict[str, Json] = {
        name: text[:_MOST_WORDS] for name in _TEXTS if isinstance(text := getattr(effect, name), str)
    }
    short = effect.model_copy(update=cut)
    if len(short.model_dump_json()) <= MOST_BYTES:
        return short
    return short.model_copy(update={"arguments": "(too long for the timeline; the evidence has them)", "origins": ()})


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")
