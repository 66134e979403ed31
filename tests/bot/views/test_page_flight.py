"""What the flight recorder says on the page: steps that open, what changed, who else was hit."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain import events as ev
from bot.domain.effect import Effect, EffectOutcome, Origin, Reversibility
from bot.domain.profile import ChangeKind, Difference, RunLine, SimilarGroup, SimilarKind
from bot.domain.run import (
    Document,
    Guardrail,
    Message,
    ModelCall,
    Part,
    Retrieval,
    Run,
    RunStatus,
    Step,
    StepKind,
    ToolCall,
)
from bot.views import limits
from bot.views.page import incident_page
from bot.views.page_changes import changes_page
from bot.views.page_diff import diff_of
from bot.views.page_links import LaneView
from bot.views.page_models import IncidentPage
from bot.views.page_one_run import run_page
from bot.views.page_run import agent_lane
from bot.views.page_run_models import AgentLane
from bot.views.page_step import step_page
from bot.views.page_step_models import StepPage
from tests.support import hostile
from tests.support import sample_flight as flight
from tests.support.page_reader import read
from tests.support.render_pages import render
from tests.support.sample_incident import NOW, START, chain, sample_incident

ENTRIES = flight.flight_entries()
INCIDENT = flight.flight_incident()
RUN = flight.flight_run()
EFFECTS = flight.flight_effects()
BAD = set("\u202e\u2066\x00\x07\x1b")


def page_of(run: Run = RUN, **more: Any) -> IncidentPage:
    """The page of INC-44."""
    return incident_page(INCIDENT, NOW, **{"runs": {flight.TRACE: run}, "entries": ENTRIES, **more})


def lane_of(run: Run = RUN, **more: Any) -> AgentLane:
    """Its waterfall."""
    lane = page_of(run, **more).agent
    assert lane is not None
    return lane


def step_of(key: str | int, run: Run = RUN, effects: tuple[Effect, ...] = EFFECTS) -> StepPage:
    """The page of one of its steps, by row of the sample or by key."""
    made = step_page(INCIDENT, run, effects, flight.span(key) if isinstance(key, int) else key, NOW)
    assert made is not None
    return made


def texts_of(page: StepPage, title: str) -> str:
    """All texts of one section, unfolded."""
    return "\n".join(
        part.text.head + part.text.rest
        for section in page.sections
        if section.title == title
        for entry in (*section.earlier, *section.entries)
        for part in entry.parts
    )


def told(*happened: ev.Event) -> list[ev.Entry]:
    """INC-44 until its run was read, then these."""
    return chain([*flight.flight_events()[:3], *happened])


# ------------------------------------------------------------------------------------------------- the waterfall


def test_every_step_leads_to_what_was_recorded_of_it() -> None:
    """One row a step, in order, nested; a call that has no span of its own comes last and opens too."""
    lane = lane_of()
    assert [row.name for row in lane.rows] == [step.name for step in RUN.steps] + ["grant_voucher"]
    assert lane.rows[0].href == f"/incidents/INC-44/runs/{flight.TRACE}/steps/{flight.span(0)}"
    assert lane.rows[-1].href.endswith("/steps/call-8")
    assert lane.rows[-1].note == "SORRY20 · no span of its own"
    assert all(row.opens for row in lane.rows)
    assert [row.note for row in lane.rows if row.name == "chat gpt-x"][1] == "3,880 → 141 tokens · calls issue_refund"
    bare = tuple(
        e.model_copy(update={"summary": None, "target": None, "money": None, "arguments": {"order": "88123"}})
        for e in EFFECTS
    )
    named = RUN.steps[11].model_copy(update={"name": "execute_tool issue_refund"})
    run = RUN.model_copy(update={"steps": (named,)})
    row = agent_lane(INCIDENT, run, bare, [], wide()).rows[0]
    assert (row.name, row.note) == ("issue_refund", "order 88123")


def test_planning_guardrails_retrievals_and_hand_offs_are_shown_as_what_they_are() -> None:
    """By their shape and in words; a guardrail that triggered is red."""
    rows = {row.name: row for row in lane_of().rows}
    assert rows["input_check"].note == "guardrail passed"
    assert rows["output_check"].note == "guardrail triggered"
    assert rows["policy_search"].note == "retrieved 2 documents"
    assert rows["transfer_to_refund_bot"].note == "hand-off: front-desk → refund-bot"
    marks = [rows[n].glyph for n in ("input_check", "output_check", "policy_search", "transfer_to_refund_bot")]
    assert [(m.symbol, m.tone) for m in marks if m] == [
        ("i-guard", "ro"),
        ("i-guard", "irr"),
        ("i-doc", "ro"),
        ("i-hand", "x"),
    ]


def test_of_several_agents_each_step_names_its_own() -> None:
    """Once for the eye where it stays the same, always for a screen reader; one agent alone is not repeated."""
    rows = lane_of().rows
    assert [(row.agent, row.again) for row in rows[4:7]] == [
        ("front-desk", True),
        ("refund-bot", False),
        ("refund-bot", True),
    ]
    assert "by refund-bot" in rows[9].spoken
    alone = RUN.model_copy(update={"steps": tuple(s.model_copy(update={"agent": "refund-bot"}) for s in RUN.steps)})
    assert {row.agent for row in lane_of(alone).rows} == {""}


def test_an_argument_from_outside_is_flagged_in_the_row() -> None:
    """In words for a screen reader; a read that went there has its own shape."""
    rows = [row for row in lane_of().rows if row.flag]
    assert [row.name for row in rows] == ["issue_refund", "issue_refund", "fetch_page"]
    assert rows[2].glyph is not None
    assert rows[2].glyph.symbol == "i-out"
    assert "came from untrusted content" in rows[1].spoken


def test_filters_say_how_many_and_keep_the_way_to_each_step() -> None:
    """Effects only are all that changed or tried to, and reads that can carry data out; with the agents above them."""
    lane = lane_of()
    assert [link.text for link in lane.filters] == ["All 20", "Effects only 7", "Errors only 3"]
    effects = lane_of(only="effects")
    assert [(row.name, row.beside) for row in effects.rows] == [
        ("front-desk", True),
        ("refund-bot", True),
        ("issue_refund", False),
        ("issue_refund", False),
        ("fetch_page", False),
        ("book_pickup", False),
        ("update_order", False),
        ("send_email", False),
        ("grant_voucher", False),
    ]
    assert effects.note == "7 of 20 steps: effects only, with 2 steps above them."
    errors = lane_of(only="errors")
    assert [row.name for row in errors.rows if not row.beside] == ["issue_refund", "issue_refund", "output_check"]
    assert errors.filters[2].current
    assert errors.filters[0].href == f"/incidents/INC-44?run={flight.TRACE}#timeline"


def test_a_filter_that_finds_nothing_says_so() -> None:
    """In a sentence, not as an empty list."""
    quiet = RUN.model_copy(update={"steps": RUN.steps[:3], "guardrails": (), "evaluations": ()})
    entries = chain([event for event in flight.flight_events() if not isinstance(event, ev.EffectsListed)])
    lane = incident_page(
        sample_incident(entries), NOW, runs={flight.TRACE: quiet}, entries=entries, only="errors"
    ).agent
    assert lane is not None
    assert lane.empty == "No step of this run failed."


def test_a_fold_opens_to_its_steps() -> None:
    """A folded row leads to a view of its steps one by one, where each opens."""
    steps = tuple(
        Step(span_id=f"{n + 5001:016x}", kind=StepKind.STEP, name="poll", started_at=START + timedelta(seconds=n))
        for n in range(500)
    )
    run = RUN.model_copy(update={"steps": steps, "guardrails": (), "evaluations": ()})
    fold = lane_of(run).rows[0]
    assert (fold.name, fold.opens) == ("poll ×500", False)
    assert fold.href == f"/incidents/INC-44?run={flight.TRACE}&within={5001:016x}#timeline"
    inside = lane_of(run, within=f"{5001:016x}")
    assert (len(inside.rows), inside.rows[3].name, inside.rows[3].opens) == (200, "poll", True)
    assert "500 like steps of one folded row" in inside.note
    assert inside.pages[1].href.endswith(f"within={5001:016x}&from=200#timeline")


def test_very_many_pages_are_linked_by_their_ends_and_neighbours() -> None:
    """Fifty links would be a wall."""
    steps = tuple(
        Step(span_id=f"{n + 5001:016x}", kind=StepKind.STEP, name=f"step {n}", started_at=START) for n in range(10_000)
    )
    lane = lane_of(RUN.model_copy(update={"steps": steps}), rows_from=4000)
    assert [link.text for link in lane.pages] == [
        "1–200",
        "3,601–3,800",
        "3,801–4,000",
        "4,001–4,200",
        "4,201–4,400",
        "4,401–4,600",
        "10,001–10,008",
    ]


def test_a_page_of_very_many_rows_has_a_scale_of_its_own() -> None:
    """On the whole run's each step would be a dot at the edge; its marks are still seconds of the run."""
    first = Step(span_id="a" * 16, kind=StepKind.AGENT, name="root", started_at=START)
    steps = (
        first.model_copy(update={"ended_at": START + timedelta(seconds=4000)}),
        *(
            Step(
                span_id=f"{n + 5001:016x}",
                parent_id="a" * 16,
                kind=StepKind.STEP,
                name=f"s {n}",
                started_at=START + timedelta(seconds=n),
                ended_at=START + timedelta(seconds=n + 20),
            )
            for n in range(3999)
        ),
    )
    lane = lane_of(RUN.model_copy(update={"steps": steps}), rows_from=2000)
    assert [tick.text for tick in lane.ticks] == ["34 min", "35 min", "36 min"]
    bars = [row.bar for row in lane.rows if row.bar is not None]
    assert (bars[0].x, float(bars[0].width.rstrip("%")) > 5) == ("0.00%", True)
    assert float(bars[-1].x.rstrip("%")) > 85
    assert "Rows 2,001 to 2,200" in lane.note


