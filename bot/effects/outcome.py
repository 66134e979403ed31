"""What came of a call, from what was recorded of it, never from the nature of the tool. All rules are in this file.

In this order, the first that fits wins (the words they look for: ``outcome_words.py``):

1. It was not executed: failed.
2. The catalogue's own ``succeeded_if`` for the tool, where a result was recorded: all conditions hold, **applied**; one
   does not, failed (unknown where rule 3 or 4 fits); they cannot be told, **unknown**.
3. It timed out, was cut off, cancelled or aborted, or the far side answered 500, 502, 504, 408 or gRPC's UNAVAILABLE:
   **unknown**, for it may have been done. Wherever that is said: by the span, by a text, or inside a structured result
   that calls itself failed. 503 is a refusal; a transaction that was rolled back did nothing.
4. Code ran and exited non-zero, or ended in a traceback, or the result says that only a part was done: **unknown**.
5. The span's status or ``error.type`` says error, the result has ``isError``, an ``error`` field, ``success: false``,
   a status word such as ``failed``, an HTTP status of 400 or more, or a text that starts with ``Error``, ``Failed to``,
   ``HTTP 404`` and the like, or says no in its first sentence (``refusals.py``): **failed**. MCP's
   ``structuredContent`` and the first text of its parts are looked into. Of a batch of which some items were done and
   some not, a part was **applied**.
6. No result was recorded: **unknown**.
7. Else **applied**.
"""

import re
from collections.abc import Iterator, Mapping

from pydantic_core import to_json

from bot.domain.base import Json
from bot.domain.catalogue import Condition
from bot.domain.effect import EffectOutcome
from bot.domain.run import Executed, RunStatus, ToolCall
from bot.effects.conditions import holds
from bot.effects.outcome_words import (
    CODE_RAISED,
    CUT_OFF_SAID,
    CUT_OFF_TEXT,
    CUT_OFF_TYPE,
    ERROR_KEYS,
    ERROR_TEXT,
    EXIT_KEYS,
    EXIT_TEXT,
    HTTP_HOLDERS,
    HTTP_KEYS,
    MAYBE_DONE,
    NO_ERROR,
    PARTLY,
    PRINTED_KEYS,
    PROSE,
    ROLLED_BACK,
    SUCCESS_KEYS,
    TOLD_KEYS,
    TRACEBACK,
    WORD_KEYS,
)
from bot.effects.refusal_words import ERROR_START
from bot.effects.refusals import asked_for, envelope_text, items, may_be_done, says_no, state_word, states, tally
from bot.effects.result_bodies import bodies_of

_HEAD = 2_000
_MAYBE = "it timed out or was cut off; it may have been done"
_PART = "a part of it may have happened"


def judge(call: ToolCall, succeeded_if: Mapping[str, Condition] | None = None) -> tuple[EffectOutcome, str]:
    """The outcome of a call and the reason in words. ``succeeded_if`` is what the catalogue says of this tool."""
    if call.executed is Executed.NO:
        return EffectOutcome.FAILED, "it was not executed"
    bodies = bodies_of(call.result)
    doubt = next(_doubts(call, bodies), None)
    if succeeded_if and call.result_recorded:
        return _by_condition(call, succeeded_if, bodies, doubt)
    return _by_looks(call, bodies, doubt)


def _by_looks(call: ToolCall, bodies: list[Json], doubt: str | None) -> tuple[EffectOutcome, str]:
    """Rules 3 to 7."""
    if doubt is not None:
        return EffectOutcome.UNKNOWN, doubt
    counted = next((count for body in bodies if (count := tally(body)) and count[0]), None)
    if counted is not None and call.error is None:
        return EffectOutcome.APPLIED, f"a part of it was done: {counted[0]}, and {counted[1]} not"
    failure = next(_failures(call, bodies), None)
    if failure is not None:
        return EffectOutcome.FAILED, failure
    if call.executed is Executed.UNKNOWN:
        return EffectOutcome.UNKNOWN, "the model asked for it; neither a span nor a result was recorded"
    if not call.result_recorded:
        return EffectOutcome.UNKNOWN, "no result was recorded"
    return EffectOutcome.APPLIED, "a result was recorded and it is no error"


