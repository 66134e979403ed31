import re
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings

from bot.domain import events as ev
from bot.domain.incident import Incident, IncidentState
from bot.domain.run import Run, RunError, RunStatus, Step, StepKind
from bot.views.page import incident_page
from bot.views.page_list import list_page
from bot.views.page_models import IncidentPage
from tests.support import hostile
from tests.support.page_reader import read
from tests.support.render_pages import Verdict, render, sample_rows
from tests.support.sample_incident import (
    NOW,
    PULL,
    START,
    TRACE,
    at,
    chain,
    opening,
    resolved_entries,
    sample_effects,
    sample_entries,
    sample_incident,
    sample_run,
)

ENTRIES = sample_entries()
INCIDENT = sample_incident(ENTRIES)
RUNS = {TRACE: sample_run()}


def page_of(incident: Incident = INCIDENT, entries: list[ev.Entry] | None = None, **more: object) -> IncidentPage:
    """The page of the sample, or of another incident."""
    given_entries = ENTRIES if entries is None else entries
    return incident_page(incident, NOW, **{"runs": RUNS, "entries": given_entries, **more})  # type: ignore[arg-type]


def test_effects_are_grouped_by_how_far_they_can_be_undone() -> None:
    """Irreversible first, rejected attempts last; inside a group what is still open first."""
    page = page_of()
    assert [(g.name, g.count) for g in page.groups] == [
        ("Irreversible", 2),
        ("Compensable", 1),
        ("Reversible", 4),
        ("Rejected attempts", 3),
    ]
    assert page.groups[2].rows[0].tool == "apply_coupon"
    assert page.groups[2].rows[0].glyph.symbol == "i-rev-unk"
    assert page.groups[2].rows[0].outcome_note == "no reply in 5.0 s · counted as applied until someone checks"
    assert page.reads == "2 calls only read: get_order; guessed by name: search_policy."


def test_without_a_target_the_calls_arguments_are_shown() -> None:
    """Short ones only, as text; and nothing is asked for that nobody can do here yet."""
    bare = sample_effects()[5].model_copy(
        update={"target": None, "arguments": {"amount_minor": 42000, "customer": "<b>cus_81</b>", "lines": [1, 2]}}
    )
    entries = chain(opening([bare]))
    page = page_of(sample_incident(entries), entries)
    assert page.groups[0].rows[0].target == "amount_minor 42000, customer <b>cus_81</b>"
    html = render("incident.html", page)
    assert "customer &lt;b&gt;cus_81&lt;/b&gt;" in html
    assert "named acceptance" not in html
    assert "0 of" not in html


def test_a_refusal_and_a_reason_name_people_and_not_their_ids() -> None:
    """What was typed is quoted; who may is said with names."""
    told = [
        entry.model_copy(update={"event": entry.event.model_copy(update={"who_may": "commander: <@U0DANA>"})})
        if isinstance(entry.event, ev.ActionRefused)
        else entry
        for entry in ENTRIES
    ]
    page = page_of(entries=told, names={"U0DANA": "dana"})
    notes = [row.note for row in page.people]
    assert any(note.endswith("Who may: commander: @dana.") for note in notes)
    assert "“refunds ten times too high”" in notes


def test_who_has_it_is_the_same_in_the_list_and_on_the_page() -> None:
    """Whoever acknowledged has it; the commander stands beside."""
    row = sample_rows()[0].model_copy(
        update={"state": IncidentState.ACKNOWLEDGED, "acknowledged_by": "U0LEE", "commander": "U0DANA"}
    )
    shown = list_page([row], NOW, names={"U0LEE": "lee", "U0DANA": "dana"}).groups[0].rows[0]
    assert (shown.who, shown.who_note) == ("@lee", "commander @dana")


def test_what_is_still_open_names_the_deadline() -> None:
    """What a person must do, with the time left, in the order of urgency."""
    leads = [item.lead for item in page_of().open_items]
    assert leads == [
        "2 effects cannot be undone: issue_refund and send_email.",
        "Cancel book_courier return pickup:",
        "apply_coupon: outcome unknown.",
        "paused refund-bot: unknown, check the target.",
    ]
    assert page_of().open_items[1].left is not None


def test_resolving_does_not_hide_an_action_that_nobody_is_sure_of() -> None:
    """The effects were accepted with a reason; an unknown outcome of ours still waits for somebody to look."""
    leads = [item.lead for item in page_of(sample_incident(resolved_entries())).open_items]
    assert leads == ["paused refund-bot: unknown, check the target."]


def test_a_mitigation_is_green_only_when_it_was_seen_in_force() -> None:
    """Revoked and read back is certain; pinned and not yet read is not; unknown is not."""
    assert [(m.title, m.certain, m.glyph.symbol) for m in page_of().mitigations] == [
        ("revoked issue_refund from refund-bot", True, "i-check"),
        ("pinned refund-bot to gpt-x-2026-03-12", False, "i-wait"),
        ("paused refund-bot", False, "i-wait"),
    ]


