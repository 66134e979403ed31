"""The incident's thread: one line for each entry that people should read, each once, and the head of the chain.

Several lines that wait together go out in one message, since a channel takes one message a second. A head is posted at
the open, after each action's end and at resolve, so that a truncated timeline is found (``pullcord verify --head``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain import events as ev
from bot.domain.incident import Incident
from bot.slack.render import Views

MAX_LINES = 12
MAX_CHARS = 2600
_ENDS = (
    ev.ActionSucceeded,
    ev.ActionFailed,
    ev.ActionUnknown,
    ev.ActionMarked,
    ev.ActionRefused,
    ev.IncidentResolved,
)
"""After these the head is posted. HeadPosted itself is not among them, so heads make no heads."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One message for the thread: ``text``, covering entries up to ``upto``. ``head`` is what it says of the chain."""

    text: str
    upto: int
    head: str | None = None

    def key(self, incident_id: str) -> str:
        """Dedupe key: ``INC-42:17``."""
        return f"{incident_id}:{self.upto}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do next: a batch to post (None: nothing to say), and where the cursor stands without posting."""

    batch: Batch | None
    cursor: int


def plan(
    entries: Sequence[ev.Entry], incident: Incident, views: Views, *, cursor: int, upto: int | None = None, first: bool
) -> Plan:
    """The next message for the thread from the entries after ``cursor``.

    ``upto`` repeats a batch whose outcome is not known: exactly its entries. ``first``: no head was posted yet.
    """
    lines: list[str] = []
    size = 0
    seen = cursor
    head: str | None = None
    for entry in entries:
        if entry.seq <= cursor or (upto is not None and entry.seq > upto):
            continue
        line = views.line(entry, incident)
        if line is not None and lines and (len(lines) >= MAX_LINES or size + len(line) > MAX_CHARS) and upto is None:
            break
        seen = entry.seq
        if line is not None:
            lines.append(line[:MAX_CHARS])
            size += len(line) + 1
        if isinstance(entry.event, _ENDS) or (first and head is None and isinstance(entry.event, ev.CardPosted)):
            head = f"{entry.seq}:{entry.mac}"
    if head is not None:
        lines.append(f"Head of the timeline after entry {head.partition(':')[0]}: `{head}`")
    if not lines:
        return Plan(batch=None, cursor=seen)
    return Plan(batch=Batch(text="\n".join(lines), upto=seen, head=head), cursor=seen)
