"""What was worked out once is found again by the identity of what it was made from, and only by that."""

from bot.domain.kept import Kept


def test_the_same_values_find_their_answer_and_equal_ones_do_not() -> None:
    """Equal lists may be many and long: comparing them would cost what the answer did."""
    kept: Kept[int] = Kept()
    one, other, like_one = [1], [2], [1]
    assert kept.get(one, other) is None
    assert kept.keep(7, one, other) == 7
    assert kept.get(one, other) == 7
    assert kept.get(other, one) is None
    assert kept.get(like_one, other) is None


def test_the_answer_that_was_not_asked_for_longest_gives_way() -> None:
    """What is asked for stays."""
    kept: Kept[str] = Kept(most=2)
    first, second, third = [1], [2], [3]
    kept.keep("first", first)
    kept.keep("second", second)
    assert kept.get(first) == "first"
    kept.keep("third", third)
    assert (kept.get(first), kept.get(second), kept.get(third)) == ("first", None, "third")


def test_a_value_lives_as_long_as_its_answer() -> None:
    """Else another value could come to lie in its place, and be answered for it."""
    kept: Kept[int] = Kept()
    for number in range(8):
        kept.keep(number, [number])
    held: list[list[int]] = [[] for _ in range(1000)]
    assert all(kept.get(one) is None for one in held)
