"""The root message: one per incident, edited in place (PRODUCT.md, "The root message").

At most 12 blocks and under 10 kB whatever the incident holds: foreign texts are cut, and cut shorter where many long
ones come together. Blast radius first; words carry the meaning alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from bot.domain.effect import EffectCounts, counts
from bot.domain.incident import Incident, IncidentState
from bot.plugin import OfferView
from bot.views import blocks as b
from bot.views import limits, recorder_words, words
from bot.views.blocks import Block, Card
from bot.views.card_buttons import containment, lifecycle, unknown_rows, why_first
from bot.views.card_results import Width, result_rows
from bot.views.card_rows import effect_rows, reported
from bot.views.text import clock, code, cut_escaped, duration, foreign, listed, moment, number, own_words, person

_SCALES = (1.0, 0.6, 0.35, 0.2, 0.1, 0.0)


@dataclass(frozen=True, slots=True)
class _View:
    incident: Incident
    offers: Sequence[OfferView]
    now: datetime
    page_url: str | None
    repeats: int
    tally: EffectCounts
    scale: float

    def width(self, full: int) -> int:
        return max(8, int(full * self.scale))


def card(
    incident: Incident,
    offers: Sequence[OfferView],
    now: datetime,
    *,
    page_url: str | None = None,
    repeats: int = 0,
) -> Card:
    """The root message as it should stand at ``now``.

    ``offers`` come most useful first. ``page_url`` is our own page without any token (None: only by the menu);
    ``repeats`` how often sources sent the firing alerts of this incident.
    """
    tally = counts(words.standing(incident, now))
    made = Card("", ())
    for scale in _SCALES:
        view = _View(incident, offers, now, page_url, repeats, tally, scale)
        made = Card(_sentence(incident, tally, now, view.width), tuple(_blocks(view)))
        if made.size < limits.CARD_BYTES:
            break
    return made


def _full(length: int) -> int:
    return length


def sentence(incident: Incident, now: datetime, width: Width = _full) -> str:
    """The card in one full sentence or two, at most 300 characters: for notifications and screen readers."""
    return _sentence(incident, counts(words.standing(incident, now)), now, width)


def _sentence(incident: Incident, tally: EffectCounts, now: datetime, width: Width) -> str:
    severity = foreign(incident.severity, 12)
    about = foreign(words.subject(incident), width(60))
    match incident.state:
        case IncidentState.RESOLVED:
            by = person(incident.resolved_by or "pullcord")
            after = f" after {duration(incident.resolved_at - incident.opened_at)}" if incident.resolved_at else ""
            text = f"{severity} of {about} resolved by {by}{after}: {_clause(incident.resolution or '', width)}"
        case IncidentState.OPEN:
            text = f"{severity}: {_did(incident, tally, now, width)} {_woken(incident)}"
        case _:
            has = person(incident.acknowledged_by or "pullcord")
            led = f", commander {person(incident.commander)}" if incident.commander else ""
            text = f"{severity} {incident.state.value}, {has} has it{led}: {_did(incident, tally, now, width)}"
    return cut_escaped(words.drill_mark(incident) + text, limits.SENTENCE)


def _did(incident: Incident, tally: EffectCounts, now: datetime, width: Width) -> str:
    about = foreign(words.subject(incident), width(60))
    if words.our_own(incident):
        return f"{foreign(incident.name, width(120))}."
    if not incident.runs and words.declared_by(incident) is not None:
        return _clause(words.title(incident, tally), width)
    if not incident.runs:
        return f"what {about} did is not known yet."
    if not tally.changes:
        return f"{about} changed nothing outside its run."
    if not tally.no_way_back:
        return f"{about} did {number(tally.changes, 'thing')} that can be undone or compensated."
    lost = islice(words.standing(incident, now), tally.no_way_back)
    what = foreign(words.kinds(lost), width(80))
    return f"{about} did {number(tally.no_way_back, 'thing')} that cannot be undone ({what})."


def _woken(incident: Incident) -> str:
    users = words.said_on_call(incident)
    return f"On call: {listed(person(u) for u in users[:3])}. Nobody has it yet." if users else "Nobody has it yet."


def _clause(reason: str, width: Width) -> str:
    shown = foreign(reason, width(120)) or "no reason was given"
    return shown if shown.endswith((".", "…", "!", "?")) else f"{shown}."


def _blocks(v: _View) -> list[Block]:
    incident = v.incident
    made = [
        b.header(_header(v)[: v.width(limits.HEADER_TEXT)]),
        b.section(_blast(v)),
    ]
    if rows := effect_rows(incident, v.now, v.width, v.tally):
        made.append(b.section("\n".join(rows)))
    if line := _unseen(v):
        made.append(b.context(line))
    made.append(b.fields(_status(v)))
    if rows := result_rows(incident, v.now, v.width):
        made.append(b.section("\n".join(rows)))
    made += unknown_rows(incident, v.width)
    if buttons := lifecycle(incident):
        made.append(b.actions("lifecycle", buttons))
    if buttons := containment(incident, v.offers, v.width):
        made.append(b.actions("containment", buttons))
    if troubles := [foreign(text, v.width(160)) for text in incident.degraded[-2:]]:
        made.append(b.context("\n".join(f"⚠ {text}" for text in troubles)))
    made.append(b.context(_foot(v)))
    return made


def _header(v: _View) -> str:
    return f"{words.drill_mark(v.incident)}{v.incident.severity} · {words.title(v.incident, v.tally)}"


def _blast(v: _View) -> str:
    lead, rest = words.blast(v.incident, v.tally)
    lines = [f"*{lead}* {rest}".rstrip()]
    if said := reported(v.incident, v.width):
        lines.append(said)
    absent = words.missing(v.incident)
    lines += [foreign(text, v.width(240)) for text in absent[:2]]
    if not v.incident.runs and (said := recorder_words.offered_words(v.incident.offered, v.incident.agent)):
        lines.append(foreign(f"{said[:1].upper()}{said[1:]}.", v.width(240)))
    if len(absent) > 2:
        lines.append(f"and {number(len(absent) - 2, 'more run')} that could not be read")
    return "\n".join(lines)


def _unseen(v: _View) -> str:
    """Recorder gaps, and the reads with the way to correct a wrong guess."""
    parts = []
    if said := _changed(v):
        parts.append(said)
    if gaps := words.not_recorded(v.incident):
        more = f" and {len(gaps) - 6} more" if len(gaps) > 6 else ""
        parts.append(f"⚪ {_captured(v)}not recorded: {', '.join(foreign(g, v.width(40)) for g in gaps[:6])}{more}")
    parts += [foreign(text, v.width(200)) for text in _notes(v)]
    if reads := words.reads(v.tally):
        parts.append(f"{reads}{_correct(v) if v.tally.guessed else ''}")
    return "\n".join(parts)


def _changed(v: _View) -> str:
    """What differs from the last good runs, most telling first, with counts."""
    run = words.worst_run(v.incident)
    compared = v.incident.compared_run(run.summary.trace_id) if run is not None else None
    said = recorder_words.compared_words(compared, v.now)
    return foreign(said[:1].upper() + said[1:], v.width(420)) if said else ""


def _captured(v: _View) -> str:
    run = words.worst_run(v.incident)
    capture = run.summary.capture if run is not None else None
    return f"captured {capture.found} of {capture.wanted}; " if capture is not None and capture.wanted else ""


def _notes(v: _View) -> list[str]:
    """Why this recording of the run and not another, and what of it was cut or only partly there."""
    run = words.worst_run(v.incident)
    if run is None:
        return []
    source = [f"read from {run.source}: {run.source_note}"] if run.source_note else []
    return [*source, *run.summary.notes][:2]


def _correct(v: _View) -> str:
    """How a wrong guess is corrected: by the button where the verb is offered, else by the catalogue."""
    if not v.incident.open:
        return ""
    classify = next((o for o in v.offers if o.action == "classify_tool" and o.asks and o.undo_of is None), None)
    if classify is None:
        return "; a wrong guess is corrected under `tools:` in the configuration"
    return f"; wrong? Press {foreign(classify.label, v.width(50))}"


def _status(v: _View) -> list[str]:
    incident, now = v.incident, v.now
    facts = [f"*Status*\n{_state(incident, now)}"]
    if incident.state is IncidentState.RESOLVED:
        facts.append(f"*Why*\n{foreign(incident.resolution or 'no reason was given', v.width(200))}")
    else:
        facts.append(f"*Commander*\n{person(incident.commander) if incident.commander else 'nobody yet'}")
    run = words.worst_run(incident)
    if run is not None:
        facts.append(f"*Model*\n{_model(run.summary.model_requested, run.summary.model_served, v.width(50))}")
    facts.append(f"*Run*\n{_run(v)}")
    return facts


def _state(incident: Incident, now: datetime) -> str:
    words_ = words.state_words(incident)
    if incident.state is IncidentState.RESOLVED and incident.resolved_at is not None:
        lasted = duration(incident.resolved_at - incident.opened_at)
        by = person(incident.resolved_by or "pullcord")
        return f"Resolved {moment(incident.resolved_at, now)} by {by}, after {lasted}"
    if incident.acknowledged_by and incident.acknowledged_at is not None:
        cleared = " · alert cleared" if incident.alerts and incident.alert_state.value == "cleared" else ""
        return f"{words_} · {person(incident.acknowledged_by)} {moment(incident.acknowledged_at, now)}{cleared}"
    users = words.said_on_call(incident)
    woken = f" · on call {listed(person(u) for u in users[:3])}" if users else " · nobody was woken yet"
    ended = " · nobody is left to wake" if incident.escalation_ended else ""
    return f"{words_}{woken}{ended}"


def _model(asked: str | None, served: str | None, width: int) -> str:
    left = f"asked {code(asked, width)}" if asked else "asked: not recorded"
    right = f"served {code(served, width)}" if served else "served: not recorded"
    return f"{left} · {right}"


def _run(v: _View) -> str:
    run = words.worst_run(v.incident)
    if run is None:
        named = next((m.trace_id for m in v.incident.missing if m.trace_id), None)
        return f"{code(words.short_trace(named), 12)} not found" if named else "none was named"
    parts = [code(words.short_trace(run.summary.trace_id), 12)]
    if len(v.incident.runs) > 1:
        parts.append(f"+{number(len(v.incident.runs) - 1, 'run')}")
    similar = recorder_words.still_similar(v.incident, run.summary.trace_id)
    if said := recorder_words.similar_words(similar):
        parts.append(said)
    if v.repeats > 1:
        parts.append(f"alert seen {v.repeats:,} times")
    return " · ".join(parts)


def _foot(v: _View) -> str:
    incident = v.incident
    parts = [foreign(incident.id, 20), f"opened {moment(incident.opened_at, v.now)}"]
    if incident.last is not None:
        said = own_words(incident.last.text, words.people_known(incident), v.width(150))
        mark = _last_mark(incident)
        parts.append(f"last: {said} {clock(incident.last.at)}{mark}")
    if v.page_url is not None:
        parts.append(f"<{v.page_url}|timeline>")
    why = why_first(incident, v.offers)
    lead = f"🪜 {foreign(why, v.width(300))}\n" if why else ""  # right under the buttons that it is about
    return lead + " · ".join(parts)


def _last_mark(incident: Incident) -> str:
    ended = [e for e in incident.executions if e.ended_at is not None]
    newest = max(ended, key=lambda e: e.ended_at or e.at, default=None)
    if newest is None or incident.last is None or newest.ended_at != incident.last.at or newest.verified is None:
        return ""
    mark = "✓ " if newest.verified.value == "in_force" else ""
    return f" {mark}{words.verified_words(newest.model_copy(update={'verified_detail': None}))}"
