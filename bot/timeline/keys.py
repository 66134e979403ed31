"""Every key of the store in one table: its name, its type, how long it lives and what it holds.

All keys share the hash tag ``{pullcord}``, so that one script may touch several of them on Redis Cluster too.
A key either is of a durable class or has a TTL from its first write on; a test fails on any other.
Where time decides behaviour (a lease, a join window, a link) the moment lies in the value and is compared with the
injected clock; the TTL only clears away.
"""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, NewType

from bot.domain.base import Value

Key = NewType("Key", str)

TAG: Final = "{pullcord}"
GROUP: Final = "workers"
"""The consumer group of the work stream."""

_PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_PLACEHOLDER = re.compile(r"<(\w+)>")
_INCIDENT = re.compile(r"INC-[0-9]{1,15}")


class Lifetimes(Value):
    """How long what is not durable lives. ``bot.app`` sets some of it from the settings.

    Source of the numbers: PRODUCT.md (joining, one-time links), issue A section 4 (evidence outlives its trace).
    """

    join_window: timedelta = timedelta(minutes=30)
    spans: timedelta = timedelta(days=7)
    evidence: timedelta = timedelta(days=400)
    alerts: timedelta = timedelta(days=30)
    """Intake's memory of an alert, counted from its last repeat: a sender that repeats less often opens it anew."""
    seen: timedelta = timedelta(days=30)
    """Operation ids of work that belongs to no incident yet (clicks, commands)."""
    waiting: timedelta = timedelta(days=30)
    offers: timedelta = timedelta(days=30)
    """A button's frozen parameters, refreshed whenever the card shows it again."""
    link: timedelta = timedelta(seconds=60)
    session: timedelta = timedelta(hours=12)
    index: timedelta = timedelta(days=30)
    """A run in the index of runs: how long others can be compared with it."""


