"""Control planes: one enforcing system per adapter, and how an adapter may talk to it.

```python
class UnleashSettings(ControlHttpSettings):
    token: Secret


class Unleash:
    def __init__(self, settings: UnleashSettings, http: ControlHttp, name: ControlName, clock: Clock) -> None: ...
    async def current(self, target: Target) -> Snapshot: ...


unleash = control_plane("unleash", settings=UnleashSettings)(Unleash)
```

``controls.<name>`` of the configuration makes an instance (``type`` names the plug-in, default: the name itself); an
agent names the instances that enforce for it (``agents.<a>.control``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from json import dumps, loads
from math import isfinite
from re import compile as compile_pattern
from typing import Annotated, Any, NoReturn, Protocol

from pydantic import AfterValidator, BaseModel, ByteSize, ConfigDict, Field

from bot.domain.address import http_url
from bot.domain.base import Json
from bot.domain.catalogue import Duration
from bot.errors import OutcomeUnknown

_HALF = compile_pattern(r"\\u[dD][89a-fA-F]")


class ControlSettings(BaseModel):
    """Base of a control plane's own settings (``controls.<name>``). Frozen; a setting it does not know is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class ControlHttpSettings(ControlSettings):
    """What every control plane that is asked over HTTP has; its own model adds credentials and names.

    ``url`` is the base of its API: nothing else is ever asked. ``timeout`` bounds each request (a write is sent once,
    never again by itself), ``max_bytes`` each answer.
    """

    url: Annotated[str, AfterValidator(http_url)]
    timeout: Annotated[Duration, Field(gt=timedelta(0), le=timedelta(seconds=15))] = timedelta(seconds=5)
    max_bytes: Annotated[ByteSize, Field(gt=0)] = ByteSize(8_000_000)


class ControlName(str):
    """The instance's name in ``controls``: goes into ``Target.control``, so that the same instance is found again."""

    __slots__ = ()


def json_of(body: bytes) -> Json:
    """Foreign JSON as what can be kept and sent on. Raises ``ValueError`` for what is none (RFC 8259).

    A number that is none (``NaN``, ``1e999``) is refused; half of a surrogate pair, which no UTF-8 can hold, becomes a
    question mark.
    """
    try:
        text = body.decode("utf-8-sig")
        read: Json = loads(text, parse_constant=_no_number, parse_float=_finite)
        if _HALF.search(text):
            read = loads(dumps(read, ensure_ascii=False).encode("utf-8", "replace"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return read


def _finite(text: str) -> float:
    return number if isfinite(number := float(text)) else _no_number(text)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is no number")


@dataclass(frozen=True, slots=True)
class ControlAnswer:
    """One HTTP answer: its status, its headers in lower case, and its inflated body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Json:
        """The body as JSON; None for an empty one. Raises ``OutcomeUnknown`` when it cannot be read."""
        if not self.body.strip():
            return None
        try:
            return json_of(self.body)
        except ValueError:
            message = "the control plane answered something that is no JSON"
            raise OutcomeUnknown(message, next_step="Look at what stands at its address.") from None


class ControlHttp(Protocol):
    """Requests below one control plane's ``url`` and nowhere else: no redirects, capped, each bounded by ``timeout``.

    ``read`` is for what changes nothing: retried once when the connection broke. ``write`` is sent exactly once.
    Statuses named in ``accept`` (default: every 2xx) are answered; others raise. Errors name the control plane and the
    setting to look at, and never hold a credential, an answer's text or a header.
    """

    async def read(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Json = None,
        headers: Mapping[str, str] | None = None,
        accept: frozenset[int] = frozenset(),
    ) -> ControlAnswer:
        """A request that changes nothing there (GET, or a POST that only evaluates).

        Raises ``ActionFailed`` for a no (401, 403, 4xx) and ``OutcomeUnknown`` when no answer came (timeout, 5xx).
        """
        ...

    async def write(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Json = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        accept: frozenset[int] = frozenset(),
    ) -> ControlAnswer:
        """A request that changes something. Sent once.

        Raises ``ActionFailed`` when nothing can have happened (no connection was made, or a 4xx other than 408 and
        429 answered), ``OutcomeUnknown`` when nobody knows (no answer after sending, 408, 429, 5xx).
        """
        ...


@dataclass(frozen=True, slots=True)
class ControlPlaneFactory:
    """A control plane: ``make(settings, **ports)`` builds the adapter; its arguments are filled by their types.

    Beside the kernel's ports (``Clock``, ``DesiredState``, ...) an argument may be a ``ControlHttp`` (bound to this
    instance's ``url``) and a ``ControlName``.
    """

    name: str
    settings: type[BaseModel]
    make: Callable[..., Any]
    module: str


def control_plane(name: str, *, settings: type[BaseModel]) -> Callable[[Callable[..., Any]], ControlPlaneFactory]:
    """Declare a control plane. Decorates a class or function called with ``(settings, **ports by annotation)``."""

    def wrap(make: Callable[..., Any]) -> ControlPlaneFactory:
        return ControlPlaneFactory(name=name, settings=settings, make=make, module=make.__module__)

    return wrap
