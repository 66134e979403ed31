"""What each kind of deed leaves behind: one rule a kind, each with its reason in words. Used by ``suggest.py``."""

from bot.domain.effect import Reversibility
from bot.effects.reading import name_words
from bot.effects.statements import CANCELLED, INVITING, PAYING, REQUESTED, RESTORED, TELLING, says_of, stems
from bot.effects.suggest_words import (
    ACCESS,
    AMOUNT_KEYS,
    BOOK,
    BOOKED,
    CARDS,
    COUNTERS,
    CREATE,
    DECIDE,
    DESTROY,
    DOORS,
    END,
    ENDING_VALUES,
    EVENTS,
    INVERSES,
    LOOSE,
    MACHINES,
    MANY,
    MONEY_OBJECTS,
    MOVED_MONEY,
    NOTIFYING_KEYS,
    OLD_KEYS,
    OWNED,
    PAY,
    PAYING_KEYS,
    PEOPLE_KEYS,
    PERSON_KEYS,
    PLAIN,
    READING_TOO,
    REPLACE,
    SECRETS,
    TELL,
    TELL_OBJECTS,
    TOGGLE,
    TRADING_KEYS,
    UPDATE,
)
from bot.effects.toolbox import Tool, Toolbox

Found = tuple[Reversibility, str]
"""A class and the reason for it."""

_NO = Reversibility.IRREVERSIBLE
_BACK = Reversibility.REVERSIBLE
_COUNTER = Reversibility.COMPENSABLE


def by_deed(tool: Tool, tools: Toolbox) -> Found:  # noqa: PLR0911 - one line per rule
    """What the deed in its name leaves behind, and what takes that back."""
    verb, words = tool.verb, set(tool.words)
    if verb is None:
        return _NO, "nothing in its name or description says how it could be taken back"
    if words & MOVED_MONEY and verb not in READING_TOO:
        return _NO, f"it moves {next(iter(words & MOVED_MONEY))}"
    if verb in BOOK:
        return _booking(tool, tools)
    if verb in {"return", "exchange"}:
        return _requesting(tool, tools)
    restored = RESTORED.search(tool.text)
    if restored is not None and verb in DESTROY | END | TOGGLE | UPDATE:
        return _BACK, f'its description says "{restored[0].strip()}"'
    inverse = inverse_of(tool, tools)
    if inverse is not None:
        return _BACK, f"{inverse} puts back what it did"
    for kind, rule in _RULES:
        if verb in kind:
            return rule(tool, tools)
    return _NO, f"nobody said how {verb} could be taken back"


def inverse_of(tool: Tool, tools: Toolbox) -> str | None:
    """Another tool of the agent that restores exactly; not for secrets, doors or money, which were seen or spent."""
    if tool.verb is None or set(tool.words) & (SECRETS | DOORS | MONEY_OBJECTS):
        return None
    verbs = INVERSES.get(tool.verb, frozenset()) | {f"un{tool.verb}"}
    return tools.other(tool, verbs)


def _counter(tool: Tool, tools: Toolbox) -> str | None:
    return tools.other(tool, COUNTERS.get(tool.verb or "", frozenset()))


def _tells(tool: Tool, tools: Toolbox) -> Found:
    words = set(tool.words)
    if "draft" in words:
        return _BACK, "it only makes a draft; nobody has seen it"
    counter = _counter(tool, tools)
    if tool.verb in {"submit", "invite"} and counter is not None:
        return _COUNTER, f"{counter} takes it back"
    return _NO, f"somebody may have seen it: {tool.verb} lets it out of your hands"


def _pays(tool: Tool, tools: Toolbox) -> Found:
    del tools
    if tool.verb == "checkout" and ("git" in tool.words or tool.keys & {"branch", "branch_name", "ref"}):
        return _BACK, "checking out the earlier branch puts it back"
    return _NO, f"{tool.verb} lets money or value go out"


def _destroys(tool: Tool, tools: Toolbox) -> Found:
    words = set(tool.words)
    if tool.verb in {"remove", "detach"} and words & LOOSE:
        return _BACK, "what it takes off a list can be put on it again"
    if tool.verb == "delete" and {"sha", "branch"} & tool.keys:
        return _BACK, "the version control that it works on keeps the earlier state"
    del tools
    return _NO, f"what it did with {tool.verb} has no way back among the agent's tools"