@dataclass(frozen=True, slots=True)
class KeyClass:
    """One kind of key. ``pattern`` follows the tag, with ``<placeholders>``; ``life`` is durable, or the TTL."""

    pattern: str
    kind: str
    life: str
    holds: str
    _regex: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compile the pattern once."""
        parts = _PLACEHOLDER.split(self.pattern)
        regex = "".join(
            re.escape(part) if i % 2 == 0 else (_INCIDENT.pattern if part == "incident" else r"[A-Za-z0-9_.~-]+")
            for i, part in enumerate(parts)
        )
        object.__setattr__(self, "_regex", re.compile(re.escape(TAG) + ":" + regex))

    @property
    def durable(self) -> bool:
        """True for a class that may live without a TTL."""
        return self.life == "durable"

    def matches(self, key: str) -> bool:
        """Whether this stored key is of this class."""
        return self._regex.fullmatch(key) is not None

    def __call__(self, *parts: str) -> Key:
        """The key for these placeholders. Text that is not plain is replaced by its hash: it may be foreign."""
        names = iter(parts)
        return Key(f"{TAG}:" + _PLACEHOLDER.sub(lambda _found: part(next(names)), self.pattern))


def part(text: str) -> str:
    """Text as a part of a key: itself when plain, else ``~`` and 128 bits of its SHA-256."""
    return text if _PLAIN.fullmatch(text) else "~" + hashlib.sha256(text.encode()).hexdigest()[:32]


def is_incident_id(text: str) -> bool:
    """Whether this could be the id of an incident at all. Ids come from URLs and commands too."""
    return _INCIDENT.fullmatch(text) is not None


META = KeyClass("meta", "hash", "durable", "format and fingerprint of the chain key")
NUMBER = KeyClass("number", "string", "durable", "the last incident number that was reserved")
OPENED = KeyClass("opened", "hash", "durable", "operation id of an opening -> its answer")
TIMELINE = KeyClass("<incident>:timeline", "stream", "durable", "the timeline; ids are <seq>-0")
OPS = KeyClass("<incident>:ops", "hash", "durable", "operation id -> its answer as JSON")
CLAIMS = KeyClass("<incident>:claims", "hash", "durable", "claimed name -> the winner's value as JSON")
POST = KeyClass("<incident>:post", "string", "durable", "what the poster has posted of this incident, JSON")
DIRECTS = KeyClass("<incident>:directs", "hash", "durable", "channel:ts of a direct message -> it as JSON")
PROGRESS = KeyClass("<incident>:progress", "hash", "1 day, refreshed", "long action -> how far it said it is, JSON")
ROWS = KeyClass("rows", "sorted set", "durable", "incident ids by number")
ROW_ITEMS = KeyClass("rows:items", "hash", "durable", "incident id -> its IncidentRow as JSON")
OPEN = KeyClass("open", "sorted set", "durable", "ids of open incidents by number")
MITIGATIONS = KeyClass("mitigations", "sorted set", "durable", "incident and execution of what is in force, by start")
MITIGATION_ITEMS = KeyClass("mitigations:items", "hash", "durable", "the same -> entry number and MitigationRow, JSON")
MITIGATION_LOOKS = KeyClass("mitigations:looks", "sorted set", "durable", "the same, by when it was last looked at")
MITIGATION_MISSES = KeyClass("mitigations:misses", "hash", "durable", "the same -> looks in a row without an answer")
CHANNELS = KeyClass("channels", "hash", "durable", "channel made for an incident -> incident id")
MESSAGES = KeyClass("messages", "hash", "durable", "channel:ts of a card, announcement or page -> incident id")
WORK = KeyClass("work", "stream", "durable", "what must still be done; emptied as it is done")
DEAD = KeyClass("dead", "stream", "durable", "work that failed five times; the newest 10,000")
DUE = KeyClass("due", "sorted set", "durable", "due ids by time in ms")
DUE_ITEMS = KeyClass("due:items", "hash", "durable", "due id -> tries so far and the work item")
BACKGROUND = KeyClass("background", "stream", "durable", "what must still be done and may wait; emptied as it is done")
BACKGROUND_DUE = KeyClass("background:due", "sorted set", "durable", "due ids of what may wait, by time in ms")
BACKGROUND_ITEMS = KeyClass("background:items", "hash", "durable", "due id of what may wait -> tries and the work item")
DIRTY = KeyClass("outbox:dirty", "sorted set", "durable", "incidents to post, by rank then age")
POSTING = KeyClass("outbox:posting", "hash", "durable", "incident -> lease end in ms, fencing token, rank")
LATER = KeyClass("outbox:later", "hash", "durable", "incident -> not before, rank: Slack said Retry-After")
TOKEN = KeyClass("outbox:token", "string", "durable", "the last fencing token given to a poster")
SETTINGS = KeyClass("agent:<agent>:settings", "hash", "durable", "desired state of an agent")
SETTING_KEYS = KeyClass("agent:<agent>:keys", "hash", "durable", "idempotency key -> what its write answered")
WAITING = KeyClass(
    "agent:<agent>:waiting", "set", "durable", "incident and execution that wait for the agent's next read"
)
READS = KeyClass("agent:<agent>:reads", "hash", "durable", "flag -> newest revision read, and when")
JOIN = KeyClass("join:<group>", "string", "join window, refreshed by each alert", "incident to join, until when")
INCIDENTS_OF_TRACE = KeyClass("trace:<trace>:incidents", "set", "30 days, refreshed", "incidents that name the trace")
ALERT = KeyClass("alert:<alert>", "hash", "30 days, refreshed by each repeat", "operations seen, repeats")
SEEN = KeyClass("seen:<op>", "string", "30 days", "an operation id of work that was added")
TROUBLE = KeyClass("trouble:<source>:<hour>", "string", "2 hours", "a source's trouble was told in this hour")
PERIOD = KeyClass("period:<name>:<slot>", "string", "two periods", "a recurring check was taken by one replica")
SPANS = KeyClass(
    "spans:<trace>", "hash", "7 days (setting), refreshed", "span id -> compressed span, large ones in parts"
)
SPANS_META = KeyClass("spans:<trace>:meta", "hash", "7 days (setting), refreshed", "agent, times, counts of a trace")
SPANS_SPARE = KeyClass(
    "spans:<trace>:spare", "sorted set", "7 days (setting), refreshed", "span ids that give way over the cap, by rank"
)
RUNS = KeyClass(
    "runs:<agent>", "sorted set", "7 days (setting), refreshed", "an agent's newest 10,000 traces by first arrival"
)
_INDEXED = "30 days (setting), refreshed"
INDEX_RUN = KeyClass("index:run:<trace>", "string", _INDEXED, "a run's profile and signatures, compressed")
INDEX_AGENTS = KeyClass("index:agents", "sorted set", _INDEXED, "agents with indexed runs by their newest")
INDEX_AGENT = KeyClass("index:agent:<agent>", "sorted set", _INDEXED, "an agent's newest 100,000 indexed runs by end")
INDEX_FAILED = KeyClass("index:agent:<agent>:failed", "sorted set", _INDEXED, "those that are no good runs, by end")
INDEX_KIND = KeyClass("index:kind:<agent>:<kind>", "sorted set", _INDEXED, "an agent's runs of one kind by end")
INDEX_SIGN = KeyClass("index:sign:<signature>", "sorted set", _INDEXED, "newest 20,000 runs with a signature, by end")
INDEX_SIGN_FAILED = KeyClass("index:sign:<signature>:failed", "sorted set", _INDEXED, "those that are no good runs")
INDEX_SPREAD = KeyClass("index:spread:<place>", "string", _INDEXED, "HyperLogLog: values of one argument of a tool")
INDEX_TEXT = KeyClass("index:text:<hash>", "string", _INDEXED, "a prompt or tool definition, compressed, at most 64 kB")
INDEX_TEXTS = KeyClass("index:texts:<agent>", "sorted set", _INDEXED, "hashes of an agent's newest 1,000 prompts")
EVIDENCE = KeyClass("evidence:<sha256>", "string", "400 days (setting), refreshed", "sizes and chunks of frozen bytes")
CHUNK = KeyClass("chunk:<sha256>", "string", "400 days (setting), refreshed", "one chunk of evidence, at most 900 kB")
NAMES = KeyClass("names", "hash", "90 days, refreshed", "Slack user id -> display name")
OFFER = KeyClass(
    "offer:<offer>", "string", "30 days, refreshed when shown", "an OfferView: frozen parameters of a button"
)
SHOWN = KeyClass("offer:<offer>:shown", "hash", "1 day, refreshed when shown", "field of a modal -> its choices, JSON")
APPROVALS = KeyClass("approvals", "sorted set", "30 days, refreshed", "incident|execution that waits, by deadline")
APPROVAL_DIRECTS = KeyClass(
    "approval:<execution>:directs", "set", "30 days, refreshed", "channel|ts of direct messages that asked for it"
)
INTENT = KeyClass("intent:<key>", "string", "30 days", "a message about to be sent under this dedupe key, or sent")
REPLAY = KeyClass("replay:<hash>", "string", "11 minutes", "a signed request of Slack that was taken; only its hash")
PAUSE = KeyClass("pause:<method>", "string", "until the pause ends", "no call of this Slack method before this time")
LINK = KeyClass(
    "link:<hash>", "string", "60 seconds, single use", "a one-time link to the page; only its hash is stored"
)
SESSION = KeyClass("session:<hash>", "string", "12 hours", "a browser's session; only its hash is stored")

KEYS: Final[tuple[KeyClass, ...]] = tuple(value for value in list(globals().values()) if isinstance(value, KeyClass))
"""The table. ``tests/contracts/redis_keys.txt`` freezes it: stored data carries these names."""


def class_of(key: str) -> KeyClass | None:
    """The class of a stored key, or None for a key that nobody declared."""
    return next((known for known in KEYS if known.matches(key)), None)
