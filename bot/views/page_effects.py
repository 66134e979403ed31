"""The page's table of effects, what is still open, and the mitigations in force."""

from collections.abc import Sequence
from datetime import UTC, datetime

from bot.domain.action import Execution, ExecutionState, Verified
from bot.domain.effect import Effect, EffectOutcome, Reversibility
from bot.domain.incident import Incident, IncidentState
from bot.domain.mitigation import ends_at
from bot.views import limits, recorder_words, words
from bot.views.page_actions import change_words
from bot.views.page_models import EffectGroup, EffectRow, Mitigation, OpenItem
from bot.views.page_text import CHECK, CROSS, OUT, REJECTED, WAIT, Names, countdown, glyph, shape, short, who
from bot.views.page_values import Glyph, when
from bot.views.text import number

_BY_HAND = "Tell the customer or accept it by hand, and add a note; buttons for this come later."
_GROUPS = (
    (
        "Irreversible",
        frozenset({Reversibility.IRREVERSIBLE, Reversibility.UNCLASSIFIED}),
        Reversibility.IRREVERSIBLE,
        "tell whoever it touched, or accept it by hand and add a note",
    ),
    (
        "Compensable",
        frozenset({Reversibility.COMPENSABLE}),
        Reversibility.COMPENSABLE,
        "a counter-action exists, and may cost",
    ),
    (
        "Reversible",
        frozenset({Reversibility.REVERSIBLE}),
        Reversibility.REVERSIBLE,
        "can be put back while nobody else has changed it",
    ),
)


def groups(standing: Sequence[Effect], now: datetime) -> tuple[EffectGroup, ...]:
    """Effects by class, the worst first, rejected attempts last.

    Reads are told apart (``reads_line``), but those that may have carried data out are a group of their own.
    """
    made = []
    for name, classes, kind, meaning in _GROUPS:
        members = [e for e in standing if e.happened and e.reversibility in classes]
        members.sort(key=_still_open)
        if members:
            unclassified = all(e.reversibility is Reversibility.UNCLASSIFIED for e in members)
            mark = shape(Reversibility.UNCLASSIFIED if unclassified else kind)
            made.append(_group(name, members, mark, meaning, now))
    outbound = [e for e in standing if e.reversibility is Reversibility.READ_ONLY and e.outbound is not None]
    if outbound:
        meaning = "the address came from untrusted content; the read may have taken data along"
        made.append(_group("Reads that can carry data out", outbound, OUT, meaning, now))
    rejected = [e for e in standing if not e.happened and e.reversibility is not Reversibility.READ_ONLY]
    if rejected:
        made.append(_group("Rejected attempts", rejected, REJECTED, "shown, not counted as happened", now))
    return tuple(made)


_NEVER = datetime.max.replace(tzinfo=UTC)


def _still_open(effect: Effect) -> tuple[bool, bool, datetime, datetime, int]:
    """What waits for a person first (no substitute, outcome unknown, window closing), then by time."""
    known = effect.outcome is not EffectOutcome.UNKNOWN
    return effect.substitute is not None, known, effect.undo_deadline or _NEVER, effect.at or _NEVER, effect.order


def _group(name: str, members: Sequence[Effect], mark: Glyph, meaning: str, now: datetime) -> EffectGroup:
    shown = members[: limits.PAGE_GROUP]
    left = members[limits.PAGE_GROUP :]
    more = f"and {len(left):,} more: {words.kinds(left)}" if left else ""
    return EffectGroup(mark, name, len(members), meaning, tuple(_row(e, now) for e in shown), short(more, 160))


def _row(effect: Effect, now: datetime) -> EffectRow:
    undo, tone, note, left = _undo(effect, now)
    unknown = effect.outcome is EffectOutcome.UNKNOWN
    unclassified = effect.reversibility is Reversibility.UNCLASSIFIED
    notes = [short(effect.outcome_reason)] if effect.outcome_reason else []
    if unknown:
        notes.append("counted as applied until someone checks")
    return EffectRow(
        glyph=OUT if effect.outbound and effect.reversibility is Reversibility.READ_ONLY else glyph(effect),
        tool=short(effect.tool),
        did=short(_did(effect)),
        rejected=not effect.happened,
        target=short(effect.target or words.argument_words(effect)),
        outcome=words.outcome_words(effect),
        outcome_note=" · ".join(notes),
        unknown=unknown,
        at=None if effect.at is None else when(effect.at),
        undo=undo,
        undo_tone=tone,
        undo_note=note,
        left=countdown(effect.undo_deadline, now) if left and effect.undo_deadline is not None else None,
        substitute=_substitute(effect),
        suggestion=short(recorder_words.suggestion_words(effect), 160) if unclassified else "",
        origins=tuple(short(one, 200) for one in recorder_words.origin_words(effect)[:4]),
    )