def test_an_action_is_one_row_with_four_stages() -> None:
    """Requested, approved, executed, verified; a refused one says why and has none."""
    rows = {row.what: row for row in page_of().people}
    assert [(s.tone, s.name) for s in rows["revoked issue_refund from refund-bot"].stages] == [
        ("happened", "Requested"),
        ("na", "Approved"),
        ("happened", "Executed"),
        ("happened", "Verified"),
    ]
    pinned = rows["pinned refund-bot to gpt-x-2026-03-12"].stages[3]
    assert (pinned.tone, pinned.note) == ("waits", "pending: the agent last read its state at 03:09:20")
    paused = rows["asked for: Pause agent"].stages[2]
    assert (paused.tone, paused.note) == ("waits", "unknown, check the target")
    assert rows["was refused: Resume agent"].stages == ()
    assert rows["was refused: Resume agent"].note == "Resuming loosens a restraint. Who may: commander: Dana."


def test_every_entry_is_accounted_for_by_its_row() -> None:
    """Each row shows six digits of its newest entry's code and names all of its entries."""
    rows = page_of().people
    codes = {entry.seq: entry.mac[:6] for entry in ENTRIES}
    named: set[int] = set()
    for row in rows:
        numbers = [int(n) for n in re.findall(r"\d+", row.entries)]
        places = set(range(numbers[0], numbers[-1] + 1)) if " to " in row.entries else set(numbers)
        assert row.hash == codes[max(places)]
        named |= places
    assert named == set(codes)


def test_the_agents_lane_nests_and_marks_effects() -> None:
    """21 steps, plans with their model call below, every effect with its shape and a sentence."""
    lane = page_of().agent
    assert lane is not None
    assert len(lane.rows) == 21
    assert [row.depth for row in lane.rows[:3]] == [0, 1, 2]
    refund = next(row for row in lane.rows if row.name == "issue_refund" and row.effect == "e-irr")
    assert refund.spoken == "irreversible, applied, starts at 11.9 seconds, takes 1.2 seconds"
    assert lane.ticks[1].text == "5 s"
    assert sum(row.down for row in lane.rows) == sum(row.up for row in lane.rows)


def _long_run(count: int, *, parents: bool = False) -> Run:
    steps = [
        Step(
            span_id=f"{n + 1001:016x}",
            parent_id=f"{n + 1000:016x}" if parents and n else None,
            kind=StepKind.RETRIEVAL,
            name="search",
            started_at=START + timedelta(milliseconds=n),
            ended_at=START + timedelta(milliseconds=n + 200 + n % 700),
            status=RunStatus.ERROR if n == count // 2 else RunStatus.OK,
            error=RunError(message="boom") if n == count // 2 else None,
        )
        for n in range(count)
    ]
    return sample_run().model_copy(update={"steps": tuple(steps)})


def test_ten_thousand_like_steps_fold_and_the_failure_stays_seen() -> None:
    """Runs of like steps are one row with their span; what failed keeps a row of its own."""
    entries = chain(opening([]))
    lane = page_of(sample_incident(entries), entries, runs={TRACE: _long_run(10_000)}).agent
    assert lane is not None
    assert [row.name for row in lane.rows] == ["search ×5,000", "search", "search ×4,999"]
    assert lane.rows[0].length == "0.2–0.9 s"
    assert lane.rows[1].note == "failed: boom"
    assert lane.note == "10,000 steps in 3 rows: like steps that changed nothing are folded."


def test_what_cannot_fold_is_paged_with_links() -> None:
    """200 rows a page; a page that begins deep inside a branch is well nested too; levels end at eight."""
    runs = {TRACE: _long_run(1_000, parents=True)}
    entries = chain(opening([]))
    incident = sample_incident(entries)
    lane = page_of(incident, entries, runs=runs, rows_from=200).agent
    assert lane is not None
    assert len(lane.rows) == 200
    assert max(row.depth for row in lane.rows) == 8
    assert [link.text for link in lane.pages] == ["1–200", "201–400", "401–600", "601–800", "801–1,000"]
    assert lane.pages[2].href == f"/incidents/INC-42?run={TRACE}&from=400#timeline"
    assert lane.pages[1].current
    read(render("incident.html", page_of(runs=runs, rows_from=200)))
    read(render("incident.html", page_of(runs=runs)))