def test_the_source_and_what_is_missing_of_it_are_said() -> None:
    """Which store was read and why; what was cut; how much was captured, with the settings; what wrote the spans."""
    page = page_of()
    assert page.agent is not None
    assert page.agent.source == "read from phoenix: 20 spans, we received 14"
    assert page.agent.notes == ("Read from two stores; 6 spans came only from phoenix.",)
    assert page.strips[0].text.startswith("Run 7ce1a04b…: Read from two stores")
    assert page.captured == "Captured 6 of 8: seed and tool definitions missing."
    assert "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true" in page.gaps[1].hint
    assert page.gaps_note == "Spans written by opentelemetry.instrumentation.openai_v2 2.1b0 and shop.tools 4.2."


# ------------------------------------------------------------------------------------------------- effects


def test_a_suggestion_and_an_origin_stand_with_their_effect() -> None:
    """A suggestion changes nothing: unclassified stays with irreversible."""
    page = page_of()
    rows = {row.tool: row for group in page.groups for row in group.rows if not row.rejected}
    assert page.groups[0].name == "Irreversible"
    assert rows["book_pickup"].suggestion == "suggested: compensable, because cancel_pickup exists"
    assert rows["book_pickup"].undo == "No undo known: not classified"
    assert rows["issue_refund"].origins == (f"account DE89370400440532013000 came from {flight.PAGE}",)
    outward = next(group for group in page.groups if group.name == "Reads that can carry data out")
    assert outward.rows[0].origins[0].startswith("went to https://returns-help.example/collect")
    assert 'href="https://' not in render("incident.html", page)


