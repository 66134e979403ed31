from bot.domain.incident import AlertState, Incident, IncidentState, Page
from bot.timeline.projections import Projections
from tests.support.incidents import AT

PAGE = Page(step=0, user="U0DANA", how="mention", delivered=True, detail="", at=AT)


def of(number: int, pages: int, seq: int = 1) -> Incident:
    """An incident of a certain size."""
    return Incident(
        id=f"INC-{number}",
        number=number,
        seq=seq,
        head="a",
        state=IncidentState.OPEN,
        alert_state=AlertState.FIRING,
        severity="SEV2",
        agent=None,
        name="x",
        opened_at=AT,
        opened_by="x",
        pages=(PAGE,) * pages,
    )


def test_large_incidents_make_room_by_their_size() -> None:
    """256 incidents of some thousand effects would fill the machine; a growing one counts once."""
    kept = Projections(most=10, most_parts=100)
    for seq in range(1, 20):
        kept.keep(of(1, 40, seq))
    kept.keep(of(2, 40))
    assert kept.get("INC-1") is not None
    kept.keep(of(3, 40))
    assert kept.get("INC-1") is None
    assert kept.get("INC-2") is not None
    kept.keep(of(4, 1000))
    assert [kept.get(f"INC-{n}") is not None for n in (2, 3, 4)] == [False, False, True]
    kept.keep(of(5, 1))
    assert kept.get("INC-5") is not None


def test_an_older_state_replaces_no_newer_one() -> None:
    """Two tasks may end in any order."""
    kept = Projections()
    kept.keep(of(1, 2, seq=5))
    kept.keep(of(1, 1, seq=4))
    found = kept.get("INC-1")
    assert found is not None
    assert found.seq == 5
