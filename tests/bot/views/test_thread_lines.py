from hypothesis import HealthCheck, given, settings

from bot.domain import events as ev
from bot.domain.action import Verified
from bot.views import limits
from bot.views.blocks import Card, section
from bot.views.thread_lines import thread_line
from tests.support import hostile
from tests.support.blockcheck import problems
from tests.support.sample_incident import (
    DANA,
    PULL,
    at,
    chain,
    opening,
    resolved_entries,
    sample_effects,
    sample_incident,
)

ENTRIES = resolved_entries()
INCIDENT = sample_incident(ENTRIES)


def told(kind: type) -> list[str]:
    """The thread's lines for one kind of event."""
    lines = [thread_line(entry, INCIDENT) for entry in ENTRIES if isinstance(entry.event, kind)]
    return [line for line in lines if line is not None]


def test_the_story_is_told_in_words() -> None:
    """Who did what, and how it ended, as the people of the channel read it."""
    frozen, gaps = told(ev.RunAttached)[0].splitlines()
    assert frozen.startswith("*Run `4f1c9e27…` is frozen as evidence:* 21 steps from recorder, asked `gpt-x`, served ")
    assert frozen.endswith("served `gpt-x-2026-05-01`, sha256 `4be0c1d74be0c1d7…`.")
    assert gaps == "⚪ not recorded: seed, tool definitions"
    assert told(ev.Acknowledged) == ["*<@U0LEE> has it.* Paging stopped."]
    assert told(ev.ActionSucceeded)[0] == (
        "✓ <@U0LEE> revoked issue_refund from refund-bot · *in force: the agent read revision 4* "
        "· “refunds ten times too high”"
    )
    assert told(ev.ActionRefused) == [
        "✗ *<@U0LEE> was refused:* Resume agent. Resuming loosens a restraint. Who may: commander: Dana."
    ]
    assert "Nobody knows whether this happened:* paused refund-bot." in told(ev.ActionUnknown)[0]
    assert "Still in force: revoked issue_refund from refund-bot" in told(ev.IncidentResolved)[0]


def test_a_refusal_mentions_who_may_and_nobody_that_foreign_text_names() -> None:
    """Roles are ours, so their people are live; in a reason only people of this incident are."""
    refused = next(entry for entry in ENTRIES if isinstance(entry.event, ev.ActionRefused))
    event = refused.event.model_copy(
        update={"who_may": "responder: <@U0DANA>, <!channel>", "reason": "<@U0LEE> holds it, not <@U0EVIL>"}
    )
    line = thread_line(refused.model_copy(update={"event": event}), INCIDENT) or ""
    assert line.endswith("<@U0LEE> holds it, not &lt;@U0EVIL&gt; Who may: responder: <@U0DANA>, &lt;!channel&gt;.")


def test_what_a_person_typed_as_the_reason_is_quoted_and_escaped() -> None:
    """From the parameters; what an undo's plan says by itself is no reason of anybody."""
    done = next(entry for entry in ENTRIES if isinstance(entry.event, ev.ActionSucceeded))
    event = done.event
    assert isinstance(event, ev.ActionSucceeded)
    of = INCIDENT.execution(event.execution)
    assert of is not None

    def line(**changes: object) -> str:
        others = [e for e in INCIDENT.executions if e.id != of.id]
        incident = INCIDENT.model_copy(update={"executions": (*others, of.model_copy(update=changes))})
        return thread_line(done, incident) or ""

    assert line(params={"why": "dup <!here> refunds"}).endswith(" · “dup &lt;!here&gt; refunds”")
    assert "“" not in line(undo_of="ex_0")


def test_the_line_to_copy_at_the_end_of_what_was_done_is_not_cut_off() -> None:
    """Where the branch of a class could not be pushed, the thread says which rule to add by hand."""
    done = next(entry for entry in ENTRIES if isinstance(entry.event, ev.ActionSucceeded))
    rule = "Add to its tools: - {name: wire_money, reversibility: irreversible}"
    detail = f"every run is read with it from now on; NOT written: {'git did not answer. ' * 20}{rule}"
    event = done.event.model_copy(update={"detail": detail, "verified": Verified.IN_FORCE})
    line = thread_line(done.model_copy(update={"event": event}), INCIDENT)
    assert line is not None
    assert rule in line


def test_effects_are_told_in_full_only_where_the_card_has_no_room() -> None:
    """Seven changes: all are in the thread. Five or fewer: the card has them."""
    assert told(ev.EffectsListed)[0].count("\n") == 7
    few = chain(opening(sample_effects()[:6]))
    assert thread_line(few[2], sample_incident(few)) is None


def test_machinery_has_no_line() -> None:
    """A request, a message's place and a posted head are not news."""
    assert told(ev.ActionRequested) == told(ev.ActionStarted) == told(ev.CardPosted) == told(ev.ChannelReady) == []
    head = chain([ev.HeadPosted(at=at("03:05:00"), by=PULL, seq=1, head="ab", ts="1.1")])[0]
    assert thread_line(head, INCIDENT) is None


def test_a_pinned_message_links_only_to_slack() -> None:
    """A permalink of Slack is a link; anything else that claims to be one stays out."""
    for link, linked in (
        ("https://team.slack.com/archives/C1/p1780973884000", True),
        ("https://evil.example/archives/C1/p1", False),
    ):
        note = ev.NoteAdded(at=at("03:05:00"), by=DANA, text="look", pinned=True, author="U0LEE", permalink=link)
        line = thread_line(chain([note])[0], INCIDENT) or ""
        assert (f"<{link}|message>" in line) is linked


def test_two_thousand_effects_make_one_short_line() -> None:
    """The worst twenty, then how many more; nothing is cut in the middle of a row."""
    many = [sample_effects()[5].model_copy(update={"id": f"e{n}", "order": n + 1}) for n in range(2000)]
    entries = chain(opening(many))
    line = thread_line(entries[2], sample_incident(entries)) or ""
    assert len(line) <= limits.THREAD_LINE
    assert line.endswith("more on the timeline page")
    shown = line.count("🔴")
    assert f"and {2000 - shown:,} more" in line


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(hostile.events())
def test_no_event_breaks_the_thread(happened: list[ev.Event]) -> None:
    """Every line is short, escaped, and holds no live markup but ours."""
    incident = hostile.incident_of(happened)
    for entry in chain(happened):
        line = thread_line(entry, incident)
        if line is not None:
            assert 0 < len(line) <= limits.THREAD_LINE
            assert problems(Card("A sentence.", (section(line),))) == []
