"""How mitigations are told: on the card, in the thread, in lists and on the pages; whatever their texts hold."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain import events as ev
from bot.domain.action import Execution, ExecutionState, Verified
from bot.domain.mitigation import rows_of
from bot.views import limits
from bot.views.blocks import Card
from bot.views.card import card
from bot.views.card_results import result_row, result_rows
from bot.views.mitigations import listing, question
from bot.views.page import incident_page
from bot.views.page_mitigations import mitigations_page
from bot.views.thread_lines import thread_line
from tests.support import hostile
from tests.support.blockcheck import problems
from tests.support.page_reader import read
from tests.support.render_pages import render
from tests.support.sample_incident import sample_incident, sample_offers
from tests.support.sample_mitigations import AT, acted_entries, execution, revocation, states, with_all


def row(one: Execution) -> str:
    """Its line on the card."""
    return result_row(one, AT, lambda full: full)


def rows(*group: Execution) -> list[str]:
    """The card's lines of these executions."""
    incident = sample_incident().model_copy(update={"executions": group})
    return result_rows(incident, AT, lambda full: full)


def test_of_two_points_the_one_that_is_missing_is_named_with_when_it_will_be_known() -> None:
    """Amber until both showed it; one line for one press."""
    led, point = states()[1], states()[2]
    line = rows(led, point)
    assert len(line) == 1
    assert line[0].startswith("🟠 revoked issue_refund from refund-bot · <@U0DANA> ")
    assert "*in force at 1 of 2* · contextforge pending, known by <!date^" in line[0]
    both = rows(led, point.model_copy(update={"verified": Verified.IN_FORCE}))[0]
    assert both.startswith("✓ ")
    assert "in force everywhere (2 of 2)" in both
    failed = rows(led, point.model_copy(update={"state": ExecutionState.FAILED, "verified": None}))[0]
    assert failed.startswith("🔴 ")
    assert "contextforge failed" in failed


def test_the_end_of_a_temporary_one_says_until_when_and_who_is_asked() -> None:
    """Before the question, after it, after each answer."""
    assert ", ask <@U0DANA> at <!date^" in row(execution("a"))
    assert "until <!date^" in row(execution("a"))
    assert "<@U0DANA> was asked what then" in row(execution("a", expiry_asked_at=AT))
    assert "then it lapses" in row(execution("a", expiry_answer="lapse"))
    assert "a lasting fix was asked for" in row(execution("a", expiry_answer="permanent"))
    assert "extended by <@U0LEE>, until" in row(execution("a", extended_by="U0LEE"))
    assert "until" not in row(execution("a", expires_at=AT - timedelta(seconds=1)))


def test_what_waits_went_alone_or_was_practised_stands_out() -> None:
    """Approval with role and deadline, both names once given; broken glass with its reason; a drill wrote nothing."""
    told = {one.id: row(one) for one in states()}
    assert told["ex_waits"].startswith("⏳ *waits for approval* by commander until <!date^")
    assert "· approved by <@U0KIM>" in told["ex_two"]
    assert "🚨 *broke glass:* “customers were charged twice”" in told["ex_glass"]
    assert told["ex_drill"].startswith("◇ drilled, nothing was written")
    gone = told["ex_gone"]
    assert gone.startswith("🔴 ")
    assert "*no longer in force: it holds nothing; changed outside Pullcord*" in gone


def test_what_was_changed_outside_is_never_pushed_off_the_card() -> None:
    """Four lines: what needs somebody is among them, however much came after it."""
    gone = revocation("gone", verified=Verified.MISMATCH)
    shown = rows(gone, *(execution(f"n{number}") for number in range(9)))
    assert any("no longer in force" in line for line in shown)
    assert shown[0] == "6 earlier in the thread"


def test_a_pending_one_that_should_be_known_already_promises_no_time_any_more() -> None:
    """The time has passed: the next look says more."""
    late = revocation("p", verified=Verified.PENDING, known_at=AT - timedelta(minutes=1), seen_in_force=False)
    assert "known by" not in row(late)


def test_the_question_asks_for_all_that_was_set_with_one_press() -> None:
    """And mentions the owner; in a drill it says so."""
    pin, other = execution("pin"), execution("other", leads="ex_pin")
    made = question(sample_incident(), (pin, other), AT, owner="U0DANA")
    assert problems(made) == []
    assert made.text.startswith("<@U0DANA> pinned refund-bot to gpt-x-2026-01-01 and 1 more of the same press ends ")
    drilled = question(sample_incident().model_copy(update={"drill": True}), (pin,), AT, owner=None)
    assert drilled.text.startswith("DRILL · ")