def _did(effect: Effect) -> str:
    """What a call did; its target has a column of its own, so it is not said twice."""
    if effect.summary:
        return effect.summary
    return str(effect.money) if effect.money is not None else ""


def _undo(effect: Effect, now: datetime) -> tuple[str, str, str, bool]:
    """Words, colour, a note, and whether a countdown belongs in front."""
    if not effect.happened:
        return "", "", "", False
    words_, deadline, _ = words.way_back(effect, now)
    if deadline is not None and deadline > now:
        return "", "comp", f"{words_} {deadline:%H:%M} UTC", True
    closed = f"closed {deadline:%H:%M} UTC" if deadline is not None else ""
    reason = short(effect.reason) if effect.reversibility is Reversibility.UNCLASSIFIED and effect.reason else ""
    lost = effect.irreversible
    said = "No undo" if lost and effect.reversibility is not Reversibility.UNCLASSIFIED else words_.capitalize()
    return said, "irr" if lost else "", closed or reason, False


def _substitute(effect: Effect) -> str:
    if not effect.happened:
        return ""
    if effect.substitute:
        return short(effect.substitute)
    return "none yet: by hand, with a note" if effect.irreversible else ""


def reads_line(standing: Sequence[Effect]) -> str:
    """Which calls only read, and which of them by guess."""
    reads = [e for e in standing if e.reversibility is Reversibility.READ_ONLY]
    if not reads:
        return ""
    sure = words.kinds([e for e in reads if not e.guessed])
    guessed = words.kinds([e for e in reads if e.guessed])
    parts = [part for part in (sure, f"guessed by name: {guessed}" if guessed else "") if part]
    return f"{number(len(reads), 'call')} only read: {short('; '.join(parts), 240)}."


def open_items(incident: Incident, standing: Sequence[Effect], now: datetime) -> tuple[OpenItem, ...]:
    """What a person must still do: what cannot be undone first, then by what closes soonest.

    Resolving accepts the effects with a reason; an action of ours that nobody is sure of stays open all the same.
    """
    unsure = [_waiting(e) for e in incident.executions if e.state is ExecutionState.AWAITING_APPROVAL]
    unsure += [_execution(e) for e in incident.executions if _needs_somebody(e)]
    if incident.state is IncidentState.RESOLVED:
        return tuple(unsure)
    items: list[OpenItem] = []
    if incident.acknowledged_by is None:
        items.append(OpenItem(WAIT, "Nobody has it yet.", "Acknowledge it in Slack; until then people are woken."))
    if not incident.runs and not words.our_own(incident):
        items.append(OpenItem(WAIT, "What the run did is not known.", "Effects are unknown, not zero."))
    lost = [e for e in standing if e.irreversible and e.substitute is None]
    if lost:
        lead = f"{number(len(lost), 'effect')} cannot be undone: {short(words.kinds(lost))}."
        items.append(OpenItem(glyph(lost[0]), lead, _BY_HAND))
    items += _windows(standing, now)
    items += _unknown_effects(standing)
    return (*items, *unsure)


def _windows(standing: Sequence[Effect], now: datetime) -> list[OpenItem]:
    closing = [e for e in standing if e.changes and e.undo_deadline is not None and e.undo_deadline > now]
    closing.sort(key=lambda e: (e.undo_deadline or now, e.order))
    rows = []
    for effect in closing[:3]:
        verb = "Cancel" if effect.reversibility is Reversibility.COMPENSABLE else "Undo"
        left = None if effect.undo_deadline is None else countdown(effect.undo_deadline, now)
        detail = f"Until {effect.undo_deadline:%H:%M} UTC; after that it cannot be undone."
        rows.append(
            OpenItem(glyph(effect), f"{verb} {short(effect.tool, 40)} {short(_did(effect), 40)}:", detail, left)
        )
    if len(closing) > 3:
        rows.append(
            OpenItem(WAIT, f"{number(len(closing) - 3, 'more window')} closing later.", "See the effects below.")
        )
    return rows