# ------------------------------------------------------------------------------------------------- one step


def test_a_tool_call_shows_arguments_result_and_what_they_mean() -> None:
    """As recorded, with the marks of redaction counted."""
    page = step_of(11)
    assert '"account": "DE89370400440532013000"' in texts_of(page, "Arguments")
    assert '"status": "settled"' in texts_of(page, "Result")
    assert texts_of(page, "Evaluations") == "Refunded all of it."
    assert page.note == "1 value redacted before this was stored."
    assert page.warnings[0] == f"account DE89370400440532013000 came from {flight.PAGE}"
    assert [(f.name, f.value) for f in page.facts[2:4]] == [("Class", "irreversible"), ("Outcome", "Applied")]
    assert (page.before is not None, page.after is not None) == (True, True)


def test_a_model_call_shows_its_prompt_by_roles() -> None:
    """Answer first, then system prompt, messages (earlier ones folded), tools offered; asked and served."""
    page = step_of(8)
    assert [section.title for section in page.sections] == [
        "Model",
        "Answer",
        "System prompt",
        "Prompt",
        "Tools offered",
    ]
    assert "served       gpt-x-2026-08-01" in texts_of(page, "Model")
    assert texts_of(page, "System prompt") == flight.PROMPT_NOW
    prompt = page.sections[3]
    assert (len(prompt.earlier), [entry.label for entry in prompt.entries]) == (
        6,
        ["user", "assistant", "user", "tool"],
    )
    assert prompt.entries[3].parts[0].label == "result of fetch_page call_1"
    assert prompt.entries[3].parts[0].text.more.startswith("Show all: ")
    assert [part.label for part in page.sections[1].entries[0].parts] == ["reasoning", "calls issue_refund call_2"]