def _ends(tool: Tool, tools: Toolbox) -> Found:
    del tools
    return _NO, f"{tool.verb} ends something, and no tool of the agent takes that back"


def _decides(tool: Tool, tools: Toolbox) -> Found:
    counter = _counter(tool, tools)
    if counter is not None:
        return _COUNTER, f"{counter} takes it back at some cost"
    return _NO, f"others go on after {tool.verb}"


def _replaces(tool: Tool, tools: Toolbox) -> Found:
    words, counter = set(tool.words), _counter(tool, tools)
    if tool.verb == "replace" and tool.keys & OLD_KEYS:
        return _BACK, "the call itself names what was there before"
    if words & {"issue", "label"} and tool.verb == "write":
        return _updates(tool, tools)
    if counter is not None and tool.verb == "upload":
        return _COUNTER, f"{counter} takes it away again"
    return _NO, f"{tool.verb} may have overwritten what was there"


def _booking(tool: Tool, tools: Toolbox) -> Found:
    said = says_of(CANCELLED, tools.policy, tool.name, tool.verb, tool.things) or _own(CANCELLED, tool)
    if said is not None:
        return _COUNTER, f'the prompt says that it "{said}"'
    other = tools.other(tool, frozenset({"cancel"}))
    if other is not None:
        return _COUNTER, f"{other} exists"
    return _COUNTER, f"what {tool.verb} made can usually be cancelled before its time"


def _requesting(tool: Tool, tools: Toolbox) -> Found:
    own = stems({tool.verb or ""})
    for sentence in tools.policy:
        about = own & stems(name_words(sentence.text[:400].replace(" ", "_"))) or own & stems(sentence.heading)
        if about and REQUESTED.search(sentence.text):
            return _COUNTER, "the prompt says that it only makes a request"
    if REQUESTED.search(tool.text):
        return _COUNTER, "its description says that it only makes a request"
    return _NO, f"nobody said how {tool.verb} could be taken back"


def _creates(tool: Tool, tools: Toolbox) -> Found:  # noqa: C901, PLR0911, PLR0912 - one line per kind of thing
    words, keys = set(tool.words), tool.keys
    if "draft" in words:
        return _BACK, "it only makes a draft; nobody has seen it"
    if tool.verb == "open" and not words & PLAIN - {"door"}:
        return _NO, "what came of opening it is not known"
    publisher = tools.other(tool, frozenset({"post", "publish", "send", "submit"}))
    published = publisher is not None and tools.tools[publisher].things == tool.things and not words & MONEY_OBJECTS
    if published and tool.verb in {"create", "new", "make", "compose", "prepare", "generate"}:
        return _BACK, f"{publisher} is another tool: what this one makes nobody has seen yet"
    if words & ACCESS - {"user"} and {word for key in keys for word in key.split("_")} & {"email", "emails"}:
        return _NO, "somebody outside may have got what it opens"
    if words & (TELL_OBJECTS | OWNED) or keys & PERSON_KEYS:
        return _NO, "somebody may have seen it"
    if words & BOOKED:
        return _booking(tool, tools)
    if words & EVENTS or keys & PEOPLE_KEYS:
        invites = keys & PEOPLE_KEYS or INVITING.search(tool.text) or words & PEOPLE_KEYS
        if invites:
            return _COUNTER, "people are invited; a cancellation tells them so"
        return _BACK, "it can be taken out again, and nobody was invited"
    if words & MONEY_OBJECTS or words & {"gift"}:
        if "link" in words or "invoice" in words:
            return _COUNTER, "it can be called off before anybody pays"
        trades = bool(keys & TRADING_KEYS)
        cancel = None if trades else tools.other(tool, frozenset({"cancel"}))
        said = None if trades else says_of(CANCELLED, tools.policy, tool.name, tool.verb, tool.things)
        if cancel is not None or said is not None:
            return _COUNTER, f'the prompt says that it "{said}"' if said else f"{cancel} exists"
        return _NO, "money or value goes out with it"
    if words & {"invoice", "subscription", "link", "quote", "contract"}:
        return _COUNTER, "it can be cancelled or called off"
    if TELLING.search(tool.text) or keys & NOTIFYING_KEYS:
        return _NO, "its description says that somebody is told"
    if PAYING.search(tool.text) or keys & (PAYING_KEYS | AMOUNT_KEYS - {"price", "currency"}):
        return _NO, "money goes out with it"
    counter = tools.other(tool, frozenset({"delete", "remove", "archive", "uninstall", "undo"}))
    if words & ACCESS or tool.verb in {"install", "register", "enroll", "import"}:
        if tool.verb in {"register", "enroll", "import"} and counter is None and _counter(tool, tools) is None:
            return _NO, f"nobody said how {tool.verb} could be taken back"
        return _COUNTER, f"{counter or 'revoking it'} ends what it allowed"
    if counter is not None:
        return _BACK, f"{counter} takes it out again"
    if words & PLAIN or words & LOOSE or tool.verb in {"mkdir", "touch", "copy", "duplicate", "cp", "append", "react"}:
        return _BACK, "it adds something to your own system that can be taken out again"
    return _COUNTER, "it adds something to your own system; taking it out again is usual"