def test_a_circle_of_parents_is_shown_once_each() -> None:
    """A broken trace ends neither the walk nor the page."""
    steps = [
        step.model_copy(update={"parent_id": f"{(n + 1) % 5 + 1001:016x}"}) for n, step in enumerate(_long_run(5).steps)
    ]
    entries = chain(opening([]))
    run = sample_run().model_copy(update={"steps": tuple(steps)})
    lane = page_of(sample_incident(entries), entries, runs={TRACE: run}).agent
    assert lane is not None
    assert len(lane.rows) == 5


def test_a_broken_chain_marks_what_cannot_be_relied_on() -> None:
    """One red strip, and every entry from the bad one on is marked."""
    page = page_of(verdict=Verdict(ok=False, entries=16, head="ab", first_bad=17, reason="its code does not fit"))
    assert page.strips[0].text == "Entry 17 does not match its hash. Do not rely on entries from 17 on."
    assert [row.distrusted for row in page.people].count(True) == 2
    assert page.chain == "Chain broken from entry 17 on: its code does not fit"
    assert "Not to be relied on" in render("incident.html", page)


def test_an_intact_chain_says_so() -> None:
    """How many entries, which head, checked when."""
    page = page_of(verdict=Verdict(ok=True, entries=20, head="eb719f22"))
    assert page.chain == "Chain intact: 20 entries, head eb719f, checked 03:21:40."


def test_a_missing_run_is_said_and_the_people_still_shown() -> None:
    """Effects are unknown, not zero; the people's lane stays."""
    missing = ev.RunMissing(at=at("03:03:00"), by=PULL, trace_id=TRACE, reason="Tried 3 times until 03:04.")
    entries = chain([opening()[0], missing])
    page = page_of(sample_incident(entries), entries, runs={})
    said = "No run found for 4f1c9e27…: Tried 3 times until 03:04."
    assert [strip.text for strip in page.strips] == [said]
    assert page.no_effects == f"{said} Effects are unknown, not zero."
    assert page.agent is None
    assert [row.what for row in page.people] == [
        "Alert RefundAmountAnomaly opened SEV2",
        "No run found for 4f1c9e27…",
    ]


def test_a_run_without_effects_shows_its_steps() -> None:
    """Reads only."""
    entries = chain(opening(sample_effects()[:2]))
    page = page_of(sample_incident(entries), entries)
    assert page.no_effects == "The run changed nothing outside itself."
    assert page.agent is not None


def test_a_copy_says_since_when_it_is_one() -> None:
    """The store is away: an amber strip above everything."""
    page = page_of(stale="The record cannot be read since 03:20:10. This is the copy of 03:20:08.")
    assert (page.strips[0].tone, page.strips[0].text[:28]) == ("warn", "The record cannot be read si")


def test_more_than_twenty_effects_of_a_group_are_summed() -> None:
    """Twenty rows, then how many more; the count stays exact."""
    many = [sample_effects()[5].model_copy(update={"id": f"e{n}", "order": n + 1}) for n in range(512)]
    entries = chain(opening(many))
    group = page_of(sample_incident(entries), entries).groups[0]
    assert (group.count, len(group.rows), group.more) == (512, 20, "and 492 more: issue_refund ×492")


@pytest.mark.parametrize("names", [{}, {"U0LEE": "<b>lee</b>"}])
def test_the_page_is_well_formed_and_acts_on_nothing(names: dict[str, str]) -> None:
    """No inline style or script, no address but ours, one heading, every element closed."""
    page = page_of(names=names, verdict=Verdict(ok=True, entries=20, head="ab"), repeats={INCIDENT.alerts[0].id: 4})
    reader = read(render("incident.html", page))
    assert ("@<b>lee</b>" if names else "@U0LEE") in "".join(reader.text)


def test_the_list_puts_what_nobody_has_first() -> None:
    """Open before contained before resolved; inside open nobody's first, then by severity."""
    page = list_page(sample_rows(), NOW, undo={"INC-42": at("04:00:00")}, next_before=35)
    assert [(g.name, [r.id for r in g.rows]) for g in page.groups] == [
        ("Open", ["INC-43", "INC-42", "INC-40"]),
        ("Contained", ["INC-39"]),
        ("Resolved", ["INC-36"]),
    ]
    assert page.summary == "3 open, 1 with nobody · 1 contained · 1 resolved"
    assert page.groups[0].rows[1].left is not None
    assert page.older is not None
    read(render("incidents.html", page))
    read(render("incidents.html", list_page([], NOW)))


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(hostile.events())
def test_no_incident_breaks_the_page(told: list[ev.Event]) -> None:
    """Whatever came in is text: nothing acts, nothing links, nothing invisible is left."""
    entries = chain(told)
    page = incident_page(hostile.incident_of(told), NOW, runs=RUNS, entries=entries)
    reader = read(render("incident.html", page))
    shown = "".join(reader.text)
    assert not set(shown) & set("\u202e\u2066\x00\x07\x1b")
    assert reader.tags.get("img") is None
