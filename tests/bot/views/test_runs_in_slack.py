"""What the recorder found, in Slack: on the card, in the thread, and in the modals about runs."""

import json
from typing import Any

import pytest

from bot.domain import events as ev
from bot.domain.effect import Origin, Reversibility, Suggestion
from bot.domain.events import Entry, Event
from bot.domain.incident import Incident
from bot.domain.profile import ChangeKind, Difference
from bot.domain.run import Gap, Run, RunError, RunStatus, Step, StepKind
from bot.views import limits, recorder_words
from bot.views.blocks import Block
from bot.views.card import card
from bot.views.card_rows import effect_row
from bot.views.run_modal import offered_modal, run_modal, similar_modal
from bot.views.thread_lines import thread_line
from tests.support.blockcheck import problems
from tests.support.sample_found import (
    CAPTURE,
    changes_found,
    found_incident,
    marked,
    runs_added,
    runs_offered,
    similar_found,
    trace,
    unnamed_incident,
)
from tests.support.sample_incident import NOW, TRACE, chain, opening, sample_incident, sample_run


def said(blocks: Any) -> str:
    """Everything that the blocks say."""
    if isinstance(blocks, dict):
        return "\n".join(said(value) for key, value in blocks.items() if key not in {"type", "action_id", "value"})
    if isinstance(blocks, list | tuple):
        return "\n".join(said(one) for one in blocks)
    return blocks if isinstance(blocks, str) else ""


def told(event: Event, incident: Incident) -> str:
    """The thread's line of an event."""
    return thread_line(Entry(seq=9, mac="m", key_id="k", event=event), incident) or ""


def labels(incident: Incident) -> list[str]:
    """The buttons of the lifecycle row."""
    rows = [block for block in card(incident, [], NOW).blocks if block.get("block_id") == "lifecycle"]
    return [element["text"]["text"] for row in rows for element in row["elements"]]


def test_the_card_says_what_changed_and_who_else_was_hit() -> None:
    """The most telling two with their counts, how many more, and the runs alike with the way to look at them."""
    incident = found_incident()
    shown = said(card(incident, [], NOW).blocks)
    assert (
        "Changed since the last good runs: served model gpt-x-2026-05-01 → gpt-x-2026-08-01 since 01:10 UTC "
        "(212 runs before, 31 after); document policy.md v7 → v2 (180 runs before, 0 after); 1 more"
    ) in shown
    assert "12 more runs look the same" in shown
    assert "Review 12 alike…" in labels(incident)
    assert "cause" not in shown.lower()


def test_nothing_changed_is_an_answer_too() -> None:
    """And "not compared" is another one."""
    base = sample_incident()
    same = changes_found(changes=())
    for event, words in (
        (same, "nothing changed against 212 recent good runs"),
        (same.model_copy(update={"compared": 1}), "nothing changed against 1 recent good run, which is few to tell by"),
        (changes_found(changes=(), compared=0, note="no good run of its kind is known"), "not compared: no good run"),
    ):
        compared = found_incident(event).compared_run(TRACE)
        assert words in recorder_words.compared_words(compared)
    assert told(same, base).startswith("*Nothing changed*")
    blind = changes_found(changes=(), unrecorded=("served model", "parameters"))
    words = "nothing changed against 212 recent good runs; not recorded, so not compared: served model and parameters"
    assert recorder_words.compared_words(found_incident(blind).compared_run(TRACE)) == words
    assert "Not recorded, so not compared: served model and parameters." in told(blind, base)
    assert recorder_words.compared_words(base.compared_run(TRACE)) == ""


def test_runs_that_joined_are_no_longer_offered() -> None:
    """Each is counted once, also where several groups have it; when all joined, nothing is left to review."""
    left = recorder_words.still_similar(found_incident(runs_added(1, 2)), TRACE)
    assert left is not None
    assert left.runs == 10
    assert [group.runs for group in left.groups] == [10, 1]
    everything = found_incident(runs_added(*range(1, 13)))
    gone = recorder_words.still_similar(everything, TRACE)
    assert gone is not None
    assert (gone.runs, gone.groups) == (0, ())
    assert not any("alike" in label for label in labels(everything))


def test_an_alert_without_a_run_offers_those_of_its_window() -> None:
    """With the button to choose; without any run it says so and offers nothing."""
    incident = unnamed_incident(runs_offered())
    assert "4 runs of refund-bot ended in its window" in said(card(incident, [], NOW).blocks)
    assert "Choose run…" in labels(incident)
    empty = unnamed_incident(runs_offered(0))
    assert "No run of refund-bot was recorded between" in said(card(empty, [], NOW).blocks)
    assert "Choose run…" not in labels(empty)


