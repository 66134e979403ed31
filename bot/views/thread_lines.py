"""The thread under the card: one line for each entry that people should read. mrkdwn, foreign words escaped and cut.

Events that only the machinery needs (a request, a message's place) have no line; the heads of the chain are posted by
the poster, which knows when.
"""

import re
from collections.abc import Callable
from typing import Any

from bot.domain import events as ev
from bot.domain.effect import Effect, counts, ranked
from bot.domain.incident import Incident
from bot.domain.run import Completeness
from bot.views import limits, recorder_words, words
from bot.views.action_lines import ACTION_LINES
from bot.views.card_rows import effect_row
from bot.views.line_parts import by_whom
from bot.views.text import (
    clock,
    code,
    cut_escaped,
    day_and_clock,
    escape,
    foreign,
    listed,
    mention,
    number,
    person,
)

_PERMALINK = re.compile(r"^https://[a-z0-9-]+(?:\.enterprise)?\.slack\.com/archives/[A-Z0-9]+/p\d+(?:\?[\w=&.-]*)?$")
_HOW = {"mention": "by a mention", "direct_message": "by a direct message"}


def thread_line(entry: ev.Entry, incident: Incident) -> str | None:
    """The thread's line for an entry (at most 2,500 characters), or None for one that the thread does not tell."""
    tell = _LINES.get(type(entry.event))
    line = tell(entry.event, incident) if tell is not None else None
    return None if line is None else cut_escaped(words.drill_mark(incident) + line, limits.THREAD_LINE)


def _opened(event: ev.IncidentOpened, _: Incident) -> str:
    about = foreign(event.agent or "an agent that was not named", 80)
    said = f": {foreign(event.summary, 300)}" if event.summary else ""
    source = f" by {foreign(event.alert.source, 40)}" if event.alert is not None else f" by {by_whom(event.by)}"
    return f"*Opened{source}:* {foreign(event.severity, 12)} · {about} · {foreign(event.name, 120)}{said}"


def _joined(event: ev.AlertJoined, _: Incident) -> str:
    run = f", run {code(words.short_trace(event.alert.trace_id), 12)}" if event.alert.trace_id else ", without a run"
    return f"*One more alert joined:* {foreign(event.alert.name, 120)}{run}"


def _cleared(event: ev.AlertResolved, _: Incident) -> str:
    when = f" {clock(event.ends_at)}" if event.ends_at is not None else ""
    return f"*The source says the alert is over{when}.* The incident stays open: effects do not vanish."


def _severity(event: ev.SeveritySet, _: Incident) -> str:
    return f"*Severity is {foreign(event.severity, 12)}:* {foreign(event.why, 200)}"


def _run_missing(event: ev.RunMissing, _: Incident) -> str:
    named = f"No run found for {code(words.short_trace(event.trace_id), 12)}" if event.trace_id else "No run was named"
    until = f" It is looked for until {clock(event.until)}." if event.until is not None else ""
    return f"*{named}:* {foreign(event.reason, 300)} Effects are unknown, not zero.{until}"


def _run_attached(event: ev.RunAttached, incident: Incident) -> str:
    run = event.run
    asked = f"asked {code(run.model_requested, 60)}" if run.model_requested else "asked model not recorded"
    served = f"served {code(run.model_served, 60)}" if run.model_served else "served model not recorded"
    open_end = " The end of the run is not there yet." if run.completeness is Completeness.MISSING_ROOT else ""
    gaps = ", ".join(foreign(gap.field, 60) for gap in run.gaps[:12])
    frozen = f"*Run {code(words.short_trace(run.trace_id), 12)} is frozen as evidence:*"
    steps = f"{number(run.steps, 'step')} from {foreign(event.source, 40)}"
    lines = [f"{frozen} {steps}, {asked}, {served}, sha256 {code(event.evidence[:16] + '…', 20)}.{open_end}"]
    if len(incident.runs) > limits.THREAD_RUNS:
        return lines[0]
    lines += [foreign(text, 300) for text in (event.source_note, *run.notes[:4]) if text]
    if gaps:
        verdict = recorder_words.capture_words(run.capture)
        lines.append(f"⚪ {foreign(verdict, 300)}" if verdict else f"⚪ not recorded: {gaps}")
    return "\n".join(lines)


