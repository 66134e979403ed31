"""Log records that belong to spans: prompts and answers that some instrumentations send to ``/v1/logs``.

The receiver keeps a log record as a span record with the mark ``log``: ``parent_id`` is the span that it belongs to,
``name`` the event's name, ``start_ns`` its time, and its body lies in the attribute ``body``. Here they become events
of their spans; they are never steps of their own.
"""

from collections.abc import Iterable, Mapping

from bot.domain.span import LOG_MARK, SpanEvent, SpanRecord

MARK = LOG_MARK
"""The mark of a log record among a span record's ``marks``."""


def is_log(span: SpanRecord) -> bool:
    """Whether the record is a log record."""
    return MARK in span.marks


def fold(spans: Iterable[SpanRecord], logs: Iterable[SpanRecord]) -> tuple[list[SpanRecord], int]:
    """The spans with their log records among their events, and how many records belong to no span that is here.

    An event that the span has itself is not added again from the logs: some instrumentations write both.
    """
    by_parent: dict[str, list[SpanRecord]] = {}
    for log in logs:
        by_parent.setdefault(log.parent_id or "", []).append(log)
    if not by_parent:
        return list(spans), 0
    found: list[SpanRecord] = []
    for span in spans:
        own = by_parent.pop(span.span_id, None)
        found.append(_with(span, own) if own else span)
    return found, sum(map(len, by_parent.values()))


def _with(span: SpanRecord, logs: Iterable[SpanRecord]) -> SpanRecord:
    written = {event.name for event in span.events}
    added = [
        SpanEvent(name=name, at_ns=log.start_ns, attributes=log.attributes)
        for log in sorted(logs, key=_order)
        if (name := _name(log)) not in written
    ]
    marks = dict.fromkeys((*span.marks, *(mark for log in logs for mark in log.marks if mark != MARK)))
    return span.model_copy(update={"events": (*span.events, *added), "marks": tuple(marks)})


def _order(log: SpanRecord) -> tuple[int, int, str]:
    index = log.attributes.get("gen_ai.message.index")
    return log.start_ns, index if isinstance(index, int) else 0, log.span_id


def _name(log: SpanRecord) -> str:
    said = log.attributes.get("event.name")
    return said if not log.name and isinstance(said, str) else log.name


def unplaced(count: int) -> Mapping[str, None]:
    """The note about log records that belong to no recorded span; none for none."""
    if not count:
        return {}
    one = count == 1
    return {f"{count:,} log record{'' if one else 's'} belong{'s' if one else ''} to no span that was received": None}
