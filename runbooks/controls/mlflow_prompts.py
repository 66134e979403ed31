"""Prompts of MLflow: agents read ``prompts:/<name>@<alias>``, and the alias is moved (REST API, registered models).

An alias has no author and no time, so both are noted in a tag of the prompt before it is moved; the tag counts only
while it names the version that the alias points at. Clients keep what an alias gave them for a while (``client_ttl``).
"""

from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints, ValidationError, model_validator

from bot.domain.action import Applied, Change, Restraint, Snapshot, Target, Verification, Verified
from bot.domain.base import Json, Utc, Value
from bot.domain.catalogue import Duration
from bot.errors import OutcomeUnknown, Refused
from bot.plugin import ControlHttp, ControlHttpSettings, ControlName, control_plane
from bot.ports import Clock, PromptVersion
from bot.settings import Secret

_API: Final = "api/2.0/mlflow"
_ALIAS: Final = r"^[A-Za-z_][A-Za-z0-9_-]{0,98}$"
_MOST_VERSIONS: Final = 50
_GONE: Final = frozenset({404})

PromptName = Annotated[str, StringConstraints(pattern=r"^[^/:'\"\x00-\x1f]{1,250}$")]
"""A registered model's name: MLflow takes no slash and no colon, and a quotation mark would end its filter's text."""


class MlflowPromptsSettings(ControlHttpSettings):
    """``prompts`` names the prompt of each agent (default: the agent's own name), ``alias`` what agents load it by.

    ``client_ttl`` is how long a client keeps what an alias gave it (``cache_ttl_seconds`` of ``load_prompt``, or
    ``MLFLOW_ALIAS_PROMPT_CACHE_TTL_SECONDS``, by default a minute). A user with a password, or a token.
    """

    prompts: dict[str, PromptName] = Field(default_factory=dict)
    alias: Annotated[str, StringConstraints(pattern=_ALIAS)] = "production"
    client_ttl: Annotated[Duration, Field(ge=timedelta(0), le=timedelta(days=1))] = timedelta(minutes=1)
    username: str | None = None
    password: Secret | None = None
    token: Secret | None = None

    @model_validator(mode="after")
    def _pair(self) -> "MlflowPromptsSettings":
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together")
        return self


class _Note(Value):
    version: str | None
    key: str
    restraint: Restraint | None = None
    at: Utc