def _effects(event: ev.EffectsListed, incident: Incident) -> str | None:
    """In full where the card has no room for them: more than five changes. Of many runs how many of each class."""
    changes = ranked(event.effects)[: counts(event.effects).changes]
    changes = tuple(effect for effect in changes if event.new is None or effect.id in event.new)
    if not changes or counts(incident.effects).changes <= limits.EFFECT_ROWS:
        return None
    run = code(words.short_trace(event.trace_id), 12)
    if len(incident.runs) > limits.THREAD_RUNS:
        did = recorder_words.counts_words(counts(event.effects))
        return f"*Effects of run {run}:* {did}; each is on the timeline page"
    rows = [f"*{'Effects' if event.new is None else 'More effects'} of run {run}, the worst first:*"]
    size = len(rows[0])
    for effect in changes[: limits.THREAD_ROWS]:
        row = _row(effect, event)
        if size + len(row) > limits.THREAD_LINE - 80:
            break
        rows.append(row)
        size += len(row) + 1
    left = len(changes) - len(rows) + 1
    return "\n".join([*rows, f"and {left:,} more on the timeline page"] if left else rows)


def _changes(event: ev.ChangesFound, _: Incident) -> str | None:
    """What this timeline did not say before: a run is compared again each time that more of it comes."""
    run = code(words.short_trace(event.trace_id), 12)
    if event.new == ():
        return None
    against = number(event.compared, "recent good run")
    if not event.changes:
        if event.compared:
            blind = f" Not recorded, so not compared: {listed(event.unrecorded)}." if event.unrecorded else ""
            return f"*Nothing changed* in run {run} against {against} of its kind.{blind}"
        return f"*Run {run} was not compared:* {foreign(event.note or 'there is no good run of its kind', 300)}"
    places = range(len(event.changes)) if event.new is None else event.new
    new = [event.changes[place] for place in places if place < len(event.changes)]
    rows = [f"• {foreign(recorder_words.difference_words(change), 300)}" for change in new[:12]]
    more = [f"and {len(new) - 12:,} more on the timeline page"] if len(new) > 12 else []
    more += [foreign(event.note, 200)] if event.note else []
    also = "Also changed" if len(new) < len(event.changes) else "Changed"
    return "\n".join([f"*{also} in run {run}* against {against}:", *rows, *more])


def _similar(event: ev.SimilarRunsFound, _: Incident) -> str | None:
    """The groups that were not named before; how far they grew is on the card."""
    groups = [group for group in event.groups if event.new is None or group.id in event.new]
    if not event.runs or not groups:
        return None
    rows = [f"• {foreign(recorder_words.group_words(group), 400)}" for group in groups[:8]]
    many = f"*{number(event.runs, 'more run looks', 'more runs look')} the same*"
    looked = f"of {number(event.searched, 'recorded run')}"
    return "\n".join([f"{many} {looked}. They join only when a person adds them:", *rows])


def _offered(event: ev.RunsOffered, incident: Incident) -> str:
    whose = f" of {foreign(incident.agent, 60)}" if incident.agent else ""
    if not event.total:
        return f"*No run{whose} was recorded* in the alert's window."
    rows = [
        f"• {code(words.short_trace(line.trace_id), 12)} {foreign(recorder_words.line_words(line), 200)}"
        for line in event.lines[:8]
    ]
    head = f"*{number(event.total, 'run')}{whose} ended in its window;* press Choose run on the card:"
    return "\n".join([head, *rows])


