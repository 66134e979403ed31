"""Reading a submitted modal."""

from collections.abc import Mapping

from bot.domain.base import Json


def field(values: Mapping[str, Json], block_id: str) -> str:
    """A submitted text field without surrounding blanks, empty when missing."""
    value = values.get(block_id)
    return value.strip() if isinstance(value, str) else ""
