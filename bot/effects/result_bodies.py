"""What of a recorded result is looked at: itself, what a wrapper or MCP's answer holds, texts that are objects."""

from ast import literal_eval

from pydantic_core import from_json, to_json

from bot.domain.base import Json
from bot.effects.outcome_words import LOOSE_ERROR, WRAPPERS
from bot.effects.refusal_words import ERROR_START

_LONGEST_REPR = 20_000
_MOST_BRACKETS = 100


def bodies_of(result: Json) -> list[Json]:
    """The results to look at: the recorded one, or what MCP's answer or a mere wrapper holds. At most four."""
    if isinstance(result, list) and result and isinstance(result[0], dict) and "text" in result[0]:
        return _unwrapped(_document(str(result[0]["text"])))
    if not isinstance(result, dict):
        return [result]
    if len(result) == 1 and WRAPPERS.issuperset(result):
        return _unwrapped(result)
    content, structured = result.get("content"), result.get("structuredContent")
    if not set(result) <= {"content", "isError", "is_error", "_meta", "structuredContent"}:
        return [result]
    found: list[Json] = [result] if structured is None else [result, *_unwrapped(structured)]
    texts = [part.get("text") for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    first = next((text for text in texts if isinstance(text, str)), None)
    if first is not None:
        held = _document(first)
        loose = isinstance(held, str) and LOOSE_ERROR.match(held) and not ERROR_START.match(held)
        if not loose or result.get("isError", result.get("is_error")) is None:
            found += _unwrapped(held)  # where it says isError: false, prose that begins with "error" is none
    return found[:4]


def _unwrapped(held: Json) -> list[Json]:
    """The value, and what it holds where it is an object that merely wraps an answer."""
    if not (isinstance(held, dict) and len(held) == 1 and WRAPPERS.issuperset(held)):
        return [held]
    inner = next(iter(held.values()))
    return [held, _document(inner)] if isinstance(inner, str) else [held, *bodies_of(inner)][:3]


def _document(text: str) -> Json:
    """The object that a text holds as JSON or as Python's repr, else the text: servers write their objects so."""
    if text.lstrip()[:1] != "{":
        return text
    try:
        held: Json = from_json(text, allow_inf_nan=False)
    except ValueError:
        return _literal(text)
    return held


def _literal(text: str) -> Json:
    """A short Python literal; read, never evaluated."""
    if len(text) > _LONGEST_REPR or text.count("{") + text.count("[") + text.count("(") > _MOST_BRACKETS:
        return text
    try:
        held = literal_eval(text.strip())
        read: Json = from_json(to_json(held, inf_nan_mode="null", fallback=str))
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError, Warning):
        return text
    return read if isinstance(read, dict) else text
