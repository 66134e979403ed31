"""A suggested class for a tool that nobody classified, with the reason. No LLM; it never changes how one is treated.

The rules follow the order of the labelling rules: what only reads; what left the operator's control (somebody was told,
money went out); what was destroyed; what a counter-operation neutralises; what the same call puts back. **In doubt
irreversible**: a softer class needs a reason that can be named, and a sentence of the tool's own description or of the
policy in the prompt that calls it final beats every such reason.
"""

import re

from bot.domain.base import Json
from bot.domain.effect import Reversibility, Suggestion
from bot.effects.deeds import Found, by_deed, inverse_of
from bot.effects.reading import name_words
from bot.effects.statements import FINAL, RESTORED, TELLING, says_of
from bot.effects.suggest_words import (
    BROWSER,
    BROWSER_DEEDS,
    CODE,
    CODE_COMPANY,
    DESTROY,
    END,
    ENDING_VALUES,
    PAY,
    PLAIN,
    READING_NOUNS,
    READING_TOO,
    REPLACE,
    TELL,
    TELL_OBJECTS,
    TOGGLE,
)
from bot.effects.toolbox import VERBS, Tool, Toolbox
from bot.effects.verbs import JOINING

_READING_TEXT = re.compile(r"\s*(?:gets?|lists?|returns?|reads?|retrieves?|fetch(?:es)?|shows?|search(?:es)?)\b")
_NO = Reversibility.IRREVERSIBLE
_READ = Reversibility.READ_ONLY


_HARD = (TELL | PAY) - {
    "page",
    "text",
    "call",
    "mail",
    "issue",
    "report",
    "credit",
    "collect",
    "message",
    "comment",
} | frozenset(
    {"delete", "erase", "purge", "destroy", "drop", "wipe", "terminate", "kill", "overwrite", "cancel", "truncate"}
)
"""What a description may begin with that no softer name makes good."""


def suggest(tool: Tool, tools: Toolbox) -> Suggestion:
    """The class that fits this tool of this run best, and why in words."""
    found, why = _code(tool) or _reads(tool) or by_deed(tool, tools)
    if found is not _NO:
        final = _final(tool, tools)
        if final is not None:
            found, why = _NO, final
    return Suggestion(reversibility=found, reason=why)


def _final(tool: Tool, tools: Toolbox) -> str | None:
    """A sentence, a hint or an argument that speaks against every softer class."""
    said = FINAL.search(tool.text)
    if said is not None and RESTORED.search(tool.text) is None:
        return f'its description says "{said[0].strip()}"'
    said_of = says_of(FINAL, tools.policy, tool.name, tool.verb, tool.things)
    if said_of is not None:
        return f'the prompt says of it "{said_of}"'
    deed = _described(tool)
    if deed is not None:
        return f"its description says that it would {deed}"
    if tool.annotations.get("destructiveHint") is True and inverse_of(tool, tools) is None:
        return "its server marks it as destructive"
    value = _ending_value(tool.arguments, 0)
    if value is not None:
        return f"it was told {value}, which ends something or lets others go on"
    return None


def _described(tool: Tool) -> str | None:
    """The deed that the description begins with, where it is harder than the name's: "Post a status update"."""
    first = next(iter(name_words(tool.text[:40].replace(" ", "_"))), "")
    if first.endswith("s") and first[:-1] in _HARD - TELL_OBJECTS:  # "Sends", not "Posts of a user"
        first = first[:-1]
    return first if first in _HARD and first != tool.verb else None


def _code(tool: Tool) -> Found | None:
    words = set(tool.words)
    if (words & CODE and (words & CODE_COMPANY or words - {"code"} & CODE)) or "sql" in words:
        return _NO, "it runs whatever code or command it is given"
    if words & BROWSER and words & BROWSER_DEEDS and not words & {"snapshot", "screenshot"}:
        return _NO, "it acts on a page as a person does: what a click did is not known"
    if "query" in tool.keys and tool.verb in REPLACE | {"execute", "run"}:
        return _NO, "it runs whatever statement it is given"
    return None


def _reads(tool: Tool) -> Found | None:  # noqa: PLR0911 - one line per rule
    hints = tool.annotations
    if hints.get("destructiveHint") is True or hints.get("readOnlyHint") is False or "open" in tool.words:
        return None
    changing = {word for word in tool.words if word in VERBS - READING_TOO} - PLAIN - READING_NOUNS
    asks = tool.verb in READING_TOO or (tool.words[:1] != tool.words[-1:] and tool.words[-1:] == ("read",))
    if hints.get("readOnlyHint") is True and (asks or not changing):
        return _READ, "its server marks it as reading only, and its name agrees"
    if FINAL.search(tool.text) or TELLING.search(tool.text) or JOINING.intersection(tool.words):
        return None
    if changing & (PAY | DESTROY | END | TOGGLE) or (changing and not _READING_TEXT.match(tool.text)):
        return None
    if tool.verb in READING_TOO:
        return _READ, f"{tool.verb} changes nothing, and its name holds no other deed"
    if tool.words and tool.words[-1] in READING_NOUNS:
        return _READ, f"its name only asks for a {tool.words[-1]}"
    return None


def _ending_value(value: Json, depth: int) -> str | None:
    """A status among the arguments that ends something, such as ``status: cancelled``."""
    if depth > 4 or not isinstance(value, dict):
        return None
    for key, held in value.items():
        if isinstance(held, str) and held.strip().lower() in ENDING_VALUES and _is_state(str(key)):
            return f"{key}: {held.strip().lower()}"
        found = _ending_value(held, depth + 1)
        if found is not None:
            return found
    return None


def _is_state(key: str) -> bool:
    return bool({"status", "state", "stage", "transition"}.intersection(name_words(key)))
