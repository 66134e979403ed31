"""Who could have written what a run read: the user and the operator, the operator's own records, or anybody.

Anybody can write web pages, e-mails, messages, tickets, files and retrieved documents, and the free text in a record
(the subject of a payment). A field of a record that is nothing but the value is the operator's own: an order id from a
look-up is ordinary. Which tool reads what is told by its name, its description and an address among its arguments.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from pydantic_core import from_json

from bot.domain.base import Json
from bot.domain.run import Document, ModelCall, Run, ToolCall
from bot.effects.reading import guess, name_words
from bot.effects.suggest_words import BOOK, CREATE, DESTROY, END, PAY, TELL, UPDATE
from bot.effects.toolbox import verb_of
from bot.effects.values import urls_in

_OUTSIDE = frozenset(
    """
    article articles attachment attachments bing blog blogs brave browse browser bucket calendar channel channels chat
    clipboard comment comments conversation conversations crawl discord doc docs document documents download drive
    dropbox duckduckgo email emails feed feedback file files forum gist github gmail google html http inbox invoice
    issue issues kb knowledge mail mails memory message messages news note notes notion ocr outlook page pages pdf post
    posts pr pull readme reddit repo resource resources resume review reviews rss s3 scrape screenshot serp slack sms
    snapshot survey tavily teams telegram thread ticket tickets transcript tweet tweets url web webpage website whatsapp
    wiki wikipedia youtube
    """.split()  # noqa: SIM905
)
"""What a tool reads that others can write into."""
_FINDING = frozenset("search bing google duckduckgo tavily brave serp find list lookup query".split())  # noqa: SIM905
_OUTSIDE_TEXT = re.compile(
    r"\b(?:web ?pages?|websites?|the web|internet|e-?mails?|inbox|urls?|messages?|tickets?|comments?|reviews?|posts?|"
    r"(?:content|text) of (?:a|the) (?:file|document|page))\b",
    re.IGNORECASE,
)
_META = re.compile(
    r"(?:.*[_-])?(?:id|ids|sha|uuid|guid|key|number|no|nr|date|time|at|timestamp|size|status|state|type|etag|cursor|"
    r"from|sender|author|requester|reporter|owner|assignee|created_by|to|cc|recipient|recipients|participants|user)|"
    r".*I[dD]",
    re.IGNORECASE,
)
"""Fields that the system writes beside what somebody wrote: whole, they are a record."""
_FUNCTION = re.compile(
    r"\b(?:the|to|and|of|you|your|please|is|are|for|this|that|must|should|with|in|on|it|we|our|i|a|an|or|if|not|der|"
    r"die|und|bitte|le|la|les|el|los|por|para)\b",
    re.IGNORECASE,
)
_LABEL = re.compile(r"[\w .()/-]{1,40}\s?[:=]\s")
"""What stands before a value in a line of a record: ``subject: ``."""
_NOTED = frozenset("note notes comment comments memo remark remarks message description instructions".split())  # noqa: SIM905
"""Fields of a record in which somebody wrote, however short."""
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_MOST_DEPTH = 12
_MOST_LEAVES = 50_000
_SEPARATOR = " | "
_CHANGING = (TELL | PAY | DESTROY | END | BOOK | UPDATE | CREATE) - frozenset({"open", "check", "expand", "select"})
"""What such a tool answers is its own system's word, not what others wrote."""


@dataclass(frozen=True, slots=True)
class Content:
    """A piece of text that a run read.

    ``order`` is the tool call's, 0 for a document; ``outside``: anybody may have written it; ``found``: it is a list of
    search results; ``own`` is what the reading call itself had been told.
    """

    text: str
    source: str
    order: int
    outside: bool
    span_id: str | None = None
    found: bool = False
    own: Json = None


def said_to_the_agent(run: Run) -> list[str]:
    """What the operator and the user said: system prompts, user messages, tool definitions.

    What one agent told another is no word of the user's: only messages to the first agent count. Documents that were
    copied into a prompt are cut out of it.
    """
    texts = dict.fromkeys(_by_the_user(run))
    for call in run.model_calls:
        for text in _system(call):
            texts.setdefault(text)
        for definition in call.tools_offered:
            texts.setdefault(f"{definition.description or ''} {definition.parameters or ''}")
    stuffed = _stuffed(run)
    return [_without(text, stuffed) for text in texts]


def said_by_the_user(run: Run) -> list[str]:
    """The user's own words alone, without documents and results that were copied among them."""
    stuffed = _stuffed(run)
    return [_without(text, stuffed) for text in _by_the_user(run)]


def _by_the_user(run: Run) -> list[str]:
    agents = {step.span_id: step.agent for step in run.steps}
    first = next((agents.get(call.span_id) for call in run.model_calls), None)
    texts: dict[str, None] = {}
    for call in run.model_calls:
        if agents.get(call.span_id) == first:
            texts.update(dict.fromkeys(m.text for m in call.input if m.role in {"user", "human"}))
    return list(texts)


def _stuffed(run: Run) -> list[str]:
    stuffed = [d.content for r in run.retrievals for d in r.documents or () if d.content and len(d.content) >= 40]
    stuffed += [c.result for c in run.tool_calls if isinstance(c.result, str) and len(c.result) >= 200]
    return stuffed[:500]


