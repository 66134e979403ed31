import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain import events as ev
from bot.domain.effect import Reversibility
from bot.domain.incident import Incident
from bot.domain.run import Capture
from bot.plugin import OfferView
from bot.views import limits
from bot.views.blocks import Block, Card
from bot.views.card import card
from bot.views.messages import announcement, direct_message
from bot.views.tray import help_card, tray
from tests.support import hostile
from tests.support.blockcheck import problems
from tests.support.sample_incident import (
    DANA,
    NOW,
    PULL,
    TRACE,
    at,
    chain,
    change_of,
    opening,
    resolved_entries,
    sample_effects,
    sample_incident,
    sample_offers,
    started,
)

FIRING = sample_incident(chain(opening()))
WORKING = sample_incident()
RESOLVED = sample_incident(resolved_entries())


def said(made: Card) -> str:
    """All mrkdwn and headings of a card, a line each."""
    lines = []
    for block in made.blocks:
        if isinstance(block.get("text"), dict):
            lines.append(block["text"]["text"])
        lines += [field["text"] for field in block.get("fields", [])]
        if block["type"] == "context":
            lines += [element["text"] for element in block["elements"]]
    return "\n".join(lines)


def row(made: Card, block_id: str) -> list[Block]:
    """The elements of a row of buttons, nothing when it is not there."""
    return next((list(block["elements"]) for block in made.blocks if block.get("block_id") == block_id), [])


def labels(elements: list[Block]) -> list[str]:
    """What the buttons say."""
    return [element["text"]["text"] for element in elements if element["type"] == "button"]


def test_the_card_opens_with_what_cannot_be_undone() -> None:
    """Header, counts, effects with the worst first, each with its way back in words."""
    made = card(FIRING, sample_offers(), at("03:03:10"))
    lines = said(made).splitlines()
    assert lines[0] == "SEV2 · refund-bot: 2 effects cannot be undone"
    assert lines[1] == (
        "*The run did 7 things:* 2 irreversible · 1 compensable · 4 reversible "
        "(3 attempts were rejected, 1 with an unknown outcome, counted as done)"
    )
    assert lines[2] == "_alert:_ RefundAmountAnomaly — Refund amounts are ten times the usual."
    assert lines[3] == "🔴 `issue_refund` $420.00 <!date^1780973884^{time_secs}|02:58:04 UTC> · *no undo*"
    assert lines[5] == (
        "🟡 `book_courier` return pickup <!date^1780973887^{time_secs}|02:58:07 UTC> · "
        "*cancel until <!date^1780977600^{time}|04:00 UTC>* (56 min)"
    )
    assert lines[8] == "and 2 more in the thread"


def test_gaps_and_guessed_reads_are_said() -> None:
    """What was not recorded is named; a guess is called one, with the way to correct it."""
    shown = said(card(FIRING, [], NOW))
    assert "⚪ not recorded: seed, tool definitions" in shown
    assert "2 reads (1 guessed by name); a wrong guess is corrected under `tools:`" in shown
    verdict = Capture(found=1, wanted=3, missing=("asked model", "seed"))
    run = FIRING.runs[0].model_copy(update={"summary": FIRING.runs[0].summary.model_copy(update={"capture": verdict})})
    shown = said(card(FIRING.model_copy(update={"runs": (run,)}), [], NOW))
    assert "⚪ captured 1 of 3; not recorded: asked model, seed" in shown
    classify = sample_offers()[3].model_copy(update={"action": "classify_tool", "label": "Correct a guess…"})
    assert "2 reads (1 guessed by name); wrong? Press Correct a guess…" in said(card(FIRING, [classify], NOW))


def test_the_text_is_one_sentence_for_notifications() -> None:
    """Without the blocks it still says what happened, who is called and who has it."""
    assert card(FIRING, [], NOW).text == (
        "SEV2: refund-bot did 2 things that cannot be undone (issue_refund and send_email). "
        "On call: <@U0LEE>. Nobody has it yet."
    )
    assert card(WORKING, [], NOW).text.startswith("SEV2 acknowledged, <@U0LEE> has it, commander <@U0DANA>: ")
    assert card(RESOLVED, [], NOW).text == (
        "SEV2 of refund-bot resolved by <@U0DANA> after 6 h 09 min: "
        "Refunds are bounded; finance follows up on 13 customers."
    )


@pytest.mark.parametrize(
    ("incident", "buttons"),
    [
        (FIRING, ["Acknowledge", "Take command", "Resolve…", "Show run"]),
        (WORKING, ["Resolve…", "Show run"]),
        (RESOLVED, ["Show run"]),
    ],
)
def test_lifecycle_buttons_follow_the_state(incident: Incident, buttons: list[str]) -> None:
    """Nothing is offered twice, and a closed incident has no lifecycle left; its run can still be looked at."""
    assert labels(row(card(incident, [], NOW), "lifecycle")) == buttons


