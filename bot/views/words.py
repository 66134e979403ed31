"""What the card, the messages, the thread and the page say in the same words: titles, counts, ways back, results.

Texts returned here hold foreign words as they are: whoever shows them escapes them (``bot.views.text``, a template).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from bot.domain.action import Execution, ExecutionState, Verified
from bot.domain.effect import Effect, EffectCounts, EffectOutcome, Reversibility
from bot.domain.incident import AlertState, AttachedRun, Incident, IncidentState
from bot.domain.run import Completeness, RunSummary
from bot.views import limits
from bot.views.standing import standing as standing  # noqa: PLC0414 - said again here, beside the words for them
from bot.views.standing import worst_run as worst_run  # noqa: PLC0414
from bot.views.text import cut, duration, listed, number, visible

SHORT = 8
"""Digits of a trace id that people see."""
_NOT_ZERO = "Effects are unknown, not zero."


def declared_by(incident: Incident) -> str | None:
    """The user id of the person who declared it, None where an alert or Pullcord opened it."""
    who = incident.opened_by
    return who[2:-1] if who.startswith("<@") and who.endswith(">") else None


def our_own(incident: Incident) -> bool:
    """True for trouble of a source or of Pullcord itself: no agent is known to have done anything."""
    return not incident.alerts and not incident.runs and incident.agent is None and declared_by(incident) is None


def subject(incident: Incident) -> str:
    """What the incident is about: its agent, else the sentence of whoever declared it, else its name."""
    if incident.agent is None and declared_by(incident) is not None:
        return cut(visible(incident.summary), limits.SENTENCE_SHOWN) or incident.name
    return incident.agent or incident.name


def about(incident: Incident) -> str:
    """Agent and name of the alert, or the sentence of whoever declared it, on one line. Foreign."""
    if declared_by(incident) is not None:
        agent = f"{incident.agent}: " if incident.agent else ""
        return f"{agent}{incident.summary or incident.name}"
    return incident.name if our_own(incident) else f"{incident.agent or 'unknown agent'}: {incident.name}"


def short_trace(trace_id: str) -> str:
    """``4f1c9e27…``."""
    return f"{trace_id[:SHORT]}…"


def title(incident: Incident, tally: EffectCounts) -> str:
    """The machine's sentence (DESIGN.md): what cannot be undone. Never a log line."""
    about = subject(incident)
    if incident.state is IncidentState.RESOLVED:
        return f"{about}: resolved"
    if incident.state is IncidentState.CONTAINED:
        return f"{about}: contained"
    if not incident.runs:
        return _title_without_run(incident)
    if tally.no_way_back:
        return f"{about}: {number(tally.no_way_back, 'effect')} cannot be undone"
    if tally.changes:
        return f"{about}: {number(tally.changes, 'effect')}, all can be undone or compensated"
    return f"{about}: changed nothing outside the run"


def _title_without_run(incident: Incident) -> str:
    if our_own(incident):
        return incident.name
    if declared_by(incident) is None:
        return f"{subject(incident)}: what it did is not known yet"
    sentence = cut(visible(incident.summary), limits.SENTENCE_SHOWN) or incident.name
    return f"{incident.agent}: {sentence}" if incident.agent else sentence


def unfinished(run: AttachedRun) -> bool:
    """True while more of the run may still come: no root span yet, or not all of its effects are listed."""
    return run.summary.completeness is Completeness.MISSING_ROOT or run.parts_seen < run.parts