def contents(run: Run) -> Iterator[Content]:
    """Everything that the run read, in its order, each piece with who could have written it."""
    for retrieval in run.retrievals:
        for document in retrieval.documents or ():
            if document.content:
                name = f"document {_document_name(document)}"
                yield Content(document.content, name, 0, outside=True, span_id=retrieval.span_id)
    descriptions = {d.name: d.description or "" for call in run.model_calls[:50] for d in call.tools_offered}
    for call in run.tool_calls:
        if call.result_recorded and call.result is not None:
            yield from _of_call(call, descriptions.get(call.name, ""))


def _system(call: ModelCall) -> Iterator[str]:
    yield from call.system
    yield from (message.text for message in call.input if message.role in {"system", "developer"})


def _without(text: str, stuffed: list[str]) -> str:
    for piece in stuffed:
        if len(piece) < len(text) and piece in text:
            text = text.replace(piece, " ")
    return text


def _document_name(document: Document) -> str:
    metadata = document.metadata if isinstance(document.metadata, dict) else {}
    named = (metadata.get(key) for key in ("source", "url", "title", "file_name", "path", "name"))
    return next((held[:160] for held in named if isinstance(held, str) and held), document.id or "without a name")


def _of_call(call: ToolCall, description: str) -> Iterator[Content]:
    words = set(name_words(call.name))
    changing = verb_of(tuple(name_words(call.name))) in _CHANGING and guess(call) is None
    told = [] if changing else _addresses(call.arguments)
    outside = not changing and bool(words & _OUTSIDE or told or _OUTSIDE_TEXT.search(description[:2_000]))
    found = bool(words & _FINDING) and not told
    name = f"web page {told[0][:160]}" if told else f"result of {call.name[:80]}{_of_what(call)}"
    pieces: dict[tuple[bool, str], list[str]] = {}
    for key, text in islice(_leaves(_opened(call.result), "", 0), _MOST_LEAVES):
        for free, source, held in _judged(key, text, outside, name, call.name):
            pieces.setdefault((free, source), []).append(held)
    for (free, source), texts in pieces.items():
        text = _SEPARATOR.join(texts)
        yield Content(text, source, call.order, outside=free, span_id=call.span_id, found=found, own=call.arguments)


def _judged(key: str, text: str, outside: bool, name: str, tool: str) -> Iterator[tuple[bool, str, str]]:  # noqa: FBT001
    """One text of a result: whether anybody may have written it, where it is from in words, and the text."""
    noted = " " in text.strip() and key.lower() in _NOTED
    whole = bool(key) and len(text) <= 200 and not _prose(text)
    if outside:
        yield not (whole and len(key) <= 100 and _META.fullmatch(key)), name, text
    elif not _prose(text) and not noted:
        yield False, name, text
    else:
        for line in text.splitlines():
            held = _value_of(line)
            free = noted or _prose(held)
            yield free, f"text in the result of {tool[:80]}" if free else name, held


def _value_of(line: str) -> str:
    """A line of a record without its bullet, its label and its quotation marks."""
    held = line.strip(" \t>*#-")
    label = _LABEL.match(held)
    return (held[label.end() :] if label is not None else held).strip(" \t\"'`,;")


def _of_what(call: ToolCall) -> str:
    """Which file or such was read, so that the same poisoned one is known again in other runs."""
    if not isinstance(call.arguments, dict):
        return ""
    named = (call.arguments.get(key) for key in ("path", "file_path", "filename", "file", "uri", "file_id"))
    held = next((one for one in named if isinstance(one, str) and one), None)
    return f" ({held[:120]})" if held else ""


def _addresses(value: Json, depth: int = 0) -> list[str]:
    if isinstance(value, str):
        return [address for address in urls_in(value) if len(value) < len(address) + 40]
    if depth > 3:
        return []
    held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [found for one in held for found in _addresses(one, depth + 1)]


def _opened(result: Json) -> Json:
    """MCP's parts as their texts, and texts that hold JSON as what they hold."""
    if isinstance(result, str) and result.lstrip()[:1] in {"{", "["}:
        try:
            held: Json = from_json(result, allow_inf_nan=False)
        except ValueError:
            return result
        return held
    content = result.get("content") if isinstance(result, dict) else None
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    opened = [_opened(text) for text in texts if isinstance(text, str)]
    return opened or result


def _leaves(value: Json, key: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > _MOST_DEPTH:
        return
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield key or "number", str(value)
    elif isinstance(value, dict):
        for name, held in value.items():
            yield from _leaves(held, str(name), depth + 1)
    elif isinstance(value, list):
        for held in value:
            yield from _leaves(held, key or "item", depth + 1)


def _prose(text: str) -> bool:
    """Whether somebody wrote sentences: several lines, or eight words with the small ones of a language."""
    if len(text) < 25:
        return False
    head = text[:4_000]
    if len(_LETTERS.findall(head)) < 6:
        return False
    return len(_FUNCTION.findall(head)) >= 2 or not head.isascii()