def _updates(tool: Tool, tools: Toolbox) -> Found:  # noqa: C901, PLR0911 - one line per kind of thing
    words, keys = set(tool.words), tool.keys
    if words & SECRETS or (tool.verb in {"change", "set", "update"} and keys & SECRETS and len(keys) == 1):
        return _NO, "the secret that was there before is not known"
    if {"key", "value"} <= keys and tools.other(tool, frozenset({"get", "read"})) is None:
        return _NO, "what stood under that key before is not known"
    if words & MANY:
        return _NO, "what each of them held before is not known"
    if words & (OWNED | ENDING_VALUES):
        return _NO, f"{next(iter(words & (OWNED | ENDING_VALUES)))}: what follows from that is out of your hands"
    if words & EVENTS and (TELLING.search(tool.text) or keys & PEOPLE_KEYS or INVITING.search(tool.text)):
        return _COUNTER, "the participants are told; a second change tells them again"
    if (
        TELLING.search(tool.text)
        or keys & NOTIFYING_KEYS
        or words & TELL_OBJECTS - {"email", "mail", "phone", "public", "job"}
    ):
        return _NO, "somebody may have been told"
    if words & {"dispute", "claim"} or "submit" in keys:
        return _NO, "what was submitted is out of your hands"
    if keys & PAYING_KEYS and not words & {"payment", "card"}:
        return _COUNTER, "the same call changes it back, but the difference is paid or refunded"
    if words & MONEY_OBJECTS:
        return _COUNTER, "the same call changes it back as long as it is pending"
    if words & ACCESS and words & {"role", "permission", "permissions", "license", "licence"}:
        return _COUNTER, "the same call takes it back; what was done with it meanwhile stays"
    return _BACK, "the same call with the earlier value puts it back"


def _toggles(tool: Tool, tools: Toolbox) -> Found:  # noqa: PLR0911 - one line per kind of thing
    words = set(tool.words)
    if words & (OWNED | ENDING_VALUES | MANY):
        return _NO, f"{next(iter(words & (OWNED | ENDING_VALUES | MANY)))}: what follows from that is out of your hands"
    if (tool.verb == "deactivate" and words & CARDS) or (tool.verb == "disable" and "card" in words):
        return _NO, f"no tool of the agent undoes {tool.verb}"
    if words & DOORS:
        return _NO, "what went through an open door is not undone by closing it"
    if tool.verb == "grant":
        counter = _counter(tool, tools)
        return (_COUNTER, f"{counter} exists") if counter else (_NO, "what was done with the access stays")
    if tool.verb in {"start", "stop"} and not words & MACHINES:
        return _NO, f"what {tool.verb} set off or ended is not known"
    if tool.verb == "restore" and tools.other(tool, INVERSES["restore"]) is None:
        return _NO, "what it put back may have overwritten what was there"
    if tool.keys & (PAYING_KEYS | AMOUNT_KEYS):
        return _NO, "money goes out with it"
    return _BACK, f"{tool.verb} has a usual inverse"


def _own(pattern: object, tool: Tool) -> str | None:
    found = CANCELLED.search(tool.text) if pattern is CANCELLED else None
    return found[0].strip() if found else None


_RULES = (
    (PAY, _pays),
    (TOGGLE, _toggles),
    (TELL, _tells),
    (DESTROY, _destroys),
    (DECIDE, _decides),
    (END, _ends),
    (REPLACE, _replaces),
    (UPDATE, _updates),
    (CREATE, _creates),
)