def _by_condition(
    call: ToolCall, conditions: Mapping[str, Condition], bodies: list[Json], doubt: str | None
) -> tuple[EffectOutcome, str]:
    """Three-valued: what the conditions cannot tell is unknown, whatever the result looks like."""
    seen = [call, *(call.model_copy(update={"result": body}) for body in bodies)]
    answers = [holds(conditions, one, absent=None) for one in seen]
    if True in answers:
        return EffectOutcome.APPLIED, "its result is what the catalogue's succeeded_if asks for"
    if False in answers:
        if doubt is not None:
            return EffectOutcome.UNKNOWN, doubt
        return EffectOutcome.FAILED, "its result is not what the catalogue's succeeded_if asks for"
    fields = ", ".join(conditions)
    return EffectOutcome.UNKNOWN, f"the catalogue's succeeded_if cannot be told: {fields[:120]} was not recorded"


def _doubts(call: ToolCall, bodies: list[Json]) -> Iterator[str]:
    """Why nobody can say whether it was done, although something was recorded."""
    if call.error is not None:
        kind, message = call.error.type or "", call.error.message[:_HEAD]
        if (CUT_OFF_TYPE.search(kind) or CUT_OFF_TEXT.search(message)) and not ROLLED_BACK.search(message):
            yield _MAYBE
        if kind in {str(code) for code in MAYBE_DONE}:
            yield f"the far side answered {kind}; it may have been done"
    for body in bodies:
        yield from _doubts_of(body, call)


def _doubts_of(result: Json, call: ToolCall) -> Iterator[str]:
    ended_in_error = call.error is not None or call.status is RunStatus.ERROR
    code = _exit_code(result)
    if code not in {None, 0}:
        yield f"code ran and exited with {code}; {_PART}"
    text = (_leading_text(result) or "")[:_HEAD]
    printed = code is None and isinstance(result, dict) and any(TRACEBACK in _start(result, k) for k in PRINTED_KEYS)
    if TRACEBACK in text or printed or CODE_RAISED.match(text):
        yield f"code ran and ended in a traceback; {_PART}"
    wrong = ended_in_error or ERROR_TEXT.match(text) or ERROR_START.match(text)
    cut = (wrong and CUT_OFF_TEXT.search(text)) or CUT_OFF_SAID.match(text)
    if cut and not ROLLED_BACK.search(text):
        yield _MAYBE
    maybe = may_be_done(result)
    if maybe is not None:
        yield f"its result has {maybe}; it may have been done"
    if not isinstance(result, dict):
        return
    if _cut_off(result, call):
        yield "its result says that it timed out or was cut off; it may have been done"
    partly = next((held for held in _words(result) if PARTLY.fullmatch(held)), None)
    if partly is not None:
        yield f"its result says {partly[:40]}; {_PART}"
    status = _http_status(result)
    if status in MAYBE_DONE:
        yield f"the far side answered {status}; it may have been done"


def _failures(call: ToolCall, bodies: list[Json]) -> Iterator[str]:
    """Why it is known not to have been done."""
    for body in bodies:
        if isinstance(body, dict):
            yield from _said(body, call)
            counted, each = tally(body), items(body)
            if (counted and not counted[0]) or (each and all(next(_said(one, call), None) for one in each)):
                yield "its result says that none of it was done"
        told = envelope_text(body, call) if isinstance(body, dict) else None
        text = (told or _leading_text(body) or "")[:_HEAD]
        wrong = ERROR_TEXT.match(text)
        denied = re.search(r"denied|rejected|refused", wrong[0].lower()) if wrong else None
        if wrong and not PROSE.match(text) and not (denied and asked_for(denied[0], call)):
            yield "its result starts with an error"
        no = None if PROSE.match(text) or text.lstrip()[:1] in {"{", "["} else says_no(text, call)
        if no is not None:
            yield no
    if call.error is not None and call.error.type:
        yield f"its span ended in error ({call.error.type[:80]})"
    if call.error is not None or call.status is RunStatus.ERROR:
        yield "its span ended in error"


