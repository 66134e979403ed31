"""What a case must be before a format writes it: whole, with a wrong call, and compared only by what was recorded.

A case from a run that was cut would ask another question than the run did, or compare with half of an argument; it
would be green for ever. What was redacted cannot be compared either: it is left out, and the provenance says so.
"""

import json
import re
from collections.abc import Iterable, Mapping

from bot.domain.base import Json
from bot.errors import Refused
from bot.plugin import EvalCase
from runbooks.evals import assertions

_REDACTED = re.compile(r"\[redacted: ([^\]]{1,200})\]")
"""The mark that redaction leaves (bot/recorder/secret_marks.py)."""
_CUT = re.compile(r"… \[[\d,]+ more characters were not stored\]")
"""The mark of a text that was too long for the store (bot/domain/span_texts.py)."""
_FROM_A_WHOLE_RUN = "Open the case from a run that was recorded whole."


def fit(case: EvalCase) -> EvalCase:
    """The case with its redacted arguments left out of the comparison, and the marks in its provenance.

    Raises Refused for a run that was cut, one without a question, and one in which no wrong call is named or known.
    """
    if case.truncated:
        message = f"The run was not recorded whole ({'; '.join(case.truncated)[:300]}), so no case is made of it."
        raise Refused(message, next_step=_FROM_A_WHOLE_RUN)
    if not case.question.strip():
        raise Refused("The run has no question to ask again.", next_step="Turn on content capture.")
    if not case.must_not_call:
        message = "No wrong call is named, so there is nothing that the case could catch."
        raise Refused(message, field="call", next_step="Choose the call that was wrong.")
    texts = [case.question, *_words([dict(call) for call in (*case.must_not_call, *case.must_call)])]
    if any(map(_CUT.search, texts)):
        message = "The question or the wrong call was too long to be stored whole, so no case is made of it."
        raise Refused(message, next_step=_FROM_A_WHOLE_RUN)
    for wanted in case.must_not_call:
        if not any(assertions.fits(call, wanted) for call in case.recorded_calls):
            message = f"The run did not call {assertions.shown(wanted)[:300]}, so it cannot show that the case fails."
            raise Refused(message, field="call", next_step="Choose a call of this run.")
    marks = sorted({name.split(",")[0] for text in texts for name in _REDACTED.findall(text)})
    left_out = sorted({name for call in (*case.must_not_call, *case.must_call) for name in _redacted(call)})
    notes: dict[str, Json] = {"redacted": list[Json](marks), "arguments_not_compared": list[Json](left_out)}
    return case.model_copy(
        update={
            "must_not_call": tuple(_compared(call) for call in case.must_not_call),
            "must_call": tuple(_compared(call) for call in case.must_call),
            "provenance": {**case.provenance, **notes},
        }
    )


def corrected(
    recorded: Iterable[Mapping[str, Json]],
    must_not_call: Iterable[Mapping[str, Json]],
    must_call: Iterable[Mapping[str, Json]],
) -> list[dict[str, Json]]:
    """The recorded calls without the wrong ones, and with those that should have been made."""
    wrong = list(must_not_call)
    kept = [dict(call) for call in recorded if not any(assertions.fits(call, one) for one in wrong)]
    return kept + [dict(call) for call in must_call]


def _compared(call: dict[str, Json]) -> dict[str, Json]:
    arguments = call.get("arguments")
    redacted = _redacted(call)
    if not isinstance(arguments, dict) or not redacted:
        return call
    left = {name: value for name, value in arguments.items() if name not in redacted}
    if not left:
        message = f"All arguments of {str(call.get('tool'))[:100]} were redacted, so the case could not recognise it."
        raise Refused(message, field="call", next_step="Choose another call, or see `redaction` in the configuration.")
    return {**call, "arguments": left}


def _redacted(call: Mapping[str, Json]) -> list[str]:
    arguments = call.get("arguments")
    if not isinstance(arguments, dict):
        return []
    return [name for name, value in arguments.items() if any(map(_REDACTED.search, (name, *_words(value))))]


def _words(value: Json) -> list[str]:
    """The value as text to look for marks in; text itself stays as it is, so that no mark is hidden by an escape."""
    return [value] if isinstance(value, str) else [json.dumps(value, ensure_ascii=False)]
