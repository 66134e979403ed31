"""Secrets in the configuration: only ``${NAME}`` from the environment or ``*_file``, never written out.

A field of type ``Secret`` takes a reference as the YAML reader made it and becomes a ``SecretStr``. A value written out
is a fault, since a configuration is committed, copied and pasted into tickets.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, SecretStr, ValidationInfo
from pydantic_core import PydanticCustomError

from bot.settings_yaml import SecretReference

MAX_SECRET_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class SecretContext:
    """Where references are looked up: the environment, and the directory that relative ``*_file`` paths start from."""

    environment: Mapping[str, str]
    directory: Path


def _resolve(value: Any, info: ValidationInfo) -> Any:
    """Turn a reference into the secret. A ``SecretStr`` made by code passes."""
    if isinstance(value, SecretStr):
        return value
    context = info.context
    if not isinstance(value, SecretReference) or not isinstance(context, SecretContext):
        raise PydanticCustomError("secret_literal", "a secret must not be written here")
    if value.variable is not None:
        secret = context.environment.get(value.variable, "").strip()
        if not secret:
            raise PydanticCustomError(
                "secret_unset",
                "the environment variable {variable} is not set",
                {"variable": value.variable},
            )
        return SecretStr(secret)
    return SecretStr(_read(context.directory / (value.file or "")))


def _read(path: Path) -> str:
    """The text of a secret file without surrounding blanks; errors name the path, never the content."""
    reason = None
    text = ""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_SECRET_BYTES + 1)
        text = raw.decode().strip()
    except OSError as error:
        reason = error.strerror or "it cannot be read"
    except (UnicodeDecodeError, ValueError):
        reason = "it is not UTF-8 text"
    else:
        if len(raw) > MAX_SECRET_BYTES:
            reason = f"it is over {MAX_SECRET_BYTES // 1024} kB"
        elif not text:
            reason = "it is empty"
    if reason is not None:
        raise PydanticCustomError(
            "secret_file",
            "the secret file {path} cannot be used: {reason}",
            {"path": str(path), "reason": reason},
        )
    return text


def _sendable(value: SecretStr) -> SecretStr:
    """A bearer token travels in a header (RFC 6750, section 2.1): visible ASCII, no blanks."""
    secret = value.get_secret_value()
    if not (secret.isascii() and secret.isprintable()) or " " in secret:
        raise PydanticCustomError("secret_characters", "a token may hold visible ASCII characters only, no blanks")
    return value


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else (value,)


Secret = Annotated[SecretStr, BeforeValidator(_resolve)]
"""A secret: written ``${NAME}``, or as ``<field>_file: path``."""

Token = Annotated[SecretStr, BeforeValidator(_resolve), AfterValidator(_sendable)]
"""A secret that is sent as a bearer token."""

Tokens = Annotated[tuple[Token, ...], BeforeValidator(_as_list)]
"""One token or, while rotating, a list of them; each is good."""
