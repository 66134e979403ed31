# mypy: disable-error-code="empty-body"
from collections.abc import Sequence

import pytest
from redis import Redis

from bot.timeline.connection import Client, Connections
from bot.timeline.keys import Key
from bot.timeline.lua import script


@script
async def told(redis: Client, one: Key, more: Sequence[Key], number: int, words: Sequence[str]) -> list[bytes]:
    """-- Answer what came in.

    return {one, table.concat(more, ','), tostring(number + 1), table.concat(words, ',')}
    """


async def test_a_script_gets_its_arguments_by_name(connections: Connections) -> None:
    """Keys and values arrive in their order, lists of any length too."""
    keys = [Key("{t}:b"), Key("{t}:c")]
    assert await told(connections.hot, Key("{t}:a"), keys, 41, ["x", "y"]) == [b"{t}:a", b"{t}:b,{t}:c", b"42", b"x,y"]
    assert await told(connections.hot, one=Key("{t}:a"), more=[], number=0, words=[]) == [b"{t}:a", b"", b"1", b""]


async def test_a_server_that_forgot_the_script_gets_it_again(connections: Connections, raw: Redis) -> None:
    """A restart or SCRIPT FLUSH loses scripts; NOSCRIPT means that nothing was run."""
    await told(connections.hot, Key("{t}:a"), [], 1, [])
    raw.script_flush()
    assert (await told(connections.hot, Key("{t}:a"), [], 1, []))[2] == b"2"


def test_a_parameter_that_lua_cannot_name_stops_the_import() -> None:
    """The mistake is found where it is made."""

    async def uses_until(redis: Client, until: int) -> int:
        """-- Wrong.

        return until
        """

    with pytest.raises(TypeError, match="until cannot be the name"):
        script(uses_until)


def test_a_parameter_that_cannot_be_passed_stops_the_import() -> None:
    """Floats lose digits on the way; there are none."""

    async def takes_a_float(redis: Client, seconds: float) -> int:
        """-- Wrong.

        return seconds
        """

    with pytest.raises(TypeError, match="seconds"):
        script(takes_a_float)
