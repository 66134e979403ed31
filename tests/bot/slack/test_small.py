import asyncio
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import events as ev
from bot.domain.events import PULLCORD, Entry
from bot.domain.incident import Incident
from bot.domain.project import project
from bot.slack import clicks, thread
from bot.slack.budget import Budget
from bot.slack.channels import MAX_NAME, channel_name
from bot.slack.errors import RateLimited, Unreachable, of_answer
from bot.slack.http import SlackHttp
from bot.slack.render import COUNTDOWN, next_countdown
from bot.slack.safe import defang
from tests.bot.slack.workspace import SmallViews
from tests.support.clock import ManualClock

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def entries(*events: ev.Event) -> list[Entry]:
    """A timeline with made-up codes."""
    opened = ev.IncidentOpened(at=AT, by=PULLCORD, number=1, agent="refund-bot", name="x", severity="SEV2")
    return [Entry(seq=n, mac=f"{n:064x}", key_id="k", event=e) for n, e in enumerate((opened, *events), 1)]


def an_incident(agent: str | None = "refund-bot") -> Incident:
    """One that was just opened."""
    opened = ev.IncidentOpened(at=AT, by=PULLCORD, number=42, agent=agent, name="Alert name", severity="SEV2")
    return project([Entry(seq=1, mac="a", key_id="k", event=opened)], incident_id="INC-42")


# ------------------------------------------------------------------------------------------------------- thread


def test_waiting_lines_go_out_together_and_a_repeat_tells_exactly_the_same_entries() -> None:
    """A retry after a lost answer must find the same key, whatever came meanwhile."""
    notes = [ev.NoteAdded(at=AT, by=PULLCORD, text=f"n{n}") for n in range(3)]
    first = thread.plan(entries(*notes[:2]), an_incident(), SmallViews(), cursor=0, first=False)
    assert first.batch is not None
    assert first.batch.key("INC-42") == "INC-42:3"
    again = thread.plan(entries(*notes), an_incident(), SmallViews(), cursor=0, upto=3, first=False)
    assert again.batch == first.batch


def test_entries_without_a_line_move_the_cursor_only() -> None:
    """And a posted head makes no further head."""
    head = ev.HeadPosted(at=AT, by=PULLCORD, seq=1, head="a", ts="1.1")
    found = thread.plan(entries(head), an_incident(), SmallViews(), cursor=0, first=False)
    assert found == thread.Plan(batch=None, cursor=2)


def test_a_long_backlog_is_cut_into_messages() -> None:
    """Slack refuses a section over 3,000 characters."""
    notes = [ev.NoteAdded(at=AT, by=PULLCORD, text="x" * 900) for _ in range(10)]
    cursor, texts = 0, []
    while (found := thread.plan(entries(*notes), an_incident(), SmallViews(), cursor=cursor, first=False)).batch:
        texts.append(found.batch.text)
        cursor = found.cursor
    assert all(len(text) < 2900 for text in texts)
    assert sum(text.count("note ") for text in texts) == 10


# ------------------------------------------------------------------------------------------------------- budget


def test_a_channel_takes_one_message_a_second_and_channels_do_not_wait_for_each_other() -> None:
    """What may not go now says how long."""
    now = [0.0]
    budget = Budget(monotonic=lambda: now[0])
    assert budget.post("C1") == 0
    assert budget.post("C1") == pytest.approx(1.0)
    assert budget.post("C2") == 0
    now[0] = 1.0
    assert budget.post("C1") == 0


def test_unacknowledged_cards_have_edits_left_when_the_others_have_used_theirs() -> None:
    """45 a minute in all, 15 of them kept."""
    now = [0.0]
    budget = Budget(monotonic=lambda: now[0])
    assert [budget.update(urgent=False) for _ in range(30)] == [0.0] * 30
    assert budget.update(urgent=False) > 0
    assert [budget.update(urgent=True) for _ in range(15)] == [0.0] * 15
    assert budget.update(urgent=True) == pytest.approx(60)
    now[0] = 60.0
    assert budget.update(urgent=False) == 0


# ----------------------------------------------------------------------------------------------- names and texts


@given(st.text(max_size=300), st.integers(1, 12))
def test_a_channel_name_is_always_one_that_slack_takes(agent: str, attempt: int) -> None:
    """Whatever an agent is called."""
    name = channel_name("inc", an_incident(agent), attempt)
    assert len(name) <= MAX_NAME
    assert name.startswith("inc-42")
    assert all(c in "abcdefghijklmnopqrstuvwxyz0123456789-_" for c in name)