def _cut_off(result: dict[str, Json], call: ToolCall) -> bool:
    """Whether a structured result calls itself failed, and in its own words because of a timeout or a 5xx."""
    word = result.get("status")
    if isinstance(word, str) and CUT_OFF_TYPE.fullmatch(word.strip().replace(" ", "_")[:40]):
        return "cancel" not in word.lower()  # "cancelled" is what a cancelling tool is asked for
    if next(_said(result, call), None) is None:
        return False
    told = {key: result[key] for key in (*ERROR_KEYS, *TOLD_KEYS, "content", "errors") if key in result}
    text = to_json(told, inf_nan_mode="strings", fallback=str)[:_HEAD].decode(errors="replace")
    return CUT_OFF_TEXT.search(text) is not None and ROLLED_BACK.search(text) is None


def _start(result: dict[str, Json], key: str) -> str:
    held = result.get(key)
    return held[:_HEAD] if isinstance(held, str) else ""


def _words(result: dict[str, Json]) -> Iterator[str]:
    """What a structured result says of its state, in one word."""
    plain = {key.lower(): held for key, held in result.items()}
    found = [plain.get(key.lower()) for key in WORD_KEYS]
    held = [one.get("code", one.get("state")) if isinstance(one, dict) else one for one in found]
    yield from (word.strip() for word in held if isinstance(word, str) and len(word) < 60)


def _said(result: dict[str, Json], call: ToolCall) -> Iterator[str]:
    """What a structured result says against itself."""
    if result.get("isError") is True or result.get("is_error") is True:
        yield "its result says isError"
    for key in ERROR_KEYS:
        held = result.get(key)
        if (held.strip().lower() if isinstance(held, str) else held) not in NO_ERROR:
            yield f"its result has an {key} field"
    for key in SUCCESS_KEYS:
        if str(result.get(key)).lower() in {"false", "no", "0"}:
            yield f"its result says {key}: false"
    if result.get("errors") not in (None, "", False, [], {}) and result.get("data") in (None, {}, []):
        yield "its result has errors and no data"
    status = _http_status(result)
    if status is not None and status >= 400:
        yield f"its result has the HTTP status {status}"
    word = next((held for held in _words(result) if state_word(held, call)), None)
    if word is not None:
        yield f"its result says {word[:40]}"
    yield from states(result, call)


def _leading_text(result: Json) -> str | None:
    if isinstance(result, str):
        return result
    if isinstance(result, list) and len(result) == 1:
        first = result[0]
        if isinstance(first, dict):
            first = first.get("text", first.get("content"))
        return first if isinstance(first, str) else None
    return None


def _exit_code(result: Json) -> int | None:
    if isinstance(result, dict):
        for key in EXIT_KEYS:
            code = result.get(key)
            if isinstance(code, str) and code.removeprefix("-").isdecimal() and len(code) < 8:
                code = int(code)
            if isinstance(code, int) and not isinstance(code, bool):
                return code
        return None
    text = _leading_text(result)
    match = EXIT_TEXT.search(text[:_HEAD]) if text is not None else None
    return int(match[1]) if match else None


def _http_status(result: Json) -> int | None:
    if not isinstance(result, dict):
        return None
    keys = (*HTTP_KEYS, "code") if "message" in result or "msg" in result else HTTP_KEYS
    inner = (result.get(name) for name in HTTP_HOLDERS)
    for held in (result, *(one for one in inner if isinstance(one, dict))):
        for key in keys:
            status = held.get(key)
            if isinstance(status, str) and status.isdecimal() and len(status) == 3:
                status = int(status)
            if isinstance(status, int) and not isinstance(status, bool) and 100 <= status <= 599:
                return status
    return None
