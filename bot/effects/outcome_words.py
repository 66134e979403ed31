"""The words and keys by which a recorded result says what came of a call. The rules that use them: ``outcome.py``."""

import re

from bot.domain.base import Json

CUT_OFF_TYPE = re.compile(
    r"time_?-?d?_?-?out|deadline_?exceeded|cancell?ed|abort(?:ed|_?error|_?exception)|"
    r"connection_?(?:reset|aborted|closed)|broken_?pipe|remote_?(?:protocol|disconnected)|incomplete_?read|"
    r"server_?disconnected|econn(?:reset|aborted)|epipe|socket_?hang_?up|worker_?lost|keyboard_?interrupt|"
    r"(?:^|[\s.:=_]|service_?)unavailable(?:_?error|_?exception)?$|status_?code\.(?:internal|unknown|data_?loss)",
    re.IGNORECASE,
)
"""An ``error.type`` after which the call may have been done. gRPC's UNAVAILABLE is one: its documentation warns that a
retry of it is not always safe, for the connection may have broken after the request."""

CUT_OFF_TEXT = re.compile(
    r"time[ds]?[ _-]?out|deadline[ _]?exceeded|connection (?:was )?(?:reset|closed|aborted)|econn(?:reset|aborted)|"
    r"epipe|broken pipe|socket hang ?up|server disconnected|killed by signal|upstream connect error|"
    r"disconnect/reset before|\b(?:operation|request|call|fetch|stream|execution|it)(?: was| has been)? aborted|"
    r"\babort_?error\b|statuscode\.(?:unavailable|internal|unknown|aborted|cancelled|data_loss)|"
    r"\b1[04] (?:unavailable|aborted)\b|\bcode ?= ?(?:unavailable|internal|unknown|aborted|canceled)\b|"
    r"\"status\":\"(?:unavailable|aborted|internal|unknown)\"|"
    r"\b(?:http|status|error|code)\W{0,4}(?:408|500|502|504|52[024]|59[89])\b|"
    r"\b(?:500 internal|502 bad gateway|504 gateway|internal server error)",
    re.IGNORECASE,
)
CUT_OFF_SAID = re.compile(
    r"\W{0,3}(?:killed\W{0,3}$|[^\n]{0,80}\bi/o timeout\b|net::err_(?:connection_(?:reset|closed|aborted)|timed_out)|"
    r"segmentation fault|\w{1,40}timeout(?:error|exception)?\s?:|"
    r"<?(?:!doctype )?html\b[^\0]{0,300}\b(?:500|502|504)\b|upstream connect error|"
    r"connection (?:was )?(?:reset|closed|aborted|lost)|broken pipe|"
    r"server disconnected|"
    r"(?:\w{1,20}\W{1,3}){0,4}(?:timed[ -]out|deadline exceeded)|timeout\W{0,3}$|econnreset|socket hang ?up|"
    r"(?:the |this )?(?:\w{1,20} ){0,2}(?:was |has been )?aborted\b\W{0,3}(?:by |because|due|before|after|while|$)|"
    r"(?:http(?:/\d(?:\.\d)?)? )?(?:500 |502 |504 |error 50[024]|internal server error)|"
    r"(?:\w{1,20} ){0,3}(?:zeitüberschreitung|tiempo de espera|délai (?:d.attente )?(?:dépassé|expiré)|tempo limite|"
    r"время ожидания|.{0,20}(?:超时|逾時|タイムアウト|시간 초과)))",
    re.IGNORECASE,
)
"""A text that says nothing else, without calling itself an error."""

ROLLED_BACK = re.compile(r"transaction (?:is |was |has been )?(?:aborted|rolled back)|rolled back", re.IGNORECASE)
"""What a database says that undid what it had begun: the one kind of aborting that is known to have done nothing."""

ERROR_TEXT = re.compile(
    r"\s*[\"'\[(<❌✗⛔⚠️]{0,3}\s?(?:\w{0,40}(?:error|exception)\b|errors?\b|errored\b|failed to\b|fail(?:ed|ure):|"
    r"(?:[A-Za-z]{1,20} ){1,3}failed\b(?=\s*(?:[.!,]|$|because|due|with|: ?[A-Za-z]))|"
    r"(?:could not|couldn't|unable to|cannot) \w|(?:access|permission|request) (?:denied|rejected|refused)|"
    r"(?:request|call) failed with|(?:http(?:/\d(?:\.\d)?)?[ :]{1,2})(?:error |status )?(?:code )?[45]\d\d\b|"
    r"(?:status|status code|error code)[ :=]{1,3}[45]\d\d\b|4\d\d (?:bad|unauthori|payment|forbidden|not|method|"
    r"payload|content|uri|range|precondition|unsupported|"
    r"conflict|gone|unprocessable|too many|locked)|503 service)",
    re.IGNORECASE,
)
LOOSE_ERROR = re.compile(r"\W{0,3}errors?\s\w", re.IGNORECASE)
"""It begins with the word, but may only speak of errors: ``Error codes listed``."""
PROSE = re.compile(  # text that only talks of errors
    r"\s*errors?(?:[- ](?:free|found: 0|count: 0)|\s{0,3}[:=]\s{0,3}(?:0|none|null)\b)", re.IGNORECASE
)
CODE_RAISED = re.compile(
    r"\W{0,3}(?:(?:code|script|cell|python) execution (?:failed|error)|interpretererror)", re.IGNORECASE
)
TRACEBACK = "Traceback (most recent call last)"
EXIT_TEXT = re.compile(
    r"(?:exit(?:ed with)?[ _]?(?:code|status)|return[ _]?code|exitcode)\s{0,3}[:=]?\s{0,3}(-?\d{1,4})\b", re.IGNORECASE
)

EXIT_KEYS = ("exit_code", "exitCode", "exitcode", "exit_status", "returncode", "return_code", "returnCode")
HTTP_KEYS = (
    "status_code", "statusCode", "http_status", "httpStatus", "http_code", "HTTPStatusCode", "httpStatusCode", "status",
)  # fmt: skip
HTTP_HOLDERS = ("response", "http", "ResponseMetadata", "$metadata")
"""Where a client library keeps the HTTP status one level down."""

ERROR_KEYS = ("error", "err", "exception", "error_message", "errorMessage")
SUCCESS_KEYS = ("success", "succeeded", "ok", "successful", "is_success", "isSuccess")
WORD_KEYS = ("status", "state", "result", "outcome", "response_type", "responseType")
PARTLY = re.compile(r"partial(?:ly)?(?:[ _-]\w{1,20})?|aborted|interrupted|incomplete", re.IGNORECASE)
"""A status word after which a part of it may have happened."""

NO_ERROR: tuple[Json, ...] = (None, "", False, 0, [], {}, "none", "null", "no error", "false")
TOLD_KEYS = ("message", "msg", "detail", "details", "reason", "code", "type")
PRINTED_KEYS = ("output", "stdout", "stderr")
WRAPPERS = frozenset(["result", "output", "content", "response", "return_value", "message", "text"])
"""The only key of an object that merely wraps a tool's answer."""

MAYBE_DONE = frozenset([408, 500, 502, 504, 520, 522, 524, 598, 599])
"""HTTP statuses after which it may have been done. 503 is none: the server says that it did not take the request; where
a proxy says 503 for a connection that broke, its text gives it away."""