def test_what_was_not_recorded_is_said_of_each_part() -> None:
    """Never shown as empty."""
    bare = RUN.model_copy(
        update={
            "model_calls": (ModelCall(order=1, span_id=flight.span(8)),),
            "tool_calls": (ToolCall(order=1, span_id=flight.span(11), name="issue_refund"),),
            "retrievals": (Retrieval(span_id=flight.span(6)),),
        }
    )
    notes = {s.title: s.note for row in (8, 11, 6) for s in step_of(row, bare).sections}
    assert {notes[title] for title in ("Answer", "Prompt", "Tools offered", "Arguments", "Documents")} == {
        "not recorded"
    }
    assert notes["Result"] == "not recorded; whether it was executed is not recorded"
    assert step_of(16).empty == "Nothing more was recorded of this step."


@pytest.mark.parametrize(
    ("row", "title", "said"),
    [
        (6, "Documents", "Refund the whole order when the customer asks."),
        (6, "Query", "refund more than order amount"),
        (15, "Guardrail", "An account number in the answer."),
        (4, "Hand-off", "front-desk → refund-bot"),
        (9, "Error", "422 amount exceeds order total"),
        (2, "Not recorded", "openai-v2: set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true."),
    ],
)
def test_each_kind_of_step_opens_to_its_own(row: int, title: str, said: str) -> None:
    """Documents, verdicts, hand-offs, errors, gaps."""
    assert said in texts_of(step_of(row), title)


def test_a_call_without_a_span_opens_by_its_order() -> None:
    """What is not there has no page."""
    assert step_of("call-8").kind == "tool call without a span of its own"
    assert '"code": "SORRY20"' in texts_of(step_of("call-8"), "Arguments")
    for key in ("call-99", "f" * 16):
        assert step_page(INCIDENT, RUN, EFFECTS, key, NOW) is None


def test_a_long_text_is_folded_and_a_huge_one_cut_with_its_size() -> None:
    """Nothing is lost silently, and the step as a whole stays readable."""
    huge = "".join(f"line {n}\n" for n in range(400_000))
    call = ToolCall(order=1, span_id=flight.span(11), name="x", arguments={"a": 1}, result=huge, result_recorded=True)
    page = step_of(11, RUN.model_copy(update={"tool_calls": (call,)}))
    text = page.sections[1].entries[0].parts[0].text
    assert len(text.head) < 2_000
    assert len(text.head + text.rest) == limits.PAGE_FULL_TEXT
    assert text.cut.startswith(f"Cut: {len(huge):,} characters, of which 100,000 are here.")
    assert "pullcord export INC-44" in text.cut
    many = tuple(Message(role="user", parts=(Part(kind="text", text="y" * 90_000),)) for _ in range(300))
    model = ModelCall(order=1, span_id=flight.span(8), input=many)
    page = step_of(8, RUN.model_copy(update={"model_calls": (model,)}))
    assert len(render("step.html", page)) < 2 * limits.PAGE_STEP_CHARS
    assert page.sections[2].note == "300 messages; the first 100 are not shown"