@given(st.text(alphabet="<>!@#&|U0C^cha n", max_size=80))
def test_nothing_but_people_channels_and_dates_stays_live(text: str) -> None:
    """No broadcast, no group, no link."""
    safe = defang(text)
    for opened in safe.split("<")[1:]:
        assert opened[0] in "@#!"
        assert not opened.startswith(("!channel", "!here", "!everyone", "!subteam"))


def test_mentions_of_people_stay_live() -> None:
    """The second clicker is told who was first."""
    assert defang("by <@U0DANA> <!here>") == "by <@U0DANA> &lt;!here&gt;"


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (429, "", RateLimited),
        (200, "ratelimited", RateLimited),
        (503, "", Unreachable),
        (200, "fatal_error", Unreachable),
    ],
)
def test_answers_that_leave_it_open_are_not_a_no(status: int, error: str, kind: type) -> None:
    """Only a definite no says that nothing happened."""
    assert isinstance(of_answer("chat.postMessage", status, {"error": error} if error else {}, "x"), kind)


def test_a_countdown_is_shown_anew_when_its_class_changes_and_not_each_minute() -> None:
    """At 60, 30, 10 minutes and at the end."""
    incident = an_incident()
    assert next_countdown(incident, AT) is None
    assert [c / timedelta(minutes=1) for c in COUNTDOWN] == [60, 30, 10, 0]


# ------------------------------------------------------------------------------------------------------- payloads


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda c: (
            st.lists(c)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "user",
                        "team",
                        "id",
                        "view",
                        "state",
                        "values",
                        "actions",
                        "container",
                        "event",
                        "item",
                        "message",
                    ]
                ),
                c,
            )
        ),
        max_leaves=20,
    )
)
def test_no_payload_makes_the_reading_of_it_raise(body: object) -> None:
    """Other people's shapes: what is missing or of another type is simply not there."""
    if not isinstance(body, dict):
        return
    for read in (clicks.submission, clicks.command, clicks.shortcut, clicks.event):
        read(body)
    list(clicks.buttons(body))


def test_the_same_click_has_the_same_key_and_another_press_another() -> None:
    """(container, action, time of the press, person) as Slack sends them."""
    body = {
        "user": {"id": "U1", "team_id": "T1"},
        "team": {"id": "T1"},
        "container": {"message_ts": "1.1", "channel_id": "C1"},
        "actions": [{"action_id": "a", "action_ts": "5.0", "value": "v"}],
    }
    first, second = next(iter(clicks.buttons(body))), next(iter(clicks.buttons(body)))
    assert first.click == second.click
    later = {**body, "actions": [{"action_id": "a", "action_ts": "6.0", "value": "v"}]}
    assert next(iter(clicks.buttons(later))).click.key != first.click.key


# ------------------------------------------------------------------------------------------------------- HTTP mode


class _App:
    async def async_dispatch(self, request: object) -> object:
        """Not reached by what is not genuine."""
        raise AssertionError(request)


def signed(secret: str, stamp: str, body: bytes) -> str:
    """Slack's version 0."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("stamp", "signature"),
    [
        ("abc", "v0=1"),
        ("nan", "x"),
        ("", ""),
        ("1", "v0=é"),
        ("1e9", "v0=" + "0" * 64),
        ("9" * 40, "v0=0"),
        ("-5", "v0=0"),
    ],
)
def test_hostile_headers_are_401(stamp: str, signature: str) -> None:
    """The SDK's verifier raises on these; nothing unauthenticated may be a 500."""
    http = SlackHttp(_App(), ["secret"], ManualClock())  # type: ignore[arg-type]
    headers = [("X-Slack-Request-Timestamp", stamp), ("X-Slack-Signature", signature)]
    assert asyncio.run(http.handle(b"\xff\xfe", headers)).status == 401


def test_an_old_or_forged_signature_is_401_and_a_large_body_413() -> None:
    """Five minutes, as Slack says."""
    clock = ManualClock()
    http = SlackHttp(_App(), ["secret"], clock)  # type: ignore[arg-type]
    body = urlencode({"payload": json.dumps({})}).encode()
    old = str(int(clock.now().timestamp()) - 301)
    now = str(int(clock.now().timestamp()))
    for stamp, secret in ((old, "secret"), (now, "other")):
        headers = [("x-slack-request-timestamp", stamp), ("x-slack-signature", signed(secret, stamp, body))]
        assert asyncio.run(http.handle(body, headers)).status == 401
    assert asyncio.run(http.handle(b"x" * 1_000_001, [])).status == 413
