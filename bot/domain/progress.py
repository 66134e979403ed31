"""How far a long action is, as it said last. No event: kept for a while beside the timeline."""

from pydantic import Field

from bot.domain.base import Utc, Value


class ProgressState(Value):
    """``done`` of ``total`` steps (0: not known), what it does now in words, when it began and when it said so."""

    incident: str
    execution: str
    done: int = Field(ge=0)
    total: int = Field(ge=0)
    words: str = ""
    began: Utc
    at: Utc