def _runs_added(event: ev.RunsAdded, _: Incident) -> str:
    named = ", ".join(code(words.short_trace(trace), 12) for trace in event.trace_ids[:12])
    more = f" and {len(event.trace_ids) - 12:,} more" if len(event.trace_ids) > 12 else ""
    return f"*{by_whom(event.by)} added {number(len(event.trace_ids), 'run')}:* {named}{more}"


def _row(effect: Effect, event: ev.EffectsListed) -> str:
    return effect_row(effect, event.at, lambda full: full)


def _slack_refused(event: ev.SlackRefused, _: Incident) -> str:
    asked = f"Slack answered {code(event.error, 60)} to {code(event.method, 60)}"
    return f"⚠ {foreign(event.consequence, 300)} ({asked})"


def _paged(event: ev.PersonPaged, incident: Incident) -> str:
    if incident.drill:  # no mention: it would wake them
        return f"Would have paged {foreign(event.detail or event.user, 200)}. Nobody was."
    how = _HOW.get(event.how, foreign(event.how, 40))
    detail = f": {foreign(event.detail, 200)}" if event.detail else ""
    arrived = "delivered" if event.delivered else "*not delivered*"
    return f"*Woken:* {mention(event.user)} {how}, {arrived}{detail}"


def _escalation_ended(event: ev.EscalationEnded, _: Incident) -> str:
    return f"⚠ *Nobody is left to wake:* {foreign(event.reason, 300)}"


def _acknowledged(event: ev.Acknowledged, _: Incident) -> str:
    return f"*{by_whom(event.by)} has it.* Paging stopped."


def _command(event: ev.CommandTaken, _: Incident) -> str:
    return f"*{by_whom(event.by)} took command.*"


def _note(event: ev.NoteAdded, _: Incident) -> str:
    quoted = "\n".join(f"> {foreign(line, 600)}" for line in event.text.splitlines()[:8] if line.strip())
    if not event.pinned:
        return f"*{by_whom(event.by)} noted:*\n{quoted}"
    author = person(event.author) if event.author else "somebody"
    when = f" {day_and_clock(event.said_at)}" if event.said_at is not None else ""
    safe = event.permalink is not None and _PERMALINK.match(event.permalink)
    where = f" (<{escape(event.permalink or '')}|message>)" if safe else ""
    return f"📌 *{by_whom(event.by)} put a message on the timeline,* written by {author}{when}{where}\n{quoted}"


def _resolved(event: ev.IncidentResolved, incident: Incident) -> str:
    still = words.in_force(incident)
    left = f"\nStill in force: {', '.join(foreign(words.what(e), 80) for e in still[:6])}" if still else ""
    return f"*{by_whom(event.by)} resolved it:* {foreign(event.reason, 600)}{left}"


def _dropped(event: ev.WorkDropped, _: Incident) -> str:
    return f"⚠ *A step was given up after five tries* ({code(event.work, 40)}): {foreign(event.reason, 300)}"


_LINES: dict[type, Callable[[Any, Incident], str | None]] = {
    ev.IncidentOpened: _opened,
    ev.AlertJoined: _joined,
    ev.AlertResolved: _cleared,
    ev.SeveritySet: _severity,
    ev.RunMissing: _run_missing,
    ev.RunAttached: _run_attached,
    ev.EffectsListed: _effects,
    ev.ChangesFound: _changes,
    ev.SimilarRunsFound: _similar,
    ev.RunsOffered: _offered,
    ev.RunsAdded: _runs_added,
    ev.SlackRefused: _slack_refused,
    ev.PersonPaged: _paged,
    ev.EscalationEnded: _escalation_ended,
    ev.Acknowledged: _acknowledged,
    ev.CommandTaken: _command,
    ev.NoteAdded: _note,
    ev.IncidentResolved: _resolved,
    ev.WorkDropped: _dropped,
    **ACTION_LINES,
}
