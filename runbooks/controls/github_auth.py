"""How Pullcord says to GitHub who it is: a token that was given, or an installation token of a GitHub App.

Source: GitHub Docs, "Generating a JSON Web Token (JWT) for a GitHub App" (RS256, ``iat`` 60 s back, ``exp`` at most ten
minutes ahead) and "Create an installation access token for an app".
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Protocol

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from bot.domain.base import Json
from bot.errors import ActionFailed
from bot.plugin import ControlHttp, ControlHttpSettings
from bot.ports import Clock
from bot.settings import Secret, Token

_VERSION = "2022-11-28"
_NOT_LONG = timedelta(minutes=5)
"""A token that ends sooner than this is not used any more: what begins with it must be able to end with it."""
_LIFE = timedelta(minutes=9)
_BACK = timedelta(seconds=60)

Repository = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$")]
"""``owner/name``."""


class GitHubSettings(ControlHttpSettings):
    """A repository, and who Pullcord is there: ``token``, or ``app_id`` with ``private_key``.

    ``url`` is the base of the API (GitHub Enterprise: ``https://<host>/api/v3``). ``installation_id`` is looked up
    where it is not given. ``labels`` and ``reviewers`` (people, and teams as ``team:<slug>``) are put on each
    pull request; ``draft`` opens it as one.
    """

    url: str = "https://api.github.com"
    repository: Repository
    token: Token | None = None
    app_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.]{1,60}$")] | None = Field(
        default=None, coerce_numbers_to_str=True
    )
    private_key: Secret | None = None
    installation_id: Annotated[int, Field(gt=0)] | None = None
    labels: tuple[Annotated[str, StringConstraints(min_length=1, max_length=50)], ...] = ()
    reviewers: tuple[Annotated[str, StringConstraints(pattern=r"^(?:team:)?[A-Za-z0-9_-]{1,100}$")], ...] = ()
    draft: bool = False

    @model_validator(mode="after")
    def _one_way_in(self) -> "GitHubSettings":
        app = self.app_id is not None or self.private_key is not None
        if (self.token is None) != app or (app and (self.app_id is None or self.private_key is None)):
            raise PydanticCustomError("github_credentials", "give either token, or app_id together with private_key")
        if self.private_key is not None:
            try:
                load_pem_private_key(_pem(self.private_key.get_secret_value()), password=None)
            except (ValueError, TypeError):
                raise PydanticCustomError(
                    "github_key", "private_key is no private key in PEM without a password (-----BEGIN …)"
                ) from None
        return self


class Credentials(Protocol):
    """Gives the headers of a request."""

    async def headers(self) -> dict[str, str]:
        """With the authorization. Raises as ``ControlHttp.read`` does."""
        ...

    def forget(self) -> None:
        """What was given was refused: ask for another one the next time."""
        ...


class GivenToken:
    """A personal or fine-grained token."""

    def __init__(self, token: str) -> None:
        """``token`` is sent as a bearer token."""
        self._token = token

    async def headers(self) -> dict[str, str]:
        """The same each time."""
        return _headers(self._token)

    def forget(self) -> None:
        """There is no other one."""


class AppInstallation:
    """Installation tokens of a GitHub App, for this repository only, kept until five minutes before their end."""

    def __init__(self, settings: GitHubSettings, http: ControlHttp, clock: Clock, where: str) -> None:
        """``where`` is the setting that errors name."""
        self._settings = settings
        self._http = http
        self._clock = clock
        self._where = where
        self._installation = settings.installation_id
        self._token = ""
        self._until = datetime.min.replace(tzinfo=UTC)
        self._asking = asyncio.Lock()

    async def headers(self) -> dict[str, str]:
        """A token of now. One request for all that wait."""
        async with self._asking:
            if self._clock.now() + _NOT_LONG >= self._until:
                await self._renew()
            return _headers(self._token)

    def forget(self) -> None:
        """The token was revoked, or the App was installed anew."""
        self._until = datetime.min.replace(tzinfo=UTC)
        self._installation = self._settings.installation_id

    async def _renew(self) -> None:
        headers = _headers(self._signed())
        owner, _, name = self._settings.repository.partition("/")
        if self._installation is None:
            path = f"repos/{owner}/{name}/installation"
            answer = await self._http.read("GET", path, headers=headers, accept=frozenset({404}))
            read = answer.json() if answer.status != 404 else None
            if not isinstance(read, dict) or not isinstance(read.get("id"), int):
                message = f"The GitHub App is not installed on {self._settings.repository}."
                raise ActionFailed(message, next_step=f"Install it there, or correct {self._where}.repository.")
            self._installation = int(str(read["id"]))
        wanted: dict[str, Json] = {"contents": "write", "pull_requests": "write"}
        if self._settings.labels:
            wanted["issues"] = "write"
        body: Json = {"repositories": [name], "permissions": wanted}
        path = f"app/installations/{self._installation}/access_tokens"
        # it makes a token and changes nothing in the repository, so that a second try after a broken connection is safe
        answer = await self._http.read("POST", path, json=body, headers=headers, accept=frozenset({404, 422}))
        read = answer.json() if answer.status == 201 else None
        token = read.get("token") if isinstance(read, dict) else None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            if answer.status == 404:
                self._installation = self._settings.installation_id
            permissions = ", ".join(f"{name}: write" for name in wanted)
            message = f"GitHub gave the App no token for {self._settings.repository} ({answer.status})."
            raise ActionFailed(message, next_step=f"Grant the App {permissions}; see {self._where}.")
        self._token = token
        self._until = _time(read.get("expires_at") if isinstance(read, dict) else None) or (
            self._clock.now() + timedelta(minutes=55)
        )

    def _signed(self) -> str:
        now, key = self._clock.now(), self._settings.private_key
        claims = {"iat": now - _BACK, "exp": now + _LIFE, "iss": self._settings.app_id}
        secret = b"" if key is None else _pem(key.get_secret_value())
        try:
            return jwt.encode(claims, secret, algorithm="RS256")
        except (jwt.PyJWTError, ValueError, TypeError):
            message = "The App's private key cannot sign by RS256."
            raise ActionFailed(message, next_step=f"Make a new key in the App; see {self._where}.") from None


def credentials(settings: GitHubSettings, http: ControlHttp, clock: Clock, where: str) -> Credentials:
    """Those that the settings name."""
    if settings.token is not None:
        return GivenToken(settings.token.get_secret_value())
    return AppInstallation(settings, http, clock, where)


def _headers(token: str) -> dict[str, str]:
    return {
        "authorization": f"Bearer {token}",
        "accept": "application/vnd.github+json",
        "x-github-api-version": _VERSION,
    }


def _pem(text: str) -> bytes:
    """A key from an environment variable may have its line ends written out."""
    return text.replace("\\n", "\n").encode()


def _time(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)


def reviewers(settings: GitHubSettings) -> Mapping[str, list[Json]]:
    """``reviewers`` as GitHub takes them."""
    people: list[Json] = [name for name in settings.reviewers if not name.startswith("team:")]
    teams: list[Json] = [name.removeprefix("team:") for name in settings.reviewers if name.startswith("team:")]
    return {name: held for name, held in (("reviewers", people), ("team_reviewers", teams)) if held}
