"""What came of a call, from what was recorded of it, never from the nature of the tool. All rules are in this file.

In this order, the first that fits wins:

1. It was not executed: failed.
2. It timed out, was cut off or cancelled, or the far side answered 500, 502, 504, 408: **unknown**, for it may have
   been done. Wherever that is said: by the span, by a text, or inside a structured result that calls itself failed.
3. Code ran and exited non-zero, or ended in a traceback: **unknown**, for a part of it may have happened.
4. The span's status or ``error.type`` says error, the result has ``isError``, an ``error`` field, ``success: false``,
   a status word such as ``failed``, an HTTP status of 400 or more, or a text that starts with ``Error`` or ``Failed
   to``: **failed**.
5. No result was recorded: **unknown**.
6. Else **applied**.
"""

import re
from collections.abc import Iterator

from pydantic_core import from_json, to_json

from bot.domain.base import Json
from bot.domain.effect import EffectOutcome
from bot.domain.run import Executed, RunStatus, ToolCall

_TIMEOUT_TYPE = re.compile(
    r"time_?-?d?_?-?out|deadline_?exceeded|cancell?ed|connection_?(?:reset|aborted|closed)|broken_?pipe|"
    r"remote_?(?:protocol|disconnected)|incomplete_?read|server_?disconnected|econn(?:reset|aborted)|epipe|"
    r"socket_?hang_?up|worker_?lost|keyboard_?interrupt",
    re.IGNORECASE,
)
_TIMEOUT_TEXT = re.compile(
    r"time[ds]?[ _-]?out|deadline exceeded|connection (?:was )?(?:reset|closed|aborted)|econn(?:reset|aborted)|epipe|"
    r"broken pipe|socket hang ?up|server disconnected|killed by signal|\b(?:http|status|error|code)\W{0,4}"
    r"(?:408|500|502|504)\b|\b(?:500 internal|502 bad gateway|504 gateway|internal server error)",
    re.IGNORECASE,
)
_TIMEOUT_SAID = re.compile(
    r"\W{0,3}(?:(?:\w{1,20}\W{1,3}){0,4}(?:timed[ -]out|deadline exceeded)|timeout\W{0,3}$|econnreset|socket hang ?up|"
    r"(?:http )?(?:500 |502 |504 |error 50[024]|internal server error))",
    re.IGNORECASE,
)
"""A text that says nothing else, without calling itself an error."""
_ERROR_TEXT = re.compile(
    r"\s*[\"'\[(]?(?:\w{0,40}(?:error|exception)\b|error|failed to\b|fail(?:ed|ure):)", re.IGNORECASE
)
_PROSE = re.compile(  # text that only talks of errors
    r"\s*errors?(?:[- ](?:free|found: 0|count: 0)|\s{0,3}[:=]\s{0,3}(?:0|none|null)\b)", re.IGNORECASE
)
_TRACEBACK = "Traceback (most recent call last)"
_EXIT_TEXT = re.compile(
    r"(?:exit(?:ed with)?[ _]?(?:code|status)|return[ _]?code|exitcode)\s{0,3}[:=]?\s{0,3}(-?\d{1,4})\b", re.IGNORECASE
)
_EXIT_KEYS = ("exit_code", "exitCode", "exitcode", "exit_status", "returncode", "return_code", "returnCode")
_HTTP_KEYS = ("status_code", "statusCode", "http_status", "httpStatus", "http_code", "status")
_ERROR_KEYS = ("error", "err", "exception", "error_message", "errorMessage")
_FAILED_WORDS = frozenset(
    [
        "error",
        "failed",
        "failure",
        "fail",
        "rejected",
        "denied",
        "declined",
        "refused",
        "forbidden",
        "unauthorized",
        "invalid",
    ]
)
_NO_ERROR: tuple[Json, ...] = (None, "", False, 0, [], {}, "none", "null", "no error")
_TOLD_KEYS = ("message", "msg", "detail", "details", "reason", "code", "type")
_PRINTED_KEYS = ("output", "stdout", "stderr")
_MAYBE_DONE = frozenset([408, 500, 502, 504])
_HEAD = 2_000


def judge(call: ToolCall) -> tuple[EffectOutcome, str]:
    """The outcome of a call and the reason in words."""
    if call.executed is Executed.NO:
        return EffectOutcome.FAILED, "it was not executed"
    doubt = next(_doubts(call), None)
    if doubt is not None:
        return EffectOutcome.UNKNOWN, doubt
    failure = next(_failures(call), None)
    if failure is not None:
        return EffectOutcome.FAILED, failure
    if call.executed is Executed.UNKNOWN:
        return EffectOutcome.UNKNOWN, "the model asked for it; neither a span nor a result was recorded"
    if not call.result_recorded:
        return EffectOutcome.UNKNOWN, "no result was recorded"
    return EffectOutcome.APPLIED, "a result was recorded and it is no error"


