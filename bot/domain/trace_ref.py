"""Which trace is meant: by its id, by the store's own id, or by a link that an alert carried."""

from bot.domain.base import Utc, Value
from bot.domain.run import TraceId


class TraceRef(Value):
    """A trace to look for.

    ``native`` is the store's own id where that is not the trace id (a UUID, a request id); ``agent`` and ``at`` (when
    the alert came) help a store that must search. ``link`` is where people open it in that store.
    """

    trace_id: TraceId
    native: str | None = None
    agent: str | None = None
    at: Utc | None = None
    link: str | None = None