def test_a_suggestion_and_an_origin_stand_beside_the_effect() -> None:
    """The effect is still treated as before; the suggestion says why, the origin from where."""
    effect = marked(next(e for e in sample_incident().effects if e.irreversible))
    row = effect_row(effect, NOW, lambda full: full)
    assert row.startswith("🔴")
    assert "no undo known: not classified" in row
    assert "suggested: irreversible, money leaves to a payee" in row
    assert "⚠ account acct_4431 came from web page https://evil.example/x" in row


def test_the_thread_tells_each_finding() -> None:
    """Changes with counts, groups with counts, offers, and who added what."""
    incident = found_incident()
    assert "• document policy.md v7 → v2" in told(changes_found(), incident)
    alike = told(similar_found(), incident)
    assert "*12 more runs look the same* of 10,000 recorded runs" in alike
    assert "also of refund-bot and support-bot" in alike
    assert told(runs_offered(), incident).startswith("*4 runs of refund-bot ended in its window;*")
    assert "*<@U0DANA> added 2 runs:*" in told(runs_added(1, 2), incident)


@pytest.mark.parametrize("steps", [21, 400, 10_000])
def test_the_modal_shows_the_run_within_slacks_limits(steps: int) -> None:
    """Every change is there however long the run is; plain steps are folded."""
    incident = sample_incident()
    run = _long(sample_run(), steps)
    effects = [e for e in incident.effects if e.trace_id == TRACE]
    view = run_modal(incident, TRACE, run, effects, NOW)
    assert problems(view) == []
    assert len(view["blocks"]) <= limits.VIEW_BLOCKS
    shown = said(view["blocks"])
    assert "set_account_flag" in shown
    assert "submit" not in view


def _long(run: Run, steps: int) -> Run:
    """The run with many plain model calls more."""
    first = run.steps[0]
    more = [
        Step(
            span_id=f"{n:016x}",
            parent_id=first.span_id,
            kind=StepKind.MODEL,
            name="gpt-x",
            started_at=first.started_at,
            ended_at=first.ended_at,
            status=RunStatus.OK,
        )
        for n in range(1, steps - len(run.steps) + 1)
    ]
    return run.model_copy(update={"steps": (*run.steps, *more)})


def test_the_modal_without_the_run_shows_its_tool_calls() -> None:
    """When the evidence cannot be read in time."""
    incident = sample_incident()
    view = run_modal(incident, TRACE, None, incident.effects, NOW)
    assert problems(view) == []
    assert "could not be read in time" in said(view["blocks"])


@pytest.mark.parametrize(("groups", "lines"), [(1, 1), (2, 12), (8, 50)])
def test_review_ticks_groups_and_single_runs(groups: int, lines: int) -> None:
    """Within Slack's limits for checkboxes, the incident and the run in the metadata."""
    incident = sample_incident()
    event = similar_found(groups, lines)
    found = found_incident(event).similar_to(TRACE)
    assert found is not None
    view = similar_modal(incident, TRACE, found)
    assert problems(view) == []
    assert view["private_metadata"] == f"INC-42|{TRACE}"
    values = _options(view)
    assert "g0" in values
    assert trace(1) in values


def test_choosing_a_run_lists_those_of_the_window() -> None:
    """Each with when, how it ended, and what it did."""
    incident = unnamed_incident(runs_offered())
    assert incident.offered is not None
    view = offered_modal(incident, incident.offered)
    assert problems(view) == []
    assert _options(view) == [trace(n) for n in range(1, 5)]
    assert "02:01:00 · failed · gpt-x-2026-08-01" in said(view["blocks"])


def _options(view: Block) -> list[str]:
    inputs = [block["element"] for block in view["blocks"] if block["type"] == "input"]
    return [option["value"] for element in inputs for option in element["options"]]


def test_hostile_texts_stay_texts() -> None:
    """Names of tools, documents and groups come from outside: no mention, no link, no broken markup."""
    bad = "<!channel> <https://evil.example|click> *x* `y` \u202e"
    change = Difference(kind=ChangeKind.DOCUMENT, name=bad, before=bad, after=bad, detail=bad)
    event = changes_found(changes=(change,) * 40, note=bad)
    groups = tuple(g.model_copy(update={"words": bad, "agents": (bad, bad)}) for g in similar_found().groups)
    similar = similar_found().model_copy(update={"groups": groups})
    incident = found_incident(event, similar)
    made = card(incident, [], NOW)
    assert problems(made) == []
    found = incident.similar_to(TRACE)
    assert found is not None
    assert problems(similar_modal(incident, TRACE, found)) == []
    for line in (told(event, incident), told(similar, incident)):
        assert "<!channel>" not in line
        assert len(line) <= limits.THREAD_LINE


