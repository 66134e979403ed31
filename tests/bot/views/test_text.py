from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.views import text

AT = datetime(2026, 6, 9, 2, 58, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("<!channel>", "&lt;!channel&gt;"),
        ("a & b", "a &amp; b"),
        ("&amp;", "&amp;amp;"),
        ("two\r\n\tlines", "two lines"),
        ("\u202egnp\x00\x07", "\u2423gnp\u2423"),
        ("``` x `", "' x '"),
        ("*bold* _it_ a_b ~no~", "\u2217bold\u2217 \uff3fit\uff3f a_b \u223cno\u223c"),
    ],
)
def test_foreign_text_is_escaped_and_visible(raw: str, shown: str) -> None:
    """Exactly the three characters are escaped; what cannot be seen is shown as a sign; formatting is calmed."""
    assert text.foreign(raw, 100) == shown


def test_text_is_cut_by_code_points_before_it_is_escaped() -> None:
    """An entity is never cut in two."""
    assert text.foreign("&" * 10, 5) == "&amp;" * 4 + "…"


def test_a_lone_surrogate_can_still_be_sent() -> None:
    """JSON for Slack must be encodable whatever came in."""
    text.foreign("\ud800x", 10).encode()


def test_text_cut_after_escaping_keeps_entities_tokens_and_code_spans_whole() -> None:
    """Cutting falls before an entity, a date token or a code span that does not fit."""
    assert text.cut_escaped("ab&amp;cd", 6) == "ab…"
    assert text.cut_escaped("ab <!date^1^{time}|02:58 UTC>", 12) == "ab…"
    assert text.cut_escaped("ab `code span`", 8) == "ab…"


def test_code_spans_cannot_be_left() -> None:
    """Backticks inside a span become an apostrophe."""
    assert text.code("a`b``` <x>", 40) == "`a'b' &lt;x&gt;`"
    assert text.code("", 40) == "`(empty)`"


def test_only_well_formed_user_ids_are_mentioned() -> None:
    """Anything else stays text."""
    assert text.mention("U0LEE") == "<@U0LEE>"
    assert text.mention("!channel") == "!channel"
    assert text.mention("U0LEE> <!here") == "U0LEE&gt; &lt;!here"


def test_a_sentence_of_ours_keeps_only_its_own_first_mention() -> None:
    """Foreign words behind it cannot mention anybody, not even a person of this incident."""
    said = text.own_words("<@U0LEE> revoked <@U0LEE> and <!channel>", ["U0LEE"], 200)
    assert said == "<@U0LEE> revoked &lt;@U0LEE&gt; and &lt;!channel&gt;"
    assert text.own_words("<@U0EVIL> hello", ["U0LEE"], 200) == "&lt;@U0EVIL&gt; hello"


@pytest.mark.parametrize(
    ("length", "shown"),
    [
        (timedelta(seconds=45), "45 s"),
        (timedelta(minutes=57, seconds=59), "57 min"),
        (timedelta(hours=6, minutes=9), "6 h 09 min"),
        (timedelta(days=2, hours=4, minutes=59), "2 d 4 h"),
        (timedelta(seconds=-5), "0 s"),
    ],
)
def test_durations_are_rounded_down(length: timedelta, shown: str) -> None:
    """A window is never shown longer than it is."""
    assert text.duration(length) == shown


def test_times_are_date_tokens_with_a_utc_fallback() -> None:
    """Each reader sees local time; a client that cannot shows UTC."""
    assert text.clock(AT) == "<!date^1780973884^{time}|02:58 UTC>"
    assert (
        text.moment(AT, AT + timedelta(days=1)) == "<!date^1780973884^{date_short_pretty} {time}|9 Jun 2026 02:58 UTC>"
    )


@given(st.text(max_size=200), st.integers(1, 60))
def test_foreign_text_never_holds_live_markup(raw: str, limit: int) -> None:
    """No bracket survives, and the text before escaping is within its limit."""
    shown = text.foreign(raw, limit)
    assert "<" not in shown
    assert ">" not in shown
    plain = shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert len(plain) <= limit
