from pathlib import Path
from typing import get_args

from bot.domain.events import Event

FROZEN = Path(__file__).with_name("event_types.txt")


def test_event_types_are_frozen() -> None:
    """Stored entries carry these names: one may be added here, none may be renamed or dropped."""
    members = get_args(get_args(Event)[0])
    types = sorted(member.model_fields["type"].default for member in members)
    assert types == FROZEN.read_text().split()