def test_the_thread_tells_who_answered_and_what() -> None:
    """The question itself is a message of its own."""
    incident = with_all(sample_incident())
    lines = [thread_line(entry, incident) for entry in acted_entries()]
    told = "\n".join(line for line in lines if line)
    assert "*<@U0LEE> extended it until <!date^" in told
    assert "*<@U0LEE> lets it lapse at its time:*" in told
    assert all(not line for line, e in zip(lines, acted_entries(), strict=True) if isinstance(e.event, ev.ExpiryAsked))


def test_the_page_of_the_incident_shows_values_both_names_and_the_history() -> None:
    """Each action: from what to what, who approved, what was read back since."""
    page = incident_page(with_all(sample_incident()), AT, entries=acted_entries(), names={"U0KIM": "kim"})
    html = render("incident.html", page)
    text = " ".join(" ".join(read(html).text).split())
    assert "agent.model of refund-bot at embedded: nothing → gpt-x-2026-01-01" in text
    assert "Approved @kim" in text
    assert "Broke glass, alone: “customers were charged twice”" in text
    assert "not in force: it holds nothing; changed outside Pullcord" in text
    assert "waits for commander until 12:15:00" in text
    assert "Pin model waits for approval." in text
    assert "nobody did until 12:15:00" in text


def test_the_page_of_all_puts_what_needs_somebody_first() -> None:
    """Then what is not seen yet, then the soonest end."""
    listed = rows_of(with_all(sample_incident()))
    page = mitigations_page(listed, AT, total=len(listed))
    assert page.rows[0].drift
    assert page.rows[0].tone == "irr"
    assert page.rows[1].state == "pending"
    assert page.summary == "9 mitigations · 7 in force · 1 not seen yet · 1 needs somebody"
    read(render("mitigations.html", page))
    read(render("mitigations.html", mitigations_page((), AT, total=0)))


@st.composite
def bad(draw: st.DrawFn) -> Execution:
    """One of the states with hostile texts everywhere."""
    one = draw(st.sampled_from(states()))
    words = hostile.text()
    changed: dict[str, Any] = {
        name: draw(words)
        for name in (
            "title",
            "summary",
            "reason",
            "verified_detail",
            "broke_glass",
            "agent",
            "control",
            "expiry_answer",
        )
        if draw(st.booleans())
    }
    if one.change is not None and draw(st.booleans()):
        target = one.change.target.model_copy(update={"subject": draw(words), "control": draw(words)})
        changed["change"] = one.change.model_copy(update={"target": target, "desired": draw(words)})
    return one.model_copy(update={"id": f"ex_{draw(st.integers(0, 9))}", **changed})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(bad(), min_size=1, max_size=30))
def test_no_text_breaks_what_is_told(found: list[Execution]) -> None:
    """Within Slack's limits, under 10 kB and 12 blocks, no live mention or link of theirs; pages well nested."""
    incident = sample_incident().model_copy(update={"executions": tuple(found)})
    made = card(incident, sample_offers(), AT)
    assert problems(made) == []
    assert made.size < limits.CARD_BYTES
    assert len(made.blocks) <= limits.CARD_BLOCKS
    listed = rows_of(incident)
    shown = listing(listed, AT, len(listed))
    assert problems(shown) == []
    temporary = [e for e in found if e.expires_at is not None and e.change is not None]
    asked = [question(incident, temporary, AT, owner="U0DANA")] if temporary else []
    for message in (made, shown, *asked):
        assert problems(message) == []
        assert "<!channel>" not in _said(message)
        assert "<https://evil" not in _said(message)
    read(render("mitigations.html", mitigations_page(listed, AT, total=len(listed))))
    read(render("incident.html", incident_page(incident, AT, entries=acted_entries())))


def _said(made: Card) -> str:
    return f"{made.text}{made.blocks}"


@pytest.mark.parametrize("count", [1, 12, 13, 400])
def test_a_long_list_is_cut_and_says_how_much_is_left(count: int) -> None:
    """Twelve in Slack, the rest by the command and the page."""
    one = rows_of(with_all(sample_incident()))[0]
    made = listing([one] * count, AT, count)
    assert problems(made) == []
    assert made.size < 14_000
    assert (f"and {count - 12} more" in _said(made)) is (count > 12)