def _unknown_effects(standing: Sequence[Effect]) -> list[OpenItem]:
    unknown = [e for e in standing if e.changes and e.outcome is EffectOutcome.UNKNOWN]
    if not unknown:
        return []
    lead = f"{short(words.kinds(unknown))}: outcome unknown."
    return [OpenItem(glyph(unknown[0]), lead, "Counted as applied until someone checks.")]


def _needs_somebody(execution: Execution) -> bool:
    if execution.state is ExecutionState.UNKNOWN:
        return True
    return execution.in_force_or_may_be and execution.verified in {Verified.MISMATCH, Verified.UNREACHABLE}


def _waiting(execution: Execution) -> OpenItem:
    approval = execution.approval
    by = f"By {short(approval.role, 40)} until {approval.deadline:%H:%M} UTC: {short(approval.why)}" if approval else ""
    return OpenItem(WAIT, f"{short(execution.title)} waits for approval.", by)


def _execution(execution: Execution) -> OpenItem:
    what = short(words.what(execution))
    if execution.state is ExecutionState.UNKNOWN:
        return OpenItem(
            WAIT, f"{what}: unknown, check the target.", "Then press Check, Mark done or Mark not done in Slack."
        )
    return OpenItem(CROSS, f"{what}: not in force.", short(words.verified_words(execution), 160))


def mitigations(incident: Incident, now: datetime, names: Names) -> tuple[Mitigation, ...]:
    """Restraints that hold or may hold. Green only when the enforcing side showed it."""
    return tuple(_mitigation(execution, now, names) for execution in words.in_force(incident))


def _mitigation(execution: Execution, now: datetime, names: Names) -> Mitigation:
    until = ends_at(execution)
    known = execution.state is ExecutionState.SUCCEEDED
    sure = known and execution.verified is Verified.IN_FORCE
    bad = known and execution.verified in {Verified.MISMATCH, Verified.UNREACHABLE}
    before = execution.snapshot.value if execution.snapshot is not None else None
    return Mitigation(
        glyph=CHECK if sure else CROSS if bad else WAIT,
        title=short(words.what(execution)),
        certain=sure,
        ends=f"{until:%-d %b %H:%M} UTC{_said_of_the_end(execution, names, now)}" if until else "never by itself",
        left=countdown(until, now) if until is not None else None,
        then="nothing was set before" if before in (None, "", False, {}) else f"back to {short(str(before), 40)}",
        by=_by(execution, names),
        state=short(_state(execution, now), 140),
        change=change_words(execution),
    )


def _by(execution: Execution, names: Names) -> str:
    by = f"{who(execution.by, names)} {execution.at:%H:%M:%S}"
    if execution.broke_glass is not None:
        return f"{by}, broke glass: {short(execution.broke_glass, 80)}"
    approval = execution.approval
    return f"{by}, approved by {who(approval.by, names)}" if approval is not None and approval.by else by


def _state(execution: Execution, now: datetime) -> str:
    if execution.state is not ExecutionState.SUCCEEDED:
        return "outcome unknown, check the target" if execution.state is ExecutionState.UNKNOWN else "being set"
    known = execution.known_at if execution.verified is Verified.PENDING else None
    return words.verified_words(execution) + (f", known by {known:%H:%M} UTC" if known and known > now else "")


def _said_of_the_end(execution: Execution, names: Names, now: datetime) -> str:
    said = f", extended by {who(execution.extended_by, names)}" if execution.extended_by else ""
    if execution.expiry_answer is not None:
        answers = {"lapse": "then it lapses", "permanent": "a lasting fix was asked for"}
        return f"{said}, {answers.get(execution.expiry_answer, execution.expiry_answer)}"
    if execution.expiry_asked_at is not None:
        return f"{said}, {who(execution.by, names)} was asked what then"
    asks = execution.ask_at
    return f"{said}, {who(execution.by, names)} is asked {asks:%H:%M}" if asks is not None and asks > now else said
