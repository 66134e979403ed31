"""The guess whether a call only reads, for tools that the catalogue does not name. Anything not plain is no read.

Six rules, each marked as a guess and corrected with one click (a rule of the catalogue beats them all):

1. **A reading name**: it starts with get, list, search, read, find, lookup, fetch, check, retrieve, describe, view,
   inspect, count, query, explain, calculate or think, no other
   part of it is a verb or and/or/out/in, nothing is brought anywhere (``read_to_customer``, ``list_to_db``), it is no
   ``get_hired`` or ``check_cash``, and no argument looks like a method or a body.
2. **A reading name behind its service's name**: the parts before the reading verb are no verbs (``BingSearch``,
   ``TwitterManagerGetUserProfile``, ``mcp__github__list_issues``); otherwise as rule 1. Names get such prefixes where
   tools of many services are offered together.
3. **A hand-off to a person or another agent** (``transfer_to_human_agents``): no data and no money changes, only who
   goes on talking; not with an argument that speaks of money or accounts.
4. **A shell command that cannot change anything**: the tool is a shell, its one command is a program of a short list
   (``ls``, ``du``, ``ps``, ...) and has no operator, redirection or substitution in it.

5. **A browser that is told to open an address**, and nothing else: ``browser_navigate`` with one plain http address, or
   ``click https://…``. Following a link asks for a page; an address whose path names a deed (``/unsubscribe``) or that
   carries a query is left alone, and so is every click on anything but an address.

6. **Arguments that only ask**, of a tool that can do anything: one SELECT, a GET, ``action: list``; see
   ``reading_calls.py``. And names without a verb that end in what is asked for (``kubectl_logs``, ``channels_list``).

Rules 2 to 6 are ours, read from published runs of failing agents; without them each look into a directory counts as
something that cannot be undone, and the three lines that matter drown.
"""

import re
import shlex
from itertools import pairwise
from urllib.parse import urlsplit

from bot.domain.base import Json
from bot.domain.run import ToolCall
from bot.effects.reading_calls import asks_only, names_what_it_asks, selects_at_most
from bot.effects.verbs import (
    ABOUT,
    BODY_WORDS,
    BROWSER_NAMES,
    BROWSER_OPTIONS,
    BROWSER_WORDS,
    COMMAND_ARGUMENTS,
    GIVEN,
    HAND_OFF,
    HAND_OFF_WORDS,
    JOINING,
    METHOD_WORDS,
    MONEY,
    OFFERING,
    OPENING,
    QUERYING,
    READING,
    READING_ANYWHERE,
    SHELL_ARGUMENTS,
    SHELL_NAMES,
    SHELL_OPTIONS,
    SHELL_READS,
    SHELL_WORDS,
    STORES,
    TO_WHOM,
    TOWARDS,
    VERB_NOUNS,
    VERBS,
    WEB,
)

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_METHOD_NAMES = frozenset(["method", "httpmethod", "requestmethod", "verb", "httpverb", "action"])
_METHODS = frozenset(["POST", "PUT", "PATCH", "DELETE", "MUTATION"])
_BODY_NAMES = frozenset(
    [
        "body",
        "requestbody",
        "data",
        "payload",
        "json",
        "form",
        "formdata",
        "postdata",
        "content",
        "contents",
        "patch",
        "files",
    ]
)
_STATEMENT = re.compile(
    r"\bmutation\b[^{]{0,200}\{|(?:^|[;)]|\*/)\s{0,20}(?:(?:insert|replace|merge)\s+into\b|update\s+\S{1,100}\s+set\b"
    r"|delete\s+from\b|(?:drop|truncate|alter|create|rename)\s+(?:table|database|index|schema|view|user|role|trigger)\b"
    r"|(?:truncate|grant|revoke|call|exec|execute|copy|vacuum)\s+\S)"
    r"|\bdetach\s+delete\b|\bdb\.\w{1,80}\.(?:insert|update|delete|remove|replace|drop|bulkWrite|save)\w{0,20}\("
    r"|(?:^|\s)-(?:delete|exec(?:dir)?|okdir|fprintf?)\b",  # find(1)
    re.IGNORECASE | re.MULTILINE,
)
_LONGEST_LOOK = 20_000
_CODE = re.compile(r"__|\b(?:import|exec|eval|open|compile|system|subprocess)\b")
_SENT_TEXT = re.compile(r"\b(?:method|body|payload|data|json)\b[\"']?\s{0,5}[:=]", re.IGNORECASE)
_NAMESPACE = re.compile(r"__|[./:]")
_SHELL_SPECIAL = re.compile(r"[;&|<>$`(){}\n\r\\!]")
_MAX_NAME = 200
_MAX_DEPTH = 12


