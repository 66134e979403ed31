"""What came of a call, from what was recorded of it, never from the nature of the tool. All rules are in this file.

In this order, the first that fits wins:

1. It was not executed: failed.
2. It timed out, was cut off or cancelled, or the far side answered 500, 502, 504, 408: **unknown**, for it may have
   been done.
3. Code ran and exited non-zero, or ended in a traceback: **unknown**, for a part of it may have happened.
4. The span's status or ``error.type`` says error, the result has ``isError``, an ``error`` field, ``success: false``,
   a status word such as ``failed``, an HTTP status of 400 or more, or a text that starts with ``Error``: **failed**.
5. No result was recorded: **unknown**.
6. Else **applied**.
"""

import re
from collections.abc import Iterator

from bot.domain.base import Json
from bot.domain.effect import EffectOutcome
from bot.domain.run import Executed, RunStatus, ToolCall

_TIMEOUT_TYPE = re.compile(
    r"time_?-?d?_?-?out|deadline_?exceeded|cancell?ed|connection_?(?:reset|aborted|closed)|broken_?pipe|"
    r"remote_?(?:protocol|disconnected)|incomplete_?read|server_?disconnected",
    re.IGNORECASE,
)
_TIMEOUT_TEXT = re.compile(
    r"timed[ -]out|time-?out|deadline exceeded|connection (?:was )?(?:reset|closed|aborted)", re.IGNORECASE
)
_ERROR_TEXT = re.compile(r"\s*[\"'\[(]?(?:\w{0,40}(?:error|exception)\b|error)", re.IGNORECASE)
_PROSE = re.compile(r"\s*errors?[- ](?:free|found: 0|count: 0)", re.IGNORECASE)  # text that only talks of errors
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
    if _TRACEBACK in text:
        yield "code ran and ended in a traceback; a part of it may have happened"
    if _ERROR_TEXT.match(text) and _TIMEOUT_TEXT.search(text):
        yield "it timed out or was cut off; it may have been done"
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


def _said(result: dict[str, Json]) -> Iterator[str]:
    """What a structured result says against itself."""
    if result.get("isError") is True or result.get("is_error") is True:
        yield "its result says isError"
    for key in _ERROR_KEYS:
        if result.get(key) not in (None, "", False, 0, [], {}):
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
            return held
    return result


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
