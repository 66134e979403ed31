"""Which later answers about a run go on the timeline. Pure."""

import pytest

from bot.domain.profile import Difference
from bot.engine.news import new_changes, new_groups, worth_naming, worth_telling
from tests.support.sample_found import changes_found, found_incident, similar_found
from tests.support.sample_incident import TRACE, sample_incident

FOUND = changes_found()
FEWER = FOUND.changes[:2]
COUNTED = tuple(change.model_copy(update={"runs_after": 99}) for change in FOUND.changes)


@pytest.mark.parametrize(
    ("changes", "compared", "last", "told"),
    [
        (FOUND.changes, 212, False, False),
        (FOUND.changes, 240, True, False),
        (COUNTED, 212, False, False),
        (COUNTED, 212, True, True),
        (FEWER, 212, False, True),
        ((), 212, False, True),
        ((), 0, True, False),
    ],
)
def test_another_answer_is_told_and_moved_counts_only_at_the_end(
    changes: tuple[Difference, ...], compared: int, last: bool, told: bool
) -> None:
    """Nothing is taken back because the good runs themselves joined an incident."""
    before = found_incident().compared_run(TRACE)
    after = changes_found(changes=changes, compared=compared, note="x")
    assert worth_telling(before, after, last=last) is told


def test_what_could_not_be_compared_first_is_told_when_it_can() -> None:
    """And the other way round it is not."""
    nobody = changes_found(changes=(), compared=0, note="no good run")
    assert worth_telling(None, nobody, last=False)
    assert worth_telling(found_incident(nobody).compared_run(TRACE), changes_found(changes=()), last=False)


def test_only_what_no_comparison_of_the_incident_named_is_new() -> None:
    """The first answer is new as a whole."""
    assert new_changes(sample_incident(), FOUND) == (0, 1, 2)
    assert new_changes(found_incident(changes_found(changes=FEWER)), changes_found(changes=COUNTED)) == (2,)
    nothing = changes_found(changes=())
    assert new_changes(sample_incident(), nothing) is None
    assert new_changes(found_incident(nothing), nothing) == ()


def test_runs_alike_are_named_again_when_they_are_many_more() -> None:
    """A quarter more, or another group."""
    before = found_incident().similar_to(TRACE)
    assert not worth_naming(before, similar_found(2, 13), last=False)
    assert worth_naming(before, similar_found(2, 13), last=True)
    assert worth_naming(before, similar_found(2, 16), last=False)
    assert worth_naming(before, similar_found(3, 12), last=False)
    assert new_groups(found_incident(), similar_found(3, 12)) == ()  # its words were told
    other = similar_found(1).groups[0].model_copy(update={"id": "new", "words": "wire_money to acct_1"})
    assert new_groups(found_incident(), similar_found(1).model_copy(update={"groups": (other,)})) == ("new",)
