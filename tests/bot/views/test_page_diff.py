"""Hostile texts in what changed: no prompt makes the page of changes slow or large."""

import time

from bot.domain.incident import Compared
from bot.domain.profile import ChangeKind, Difference
from bot.views.page_changes import changes_page
from bot.views.page_diff import diff_of
from tests.support.sample_incident import NOW, TRACE, sample_incident


def test_a_diff_of_two_prompts_without_an_equal_line_is_quick() -> None:
    """A megabyte of long lines that each differ in half of their words: only so many are compared word by word."""
    old, new = (
        "\n".join(" ".join(f"{line}{word if word % 2 else kind}" for word in range(230)) for line in range(590))
        for kind in "ab"
    )
    began = time.process_time()
    diff = diff_of(old, new)
    assert time.process_time() - began < 2
    assert any(piece.marked for line in diff.lines for piece in line.pieces)


def test_a_deeply_nested_text_is_not_blown_up_by_its_blanks() -> None:
    """60 kB that nest 900 deep would be 55 MB over several lines; what a person writes is shown line by line."""
    nested = "[" * 900 + ",".join("1" * 30_000) + "]" * 900
    change = Difference(kind=ChangeKind.PROMPT, before_text="a" * 32, after_text="b" * 32)
    found = Compared(trace_id=TRACE, compared=9, changes=(change,), note="", at=NOW)
    incident = sample_incident().model_copy(update={"compared": (found,)})
    page = changes_page(incident, TRACE, {"a" * 32: nested, "b" * 32: '{"a": {"b": 1}}'}, NOW)
    (made,) = page.diffs
    assert made.diff is not None
    assert (made.diff.gone, made.diff.new) == (1, 5)