def test_two_offers_the_newest_undo_and_a_menu() -> None:
    """The most useful two are visible; the menu holds those that ask by a modal, the tray and the page."""
    elements = row(card(WORKING, sample_offers(), NOW), "containment")
    assert labels(elements) == ["Revoke issue_refund", "Pin model…", "Undo: revoked issue_refund from refund-bot"]
    assert [e["value"] for e in elements[:3]] == ["of_2", "of_3", "of_7"]
    assert [o["value"] for o in elements[3]["options"]] == ["of_4", "of_5", "tray:INC-42", "link:INC-42"]


def test_an_offer_that_runs_at_once_asks_with_target_and_consequence() -> None:
    """The question names the target, the text what follows, the answer is the verb, the other says what stays."""
    revoke, pin, undo, _ = row(card(WORKING, sample_offers(), NOW), "containment")
    assert revoke["confirm"]["title"]["text"] == "Revoke issue_refund for refund-bot?"
    assert "Giving it back needs a commander." in revoke["confirm"]["text"]["text"]
    assert revoke["confirm"]["confirm"]["text"] == "Revoke issue_refund"
    assert revoke["confirm"]["deny"]["text"] == "Keep it"
    assert revoke["style"] == "danger"
    assert "confirm" not in pin
    assert undo["confirm"]["confirm"]["text"] == "Undo"


def test_no_offer_runs_from_the_menu_without_its_own_question() -> None:
    """A menu has one question for all rows, so an offer that does not open a modal never stands in it."""
    offers = [o.model_copy(update={"asks": False, "id": f"n{n}"}) for n, o in enumerate(sample_offers()[1:])]
    menu = row(card(WORKING, offers, NOW), "containment")[-1]
    assert [o["value"] for o in menu["options"]] == ["tray:INC-42", "link:INC-42"]


def test_results_say_in_force_only_when_it_was_seen() -> None:
    """Green only when read back; pending says since when; unknown asks to look."""
    shown = said(card(WORKING, [], NOW))
    assert "✓ revoked issue_refund from refund-bot · <@U0LEE>" in shown
    assert "· in force" in shown
    assert "🟠 pinned refund-bot to gpt-x-2026-03-12" in shown
    assert "pending: the agent last read its state at 03:09:20" in shown
    assert "❓ *outcome unknown:* paused refund-bot" in shown


def test_an_unknown_execution_has_its_three_buttons() -> None:
    """Check, mark done, mark not done: each carries incident and execution."""
    elements = row(card(WORKING, sample_offers(), NOW), "unknown-0")
    assert labels(elements) == ["Check: paused refund-bot", "Mark done…", "Mark not done…"]
    assert {e["value"] for e in elements} == {"INC-42|ex_pause"}


def test_a_missing_run_is_unknown_not_zero() -> None:
    """The card never says that nothing happened when it does not know."""
    missing = ev.RunMissing(at=at("03:03:00"), by=PULL, trace_id=TRACE, reason="The recorder has no spans of it.")
    made = card(sample_incident(chain([opening()[0], missing])), [], NOW)
    assert "refund-bot: what it did is not known yet" in said(made)
    assert "No run found for 4f1c9e27…: The recorder has no spans of it." in said(made)
    assert said(made).count("Effects are unknown, not zero.") == 1
    assert "what refund-bot did is not known yet" in made.text


def test_an_alert_without_a_run_says_so_once() -> None:
    """The reason stands by itself; that effects are unknown is said once."""
    missing = ev.RunMissing(at=at("03:03:00"), by=PULL, trace_id=None, reason="the alert names no run")
    shown = said(card(sample_incident(chain([opening()[0], missing])), [], NOW))
    assert shown.count("names no run") == 1
    assert shown.count("Effects are unknown, not zero.") == 1


def declared(agent: str | None, sentence: str = "The bot swears at customers") -> Incident:
    """An incident that Dana declared."""
    said_so = ev.IncidentOpened(
        at=at("03:02:48"),
        by=DANA,
        number=43,
        agent=agent,
        name="declared by a person",
        severity="SEV3",
        summary=sentence,
    )
    missing = ev.RunMissing(at=at("03:02:48"), by=PULL, trace_id=None, reason="a person declared it and named no run")
    return sample_incident(chain([said_so, missing]))


