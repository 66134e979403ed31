"""What waits for a person's approval, as lists show it."""

from bot.domain.base import Utc, Value


class WaitingApproval(Value):
    """One request that somebody may approve: ``by`` asked for it, ``why`` it needs a second person, until when."""

    incident: str
    execution: str
    title: str
    by: str
    preview: str
    why: str
    deadline: Utc