def blast(incident: Incident, tally: EffectCounts) -> tuple[str, str]:
    """The blast radius: a lead (``The run did 7 things:``) and its counts, empty where the lead says all."""
    runs = len(incident.runs)
    if our_own(incident):
        return "This is about Pullcord or what it is connected to, not about what an agent did.", ""
    if not runs:
        return "What the run did is not known yet.", _NOT_ZERO
    who = "The run" if runs == 1 else f"{runs:,} runs"
    so_far = " so far" if any(unfinished(run) for run in incident.runs) else ""
    rejected = f"{number(tally.failed, 'attempt')} {'was' if tally.failed == 1 else 'were'} rejected"
    if not tally.changes:
        itself = "itself" if runs == 1 else "themselves"
        return f"{who} changed nothing outside {itself}{so_far}.", f"{rejected}." if tally.failed else ""
    parts = [
        f"{count:,} {name}"
        for count, name in (
            (tally.irreversible, "irreversible"),
            (tally.unclassified, "unclassified (treated as irreversible)"),
            (tally.compensable, "compensable"),
            (tally.reversible, "reversible"),
        )
        if count
    ]
    asides = [rejected] if tally.failed else []
    if tally.unknown:
        asides.append(f"{tally.unknown:,} with an unknown outcome, counted as done")
    aside = f" ({', '.join(asides)})" if asides else ""
    return f"{who} did {number(tally.changes, 'thing')}{so_far}:", " · ".join(parts) + aside


def missing(incident: Incident) -> list[str]:
    """One sentence for each run that should be here and is not. Reasons are foreign words in part."""
    unknown_too = " Its effects are unknown, not zero." if incident.runs else ""  # without any run the lead says so
    lines = []
    for row in incident.missing:
        if row.trace_id is not None:
            lines.append(f"No run found for {short_trace(row.trace_id)}: {_clause(row.reason)}{unknown_too}")
        elif not incident.runs:
            reason = _clause(row.reason)
            lines.append(f"{reason[:1].upper()}{reason[1:]}")
    return lines


def _clause(reason: str) -> str:
    stripped = reason.strip() or "no reason was given"
    return stripped if stripped.endswith((".", "!", "?")) else f"{stripped}."


def reads(tally: EffectCounts) -> str | None:
    """``14 reads (3 guessed)``, or None when there were none."""
    if not tally.read_only:
        return None
    guessed = f" ({tally.guessed:,} guessed by name)" if tally.guessed else ""
    return f"{number(tally.read_only, 'read')}{guessed}"


def not_recorded(incident: Incident) -> list[str]:
    """What no recorder caught, each kind once, over all runs: in the verdict's words, else by its field."""
    return list(dict.fromkeys(name for run in incident.runs for name in _missing_kinds(run.summary)))


def _missing_kinds(run: RunSummary) -> Iterable[str]:
    named = run.capture.missing if run.capture is not None else ()
    return named or (gap.field for gap in run.gaps)


def effect_words(effect: Effect) -> str:
    """What a call did in the catalogue's words, else its amount and target. Foreign."""
    if effect.summary:
        return effect.summary
    amount = str(effect.money) if effect.money is not None else ""
    return " → ".join(part for part in (amount, effect.target) if part)


def argument_words(effect: Effect) -> str:
    """The call's short arguments (``amount_minor 42000, customer cus_81``); empty when there are none. Foreign."""
    given = effect.arguments
    if not isinstance(given, dict):
        return ""
    plain = {name: value for name, value in given.items() if isinstance(value, str | int | float) and value != ""}
    return ", ".join(f"{cut(name, 30)} {cut(str(value), 30)}" for name, value in list(plain.items())[:4])


_NO_WAY = {
    Reversibility.IRREVERSIBLE: "no undo",
    Reversibility.UNCLASSIFIED: "no undo known: not classified",
    Reversibility.READ_ONLY: "only read",
}


def way_back(effect: Effect, now: datetime) -> tuple[str, datetime | None, str]:
    """How far it can be taken back: words, a deadline to show after them, and what stands after the deadline."""
    if not effect.happened:
        return "rejected", None, ""
    deadline = effect.undo_deadline
    if deadline is not None and deadline <= now and effect.irreversible:
        return "no undo: the window closed", deadline, ""
    if (words := _NO_WAY.get(effect.reversibility)) is not None:
        return words, None, ""
    compensable = effect.reversibility is Reversibility.COMPENSABLE
    if deadline is not None and deadline > now:
        return f"{'cancel' if compensable else 'undo'} until", deadline, f"({duration(deadline - now)})"
    return ("can be compensated" if compensable else "can be put back"), None, ""


def outcome_words(effect: Effect) -> str:
    """``Applied``, ``Failed`` or ``Unknown``."""
    return {
        EffectOutcome.APPLIED: "Applied",
        EffectOutcome.FAILED: "Failed",
        EffectOutcome.UNKNOWN: "Unknown",
    }[effect.outcome]