def guess(call: ToolCall) -> str | None:
    """Why the call is taken for a read, in words; ``None`` when it is not plainly one."""
    words = name_words(call.name)
    if not words:
        return None
    if any(letter.isalpha() and not letter.isascii() for letter in call.name):
        return None  # words that the lists do not know
    reason = _reading_name(words, call.name) or _hand_off(words, call)
    if reason is not None:
        if QUERYING.intersection(words) and not selects_at_most(call.arguments):
            return None
        return None if _sends_something(words, call) else f"guessed: {reason}"
    reason = _shell_read(words, call.arguments) or _opens_a_page(words, call.arguments) or _asks(words, call)
    return f"guessed: {reason}" if reason else None


def _asks(words: list[str], call: ToolCall) -> str | None:
    """What its arguments, or the noun that its name ends in, plainly ask for."""
    if not isinstance(call.arguments, dict):
        return None
    parts = {key: name_words(str(key)) for key in call.arguments}
    reason = asks_only(words, call.arguments, parts)
    if reason is not None or not names_what_it_asks(words):
        return reason
    if any(GIVEN.intersection(held) or VERBS.intersection(held) for held in parts.values()):
        return None
    return None if _sends_something(words, call) else f"its name has no other verb and ends in {words[-1]}"


def name_words(name: str) -> list[str]:
    """The parts of a tool's name in lower case: snake, camel, kebab, dots. ``look up`` becomes one word."""
    if len(name) > _MAX_NAME:
        return []
    words = [word.lower() for word in _WORD.findall(name)]
    joined: list[str] = []
    for word in words:
        if word == "up" and joined and joined[-1] == "look":
            joined[-1] = "lookup"
        else:
            joined.append(word)
    return joined


def _reading_name(words: list[str], name: str) -> str | None:
    if any(word in JOINING for word in words):
        return None
    at = next((index for index, word in enumerate(words) if word in READING), None)
    if at is not None and ((words[at] == "list" and OFFERING.intersection(words)) or _brings(words, at)):
        return None
    if at is None or any(_is_verb(words, index, at) for index in range(len(words)) if index != at):
        return None
    if at == 0:
        return f"its name starts with {words[0]} and holds no other verb"
    local = name_words(_NAMESPACE.split(name)[-1])
    many = words[at] == "list" and len(words) > at + 1 and words[-1].endswith("s")  # sql_db_list_tables
    many = many or (words[at] == "read" and any(word in VERB_NOUNS for word in words[at + 1 :]))  # gmail_read_email
    if words[at] in READING_ANYWHERE or local == words[at:] or many:
        return f"its only verb is {words[at]}, behind {' '.join(words[:at])}"
    return None


def _brings(words: list[str], at: int) -> bool:
    """Whether what is read goes somewhere (``list_to_db``), or ``get`` and ``check`` mean no reading at all."""
    rest = words[at + 1 :]
    if rest[:1] and rest[0] in TOWARDS:
        return True
    if any(word in TOWARDS and after in STORES for word, after in pairwise(rest)):
        return True
    return rest[-1:] in (["cash"], ["funds"], ["money"]) or (
        words[at] == "get" and len(rest) == 1 and _participle(rest[0])
    )


def _participle(word: str) -> bool:
    """Whether it is what was done to somebody: hired, started, shipped; ``feed`` and ``speed`` are none."""
    if not word.endswith("ed") or len(word) < 5:
        return word in {"paid", "sent", "sold", "rid"}
    stems = (word[:-1], word[:-2], word[:-3] if word[-3] == word[-4] else "")
    return any(stem in VERBS for stem in stems)


def _is_verb(words: list[str], index: int, at: int) -> bool:
    """Whether the part is a verb that changes something; ``at`` is where the reading verb stands.

    What follows ``by`` is a field: ``find_user_by_email``. What is read may be a noun: ``get_invoice``, ``read_email``.
    """
    if words[index] not in VERBS or (index > 0 and words[index - 1] == "by"):
        return False
    return not (at < index and words[index] in VERB_NOUNS and ABOUT.issuperset(words[index + 1 :]))