@settings(deadline=None, max_examples=25)
@given(said=hostile.text(most=3000))
def test_hostile_text_in_a_step_is_text(said: str) -> None:
    """Escaped, visible, no link, nothing that acts: in names, prompts, arguments, results, documents, verdicts."""
    step = RUN.steps[8].model_copy(update={"name": said, "agent": said})
    own = step.span_id
    run = RUN.model_copy(
        update={
            "steps": (RUN.steps[0], step),
            "notes": (said,),
            "model_calls": (
                ModelCall(
                    order=1,
                    span_id=own,
                    model_served=said,
                    parameters={said: said},
                    system=(said,),
                    input=(
                        Message(role=said, parts=(Part(kind="tool_result", name=said, call_id=said, result=said),)),
                    ),
                    output=(
                        Message(role="assistant", parts=(Part(kind="tool_call", name=said, arguments={said: said}),)),
                    ),
                ),
            ),
            "tool_calls": (ToolCall(order=1, span_id=own, name=said, arguments=said, result=[said], call_id=said),),
            "retrievals": (
                Retrieval(span_id=own, source=said, query=said, documents=(Document(id=said, metadata={said: said}),)),
            ),
            "guardrails": (Guardrail(span_id=own, name=said, detail=said, triggered=True),),
        }
    )
    effect = Effect(
        id="x",
        trace_id=flight.TRACE,
        order=1,
        tool=said,
        span_id=own,
        reversibility=Reversibility.UNCLASSIFIED,
        outcome=EffectOutcome.APPLIED,
        origins=(Origin(argument=said, value=said, source=said, content="0" * 32),),
        outbound=said,
    )
    page = step_page(INCIDENT, run, (effect,), own, NOW)
    assert page is not None
    for html in (render("step.html", page), render("run.html", run_page(INCIDENT, run, (effect,), wide(), NOW))):
        reader = read(html)
        assert not set("".join(reader.text)) & BAD
        assert reader.tags.get("img") is None


def wide(trace: str = flight.TRACE) -> LaneView:
    """The run on its own page."""
    return LaneView("INC-44", trace, wide=True)


# ------------------------------------------------------------------------------------------------- what changed


def test_changes_are_rows_with_counts_most_telling_first() -> None:
    """Before and after, since when, how many runs; texts lead to their lines."""
    section = page_of().changes
    assert [row.what for row in section.rows][:3] == ["Model served", "System prompt", "Tool definition"]
    served = section.rows[0]
    assert (served.before, served.after) == ("gpt-x-2026-05-01", "gpt-x-2026-08-01")
    assert served.runs == "212 runs before, 31 after"
    assert served.since is not None
    assert served.since.text == "02:41:00"
    assert section.rows[1].diff is not None
    assert section.rows[1].diff.href == f"/incidents/INC-44/runs/{flight.TRACE}/changes#change-2"
    assert section.rows[3].before == "was not there"
    shown = "".join(read(render("changes.html", changes_page(INCIDENT, flight.TRACE, flight.TEXTS, NOW))).text)
    assert "cause" not in shown.lower()


@pytest.mark.parametrize(
    ("event", "lead"),
    [
        (None, "Not compared yet."),
        ({"compared": 212}, "Nothing changed against 212 recent good runs."),
        ({"compared": 0, "note": "only 2 good runs are known"}, "Not compared: only 2 good runs are known."),
    ],
)
def test_nothing_changed_and_not_compared_are_answers_too(event: dict[str, Any] | None, lead: str) -> None:
    """And they are different ones."""
    found = [] if event is None else [ev.ChangesFound(at=NOW, by=ev.PULLCORD, trace_id=flight.TRACE, **event)]
    entries = told(*found)
    page = incident_page(sample_incident(entries), NOW, runs={flight.TRACE: RUN}, entries=entries)
    assert (page.changes.lead, page.changes.rows) == (lead, ())


