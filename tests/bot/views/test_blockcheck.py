import pytest

from bot.views import blocks as b
from bot.views.blocks import Block, Card
from tests.support.blockcheck import problems

GOOD = b.section("fine")


def message(*blocks: Block, text: str = "A sentence.") -> Card:
    """A message that is fine but for what is put into it."""
    return Card(text, blocks)


@pytest.mark.parametrize(
    "bad",
    [
        message(GOOD, text=""),
        message(GOOD, text="<!channel> come"),
        message(b.section("<!here> come")),
        message(b.section("<https://evil.example|your bank, really>")),
        message({"type": "section", "text": {"type": "mrkdwn", "text": "links by itself"}}),
        message({"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001, "verbatim": True}}),
        message({"type": "header", "text": {"type": "mrkdwn", "text": "x", "verbatim": True}}),
        message(b.actions("a", [b.button("x", "one", "1"), b.button("x", "two", "2")])),
        message(b.actions("a", [b.button("x", "one", "1")]), b.actions("a", [b.button("y", "two", "2")])),
        message(b.actions("a", [])),
        message({"type": "section", "text": GOOD["text"], "colour": "red"}),
        message(*[GOOD] * 51),
    ],
)
def test_the_check_finds_what_slack_would_refuse_or_make_live(bad: Card) -> None:
    """Each of these has a fault that the tests of the views rely on being found."""
    assert problems(bad) != []


def test_the_check_passes_what_is_fine() -> None:
    """A mention, a channel, a date and a link of ours are meant."""
    text = "<@U0LEE> in <#C1> at <!date^1780973884^{time}|02:58 UTC> <https://p.example/x|timeline>"
    assert problems(message(b.section(text), text=text)) == []
