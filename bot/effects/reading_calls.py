"""Calls of tools that can do anything, where the arguments plainly ask for a read. Part of the guess in ``reading.py``.

- **One SQL statement that only selects**, with no function but those of a short list.
- **A GET, HEAD or OPTIONS** of a tool that calls an address, without a body; not where the address names a deed.
- **An operation that is a read**, named by an argument of a tool that holds several (``action: list``, ``command:
  view``); its other arguments may not look like something that is sent.
"""

import re
from collections.abc import Mapping

from bot.domain.base import Json
from bot.effects.verbs import (
    ADDRESS_KEYS,
    ASKED_OF,
    CALL_OPTIONS,
    CALLERS,
    NOUNS_READ,
    OFFERING,
    OPERATION_KEYS,
    OPERATION_READS,
    PAGES,
    PROGRAM_READS,
    RUNNERS,
    SQL_FUNCTIONS,
    SQL_KEYS,
    SQL_NAMES,
    SQL_OPTIONS,
    VERBS,
)

_SELECT = re.compile(r"\s*(?:select|with|show|describe|desc|explain)\b", re.IGNORECASE)
_NO_SELECT = re.compile(
    r"\b(?:insert|update|delete|merge|replace|drop|truncate|alter|create|grant|revoke|call|exec|execute|do|copy|vacuum|"
    r"into|lock|analyze|set|begin|commit|attach|pragma|load_file|outfile|dumpfile|for\s+(?:no\s+key\s+)?(?:update|share))\b",
    re.IGNORECASE,
)
_FUNCTION = re.compile(r"\b([a-z_][\w.]*)\s*\(", re.IGNORECASE)
_STRINGS = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|--[^\n]*|/\*(?:(?!\*/).)*\*/", re.DOTALL)
_KEYWORDS = frozenset(
    """
    in and or not exists any all as on using over values from where select with when then else by
    """.split()  # noqa: SIM905
)
_LONGEST = 20_000
_HIDDEN_CALL = re.compile(r"(?:''|\])\s*\(")
"""A function whose name is quoted, or that a comment parts from its bracket."""
_METHOD_KEYS = frozenset(["method", "httpmethod"])
_HARMLESS_METHODS = frozenset(["GET", "HEAD", "OPTIONS"])


def asks_only(words: list[str], arguments: Json, name_parts: "Mapping[str, list[str]]") -> str | None:
    """Why a call of this tool only reads; ``name_parts`` are the words of each argument's name."""
    if not isinstance(arguments, dict) or not arguments:
        return None
    plain = {"".join(name_parts[key]): held for key, held in arguments.items()}
    if len(plain) != len(arguments):
        return None
    return _selects(words, plain) or _gets(words, plain) or _operates(words, arguments, name_parts)


def selects_at_most(arguments: Json) -> bool:
    """Whether no argument is a statement that does more than select."""
    held = arguments.values() if isinstance(arguments, dict) else [arguments]
    return all(only_selects(one) for one in held if isinstance(one, str) and _SELECT.match(one))


def only_selects(statement: str) -> bool:
    """Whether this is one statement that selects and calls nothing that might do more."""
    if len(statement) > _LONGEST or not _SELECT.match(statement):
        return False
    if "/*!" in statement or "$$" in statement or "\\" in statement:
        return False  # text that one reader takes for a comment or a string and another for a statement
    bare = _STRINGS.sub(" '' ", statement).strip().rstrip(";")
    if ";" in bare or "'" in bare.replace("''", "") or _NO_SELECT.search(bare) or _HIDDEN_CALL.search(bare):
        return False
    return {found.lower() for found in _FUNCTION.findall(bare)} <= SQL_FUNCTIONS | _KEYWORDS


def names_what_it_asks(words: list[str]) -> bool:
    """Whether a name is nothing but what it asks about: ``channels_list``, ``kubectl_logs``, ``git_diff``."""
    before = words[:-1]
    if len(words) == 2 and words[1] in PROGRAM_READS.get(words[0], ()):
        return True
    if words[-1] in {"snapshot", "screenshot"}:
        return bool(PAGES.intersection(before) - {"get", "full"}) and PAGES.issuperset(before)
    if not before or any(word in VERBS or word in OFFERING for word in words):
        return False
    if words[-1] == "list" and not before[-1].endswith("s"):
        return False
    return (words[-1] in NOUNS_READ or words[-1] == "list") and all(w in ASKED_OF or w.endswith("s") for w in before)


def _selects(words: list[str], plain: dict[str, Json]) -> str | None:
    keys = [key for key in plain if key in SQL_KEYS]
    if not SQL_NAMES.intersection(words) or len(keys) != 1 or not plain.keys() <= SQL_KEYS | SQL_OPTIONS:
        return None
    statement = plain[keys[0]]
    return "its one SQL statement only selects" if isinstance(statement, str) and only_selects(statement) else None


def _gets(words: list[str], plain: dict[str, Json]) -> str | None:
    methods = [held for key, held in plain.items() if key in _METHOD_KEYS]
    addresses = [held for key, held in plain.items() if key in ADDRESS_KEYS]
    if not CALLERS.issuperset(words) or len(methods) != 1 or len(addresses) != 1:
        return None
    method, address = methods[0], addresses[0]
    if not isinstance(method, str) or method.strip().upper() not in _HARMLESS_METHODS or not isinstance(address, str):
        return None
    headers = plain.get("headers")
    overridden = isinstance(headers, dict) and any("override" in str(key).lower() for key in headers)
    sent = [held for key, held in plain.items() if key not in ADDRESS_KEYS | CALL_OPTIONS | _METHOD_KEYS]
    if overridden or any(held not in (None, "", {}, []) for held in sent) or len(address) > _LONGEST:
        return None
    deeds = re.findall(r"[a-z]+", address.lower().partition("://")[2].partition("/")[2] or address.lower())
    return None if any(word in VERBS for word in deeds) else f"it only asks with {method.strip().upper()}"


def _operates(words: list[str], arguments: dict[str, Json], name_parts: "Mapping[str, list[str]]") -> str | None:
    """``docker(action="ps")``, ``text_editor(command="view")``: the tool's own name may not be a deed."""
    if any(word in VERBS - RUNNERS for word in words) and "editor" not in words:
        return None
    told = [key for key in arguments if "".join(name_parts[key]) in OPERATION_KEYS]
    if len(told) != 1:
        return None
    value = arguments[told[0]]
    if not isinstance(value, str) or value.strip().lower().replace("-", "_") not in OPERATION_READS:
        return None
    rest = {key: held for key, held in arguments.items() if key != told[0] and held not in (None, "", [], {})}
    if any(word in VERBS or word in _SENT for key in rest for word in name_parts[key]):
        return None
    return f"its {told[0]} is {value.strip().lower()}"


_SENT = frozenset(
    """
    content contents body data payload text message value values new file status fields items
    """.split()  # noqa: SIM905
)
"""Words of arguments that bring something along."""
