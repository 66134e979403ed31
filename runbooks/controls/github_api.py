"""Requests to one repository of GitHub, and what its refusals mean (GitHub Docs, REST API).

A rate limit (403 or 429 with ``retry-after``, or with ``x-ratelimit-remaining: 0``) is a no of GitHub's front door:
what was asked was not done. Everything else that is not understood keeps the meaning that ``ControlHttp`` gives it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from bot.domain.base import Json
from bot.errors import ActionFailed, OutcomeUnknown
from bot.plugin import ControlAnswer, ControlHttp
from runbooks.controls.github_auth import Credentials

_JUDGED = frozenset({401, 403, 404, 409, 422, 429})


class GitHubApi:
    """Asks below ``repos/<owner>/<name>``. Answers JSON, or the status where the caller says that it may be that."""

    def __init__(self, http: ControlHttp, credentials: Credentials, repository: str, where: str) -> None:
        """``where`` is the setting that errors name (``controls.github``)."""
        self.repository = repository
        self.where = where
        self._http = http
        self._credentials = credentials

    async def read(self, path: str, params: Mapping[str, str] | None = None, may: int = 404) -> Json:
        """GET; None for the status ``may``. Raises ActionFailed, or OutcomeUnknown where no answer came."""
        headers = await self._credentials.headers()
        answer = await self._http.read("GET", self._path(path), params=params, headers=headers, accept=_JUDGED)
        if answer.status == may:
            return None
        self._judge(answer, "read")
        return answer.json()

    async def write(self, method: str, path: str, body: Json, may: frozenset[int] = frozenset()) -> tuple[int, Json]:
        """One write; the status and the JSON. Statuses outside ``may`` and 2xx raise, by what they mean."""
        headers = await self._credentials.headers()
        answer = await self._http.write(method, self._path(path), json=body, headers=headers, accept=_JUDGED)
        if answer.status in may and not _limited(answer):
            return answer.status, None
        self._judge(answer, "write to")
        return answer.status, answer.json()

    def _path(self, path: str) -> str:
        return f"repos/{self.repository}/{path}".rstrip("/")

    def _judge(self, answer: ControlAnswer, doing: str) -> None:
        if answer.status // 100 == 2:
            return
        if _limited(answer):
            self._limit(answer)
        self._refused(answer.status, doing)

    def _limit(self, answer: ControlAnswer) -> NoReturn:
        message = "GitHub limits how often it may be asked, and did not do this."
        raise ActionFailed(message, next_step=f"Press again {_when(answer.headers)}.")

    def _refused(self, status: int, doing: str) -> NoReturn:
        repository, where = self.repository, self.where
        if status == 401:
            self._credentials.forget()
            message = f"GitHub refused our credentials for {repository} (401)."
            raise ActionFailed(message, next_step=f"See the token or the App of {where}.")
        if status in {403, 404}:
            message = f"GitHub does not let us {doing} {repository}, or it is not there ({status})."
            hint = "Contents and Pull requests: read and write (labels: Issues)"
            raise ActionFailed(message, next_step=f"Correct {where}.repository, or give its credentials {hint}.")
        if status == 429:
            message = "GitHub answered 429 without saying when to ask again, so nobody knows whether it was done."
            raise OutcomeUnknown(message, next_step="Check looks for it; press again in a minute.")
        message = f"GitHub did not take what it was sent ({status}), so nothing was done."
        raise ActionFailed(message, next_step=f"See {where} and the rules of the repository.")


def _limited(answer: ControlAnswer) -> bool:
    if answer.status not in {403, 429}:
        return False
    return "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0"


def _when(headers: Mapping[str, str]) -> str:
    seconds = headers.get("retry-after", "")
    if seconds.isdecimal() and len(seconds) < 6:
        return f"in {int(seconds)} s"
    reset = headers.get("x-ratelimit-reset", "")
    if reset.isdecimal() and len(reset) < 12:
        return f"after {datetime.fromtimestamp(int(reset), UTC):%H:%M:%S} UTC"
    return "in a minute"


def text_of(value: Any, *path: str) -> str:
    """A text inside an answer; empty where it is not there or is none."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def number_of(value: Any, name: str) -> int:
    """A whole number inside an answer; 0 where it is not there."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) else 0
