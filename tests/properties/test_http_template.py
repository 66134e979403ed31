"""Whatever a name or a text holds: a path keeps its segments, a body its shape, a header stays one line."""

import json
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.base import Json
from bot.errors import Refused
from runbooks.controls.http_template import in_body, in_header, in_path

TEXT = st.text(st.characters(exclude_categories=())) | st.sampled_from(
    ["..", "../../x", "a/b", "{key}", '","x":"', "\r\nX: 1", "%2e%2e", "\u202e"]
)


@given(TEXT, TEXT)
def test_a_path_keeps_its_segments(agent: str, tool: str) -> None:
    """Or it is refused."""
    with suppress(Refused):
        path = in_path("/agents/{agent}/tools/x-{tool}", {"agent": agent, "tool": tool})
        assert path.isascii()
        head, agents, one, tools, other = path.split("/")
        assert (head, agents, tools) == ("", "agents", "tools")
        assert one not in {"", ".", ".."}
        assert other.startswith("x-")
        assert not set(path) & set("?#\\ \r\n")


@given(TEXT, st.recursive(st.none() | st.booleans() | st.integers() | TEXT, lambda inner: st.lists(inner, max_size=3)))
def test_a_body_keeps_its_shape(agent: str, value: Json) -> None:
    """A value that stands alone keeps its type; text in text is text."""
    template: Json = {"agent": "the {agent}", "deep": [{"value": "{value}"}, 1, None], "name": "{agent}"}
    made = in_body(template, {"agent": agent, "value": value})
    assert made == {"agent": f"the {agent}", "deep": [{"value": value}, 1, None], "name": agent}
    with suppress(UnicodeEncodeError):  # half a pair: refused where it is sent
        assert json.loads(json.dumps(made).encode()) == made


@given(TEXT)
def test_a_header_is_one_line_of_ascii(why: str) -> None:
    """Nothing can be added behind it."""
    made = in_header("because {why}", {"why": why})
    assert made.startswith("because ")
    assert made.isascii()
    assert made.isprintable()
