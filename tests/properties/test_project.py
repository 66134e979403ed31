"""``project``: a pure fold, whatever valid events come in whatever order, read in one go or in pieces."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.domain import events as ev
from bot.domain.action import Applied, Change, Snapshot, Target, Verified
from bot.domain.alert import Alert, AlertStatus
from bot.domain.incident import Incident, IncidentState
from bot.domain.project import project

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TRACES = ("4f1c" + "0" * 28, "4f1d" + "0" * 28)
PEOPLE = [ev.Actor(kind=ev.ActorKind.PERSON, id=user) for user in ("U0DANA", "U0LEE")]
EXECUTIONS = ("ex_1", "ex_2", "ex_3")
CHANGE = Change(
    target=Target(control="embedded", subject="refund-bot", setting="agent.paused"), desired=True, summary="paused it"
)


def _alert(fingerprint: str, trace: str | None = None) -> Alert:
    return Alert(
        source="generic", fingerprint=fingerprint, status=AlertStatus.FIRING, name="A", starts_at=START, trace_id=trace
    )


ALERTS = [_alert(f, t) for f, t in (("a", None), ("b", TRACES[0]), ("c", TRACES[1]))]
EVENTS: dict[type, dict[str, Any]] = {
    ev.AlertJoined: {"alert": st.sampled_from(ALERTS)},
    ev.AlertResolved: {"alert_id": st.sampled_from([a.id for a in ALERTS] + ["al_unknown"])},
    ev.SeveritySet: {"severity": st.sampled_from(["SEV1", "SEV4"]), "why": st.just("w")},
    ev.RunMissing: {"trace_id": st.sampled_from([*TRACES, None]), "reason": st.text(max_size=5)},
    ev.ChannelReady: {"channel": st.just("C0A"), "name": st.just("inc-1"), "created": st.booleans()},
    ev.CardPosted: {"channel": st.just("C0A"), "ts": st.sampled_from(["1.0", "2.0"])},
    ev.Announced: {"channel": st.just("C0B"), "ts": st.just("3.0")},
    ev.SlackRefused: {"method": st.just("pins.add"), "error": st.just("e"), "consequence": st.text(max_size=5)},
    ev.PersonPaged: {
        "step": st.integers(0, 3), "user": st.just("U0LEE"), "how": st.just("mention"), "delivered": st.booleans()
    },
    ev.EscalationEnded: {"step": st.just(3), "reason": st.just("nobody is left")},
    ev.Acknowledged: {},
    ev.CommandTaken: {},
    ev.NoteAdded: {"text": st.text(max_size=10), "pinned": st.booleans()},
    ev.IncidentResolved: {"reason": st.text(max_size=10)},
    ev.ActionRequested: {
        "execution": st.sampled_from(EXECUTIONS), "action": st.just("pause_agent"), "title": st.just("Pause agent"),
        "params": st.just({}), "offer": st.just("of_1"), "undo_of": st.sampled_from([*EXECUTIONS, None]),
    },
    ev.ActionRefused: {"execution": st.sampled_from(EXECUTIONS), "reason": st.just("no")},
    ev.ActionStarted: {
        "execution": st.sampled_from(EXECUTIONS), "key": st.just("k"), "summary": st.just("s"),
        "change": st.sampled_from([CHANGE, None]), "snapshot": st.just(Snapshot(value=None, at=START)),
    },
    ev.ActionSucceeded: {
        "execution": st.sampled_from(EXECUTIONS), "verified": st.sampled_from(list(Verified)), "detail": st.just("d"),
        "applied": st.sampled_from([Applied(revision=1), None]),
    },
    ev.ActionFailed: {"execution": st.sampled_from(EXECUTIONS), "reason": st.just("r")},
    ev.ActionUnknown: {"execution": st.sampled_from(EXECUTIONS), "reason": st.just("r")},
    ev.ActionMarked: {"execution": st.sampled_from(EXECUTIONS), "done": st.booleans(), "reason": st.just("r")},
    ev.VerificationChanged: {
        "execution": st.sampled_from(EXECUTIONS), "verified": st.sampled_from(list(Verified)), "detail": st.just("d")
    },
    ev.HeadPosted: {"seq": st.integers(1, 50), "head": st.just("ab"), "ts": st.just("4.0")},
    ev.WorkDropped: {"work": st.just("page"), "reason": st.just("r")},
}  # fmt: skip


def _any_event() -> st.SearchStrategy[Any]:
    by = st.sampled_from([*PEOPLE, ev.PULLCORD])
    return st.one_of([st.builds(kind, at=st.just(START), by=by, **fields) for kind, fields in EVENTS.items()])


@st.composite
def timelines(draw: st.DrawFn) -> list[ev.Entry]:
    """An opening and up to 30 events in any order; only no execution is requested twice: its id is its offer's."""
    opening = ev.IncidentOpened(
        at=START, by=ev.PULLCORD, number=1, agent="refund-bot", name="A", severity="SEV3", alert=ALERTS[0]
    )
    found, requested = [opening], set[str]()
    for event in draw(st.lists(_any_event(), max_size=30)):
        if isinstance(event, ev.ActionRequested):
            if event.execution in requested:
                continue
            requested.add(event.execution)
        found.append(event)
    return [
        ev.Entry(
            seq=n, mac=f"{n:064x}", key_id="k", event=event.model_copy(update={"at": START + timedelta(seconds=n)})
        )
        for n, event in enumerate(found, 1)
    ]


@given(entries=timelines(), data=st.data())
def test_a_timeline_read_in_pieces_is_the_timeline_read_whole(entries: list[ev.Entry], data: st.DataObject) -> None:
    """A replica that was behind, a cached projection, a page of entries: all end at the same incident."""
    whole = project(entries)
    cut = data.draw(st.integers(1, len(entries)))
    assert project(entries[cut:], project(entries[:cut])) == whole
    pieces: Incident | None = None
    for entry in entries:
        pieces = project([entry], pieces)
    assert pieces == whole
    assert (whole.seq, whole.head) == (len(entries), entries[-1].mac)


@given(entries=timelines())
def test_what_a_timeline_says_of_an_incident_holds_together(entries: list[ev.Entry]) -> None:
    """Stored and read again it is the same; each alert is in it once; resolved by a person or open."""
    incident = project(entries)
    assert Incident.model_validate_json(incident.model_dump_json()) == incident
    assert len({a.id for a in incident.alerts}) == len(incident.alerts)
    assert len({e.id for e in incident.executions}) == len(incident.executions)
    assert (incident.state is IncidentState.RESOLVED) == (not incident.open)
    resolved = [e for e in entries if isinstance(e.event, ev.IncidentResolved)]
    assert incident.open is (not resolved)