def said_on_call(incident: Incident) -> list[str]:
    """User ids of those woken by the newest step of the escalation, each once. In a drill nobody was."""
    if incident.drill:
        return []
    newest = max((page.step for page in incident.pages), default=0)
    return list(dict.fromkeys(page.user for page in incident.pages if page.step == newest))


def state_words(incident: Incident) -> str:
    """``Firing``, ``Open``, ``Open, the alert cleared``, ``Acknowledged``, ``Contained``, ``Resolved``.

    Only an alert can fire: what a person or Pullcord itself opened is open.
    """
    if incident.state is IncidentState.OPEN and not incident.alerts:
        return "Open"
    if incident.state is IncidentState.OPEN:
        return "Firing" if incident.alert_state is AlertState.FIRING else "Open, the alert cleared"
    return incident.state.value.capitalize()


def in_force(incident: Incident) -> list[Execution]:
    """Changes that restrain an agent now or may, oldest first."""
    restraining = [e for e in incident.executions if e.in_force_or_may_be and e.undo_of is None]
    return [e for e in restraining if e.change is None or e.change.look_at is None]  # a wait restrains nothing


def unknown(incident: Incident) -> list[Execution]:
    """Executions whose outcome nobody knows, oldest first."""
    return [e for e in incident.executions if e.state is ExecutionState.UNKNOWN]


def shown_results(incident: Incident) -> list[Execution]:
    """Executions whose result stands on the card: all but refused ones and those that were taken back, oldest first."""
    hidden = {ExecutionState.REFUSED, ExecutionState.REJECTED, ExecutionState.EXPIRED}
    return [e for e in incident.executions if e.state not in hidden and e.undone_by is None]


def verified_words(execution: Execution) -> str:
    """What the enforcing side showed, in words that carry the meaning alone. The detail is foreign in part."""
    detail = f": {execution.verified_detail}" if execution.verified_detail else ""
    ends = execution.undo_of is not None  # "in force" beside what has ended would read as if that still restrained
    match execution.verified:
        case Verified.IN_FORCE:
            return "done, checked" if ends or execution.result is not None else "in force"
        case Verified.PENDING:
            return f"pending{detail}"
        case Verified.MISMATCH:
            again = "no longer" if execution.seen_in_force and execution.change is not None else "not"
            return f"{again} {'as it was put back' if ends else 'in force'}{detail}"
        case Verified.UNREACHABLE:
            return f"could not be checked{detail}"
        case None:
            return "not checked"


def what(execution: Execution) -> str:
    """What an execution did (past tense) or is about. Foreign in part."""
    return execution.summary or execution.title


def typed_reason(execution: Execution) -> str:
    """Why somebody ran it, in that person's words; empty when nothing was typed. An undo's plan words are our own."""
    typed = execution.params.get("why")
    if isinstance(typed, str) and typed.strip():
        return typed.strip()
    return execution.change.why.strip() if execution.change is not None and execution.undo_of is None else ""


def people_known(incident: Incident) -> Sequence[str]:
    """User ids that our own records name: only these may be mentioned."""
    users = [page.user for page in incident.pages] + [execution.by for execution in incident.executions]
    named = [incident.acknowledged_by, incident.commander, incident.resolved_by]
    opened = incident.opened_by.removeprefix("<@").removesuffix(">")
    last = incident.last.text if incident.last is not None else ""
    did = last[2:].partition(">")[0] if last.startswith("<@") else ""  # the projection writes who did it first
    return [*users, opened, *(user for user in (*named, did) if user)]


def kinds(effects: Iterable[Effect]) -> str:
    """The tools behind some effects, each once with its count: ``issue_refund and send_email ×3``. Foreign."""
    tally = Counter(effect.tool for effect in effects)
    names = [name if count == 1 else f"{name} ×{count:,}" for name, count in tally.items()]
    return listed(names if len(names) <= 3 else [*names[:2], f"{len(names) - 2} other tools"])


def drill_mark(incident: Incident) -> str:
    """What every message of a drill begins with, so that nobody takes it for the real thing."""
    return "DRILL · " if incident.drill else ""