def _doubts(call: ToolCall) -> Iterator[str]:
    """Why nobody can say whether it was done, although something was recorded."""
    if call.error is not None:
        kind = call.error.type or ""
        if _TIMEOUT_TYPE.search(kind) or _TIMEOUT_TEXT.search(call.error.message[:_HEAD]):
            yield "it timed out or was cut off; it may have been done"
        if kind in {str(code) for code in _MAYBE_DONE}:
            yield f"the far side answered {kind}; it may have been done"
    result = _body(call.result)
    code = _exit_code(result)
    if code not in {None, 0}:
        yield f"code ran and exited with {code}; a part of it may have happened"
    text = (_leading_text(result) or "")[:_HEAD]
    printed = code is None and isinstance(result, dict) and any(_TRACEBACK in _start(result, k) for k in _PRINTED_KEYS)
    if _TRACEBACK in text or printed:
        yield "code ran and ended in a traceback; a part of it may have happened"
    if (_ERROR_TEXT.match(text) and _TIMEOUT_TEXT.search(text)) or _TIMEOUT_SAID.match(text):
        yield "it timed out or was cut off; it may have been done"
    if isinstance(result, dict) and _cut_off(result):
        yield "its result says that it timed out or was cut off; it may have been done"
    status = _http_status(result)
    if status in _MAYBE_DONE:
        yield f"the far side answered {status}; it may have been done"


def _failures(call: ToolCall) -> Iterator[str]:
    """Why it is known not to have been done."""
    result = _body(call.result)
    if isinstance(result, dict):
        yield from _said(result)
    text = (_leading_text(result) or "")[:_HEAD]
    if _ERROR_TEXT.match(text) and not _PROSE.match(text):
        yield "its result starts with an error"
    if call.error is not None and call.error.type:
        yield f"its span ended in error ({call.error.type[:80]})"
    if call.error is not None or call.status is RunStatus.ERROR:
        yield "its span ended in error"


def _cut_off(result: dict[str, Json]) -> bool:
    """Whether a structured result calls itself failed, and in its own words because of a timeout or a 5xx."""
    word = result.get("status")
    if isinstance(word, str) and _TIMEOUT_TYPE.fullmatch(word.strip().replace(" ", "_")[:40]):
        return "cancel" not in word.lower()  # "cancelled" is what a cancelling tool is asked for
    if next(_said(result), None) is None:
        return False
    told = {key: result[key] for key in (*_ERROR_KEYS, *_TOLD_KEYS, "content", "errors") if key in result}
    text = to_json(told, inf_nan_mode="strings", fallback=str)[:_HEAD].decode(errors="replace")
    return _TIMEOUT_TEXT.search(text) is not None


def _start(result: dict[str, Json], key: str) -> str:
    held = result.get(key)
    return held[:_HEAD] if isinstance(held, str) else ""


def _said(result: dict[str, Json]) -> Iterator[str]:
    """What a structured result says against itself."""
    if result.get("isError") is True or result.get("is_error") is True:
        yield "its result says isError"
    for key in _ERROR_KEYS:
        held = result.get(key)
        if (held.strip().lower() if isinstance(held, str) else held) not in _NO_ERROR:
            yield f"its result has an {key} field"
    for key in ("success", "succeeded", "ok"):
        if str(result.get(key)).lower() == "false":
            yield f"its result says {key}: false"
    if result.get("errors") not in (None, "", False, [], {}) and result.get("data") in (None, {}, []):
        yield "its result has errors and no data"
    status = _http_status(result)
    if status is not None and status >= 400:
        yield f"its result has the HTTP status {status}"
    word = result.get("status")
    if isinstance(word, str) and word.strip().lower() in _FAILED_WORDS:
        yield f"its result says status {word.strip()[:40]}"


def _body(result: Json) -> Json:
    """The result, or the one inside MCP's ``content`` list of one text part."""
    if not isinstance(result, dict):
        return result
    content = result.get("content")
    known = set(result) <= {"content", "isError", "is_error", "_meta", "structuredContent"}
    if known and isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict):
        held = content[0].get("text")
        said = result.get("isError", result.get("is_error"))
        if isinstance(held, str) and said is None:
            return _document(held)
    return result


def _document(text: str) -> Json:
    """The object that a text holds as JSON, else the text: MCP servers write their objects so."""
    if text.lstrip()[:1] != "{":
        return text
    try:
        held: Json = from_json(text, allow_inf_nan=False)
    except ValueError:
        return text
    return held


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
        for key in _EXIT_KEYS:
            code = result.get(key)
            if isinstance(code, str) and code.removeprefix("-").isdecimal() and len(code) < 8:
                code = int(code)
            if isinstance(code, int) and not isinstance(code, bool):
                return code
        return None
    text = _leading_text(result)
    match = _EXIT_TEXT.search(text[:_HEAD]) if text is not None else None
    return int(match[1]) if match else None


def _http_status(result: Json) -> int | None:
    if not isinstance(result, dict):
        return None
    keys = (*_HTTP_KEYS, "code") if "message" in result or "msg" in result else _HTTP_KEYS
    for key in keys:
        status = result.get(key)
        if isinstance(status, str) and status.isdecimal() and len(status) == 3:
            status = int(status)
        if isinstance(status, int) and not isinstance(status, bool) and 100 <= status <= 599:
            return status
    return None
