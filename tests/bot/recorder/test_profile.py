import pytest

from bot.domain.run import Document, Retrieval
from bot.recorder.likeness import leaves, reach, same, sizes, token
from bot.recorder.newness import newness, rarity
from bot.recorder.profile import documents_of, profile_of
from bot.recorder.text_changes import line_changes, units
from bot.recorder.volatile import kind_of_name, masked
from tests.support.recorded_runs import recorded


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Today is 2026-11-23.", "Today is 2025-01-02."),
        ("Today is 2026-11-23T10:00:05Z.", "Today is 2026-11-24T11:30:00.123+02:00."),
        ("Today is Monday, 23 November 2026.", "Today is Tuesday, 1 December 2026."),
        ("It is November 23rd, 2026 at 10:05 AM.", "It is December 1st, 2026 at 9:45 PM."),
        ("Date: 23/11/2026", "Date: 1/12/2026"),
        ("Session 0b9f2c0e-8a1d-4c55-9f5e-1f1c6d2b7a11", "Session 1b9f2c0e-8a1d-4c55-9f5e-1f1c6d2b7a22"),
        ("thread_abc123def456", "thread_zzz999yyy888"),
        ("now=1763892000", "now=1763892999"),
        ("line one  \r\nline two", "line one\nline two"),
    ],
)
def test_dates_times_and_ids_do_not_make_a_prompt_another(one: str, other: str) -> None:
    """They differ with every run though nobody changed anything."""
    assert masked(one) == masked(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Refund at most 50 EUR.", "Refund at most 500 EUR."),
        ("Use gpt-4o.", "Use gpt-5."),
        ("Wait 30 days.", "Wait 14 days."),
        ("Version 1.4.2", "Version 1.5.0"),
        ("Call tool_v1 first.", "Call tool_v2 first."),
        ("Never refund.", "Always refund."),
    ],
)
def test_what_somebody_changed_is_not_masked(one: str, other: str) -> None:
    """A limit, a model, a deadline."""
    assert masked(one) != masked(other)


def test_runs_of_one_kind_have_one_name() -> None:
    """Ids in a root's name are no kinds."""
    assert kind_of_name("POST /chat/4711") == kind_of_name("POST /chat/12") == "POST /chat/#"
    assert kind_of_name("invoke_agent refund-bot") == "invoke_agent refund-bot"
    assert kind_of_name("run 0b9f2c0e8a1d") == kind_of_name("run 77aa2c0e8a1f")


def documents(*found: Document) -> dict[str, str | None]:
    """The documents of a run that retrieved these."""
    run, _ = recorded(1)
    return documents_of(run.model_copy(update={"retrievals": (Retrieval(span_id="c" * 16, documents=found),)}))


def test_a_documents_version_is_what_was_recorded_else_its_content() -> None:
    """In the metadata, or in the id; several pieces of one document say nothing."""
    assert documents(Document(id="a", metadata={"version": 7})) == {"a": "7"}
    assert documents(Document(id="policy.md@v7")) == {"policy.md": "v7"}
    assert documents(Document(metadata={"source": "kb/a.md", "updated_at": "2026-01-01"})) == {"kb/a.md": "2026-01-01"}
    assert documents(Document(id="a", content="x")) != documents(Document(id="a", content="y"))
    assert documents(Document(id="a", content="x"), Document(id="a", content="y")) == {"a": None}
    assert documents(Document(id="a")) == {"a": None}
    assert documents(Document(content="nothing to call it by")) == {}


def test_arguments_are_alike_however_they_were_written() -> None:
    """Numbers as text, case and blanks; hosts and orders of magnitude."""
    assert same("900.00") == same(900) == same(900.0)
    assert same(" Goodwill  Gesture") == same("goodwill gesture")
    assert same("007") != same(7)
    assert same(True) != same(1)
    assert reach("https://user@evil.example:8443/x?y") == reach("http://EVIL.example") == "evil.example"
    assert reach("Eve@Evil.example") == "evil.example"
    assert reach("no address") is None
    assert reach("http://[broken") is None
    for one, other in ((700, 790), (480, 520), (0.9, 1.1), (-40, -45)):
        assert set(sizes(one)) & set(sizes(other))
    for one, other in ((50, 700), (5, -5), (0, 3)):
        assert not set(sizes(one)) & set(sizes(other))
    assert token("ord_17") == token("ord_99") != token("inv_17")
    assert leaves({"b": [{"x": 1}, {"x": 2}], "a": {"c": None}}) == [("a.c", None), ("b[].x", 1), ("b[].x", 2)]
    assert leaves("just text") == [("", "just text")]


def test_normal_variation_is_not_new() -> None:
    """The tests behind every change, by themselves."""
    steady, both = [frozenset("a")] * 50, [frozenset("ab"[n % 2]) for n in range(50)]
    drawn = [frozenset({str(n)}) for n in range(50)]
    assert newness("a", steady) is None
    assert newness("b", both) is None
    assert newness("x", drawn) is None
    assert newness("x", []) is None
    new = newness("x", steady)
    assert new is not None
    assert (new.since, new.before, new.runs_before) == (50, "a", 50)
    since = newness("b", [*steady, *[frozenset("b")] * 5])
    assert since is not None
    assert (since.since, since.runs_before) == (50, 50)
    assert rarity("b", [*steady, *steady, *steady, frozenset("b")]) is not None
    assert rarity("b", both * 3) is None


def test_sentences_with_names_neither_hide_nor_make_a_change() -> None:
    """One line is other in each run."""
    history = [units(f"You help {name}.\nBe kind.\nNever pay.") for name in ("Ann", "Ben", "Cy", "Di", "Ed", "Flo")]
    assert not line_changes("You help Zoe.\nBe kind.\nNever pay.", history)
    found = line_changes("You help Zoe.\nBe kind.\nAlways pay.", history)
    assert (found.added, found.removed) == (("Always pay.",), ("Never pay.",))
    assert found.has(units("You help Max.\nBe kind.\nAlways pay."))
    assert not found.has(history[0])


def test_a_profile_keeps_each_text_once_and_no_secret_shape_of_its_own() -> None:
    """What it points at is there."""
    run, effects = recorded(1)
    made = profile_of(run, effects)
    for call in made.profile.calls:
        assert call.prompt in made.texts
    assert all(text_hash in made.texts for text_hash in made.profile.tools.values())
