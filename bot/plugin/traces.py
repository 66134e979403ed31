"""Trace stores: where a team's runs can be fetched by their trace id, or by a link that an alert carried.

A store is two halves. ``fetch`` does the talking and gives back the answers as they came; the pure ``read`` makes spans
of them, so that it can be run off the event loop, in a process of its own, and be fuzzed.

```python
class Jaeger:
    def __init__(self, settings: JaegerSettings, http: StoreHttp) -> None: ...
    async def fetch(self, ref: TraceRef) -> Sequence[bytes] | None: ...
    def ref_of(self, link: str) -> TraceRef | None: ...
    async def ping(self) -> str: ...


def read(answers: Sequence[bytes], ref: TraceRef) -> Fetched: ...


jaeger = trace_source("jaeger", settings=JaegerSettings, read=read)(Jaeger)
```
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Protocol

from pydantic import AfterValidator, BaseModel, ByteSize, ConfigDict, Field

from bot.domain.address import http_url
from bot.domain.base import Json
from bot.domain.catalogue import Duration
from bot.domain.span import SpanRecord
from bot.domain.trace_ref import TraceRef


class StoreSettings(BaseModel):
    """What every trace store has (``trace_stores.<name>``); a store's own model inherits it and adds its credentials.

    ``url`` is the base of its API: nothing else is ever asked. ``links`` are further bases under which people open it
    (``ref_of`` may trust links below them and below ``url``). ``deadline`` bounds one fetch with all its retries, at
    most 45 s since one piece of work may take 60; ``max_bytes`` all its answers together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: Annotated[str, AfterValidator(http_url)]
    links: tuple[Annotated[str, AfterValidator(http_url)], ...] = ()
    deadline: Annotated[Duration, Field(gt=timedelta(0), le=timedelta(seconds=45))] = timedelta(seconds=10)
    max_bytes: Annotated[ByteSize, Field(gt=0)] = ByteSize(64_000_000)


@dataclass(frozen=True, slots=True)
class StoreAnswer:
    """One HTTP answer: ``status`` (200, 404, ...), the ``content-type`` without parameters, and the inflated body."""

    status: int
    media_type: str
    body: bytes


QueryParams = Mapping[str, str | Sequence[str]]
"""Query parameters; one with several values is written once for each (``selects=ID&selects=NAME``)."""


class StoreHttp(Protocol):
    """Requests to one store's ``url`` and nowhere else: no redirects, capped, retried until the deadline.

    ``path`` is joined to the base. 2xx and 404 are answered; anything else raises ``ActionFailed`` (a no: credentials,
    wrong address, 501) or ``OutcomeUnknown`` (no answer within the deadline). Texts of errors never hold a credential.
    """

    async def get(
        self, path: str, params: QueryParams | None = None, headers: Mapping[str, str] | None = None
    ) -> StoreAnswer:
        """GET."""
        ...

    async def post(self, path: str, body: Json, headers: Mapping[str, str] | None = None) -> StoreAnswer:
        """POST a JSON body (a search: it changes nothing there)."""
        ...


@dataclass(frozen=True, slots=True)
class Fetched:
    """The spans of one trace as a store told them, not redacted yet. ``partial`` says in words what they lack."""

    spans: tuple[SpanRecord, ...]
    partial: str | None = None


class TraceStore(Protocol):
    """What a trace store's class gives."""

    async def fetch(self, ref: TraceRef) -> Sequence[bytes] | None:
        """The store's answers about this trace, for ``read``; None when it has no such trace."""
        ...

    def ref_of(self, link: str) -> TraceRef | None:
        """The trace that a link into this store means; None when it is no link of this store."""
        ...

    async def ping(self) -> str:
        """Prove address and credentials with a harmless read; the sentence says what was seen. Raises as ``fetch``."""
        ...


@dataclass(frozen=True, slots=True)
class TraceSource:
    """A kind of trace store. ``make(settings, http)`` builds the talking half, ``read`` is the pure one.

    ``read`` is a module-level function, so that another process can find it again.
    """

    name: str
    settings: type[StoreSettings]
    make: Callable[[Any, StoreHttp], TraceStore]
    read: Callable[[Sequence[bytes], TraceRef], Fetched]
    module: str


def trace_source(
    name: str, *, settings: type[StoreSettings], read: Callable[[Sequence[bytes], TraceRef], Fetched]
) -> Callable[[Callable[[Any, StoreHttp], TraceStore]], TraceSource]:
    """Declare a trace store: its name in ``trace_stores.<x>.type``, its settings, and how its answers are read."""
    if "." in getattr(read, "__qualname__", "."):
        message = f"trace source {name}: read must be a function of the module"
        raise TypeError(message)

    def wrap(make: Callable[[Any, StoreHttp], TraceStore]) -> TraceSource:
        return TraceSource(name=name, settings=settings, make=make, read=read, module=make.__module__)

    return wrap
