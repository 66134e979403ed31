"""How a tool says no in words of its own: prose, states, counts and envelopes that are no plain error. Pure, bounded.

Only the first sentence of a text is looked at, for a page that was read may say anything. A word of refusal that the
call itself asked for is none: ``decline_invitation`` answers "declined" when it worked.
"""

import re
from collections.abc import Iterator

from bot.domain.base import Json
from bot.domain.run import ToolCall
from bot.effects.reading import guess, name_words
from bot.effects.refusal_words import (
    BAD_COUNTS,
    DENIED,
    DONE,
    ERROR_START,
    FOREIGN,
    GOOD_COUNTS,
    GRPC_TEXT,
    NO,
    NOW,
    REFUSED,
    SORRY,
    STATE_WORDS,
    UNANSWERED,
    UNDONE,
    VERB_OF,
    WENT_WELL,
)
from bot.effects.statements import stem
from bot.effects.verbs import VERBS

_FIRST = 300
_SENTENCE = re.compile(r"(?<=[.!?。])\s+|(?<=[。！])|[\n\r]")  # noqa: RUF001 - full-width marks end sentences too
_MOST_LEAVES = 200
_MOST_ITEMS = 1_000
_ERROR_CODE = re.compile(r"[A-Z]{3,30}(?:_[A-Z]{2,30}){1,5}")
_GRPC_MAYBE = frozenset([1, 2, 4, 10, 13, 14, 15])
"""gRPC's CANCELLED, UNKNOWN, DEADLINE_EXCEEDED, ABORTED, INTERNAL, UNAVAILABLE, DATA_LOSS: it may have been done."""
_GRPC_KEYS = frozenset(["code", "message", "details", "status", "metadata", "detail"])
_TOLD = ("message", "msg", "detail", "title", "reason", "description")
_ENVELOPE = frozenset(
    """
    message msg detail details title reason description code type status statusCode status_code data timestamp path
    instance traceId trace_id request_id requestId error_code errorCode
    """.split()  # noqa: SIM905
)
_ITEMS = ("results", "responses", "outcomes")


def says_no(text: str, call: ToolCall) -> str | None:
    """Why the first sentence of this text is a refusal, in words; ``None`` where it is none."""
    first = first_sentence(text)
    if not first or WENT_WELL.match(first):
        return None
    if ERROR_START.match(first):
        return "its result starts with an error"
    denied = DENIED.search(first)
    if denied is not None and not asked_for(denied["word"].lower(), call):
        return f"its result says {denied[0].strip()[:60]}"
    said = NO.match(first) or SORRY.match(first)
    if said is not None and "denied" in said[0].lower() and asked_for("denied", call):
        return None
    if said is None:
        said = REFUSED.search(first) or FOREIGN.search(first)
        said = None if said is not None and (DONE.search(first[: said.start()]) or NOW.search(first)) else said
    if said is not None:
        return f"its result says no: {first[:80]}"
    later = UNDONE.search(text[: _FIRST * 2])
    return f"its result says no: {later[0]}" if later is not None else None


def first_sentence(text: str) -> str:
    """The first sentence of a text without the quotes round it, at most 300 characters of it."""
    return _SENTENCE.split(text.strip().strip("\"'`")[:_FIRST], maxsplit=1)[0].strip()


def asked_for(word: str, call: ToolCall) -> bool:
    """Whether the call wanted this very word: its tool is named after it, or an argument says it."""
    verb = stem(VERB_OF.get(word, word))
    if any(stem(part) == verb for part in name_words(call.name)):
        return True
    return any(held.lower() == word or stem(held) == verb for held in _texts(call.arguments))


def states(result: dict[str, Json], call: ToolCall) -> Iterator[str]:
    """What an object's fields say against it that is neither an error field nor a plain ``success: false``."""
    yield from _undone(result, call)
    severe = [item.get("severity") for item in _dicts(result.get("issue"))]
    if {"error", "fatal"}.intersection(word for word in severe if isinstance(word, str)):
        yield "its result has an issue of severity error"  # FHIR's OperationOutcome
    code, empty = result.get("code"), "data" in result and result["data"] in (None, {}, [], "")
    if result.get("kind") == "error" or result.get("type") == "error":
        yield "its result calls itself an error"
    if isinstance(code, str) and _ERROR_CODE.fullmatch(code) and envelope_text(result, call) is not None:
        done = f"{code.lower().replace('_', ' ')} {str(result.get('message'))[:_FIRST]}"
        if not DONE.search(done):
            yield f"its result has nothing but the code {code[:40]}"
    told = isinstance(result.get("message", result.get("msg")), str)
    if isinstance(code, int) and told and empty and (code >= 400 or code < 0):
        yield f"its result has the code {code} and no data"
    grpc = grpc_code(result)
    if grpc is not None and grpc not in _GRPC_MAYBE:
        yield f"its result has gRPC's code {grpc}"