def test_the_lines_of_a_prompt_and_a_tool_are_compared() -> None:
    """Words that differ are marked; JSON is compared over several lines."""
    page = changes_page(INCIDENT, flight.TRACE, flight.TEXTS, NOW)
    prompt, tool = page.diffs[1].diff, page.diffs[2].diff
    assert prompt is not None
    assert tool is not None
    assert (prompt.gone, prompt.new, tool.gone, tool.new) == (2, 2, 1, 4)
    first = next(line for line in prompt.lines if line.tone == "gone")
    assert first.before == 4
    assert "Never refund more than " in [piece.text for piece in first.pieces if piece.marked]
    reader = read(render("changes.html", page))
    assert reader.tags["mark"] > 3


def test_a_text_that_is_gone_is_said() -> None:
    """The hash still tells that it changed."""
    page = changes_page(INCIDENT, flight.TRACE, {}, NOW)
    assert page.diffs[1].why == "The text before and now is not kept any more; its hash differs."
    assert page.diffs[1].diff is None


@settings(deadline=None, max_examples=30)
@given(before=hostile.text(most=2000), after=hostile.text(most=2000))
def test_no_texts_break_the_diff(before: str, after: str) -> None:
    """Hostile ones are text; what is shown adds up to both."""
    diff = diff_of(before, after)
    shown = "".join(piece.text for line in diff.lines for piece in line.pieces)
    assert not set(shown) & BAD
    change = Difference(
        kind=ChangeKind.PROMPT, name=before, before=after, after=before, before_text="0" * 32, after_text="1" * 32
    )
    entries = told(
        ev.ChangesFound(at=NOW, by=ev.PULLCORD, trace_id=flight.TRACE, compared=3, changes=(change,), note=after)
    )
    page = changes_page(sample_incident(entries), flight.TRACE, {"0" * 32: before, "1" * 32: after}, NOW)
    read(render("changes.html", page))


def test_a_diff_of_very_long_texts_is_quick_and_says_what_it_left_out() -> None:
    """Twenty thousand different lines, and lines that are all the same."""
    diff = diff_of("\n".join(f"a {n}" for n in range(20_000)), "\n".join(f"b {n}" for n in range(20_000)))
    assert len(diff.lines) == 800
    assert diff.note.endswith("more lines are not shown.")
    same = diff_of("x\n" * 5_000 + "end", "x\n" * 5_000 + "new end")
    assert (same.gone, same.new) == (1, 1)
    assert diff_of("a b", "a b").note.startswith("The texts read the same")


@given(st.lists(st.sampled_from("abc"), max_size=30), st.lists(st.sampled_from("abc"), max_size=30))
@settings(deadline=None)
def test_a_diff_holds_every_line_of_both(before: list[str], after: list[str]) -> None:
    """What stayed and was taken out is the text before; what stayed and was put in is the text now."""
    old, new = "\n".join(before), "\n".join(after)
    lines = [line for line in diff_of(old, new).lines if line.tone != "skip"]
    kept_old = {line.before: "".join(p.text for p in line.pieces) for line in lines if line.before is not None}
    kept_new = {line.after: "".join(p.text for p in line.pieces) for line in lines if line.after is not None}
    assert all(old.split("\n")[n - 1] == text for n, text in kept_old.items())
    assert all(new.split("\n")[n - 1] == text for n, text in kept_new.items())


# ------------------------------------------------------------------------------------------------- who else was hit


def test_similar_runs_are_groups_with_counts_and_each_run_is_reachable() -> None:
    """Runs that a person added since are not counted again; adding is done in Slack, which the page says."""
    section = page_of().similar
    assert section.lead == "11 more runs look the same."
    assert section.note == "10,412 recorded runs searched"
    assert "add in Slack" in section.ask
    first = section.groups[0]
    assert (first.kind, first.runs, len(first.lines), len(first.more)) == ("Same untrusted content", "11 runs", 5, 3)
    assert first.left == "and 3 older, not listed"
    assert first.lines[0].link.href.startswith("/incidents/INC-44/runs/b803f1aa")
    assert [count.text for count in first.counts] == ["24 irreversible", "6 compensable", "9 reversible"]


def test_nobody_else_is_an_answer_too() -> None:
    """With how many were searched; not looked for yet is another."""
    none = ev.SimilarRunsFound(at=NOW, by=ev.PULLCORD, trace_id=flight.TRACE, searched=412)
    entries = told(none)
    section = incident_page(sample_incident(entries), NOW, entries=entries).similar
    assert (section.lead, section.note) == ("No other recorded run looks the same.", "412 recorded runs searched")
    entries = told()
    assert incident_page(sample_incident(entries), NOW, entries=entries).similar.lead == "Not looked for yet."