def test_the_sentence_of_whoever_declared_it_is_the_title() -> None:
    """Also in the announcement and the direct message, with who declared it; a long one stands below in full."""
    incident = declared(None)
    for made in (card(incident, [], NOW), announcement(incident, NOW), direct_message(incident, NOW)):
        shown = said(made)
        assert "SEV3 · The bot swears at customers" in shown
        assert "_declared by_ <@U0DANA>" in shown
        assert "declared by a person" not in shown
        assert "The bot swears at customers." in made.text
    assert said(card(declared("refund-bot"), [], NOW)).startswith("SEV3 · refund-bot: The bot swears at customers\n")
    long = "The bot swears. " * 12
    assert long.strip() in said(card(declared(None, long), [], NOW))


def test_only_an_alert_can_fire() -> None:
    """What a person declared is open."""
    shown = said(card(declared("refund-bot"), [], NOW))
    assert "*Status*\nOpen" in shown
    assert "Firing" not in shown
    assert "*Status*\nFiring" in said(card(FIRING, [], NOW))


def test_trouble_of_a_source_is_not_told_as_the_deed_of_an_agent() -> None:
    """The reason is said, and nothing about what an agent did."""
    told = ev.IncidentOpened(
        at=at("03:02:48"),
        by=PULL,
        number=44,
        agent=None,
        name="alerts of alertmanager were refused",
        severity="SEV3",
        summary="what it sent could not be read: no `alerts`",
    )
    incident = sample_incident(chain([told]))
    for made in (card(incident, [], NOW), announcement(incident, NOW), direct_message(incident, NOW)):
        shown = said(made) + made.text
        assert "SEV3 · alerts of alertmanager were refused" in shown
        assert "_reason:_ what it sent could not be read: no 'alerts'" in shown
        assert "not known yet" not in shown


def test_what_the_alert_said_is_in_the_announcement_and_the_direct_message() -> None:
    """One line; foreign text cannot be live in it."""
    for made in (announcement(FIRING, NOW), direct_message(FIRING, NOW)):
        assert "_alert:_ RefundAmountAnomaly — Refund amounts are ten times the usual." in said(made)


def test_the_direct_message_links_what_there_is_and_loses_acknowledge_once_somebody_has_it() -> None:
    """Before there is a channel it links the announcement; afterwards it says who has it, then that it is over."""
    early = direct_message(sample_incident(chain([opening()[0]])), NOW, reason="You are on call.", announced="C0ANN")
    assert "announced in <#C0ANN>" in said(early)
    assert "You are on call." in said(early)
    assert "<#C0INC42>" in said(direct_message(FIRING, NOW, announced="C0ANN"))
    assert "Acknowledge" in labels(row(early, "lifecycle"))
    assert "*<@U0LEE> has it.*" in said(direct_message(WORKING, NOW))
    assert "*Resolved by <@U0DANA>.*" in said(direct_message(RESOLVED, NOW))
    assert labels(row(direct_message(WORKING, NOW), "lifecycle")) == ["More…", "Timeline page"]


def test_a_closed_incident_has_no_prominent_undo_and_no_hint_to_correct() -> None:
    """Undo is one more press away, and a stale hint names no button."""
    classify = sample_offers()[3].model_copy(update={"action": "classify_tool", "label": "Correct a guess…"})
    undone = classify.model_copy(update={"label": "Undo: corrected get_order", "undo_of": "ex_1"})
    assert "Undo" not in "".join(labels(row(card(RESOLVED, sample_offers(), NOW), "containment")))
    assert "wrong" not in said(card(RESOLVED, [classify], NOW))
    assert "Press Undo" not in said(card(FIRING, [undone], NOW))


def test_a_run_without_effects_says_so() -> None:
    """Reads only: the run changed nothing outside itself."""
    reads = [e for e in sample_effects() if e.reversibility is Reversibility.READ_ONLY]
    made = card(sample_incident(chain(opening(reads))), [], NOW)
    assert "*The run changed nothing outside itself.*" in said(made)
    assert made.text.startswith("SEV2: refund-bot changed nothing outside its run.")


def test_a_closed_undo_window_makes_the_effect_irreversible() -> None:
    """At the deadline the count, the order and the words change."""
    shown = said(card(FIRING, [], at("04:00:01")))
    assert "refund-bot: 3 effects cannot be undone" in shown
    assert "*no undo: the window closed <!date^1780977600^{time}|04:00 UTC>*" in shown


def test_what_slack_refused_stands_on_the_card() -> None:
    """A workspace that withholds something is named with what is missing because of it."""
    refused = ev.SlackRefused(
        at=at("03:03:06"), by=PULL, method="pins.add", error="missing_scope", consequence="The card is not pinned."
    )
    shown = said(card(sample_incident(chain([*opening(), refused])), [], NOW))
    assert "⚠ The card is not pinned. (Slack answered missing_scope to pins.add)" in shown