def grpc_code(result: dict[str, Json]) -> int | None:
    """GRPC's code in an object that is nothing but a gRPC status, 0 left out."""
    code = result.get("code")
    if not isinstance(code, int) or isinstance(code, bool) or not 1 <= code <= 16:
        return None
    return code if "details" in result and set(result) <= _GRPC_KEYS else None


def may_be_done(result: Json) -> str | None:
    """Why a gRPC status, or that nobody answered, leaves open whether it was done."""
    if isinstance(result, dict):
        code = grpc_code(result)
        return f"gRPC's code {code}" if code in _GRPC_MAYBE else None
    if not isinstance(result, str):
        return None
    first = first_sentence(result)
    silent = UNANSWERED.search(first)
    if silent is not None and not WENT_WELL.match(first) and not DONE.search(first[: silent.start()]):
        return "no answer of the far side"
    match = GRPC_TEXT.match(result)
    return f"gRPC's {match[2]}" if match is not None and int(match[1]) in _GRPC_MAYBE else None


def state_word(word: str, call: ToolCall) -> bool:
    """Whether a status word says that nothing was done, unless the call asked for just that."""
    plain = re.sub(r"[\s-]+", "_", word.strip().lower())
    prefixed = plain.startswith(("error_", "err_", "failed_", "failure_"))
    if not (prefixed or plain in STATE_WORDS) or asked_for(plain, call):
        return False
    return plain in {"error", "errored"} or guess(call) is None  # what a read found has a state of its own


def tally(result: Json) -> tuple[int, int] | None:
    """How many of a batch were done and how many were not; ``None`` where it does not say both."""
    if not isinstance(result, dict):
        return None
    good = next((count for key in GOOD_COUNTS if (count := _count(result.get(key))) is not None), None)
    bad = next((count for key in BAD_COUNTS if (count := _count(result.get(key))) is not None), None)
    return (good, bad) if good is not None and bad else None


def items(result: Json) -> list[dict[str, Json]]:
    """The answers of a batch, one an item: ``{"results": [...]}``."""
    if not isinstance(result, dict):
        return []
    return next((found for key in _ITEMS if (found := _dicts(result.get(key)))), [])


def envelope_text(result: dict[str, Json], call: ToolCall) -> str | None:
    """The text of an answer that holds nothing but a text and its codes; not where it repeats what was asked for."""
    held = next((held for key in _TOLD if isinstance(held := result.get(key), str)), None)
    data = result.get("data")
    bare = data in (None, {}, [], "") or (isinstance(data, dict) and data.keys() <= _ENVELOPE)
    if held is None or len(result) < 2 or not result.keys() <= _ENVELOPE or not bare:
        return None
    return None if held in _texts(call.arguments) or held in _long_texts(call.arguments) else held


def _long_texts(arguments: Json) -> list[str]:
    return [held for held in arguments.values() if isinstance(held, str)] if isinstance(arguments, dict) else []


def _undone(result: dict[str, Json], call: ToolCall) -> Iterator[str]:
    """``{"archived": false}`` as the answer of ``archive_project``."""
    verb = next((word for word in name_words(call.name) if word in VERBS), None)
    given = call.arguments if isinstance(call.arguments, dict) else {}
    for key, held in list(result.items())[:_MOST_LEAVES]:
        named = VERB_OF.get(key, key)
        if held is False and verb and key not in given and key.isalpha() and stem(named) == stem(verb):
            yield f"its result says {key}: false"


def _texts(value: Json, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        if len(value) < 40:
            yield value
    elif isinstance(value, (dict, list)) and depth < 4:
        for held in list(value.values() if isinstance(value, dict) else value)[:_MOST_LEAVES]:
            yield from _texts(held, depth + 1)


def _dicts(value: Json) -> list[dict[str, Json]]:
    return [item for item in value[:_MOST_ITEMS] if isinstance(item, dict)] if isinstance(value, list) else []


def _count(value: Json) -> int | None:
    if isinstance(value, list):
        return len(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