def test_the_verdict_names_what_is_missing() -> None:
    """In words, as a count, and without a verdict nothing."""
    assert recorder_words.capture_words(CAPTURE) == "captured 6 of 8: seed and tool definitions missing"
    assert recorder_words.capture_words(CAPTURE.model_copy(update={"found": 8, "missing": ()})) == "captured all 8"
    assert recorder_words.capture_words(None) == ""
    attached = next(e for e in opening() if isinstance(e, ev.RunAttached))
    with_verdict = attached.model_copy(
        update={
            "run": attached.run.model_copy(update={"capture": CAPTURE}),
            "source": "phoenix",
            "source_note": "phoenix has 20 spans, we received 14",
        }
    )
    line = told(with_verdict, sample_incident())
    assert "phoenix has 20 spans, we received 14" in line
    assert "⚪ captured 6 of 8: seed and tool definitions missing" in line


@pytest.mark.parametrize("bad", ["&" * 1000, "\U0001f525" * 400, "\ufdfa&" * 300, "`*_~<!channel>" * 60])
def test_a_long_hostile_run_fits_its_modal_and_says_what_it_left_out(bad: str) -> None:
    """Slack refuses a view of more than 250 kB or 100 blocks; escaping makes texts up to twelve times as long."""
    incident = found_incident()
    (base, *_), (attached,) = incident.effects, incident.runs
    origin = Origin(argument=bad, value=bad, source=bad, content="c")
    suggestion = Suggestion(reversibility=Reversibility.IRREVERSIBLE, reason=bad)
    words: dict[str, Any] = {"tool": bad, "summary": bad, "target": bad, "agent": bad, "outbound": bad}
    words |= {"reversibility": Reversibility.UNCLASSIFIED, "suggestion": suggestion, "origins": (origin,) * 4}
    effects = [base.model_copy(update={**words, "id": f"e{n}", "span_id": f"{n:016x}"}) for n in range(1, 400)]
    failed: dict[str, Any] = {"name": bad, "status": RunStatus.ERROR, "error": RunError(message=bad, type=bad)}
    step = sample_run().steps[0].model_copy(update=failed)
    steps = [step.model_copy(update={"span_id": f"{n:016x}", "agent": f"{n % 2}{bad}"}) for n in range(1, 400)]
    gaps = tuple(Gap(field=f"{n}{bad}", hint=bad) for n in range(20))
    summary = attached.summary.model_copy(update={"notes": (bad,) * 9, "gaps": gaps, "model_served": bad, "agent": bad})
    incident = incident.model_copy(update={"runs": (attached.model_copy(update={"summary": summary}),)})
    for run in (sample_run().model_copy(update={"steps": tuple(steps)}), None):
        view = run_modal(incident, TRACE, run, effects, NOW)
        assert problems(view) == []
        assert len(json.dumps(view)) < limits.VIEW_BYTES
        assert "more rows on the timeline page" in said(view["blocks"][-2])
        assert "⚪" in said(view["blocks"][-1])


def test_of_many_runs_the_thread_says_one_line_each_and_no_row_of_effects() -> None:
    """Two hundred that a person added would bury what people said there; each is on the page."""
    attached, listed = (event for event in opening() if isinstance(event, ev.RunAttached | ev.EffectsListed))
    assert isinstance(attached, ev.RunAttached)
    assert isinstance(listed, ev.EffectsListed)
    many: list[Event] = []
    for number in range(1, 21):
        summary = attached.run.model_copy(update={"trace_id": trace(number), "notes": ("cut",)})
        effects = tuple(e.model_copy(update={"trace_id": trace(number)}) for e in listed.effects)
        many.append(attached.model_copy(update={"run": summary}))
        many.append(listed.model_copy(update={"trace_id": trace(number), "effects": effects}))
    incident = sample_incident(chain([opening()[0], *many]))
    lines = [told(event, incident) for event in many]
    assert all("\n" not in line and len(line) < 400 for line in lines)
    assert lines[1] == (
        f"*Effects of run `{trace(1)[:8]}…`:* 2 irreversible, 1 compensable, 4 reversible; each is on the timeline page"
    )
