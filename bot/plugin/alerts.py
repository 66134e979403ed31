"""Alert sources: pure parsers from a payload to alerts."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from bot.domain.alert import Alert
from bot.domain.base import Json, Value


class Rejected(Value):
    """One alert of a body that could not be read: which, the field, and why."""

    index: int
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class ParsedAlerts:
    """What a body held. ``rejected`` never costs the readable ones.

    ``notices`` are sentences for people about what the source itself did not send; they raise the source's trouble.
    """

    alerts: tuple[Alert, ...]
    rejected: tuple[Rejected, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AlertSource:
    """An alert source: ``parse(payload, settings, received_at)`` is pure. Credentials are checked before.

    ``payload`` is the body as plain JSON values (already limited in size, depth and number); Refused with a field when
    nothing in it could be an alert of this source.
    """

    name: str
    settings: type[BaseModel]
    parse: Callable[[Json, Any, datetime], ParsedAlerts]
    doc: str
    module: str


def alert_source(
    name: str, *, settings: type[BaseModel]
) -> Callable[[Callable[[Json, Any, datetime], ParsedAlerts]], AlertSource]:
    """Declare an alert source. The decorated function is its parser; ``settings`` its part of ``sources:``."""

    def wrap(parse: Callable[[Json, Any, datetime], ParsedAlerts]) -> AlertSource:
        doc = inspect.getdoc(parse)
        if not doc:
            message = f"alert source {name}: the parser needs a docstring that names the payload's specification"
            raise TypeError(message)
        return AlertSource(name=name, settings=settings, parse=parse, doc=doc, module=parse.__module__)

    return wrap
