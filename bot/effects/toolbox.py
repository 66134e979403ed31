"""What a run says about its tools: as offered to the model, as called, and in the policy of the prompt. Built once."""

import re
from dataclasses import dataclass, field
from itertools import islice

from bot.domain.base import Json
from bot.domain.run import Run, ToolDefinition
from bot.effects.reading import name_words
from bot.effects.statements import Paragraph, paragraphs, stem, stems
from bot.effects.suggest_words import (
    BOOK,
    CREATE,
    DECIDE,
    DESTROY,
    END,
    MONEY_OBJECTS,
    PAY,
    PLAIN,
    READING_TOO,
    REPLACE,
    TELL,
    TELL_OBJECTS,
    TOGGLE,
    UPDATE,
)

VERBS = (
    TELL
    | PAY
    | DESTROY
    | END
    | DECIDE
    | REPLACE
    | CREATE
    | BOOK
    | UPDATE
    | TOGGLE
    | READING_TOO
    | {"return", "exchange"}
)
_NOUNS_TOO = (
    MONEY_OBJECTS | TELL_OBJECTS | PLAIN | frozenset({"call", "text", "report", "alert", "issue", "bill"})
) | (frozenset({"file", "log", "share", "page", "label", "stop", "order", "schedule", "book", "tag", "link", "show"}))
"""Verbs that mostly are nouns: one of them is the verb of a name only where no other is."""
_NAMESPACE = re.compile(r"__|[./:]")
_SMALL = frozenset({"to", "from", "by", "in", "on", "of", "for", "a", "an", "the", "with", "and", "or", "my", "api"})
_MOST_TOOLS = 2_000


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool as the rules look at it.

    ``verb`` is the deed in its name (``None``: no known one), ``things`` the stems of its other words and ``head`` the
    last of them, ``text`` its description in lower case, ``keys`` its parameters' names, ``arguments`` what it was
    called with.
    """

    name: str
    words: tuple[str, ...] = ()
    verb: str | None = None
    things: frozenset[str] = frozenset()
    head: str = ""
    text: str = ""
    keys: frozenset[str] = frozenset()
    annotations: dict[str, Json] = field(default_factory=dict)
    arguments: Json = None


@dataclass(frozen=True, slots=True)
class Toolbox:
    """All tools of a run by name, and the policy sentences of its prompts."""

    tools: dict[str, Tool]
    policy: tuple[Paragraph, ...] = ()

    def other(self, tool: Tool, verbs: frozenset[str]) -> str | None:
        """The name of another tool with one of these verbs for the same things, or for their kind in general."""
        for one in self.tools.values():
            if one.name == tool.name or one.verb not in verbs or not tool.things:
                continue
            if one.things == tool.things or (one.things < tool.things and tool.head in one.things):
                return one.name
        return None


def toolbox(run: Run) -> Toolbox:
    """What the run tells of its tools. Each prompt text is read once, however many calls repeat it."""
    offered: dict[str, ToolDefinition] = {}
    texts: dict[str, None] = {}
    for call in run.model_calls:
        for definition in call.tools_offered:
            offered.setdefault(definition.name, definition)
        for text in call.system:
            texts.setdefault(text)
        for message in call.input:
            if message.role in {"system", "developer"}:
                texts.setdefault(message.text)
    called = {call.name: call.arguments for call in reversed(run.tool_calls)}
    names = list(islice(dict.fromkeys([*offered, *called]), _MOST_TOOLS))
    tools = {name: tool_of(name, offered.get(name), called.get(name)) for name in names}
    policy = tuple(sentence for text in islice(texts, 4) for sentence in paragraphs(text))
    return Toolbox(tools=tools, policy=policy)


def tool_of(name: str, definition: ToolDefinition | None = None, arguments: Json = None) -> Tool:
    """One tool, from its name, what the model was told of it, and what it was called with."""
    words = tuple(name_words(name))
    local = tuple(name_words(_NAMESPACE.split(name)[-1])) or words
    verb = verb_of(local) or verb_of(words)
    rest = [word for word in local if word != verb and word not in _SMALL and not word.isdecimal()]
    schema = definition.parameters if definition is not None else None
    held = schema.get("properties") if isinstance(schema, dict) else None
    properties = held if isinstance(held, dict) else {}
    given = arguments if isinstance(arguments, dict) else {}
    annotations = definition.annotations if definition is not None else None
    if annotations is None and isinstance(schema, dict):
        annotations = schema.get("annotations")
    return Tool(
        name=name,
        words=words,
        verb=verb,
        things=stems(rest),
        head=stem(rest[-1]) if rest else "",
        text=((definition.description or "") if definition is not None else "")[:8_000].lower(),
        keys=frozenset(_snake(key) for key in (*properties, *given)),
        annotations=annotations if isinstance(annotations, dict) else {},
        arguments=arguments,
    )


def verb_of(words: tuple[str, ...]) -> str | None:
    """The deed in a name: its first plain verb, else its last word that may be one, else its first such."""
    if not words:
        return None
    if words[0] in VERBS and (words[0] not in _NOUNS_TOO or len(words) == 1 or words[1] in _SMALL):
        return words[0]
    plain = [word for index, word in enumerate(words) if word in VERBS - _NOUNS_TOO and not _of_field(words, index)]
    if plain:
        return plain[0]
    return next((word for word in words if word in VERBS), None)


def _of_field(words: tuple[str, ...], index: int) -> bool:
    return index > 0 and words[index - 1] == "by"


def _snake(key: str) -> str:
    return "_".join(name_words(str(key)))
