"""Credentials of HTTP requests: bearer (RFC 6750) and basic (RFC 7617), compared in constant time.

Whatever a header holds, the answer is yes or no, never an exception.
"""

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping
from typing import TypeVar

from pydantic import SecretStr
from starlette.requests import Request

from bot.settings import SourceSettings

_Owner = TypeVar("_Owner")


def bearer_of(request: Request) -> bytes | None:
    """The bearer token of the request as sent, or None."""
    scheme, _, token = _authorization(request).partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" and token.strip() else None


def _authorization(request: Request) -> bytes:
    for name, value in request.scope["headers"]:
        if name == b"authorization":
            return bytes(value)
    return b""


def matches(token: bytes | None, secrets: Iterable[SecretStr | None]) -> bool:
    """Whether the token is one of the secrets. Each is compared, so that time does not tell which."""
    if token is None:
        return False
    found = False
    for secret in secrets:
        if secret is not None and hmac.compare_digest(token, secret.get_secret_value().encode()):
            found = True
    return found


def owner(token: bytes | None, secrets: Mapping[_Owner, SecretStr | None]) -> _Owner | None:
    """Whose token this is, or None."""
    found: _Owner | None = None
    for name, secret in secrets.items():
        if matches(token, (secret,)):
            found = name
    return found


def source_accepts(request: Request, source: SourceSettings) -> bool:
    """Whether the sender proved itself to this alert source."""
    if source.allow_unauthenticated and not source.has_credentials:
        return True
    if matches(bearer_of(request), source.bearer):
        return True
    name, password = _basic(request)
    good = False
    for pair in source.basic:
        same_name = hmac.compare_digest(name, pair.username.encode())
        same_password = hmac.compare_digest(password, pair.password.get_secret_value().encode())
        good = good or (same_name and same_password)
    return good


def _basic(request: Request) -> tuple[bytes, bytes]:
    scheme, _, coded = _authorization(request).partition(b" ")
    if scheme.lower() != b"basic":
        return b"", b""
    try:
        name, _, password = base64.b64decode(coded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return b"", b""
    return name, password