class MlflowPrompts:
    """Meets PromptVersionControl."""

    def __init__(self, settings: MlflowPromptsSettings, http: ControlHttp, name: ControlName, clock: Clock) -> None:
        """``http`` is bound to the address of the tracking server."""
        self.name = str(name)
        self._settings = settings
        self._http = http
        self._clock = clock
        self._headers: dict[str, str] = {}
        if settings.token is not None:
            self._headers = {"authorization": f"Bearer {settings.token.get_secret_value()}"}
        elif settings.password is not None:
            pair = f"{settings.username}:{settings.password.get_secret_value()}"
            self._headers = {"authorization": "Basic " + b64encode(pair.encode()).decode()}

    # ------------------------------------------------------------------ plans

    async def rollback_prompt(self, agent: str, version: str, expires_in: timedelta | None) -> Change:
        """Plan to let the alias point at this version. Refused when it does, or when there is no such version."""
        prompt = self._prompt(agent)
        before, _ = await self._held(prompt)
        alias = self._settings.alias
        if before == version:
            message = f"{alias} of {prompt} points at version {version} already."
            raise Refused(message, field="version", next_step="Choose another version.")
        query = {"name": prompt, "version": version}
        found = None
        if version.isascii() and version.isdigit():
            path = f"{_API}/model-versions/get"
            found = await self._http.read("GET", path, params=query, headers=self._headers, accept=_GONE)
        if found is None or found.status == 404:
            message = f"{prompt} has no version {version[:20]}."
            raise Refused(message, field="version", next_step="Choose one of its versions.")
        target = Target(control=self.name, subject=agent, setting=f"{prompt}@{alias}")
        summary = f"moved {alias} of {prompt} to version {version}"
        return Change(target=target, desired=version, before=before, summary=summary, expires_in=expires_in)

    async def prompt_versions(self, agent: str) -> Sequence[PromptVersion]:
        """Versions of the agent's prompt, newest first, at most fifty."""
        prompt = self._prompt(agent)
        held, _ = await self._held(prompt)
        query = {
            # without its tag a search leaves prompts out
            "filter": f"name = '{prompt}' AND tags.`mlflow.prompt.is_prompt` = 'true'",
            "order_by": "version_number DESC",
            "max_results": str(_MOST_VERSIONS),
        }
        answer = await self._http.read("GET", f"{_API}/model-versions/search", params=query, headers=self._headers)
        rows = _mapping(answer.json()).get("model_versions")
        return [_version(row, held) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []

    # ------------------------------------------------------------------ the control plane's four calls

    async def current(self, target: Target) -> Snapshot:
        """The version that the alias points at (None: no such alias), and whose it is where the note still fits."""
        held, note = await self._held(self._prompt(target.subject))
        now = self._clock.now()
        if note is None:
            return Snapshot(value=held, anonymous=True, at=now)
        return Snapshot(value=held, restraint=note.restraint, owner=note.key, at=now)

    async def apply(self, change: Change, key: str, restraint: Restraint | None) -> Applied:
        """Note who and why, then move the alias, unless it was moved by this key already."""
        prompt, desired = self._prompt(change.target.subject), _text(change.desired)
        held, note = await self._held(prompt)
        if held == desired and (note is None or note.key == key):
            return Applied(value=held, already=True, key=key)
        await self._move(prompt, desired, _Note(version=desired, key=key, restraint=restraint, at=self._clock.now()))
        return Applied(value=desired, key=key)

    async def verify(self, change: Change, applied: Applied) -> Verification:
        """What the alias points at now. Clients cache it: pending until ``client_ttl`` after it was moved."""
        del applied
        held, note = await self._held(self._prompt(change.target.subject))
        now, ttl = self._clock.now(), self._settings.client_ttl
        if held != change.desired:
            detail = f"{change.target.setting} points at {_shown(held)}, not at {_shown(change.desired)}"
            return Verification(verified=Verified.MISMATCH, detail=detail, at=now)
        said = f"{change.target.setting} points at {_shown(held)}"
        if note is None and ttl:
            detail = f"{said}, nobody noted since when; clients load it again every {_seconds(ttl)}"
            return Verification(verified=Verified.PENDING, detail=detail, at=now)
        known = now if note is None else min(note.at, now) + ttl
        if known > now:
            detail = f"{said}; clients keep what they loaded by an alias for up to {_seconds(ttl)}"
            return Verification(verified=Verified.PENDING, detail=detail, at=now, known_at=known)
        detail = f"{said} for longer than clients keep it ({_seconds(ttl)}, client_ttl)"
        return Verification(verified=Verified.IN_FORCE, detail=detail, at=now)

    async def restore(self, change: Change, applied: Applied, before: Snapshot, key: str) -> Applied:
        """Let the alias point at what it pointed at, only while it is where ``change`` moved it."""
        prompt = self._prompt(change.target.subject)
        held, note = await self._held(prompt)
        if held != change.desired or (note is not None and applied.key not in {None, note.key}):
            by = f", moved by {note.restraint.by} ({note.restraint.incident})" if note and note.restraint else ""
            message = f"{change.target.setting} points at {_shown(held)} now{by}; it is no longer what this action set."
            raise Refused(message, next_step="Look at who moved it before you move it again.")
        version = _text(before.value)
        back = _Note(version=version, key=before.owner or key, restraint=before.restraint, at=self._clock.now())
        await self._move(prompt, version, back)
        return Applied(value=version, key=key)

    # ------------------------------------------------------------------ MLflow

    def _prompt(self, agent: str) -> str:
        named = self._settings.prompts.get(agent, agent)
        if not named or len(named) > 250 or any(c in "/:'\"" or not c.isprintable() for c in named):
            message = f"{named[:60]!r} cannot be the name of a prompt in MLflow."
            raise Refused(message, next_step=f"Name the agent's prompt in controls.{self.name}.prompts.")
        return named

    @property
    def _tag(self) -> str:
        return f"pullcord.{self._settings.alias}"

    async def _held(self, prompt: str) -> tuple[str | None, _Note | None]:
        """The version behind the alias, and the note about it where it names that version."""
        path = f"{_API}/registered-models/get"
        answer = await self._http.read("GET", path, params={"name": prompt}, headers=self._headers, accept=_GONE)
        if answer.status == 404:
            message = f"{self.name} has no prompt {prompt[:100]}."
            raise Refused(message, next_step=f"Name the agent's prompt in controls.{self.name}.prompts.")
        read = _mapping(answer.json()).get("registered_model")
        if not isinstance(read, dict) or read.get("name") != prompt:
            raise OutcomeUnknown(
                f"{self.name} did not answer with the prompt {prompt[:100]}.",
                next_step=f"See whether controls.{self.name}.url is MLflow.",
            )
        held = next((str(a["version"]) for a in _rows(read.get("aliases"), "version")
                     if a.get("alias") == self._settings.alias), None)  # fmt: skip
        tag = next((t["value"] for t in _rows(read.get("tags"), "value") if t.get("key") == self._tag), None)
        try:
            note = _Note.model_validate_json(tag) if isinstance(tag, str) else None
        except ValidationError:
            note = None  # somebody else's words
        return held, note if note is not None and note.version == held else None

    async def _move(self, prompt: str, version: str | None, note: _Note) -> None:
        """Two writes: the note first, which says nothing by itself while the alias is elsewhere."""
        tag: Json = {"name": prompt, "key": self._tag, "value": note.model_dump_json()}
        await self._http.write("POST", f"{_API}/registered-models/set-tag", json=tag, headers=self._headers)
        alias: dict[str, Json] = {"name": prompt, "alias": self._settings.alias}
        method, body = ("DELETE", alias) if version is None else ("POST", {**alias, "version": version})
        await self._http.write(method, f"{_API}/registered-models/alias", json=body, headers=self._headers)


mlflow_prompts = control_plane("mlflow_prompts", settings=MlflowPromptsSettings)(MlflowPrompts)


def _mapping(read: Json) -> dict[str, Any]:
    return read if isinstance(read, dict) else {}


def _rows(read: Any, needs: str) -> list[dict[str, Any]]:
    return [row for row in read if isinstance(row, dict) and needs in row] if isinstance(read, list) else []


def _version(row: dict[str, Any], held: str | None) -> PromptVersion:
    text = next((t["value"] for t in _rows(row.get("tags"), "value") if t.get("key") == "mlflow.prompt.text"), "")
    stamp, number = row.get("creation_timestamp"), str(row.get("version", ""))[:20]
    at = datetime.fromtimestamp(stamp / 1000, UTC) if isinstance(stamp, int) and 0 < stamp < 10**14 else None
    return PromptVersion(id=number, current=number == held, at=at, beginning=" ".join(str(text).split())[:80])


def _text(value: Json) -> str | None:
    return None if value is None else str(value)


def _shown(version: Json) -> str:
    return "no version" if version is None else f"version {version}"


def _seconds(length: timedelta) -> str:
    return f"{length.total_seconds():g} s"
