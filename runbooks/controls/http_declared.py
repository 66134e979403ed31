"""What the configuration declares of a control plane over plain HTTP: requests per verb, checked at the start."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from bot.domain.base import Json
from bot.plugin import ControlHttpSettings, ControlSettings
from bot.settings import Secret, Token
from runbooks.controls.http_template import WHERE, WRITTEN, checked, places

Verb = Literal[
    "pin_model",
    "route_fallback",
    "revoke_tool",
    "pause_agent",
    "tighten_validation",
    "patch_prompt",
    "patch_tool_description",
]
"""What can be declared; ``restore_tool`` and ``resume_agent`` are the undo of their opposites."""

TAKES: Final[dict[str, frozenset[str]]] = {
    "pin_model": frozenset({"agent", "model"}),
    "route_fallback": frozenset({"agent", "model"}),
    "revoke_tool": frozenset({"agent", "tool"}),
    "pause_agent": frozenset({"agent"}),
    "tighten_validation": frozenset({"agent", "tool", "argument", "schema"}),
    "patch_prompt": frozenset({"agent", "text"}),
    "patch_tool_description": frozenset({"agent", "tool", "text"}),
}
"""What each verb is about; beside it every write knows value, key, incident, by, why and until."""
NEEDS_UNDO: Final = frozenset({"revoke_tool", "pause_agent"})

_ALWAYS: Final = frozenset({"value", "key", "incident", "by", "why", "until"})
_HEADER: Final = r"^[A-Za-z][A-Za-z0-9-]{0,99}$"
_OTHERS: Final = frozenset({404, 409, 410, 412})
_DOTTED: Final = r"^(?:[A-Za-z0-9_$@:-]+(?:\.[A-Za-z0-9_$@:-]+)*)?$"
_EVERYTHING: Final = WHERE | WRITTEN

_SECRET_HEADERS: Final = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})

HeaderName = Annotated[str, StringConstraints(pattern=_HEADER)]


def _path(value: str) -> str:
    if any(c in value for c in "?#\\ ") or "://" in value or ".." in value.split("/") or not value.isprintable():
        raise ValueError("should be a path below url, such as /agents/{agent}; parameters belong under query")
    return value


class HttpRequest(ControlSettings):
    """One request below ``url``. ``expect`` are the statuses that mean it worked (none: every 2xx)."""

    path: Annotated[str, AfterValidator(_path), Field(min_length=1, max_length=500)]
    query: dict[str, str] = Field(default_factory=dict)
    headers: dict[HeaderName, str] = Field(default_factory=dict)
    expect: tuple[Annotated[int, Field(ge=200, le=499)], ...] = ()

    @field_validator("path", "query", "headers", mode="after")
    @classmethod
    def _names(cls, value: Json) -> Json:
        return checked(value, _EVERYTHING)

    @field_validator("expect", mode="after")
    @classmethod
    def _success(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if wrong := [status for status in value if status >= 300 and status not in _OTHERS]:
            raise ValueError(f"{wrong[0]} is no success; 2xx, 404, 409, 410 and 412 can be")
        return value

    def places(self) -> set[str]:
        """The names that it is filled with."""
        parts: list[Json] = [self.path, dict(self.query), dict(self.headers), getattr(self, "body", None)]
        return {place.split(".")[0] for part in parts for place in places(part)}


class HttpRead(HttpRequest):
    """A request that changes nothing, and where its answer holds the value (a dotted path; empty: the whole answer).

    A list there means a set: the tool is in it or not. ``neutral`` are values that mean that nothing is set. A status
    of 404 means the same, where ``expect`` names it. ``map`` says what its words mean (``{paused: true}``).
    """

    method: Literal["GET", "POST"] = "GET"
    body: Json = None
    value: Annotated[str, StringConstraints(pattern=_DOTTED)] = ""
    neutral: tuple[Json, ...] = (None, "", False)
    map: dict[str, Json] = Field(default_factory=dict)

    @field_validator("body", mode="after")
    @classmethod
    def _names_in_body(cls, value: Json) -> Json:
        return checked(value, WHERE)

    @model_validator(mode="after")
    def _no_writing(self) -> "HttpRead":
        if unknown := self.places() - WHERE:
            raise ValueError(f"{{{min(unknown)}}} is not known while reading; known: {', '.join(sorted(WHERE))}")
        return self


class HttpWrite(HttpRequest):
    """A request that changes something: sent once, its body as JSON."""

    method: Literal["POST", "PUT", "PATCH", "DELETE"] = "POST"
    body: Json = None

    @field_validator("body", mode="after")
    @classmethod
    def _names_in_body(cls, value: Json) -> Json:
        return checked(value, _EVERYTHING)


class HttpVerb(ControlSettings):
    """One verb: how its value is read, set, read back from what enforces it, and taken away again.

    Without ``verify`` it is never green, only pending. Without ``undo`` it cannot be taken back to nothing.
    """

    read: HttpRead
    apply: HttpWrite
    verify: HttpRead | None = None
    undo: HttpWrite | None = None


class HttpSettings(ControlHttpSettings):
    """Requests for each verb, what identifies us, and the header for the idempotency key (none: it takes none).

    ``verbs`` are ``pin_model``, ``route_fallback``, ``revoke_tool`` (its ``undo`` is ``restore_tool``), ``pause_agent``
    (its ``undo`` is ``resume_agent``), ``tighten_validation``, ``patch_prompt`` and ``patch_tool_description``; what is
    not declared is not offered.

    In braces stand names, never expressions: ``{agent}``, ``{tool}`` and ``{argument}`` in every request; ``{model}``,
    ``{text}``, ``{schema}`` or, for each of them, ``{value}``, and ``{key}`` (the execution's), ``{incident}``,
    ``{by}``, ``{why}`` and ``{until}`` where something is written. A member that is nothing but ``{value}`` keeps its
    type; ``{schema.maximum}`` is a part of one.
    """

    token: Token | None = None
    headers: dict[HeaderName, str] = Field(default_factory=dict)
    secret_headers: dict[HeaderName, Secret] = Field(default_factory=dict)
    idempotency_header: HeaderName | None = None
    verbs: Annotated[dict[Verb, HttpVerb], Field(min_length=1)]

    @field_validator("headers", mode="after")
    @classmethod
    def _open(cls, value: dict[str, str]) -> dict[str, str]:
        if kept := [name for name in value if name.lower() in _SECRET_HEADERS]:
            raise ValueError(f"{kept[0]} is a secret; write token, or put it under secret_headers")
        return value

    @field_validator("verbs", mode="after")
    @classmethod
    def _fits(cls, verbs: dict[Verb, HttpVerb]) -> dict[Verb, HttpVerb]:
        for name, verb in verbs.items():
            if name in NEEDS_UNDO and verb.undo is None:
                raise ValueError(f"{name} needs an undo, by which it is lifted again")
            for kind in ("read", "apply", "verify", "undo"):
                request: HttpRequest | None = getattr(verb, kind)
                unknown = request.places() - TAKES[name] - _ALWAYS if request is not None else set()
                if unknown:
                    raise ValueError(
                        f"{name}.{kind} names {{{min(unknown)}}}, which is not known there; "
                        f"known: {', '.join(sorted(TAKES[name] | (_ALWAYS if kind in {'apply', 'undo'} else set())))}"
                    )
        return verbs