def test_the_last_line_names_the_incident_and_what_happened_last() -> None:
    """Id, opening, the latest deed, and the page where its address is known."""
    told = [*opening(), ev.Acknowledged(at=at("03:04:31"), by=DANA)]
    foot = said(card(sample_incident(chain(told)), [], NOW, page_url="https://p.example/incidents/INC-42"))
    assert foot.splitlines()[-1] == (
        "INC-42 · opened <!date^1780974168^{time}|03:02 UTC> · last: <@U0DANA> acknowledged "
        "<!date^1780974271^{time}|03:04 UTC> · <https://p.example/incidents/INC-42|timeline>"
    )


def test_the_last_line_mentions_whoever_did_it_last() -> None:
    """Also somebody who neither acknowledged nor acted, and only added runs or a note."""
    told = [*opening(), ev.RunsAdded(at=at("03:04:31"), by=DANA, trace_ids=("ab" * 16,), why="chosen")]
    foot = said(card(sample_incident(chain(told)), [], NOW))
    assert "last: <@U0DANA> added a run" in foot


def test_repeated_alerts_are_counted() -> None:
    """A storm of one alert is a number on the card."""
    assert "alert seen 1,204 times" in said(card(FIRING, [], NOW, repeats=1204))


@pytest.mark.parametrize("incident", [FIRING, WORKING, RESOLVED])
def test_every_message_of_the_sample_passes_the_strict_check(incident: Incident) -> None:
    """Card, announcement, direct message, tray and help are what Slack accepts."""
    for made in (
        card(incident, sample_offers(), NOW, page_url="https://p.example/x", repeats=4),
        announcement(incident, NOW, mention=["U0LEE"], card_link="https://x.slack.com/archives/C1/p1"),
        direct_message(incident, NOW, reason="Nobody has it yet."),
        tray(incident, sample_offers(), NOW, hidden=[("Pin model", "no models are configured")]),
        tray(None, [], NOW, open_ids=["INC-42"]),
        help_card(["ack [INC-42]: you have it"]),
    ):
        assert problems(made) == []
    assert len(card(incident, sample_offers(), NOW).blocks) <= limits.CARD_BLOCKS


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(hostile.events(), hostile.offers(), st.integers(0, 10**6))
def test_no_incident_breaks_the_card(told: list[ev.Event], offers: list[OfferView], repeats: int) -> None:
    """Whatever came in: 12 blocks, 10 kB, Slack's limits, one short sentence, nothing live that is not ours."""
    incident = hostile.incident_of(told)
    made = card(incident, offers, NOW, page_url="https://p.example/incidents/INC-42", repeats=repeats)
    assert problems(made) == []
    assert len(made.blocks) <= 12
    assert len(json.dumps([made.text, *made.blocks])) < 10_000
    assert 0 < len(made.text) <= 300


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(hostile.events(), hostile.offers())
def test_no_incident_breaks_the_other_messages(told: list[ev.Event], offers: list[OfferView]) -> None:
    """Announcement, direct message and tray keep the same rules."""
    incident = hostile.incident_of(told)
    bad = list(hostile.BAD)
    for made in (
        announcement(incident, NOW, mention=["U0LEE", "<!channel>"]),
        direct_message(incident, NOW, reason=bad[0]),
        tray(incident, offers, NOW, hidden=[(bad[1], bad[2])] * 30),
    ):
        assert problems(made) == []


def test_the_longest_texts_everywhere_still_fit() -> None:
    """Fire signs in every foreign text (twelve bytes each as JSON), 2,000 effects, seven actions, thirty offers."""
    fire = "\U0001f525" * 190
    worst = sample_effects()[5].model_copy(update={"tool": fire, "summary": fire * 2})
    told = opening([worst.model_copy(update={"id": f"e{n}", "order": n + 1}) for n in range(2000)])
    told[0] = told[0].model_copy(update={"agent": fire, "name": fire})
    for n in range(7):
        told += started(f"ex{n}", fire, change_of("agent.tools.denied", fire, fire))
        told.append(ev.ActionUnknown(at=NOW, by=PULL, execution=f"ex{n}", reason=fire))
    told += [ev.SlackRefused(at=NOW, by=PULL, method="x", error=fire, consequence=fire)] * 3
    offer = sample_offers()[1].model_copy(update={"label": fire, "consequence": fire * 2})
    offers = [offer.model_copy(update={"id": f"of_{n}", "asks": n > 2}) for n in range(30)]
    made = card(hostile.incident_of(told), offers, NOW, page_url="https://p.example/incidents/INC-42", repeats=9)
    assert made.size < limits.CARD_BYTES
    assert len(made.blocks) == limits.CARD_BLOCKS
    assert problems(made) == []
