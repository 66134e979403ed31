"""Log records that belong to a run, as span records (OpenTelemetry logs data model, GenAI events).

Some instrumentations write prompts, answers and scores as log events beside the spans: ``gen_ai.user.message``,
``gen_ai.choice``, ``gen_ai.client.inference.operation.details``, ``gen_ai.evaluation.result``. Such a record is kept
with its trace as a span record with the mark ``log``, below the span in which it was written; the normaliser reads it
as an event of that span. A service's other log lines are none of the run's steps and are passed over.
"""

import hashlib

from pydantic_core import to_json

from bot.domain.base import Json
from bot.domain.span import LOG_MARK, SpanRecord
from bot.recorder.lenient import text_of
from bot.recorder.otlp_values import BadSpan, Passed, record

_PREFIX = "gen_ai."
_EXCEPTION = "exception.type"
_NAMES = ("event.name", "event_name")


def log_record(fields: dict[str, object], where: str) -> SpanRecord | BadSpan | Passed:
    """The record of read fields (``trace_id, parent_id, name, time, attributes, body`` and what a scope shares).

    Its id is a hash of what it says, so that sending it again changes nothing.
    """
    attributes = fields["attributes"]
    if not isinstance(attributes, dict):
        return BadSpan(where, "has no attributes")
    if fields["trace_id"] is None:
        return Passed("log_without_trace")
    name = str(fields["name"]) or next((found for key in _NAMES if (found := text_of(attributes.get(key)))), "")
    if not name and _EXCEPTION not in attributes and not any(key.startswith(_PREFIX) for key in attributes):
        return Passed("log_no_event")
    if fields["parent_id"] is None:
        return Passed("log_without_span")
    body: Json = fields["body"]  # type: ignore[assignment]
    held = {**attributes, "body": body} if body is not None else attributes
    identity = [fields["trace_id"], fields["parent_id"], name, fields["time"], held]
    digest = hashlib.sha256(to_json(identity, inf_nan_mode="strings")).hexdigest()
    return record(
        {
            "trace_id": fields["trace_id"],
            "span_id": f"{int(digest[:16], 16) or 1:016x}",
            "parent_id": fields["parent_id"],
            "name": name,
            "start_ns": fields["time"],
            "end_ns": fields["time"],
            "attributes": held,
            "resource": fields["resource"],
            "scope": fields["scope"],
            "scope_version": fields["scope_version"],
            "marks": (LOG_MARK,),
        },
        where,
    )