def test_runs_are_offered_where_no_alert_names_one() -> None:
    """With the way to choose one."""
    entries = flight.offered_entries()
    page = incident_page(sample_incident(entries), NOW, entries=entries)
    assert page.offered is not None
    assert page.offered.note.startswith("4 runs of refund-bot ended in its window, between 02:52 and 03:02 UTC")
    assert len(page.offered.lines) == 4
    assert page_of().offered is None


def test_a_run_that_is_only_named_has_a_page_that_says_why() -> None:
    """Its steps are read when a person adds it; a run that nobody names has no page."""
    trace = INCIDENT.similar[0].groups[0].lines[2].trace_id
    page = run_page(INCIDENT, None, (), wide(trace), NOW)
    assert page is not None
    assert page.agent is None
    assert page.why.startswith("Looks like run 7ce1a04b…: account DE89")
    assert "Add it in Slack to read it" in page.agent_absent
    added = run_page(INCIDENT, None, (), wide(INCIDENT.added[0]), NOW)
    assert added is not None
    assert "being read" in added.agent_absent
    assert run_page(INCIDENT, None, (), wide("0" * 32), NOW) is None


@settings(deadline=None, max_examples=20)
@given(said=hostile.text(most=600))
def test_hostile_words_of_what_was_found_are_text(said: str) -> None:
    """In groups, lines of runs, changes, sources and notes, on the page and on the timeline."""
    line = RunLine(trace_id="ab" * 16, agent=said, model_served=said, why=said, status=RunStatus.ERROR)
    group = SimilarGroup(id=said, kind=SimilarKind.CALL, words=said, runs=9, lines=(line,), agents=(said,))
    change = Difference(kind=ChangeKind.DOCUMENT, name=said, before=said, after=said, detail=said, since=NOW)
    attached = flight.flight_events()[1]
    assert isinstance(attached, ev.RunAttached)
    summary = attached.run.model_copy(update={"notes": (said,), "instrumentations": (said,), "capture": None})
    told_so = chain(
        [
            flight.flight_events()[0],
            attached.model_copy(update={"run": summary, "source": said, "source_note": said}),
            ev.ChangesFound(at=NOW, by=ev.PULLCORD, trace_id=flight.TRACE, compared=3, changes=(change,), note=said),
            ev.SimilarRunsFound(at=NOW, by=ev.PULLCORD, trace_id=flight.TRACE, groups=(group,), runs=9, searched=99),
        ]
    )
    incident = sample_incident(told_so)
    pages = [render("incident.html", incident_page(incident, NOW, entries=told_so, runs={flight.TRACE: RUN}))]
    pages += [render("run.html", run_page(incident, None, (), wide(trace), NOW)) for trace in (flight.TRACE, "ab" * 16)]
    for html in pages:
        reader = read(html)
        assert not set("".join(reader.text)) & BAD
        assert reader.tags.get("img") is None


def test_all_pages_are_well_formed_and_act_on_nothing() -> None:
    """No inline style or script, no address but ours, one heading, every element closed."""
    named = INCIDENT.similar[0].groups[0].lines[2].trace_id
    read(render("incident.html", page_of()))
    read(render("incident.html", page_of(only="effects")))
    read(render("run.html", run_page(INCIDENT, RUN, EFFECTS, wide(), NOW)))
    read(render("run.html", run_page(INCIDENT, None, (), wide(), NOW)))
    read(render("run.html", run_page(INCIDENT, None, (), wide(named), NOW)))
    for row in range(len(RUN.steps)):
        read(render("step.html", step_of(row)))


def test_every_kind_of_event_has_words_on_the_timeline() -> None:
    """None breaks the page when it comes."""
    rows = [row.what for row in page_of().people]
    for words in (
        "6 changes found in run 7ce1a04b…",
        "12 more runs found like run 7ce1a04b…",
        "added 1 run",
    ):
        assert words in rows