def _hand_off(words: list[str], call: ToolCall) -> str | None:
    verb = words[0] in HAND_OFF or words[:2] in (["hand", "off"], ["hand", "over"])
    if not verb or "to" not in words or words[-1] not in TO_WHOM or not HAND_OFF_WORDS.issuperset(words):
        return None
    if not call.arguments_recorded or not isinstance(call.arguments, (dict, type(None))):
        return None
    keys = [word for key in (call.arguments or {}) for word in name_words(str(key))]
    if MONEY.intersection(keys):
        return None
    return "a hand-off of the conversation to a person or another agent; no data or money changes"


def _sends_something(words: list[str], call: ToolCall) -> bool:
    """Whether an argument looks like a method, a body or a command; a ``fetch_url`` without recorded ones might."""
    if not call.arguments_recorded:
        return len(words) == 1 or not WEB.isdisjoint(words)
    if "calculate" in words and _holds_code(call.arguments):
        return True
    if isinstance(call.arguments, str) and _SENT_TEXT.search(call.arguments):
        return True  # arguments that could not be read as fields
    return _looks_sent(call.arguments, 0)


def _looks_sent(value: Json, depth: int) -> bool:
    if depth > _MAX_DEPTH:
        return True
    if isinstance(value, str):
        return value.strip().upper() in _METHODS or _STATEMENT.search(value[:_LONGEST_LOOK]) is not None
    if isinstance(value, list):
        return any(_looks_sent(item, depth + 1) for item in value)
    if isinstance(value, dict):
        return any(_sent_name(str(key), held) or _looks_sent(held, depth + 1) for key, held in value.items())
    return False


def _sent_name(key: str, held: Json) -> bool:
    words = name_words(key)
    plain = "".join(words)
    if plain in _METHOD_NAMES or plain in _BODY_NAMES or plain in COMMAND_ARGUMENTS or BODY_WORDS.intersection(words):
        return True
    if words[-1:] == ["data"] and words[0] in {"request", "form", "raw", "post", "input"}:
        return True
    if {"method", "verb"}.intersection(words) and METHOD_WORDS.issuperset(words):
        return True
    return held is True and any(word in VERBS or word in {"fix", "force"} for word in words)  # check(fix=True)


def _holds_code(value: Json) -> bool:
    if isinstance(value, str):
        return _CODE.search(value[:_LONGEST_LOOK]) is not None
    held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_holds_code(item) for item in held)


def _shell_read(words: list[str], arguments: Json) -> str | None:
    if not SHELL_WORDS.issuperset(words) or not isinstance(arguments, dict):
        return None
    plain = {"".join(name_words(str(key))): held for key, held in arguments.items()}
    told = SHELL_ARGUMENTS if SHELL_NAMES.intersection(words) else {"command", "cmd"}
    commands = [held for key, held in plain.items() if key in told]  # ``run`` is a shell where it is given a command
    if len(commands) != 1 or any(key not in SHELL_ARGUMENTS | SHELL_OPTIONS for key in plain):
        return None
    command = commands[0]
    if not isinstance(command, str) or _SHELL_SPECIAL.search(command.strip()):
        return None
    try:
        parts = shlex.split(command)
    except ValueError:
        return None
    if not parts or parts[0] not in SHELL_READS:
        return None
    return f"the command only runs {parts[0]}, without operators or redirection"


def _opens_a_page(words: list[str], arguments: Json) -> str | None:
    """A browser that is told to open one plain address, by whatever name, and nothing more."""
    if not BROWSER_NAMES.intersection(words) or not BROWSER_WORDS.issuperset(words):
        return None
    held = arguments if isinstance(arguments, dict) else {"": arguments}
    told: list[str] = []
    for key, value in held.items():
        if "".join(name_words(str(key))) in BROWSER_OPTIONS:
            continue
        if not isinstance(value, str):
            return None
        told += value.split()
    addresses = [part for part in told if part.lower().startswith(("http://", "https://"))]
    verbs = [part.lower().strip(":") for part in told if part not in addresses]
    if len(addresses) != 1 or not OPENING.issuperset(verbs):
        return None
    try:
        address = urlsplit(addresses[0])
    except ValueError:
        return None
    if address.query or any(word in VERBS for word in name_words(address.path.replace("/", "_"))):
        return None
    return f"the browser only opens {address.hostname}"
