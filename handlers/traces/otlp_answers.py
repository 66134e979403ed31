"""What the stores that answer in OTLP share: a gateway's credentials, and the ids of protobuf's own JSON."""

import base64
import binascii
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import model_validator
from pydantic_core import PydanticCustomError, to_json

from bot.domain.span import SpanRecord
from bot.plugin import StoreSettings
from bot.recorder.limits import Limits
from bot.recorder.otlp_json import read_json
from bot.recorder.otlp_protobuf import read_protobuf
from bot.recorder.otlp_values import BadSpan
from bot.settings import BasicCredentials, Token
from handlers.traces.fields import objects

_BASE64 = {24: 32, 12: 16}
"""Characters of an id in base64, and how many hex digits it has then. Hex ids have 32 and 16: never the same."""


class GatewaySettings(StoreSettings):
    """A store without accounts of its own: what stands before it asks for ``bearer`` or ``basic``, one of them."""

    bearer: Token | None = None
    basic: BasicCredentials | None = None

    @model_validator(mode="after")
    def _one_way_in(self) -> "GatewaySettings":
        if self.bearer is not None and self.basic is not None:
            raise PydanticCustomError("gateway_auth", "takes bearer or basic, not both")
        return self

    @property
    def headers(self) -> dict[str, str]:
        """The ``Authorization`` header, where one is configured."""
        if self.bearer is not None:
            return {"authorization": f"Bearer {self.bearer.get_secret_value()}"}
        if self.basic is not None:
            return {"authorization": basic(self.basic.username, self.basic.password.get_secret_value())}
        return {}


def basic(username: str, password: str) -> str:
    """The value of an ``Authorization`` header (RFC 7617, in UTF-8)."""
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"


def spans_of_protobuf(export: bytes) -> Iterator[SpanRecord | BadSpan]:
    """The spans of an export, or of a ``TracesData``: both have their resource spans in field 1."""
    return _kept(read_protobuf(export, Limits()))


def spans_of_document(document: Any) -> Iterator[SpanRecord | BadSpan]:
    """The spans of an export in JSON, whichever way its ids are written, also with the names of before OTLP 0.20."""
    export = {"resourceSpans": _groups(document)} if isinstance(document, dict) else document
    return _kept(read_json(to_json(export), Limits()))


def _kept(found: Iterable[object]) -> Iterator[SpanRecord | BadSpan]:
    """Without what the readers only count."""
    return (item for item in found if isinstance(item, (SpanRecord, BadSpan)))


def _groups(document: dict[str, Any]) -> Any:
    groups = document.get("resourceSpans", document.get("batches"))
    if not isinstance(groups, list):
        return groups
    return [_group(group) if isinstance(group, dict) else group for group in groups]


def _group(group: dict[str, Any]) -> dict[str, Any]:
    scoped = group.get("scopeSpans", group.get("instrumentationLibrarySpans"))
    for scope in objects(scoped):
        for span in objects(scope.get("spans")):
            for name in ("traceId", "spanId", "parentSpanId"):
                if name in span:
                    span[name] = _hex(span[name])
    return {**group, "scopeSpans": scoped}


def _hex(written: Any) -> Any:
    """An id in hex, where protobuf's own JSON wrote it in base64; anything else is for the reader to refuse."""
    digits = _BASE64.get(len(written)) if isinstance(written, str) else None
    if digits is None:
        return written
    try:
        found = base64.b64decode(written, validate=True).hex()
    except (binascii.Error, ValueError):
        return written
    return found if len(found) == digits else written
