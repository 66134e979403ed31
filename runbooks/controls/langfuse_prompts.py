"""Prompt labels of Langfuse: which version of a prompt an agent reads (Langfuse public API v2, ``/prompts``).

A label points at one version at a time, so that moving it is one request. Agents' SDKs keep a version for a while
(``client_ttl``): what Langfuse serves is in force for all of them when that time is over.
"""

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final
from urllib.parse import quote

from pydantic import AfterValidator, Field, StringConstraints, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from bot.domain.action import Applied, Change, Restraint, Snapshot, Target, Verification, Verified
from bot.domain.base import Json, Utc
from bot.domain.catalogue import Duration
from bot.errors import ActionFailed, Refused
from bot.plugin import ControlHttp, ControlHttpSettings, ControlName, control_plane
from bot.ports import Clock, PromptVersion
from bot.settings import Secret

SETTING: Final = "prompt.label"
_SHOWN = 8
"""So many earlier versions are offered, each with its beginning."""
_BEGINNING = 100
_AT: TypeAdapter[datetime] = TypeAdapter(Utc)
_NOT_FOUND = frozenset({404})


def _movable(label: str) -> str:
    if label == "latest":
        raise PydanticCustomError("label", "should be a label that can be moved; latest is kept by Langfuse itself")
    return label


class LangfusePromptsSettings(ControlHttpSettings):
    """The keys of a project, the label that agents read, and the prompt of each agent (default: the agent's name)."""

    public_key: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    secret_key: Secret
    label: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_.-]{1,36}$"), AfterValidator(_movable)] = "production"
    prompts: dict[str, str] = Field(default_factory=dict)
    client_ttl: Annotated[Duration, Field(ge=timedelta(0), le=timedelta(days=1))] = timedelta(seconds=60)


class LangfusePrompts:
    """Meets PromptVersionControl."""

    def __init__(self, settings: LangfusePromptsSettings, http: ControlHttp, name: ControlName, clock: Clock) -> None:
        """``http`` is bound to the address of Langfuse."""
        self.name = str(name)
        self._settings = settings
        self._http = http
        self._clock = clock
        pair = f"{settings.public_key}:{settings.secret_key.get_secret_value()}"
        self._headers = {"authorization": "Basic " + b64encode(pair.encode()).decode()}

    # ------------------------------------------------------------------ plans

    async def rollback_prompt(self, agent: str, version: str, expires_in: timedelta | None) -> Change:
        """Plan to point the label at another version."""
        if not version.isascii() or not version.isdigit() or len(version) > 9:
            raise Refused(
                f"{version[:40]!r} is no version of a Langfuse prompt.", field="version", next_step="Give its number."
            )
        held = await self._labelled(agent)
        if held is None:
            message = f"No version of the prompt {self._prompt(agent)} carries the label {self._settings.label}."
            raise Refused(message, next_step=f"See controls.{self.name}.prompts and .label.")
        if held[0] == version:
            message = f"{agent} reads version {version} already."
            raise Refused(message, field="version", next_step="Choose another version.")
        if await self._read(agent, {"version": version}) is None:
            message = f"The prompt {self._prompt(agent)} has no version {version}."
            raise Refused(message, field="version", next_step="Choose one that is there.")
        summary = f"moved the prompt of {agent} from version {held[0]} to {version}"
        return Change(
            target=Target(control=self.name, subject=agent, setting=SETTING, element=self._settings.label),
            desired=version,
            before=held[0],
            summary=summary,
            expires_in=expires_in,
        )

    async def prompt_versions(self, agent: str) -> Sequence[PromptVersion]:
        """The newest versions with their beginnings; the one that the label points at is marked."""
        held = await self._labelled(agent)
        params = {"name": self._prompt(agent), "limit": "1"}
        read = (await self._http.read("GET", "api/public/v2/prompts", params=params, headers=self._headers)).json()
        rows = read.get("data") if isinstance(read, dict) else None
        first = rows[0] if isinstance(rows, list) and rows else None
        numbers = first.get("versions") if isinstance(first, dict) else None
        versions = sorted((n for n in numbers if isinstance(n, int)), reverse=True) if isinstance(numbers, list) else []
        found: list[PromptVersion] = []
        for number in versions[:_SHOWN]:
            whole = await self._read(agent, {"version": str(number)})
            current = held is not None and held[0] == str(number)
            found.append(
                PromptVersion(id=str(number), current=current, at=_updated(whole), beginning=_text(whole)[:_BEGINNING])
            )
        return found

    # ------------------------------------------------------------------ the control plane's four calls

    async def current(self, target: Target) -> Snapshot:
        """The version that the label points at. Langfuse does not tell who moved it."""
        held = await self._labelled(target.subject)
        return Snapshot(value=None if held is None else held[0], anonymous=True, at=self._clock.now())

    async def apply(self, change: Change, key: str, restraint: Restraint | None) -> Applied:
        """Move the label, unless it points there already."""
        del restraint
        held = await self._labelled(change.target.subject)
        if held is not None and held[0] == change.desired:
            return Applied(value=change.desired, already=True, key=key)
        await self._move(change.target.subject, change.desired)
        return Applied(value=change.desired, key=key)

    async def verify(self, change: Change, applied: Applied) -> Verification:
        """What Langfuse serves under the label now; in force once every client's copy is older than ``client_ttl``."""
        del applied
        now, label = self._clock.now(), self._settings.label
        held = await self._labelled(change.target.subject)
        served = "nothing" if held is None else f"version {held[0]}"
        if held is None or held[0] != change.desired:
            detail = f"Langfuse serves {served} under {label}, not version {change.desired}"
            return Verification(verified=Verified.MISMATCH, detail=detail, at=now)
        # a time that lies ahead is none that a clock showed
        over = min(held[1] or now, now) + self._settings.client_ttl
        if now < over:
            kept = int(self._settings.client_ttl.total_seconds())
            detail = f"Langfuse serves {served} under {label}; agents keep an older copy for up to {kept} s"
            return Verification(verified=Verified.PENDING, detail=detail, at=now, known_at=over)
        detail = f"Langfuse serves {served} under {label}, and every agent's copy has run out since"
        return Verification(verified=Verified.IN_FORCE, detail=detail, at=now)

    async def restore(self, change: Change, applied: Applied, before: Snapshot, key: str) -> Applied:
        """Move the label back, only while it points where ``change`` moved it."""
        del applied
        held = await self._labelled(change.target.subject)
        if held is None or held[0] != change.desired:
            shown = "nothing" if held is None else f"version {held[0]}"
            message = f"The label {self._settings.label} points at {shown} now, not at version {change.desired}."
            raise Refused(message, next_step="Look at who moved it in Langfuse before you move it again.")
        if before.value is None:
            message = f"Nothing carried the label {self._settings.label} before, and Langfuse cannot take it off."
            raise Refused(message, next_step="Take it off in Langfuse.")
        await self._move(change.target.subject, before.value)
        return Applied(value=before.value, key=key)

    # ------------------------------------------------------------------ Langfuse

    def _prompt(self, agent: str) -> str:
        return self._settings.prompts.get(agent, agent)

    async def _read(self, agent: str, params: dict[str, str]) -> dict[str, Json] | None:
        path = f"api/public/v2/prompts/{quote(self._prompt(agent), safe='')}"
        answer = await self._http.read("GET", path, params=params, headers=self._headers, accept=_NOT_FOUND)
        read = answer.json() if answer.status != 404 else None
        return read if isinstance(read, dict) else None

    async def _labelled(self, agent: str) -> tuple[str, datetime | None] | None:
        """The version that the label points at, and when it was changed last; None where it points at nothing."""
        read = await self._read(agent, {"label": self._settings.label})
        if read is None:
            return None
        version = read.get("version")
        if not isinstance(version, int):
            message = f"{self.name} did not say which version {self._settings.label} points at."
            raise ActionFailed(message, next_step=f"See whether controls.{self.name}.url is Langfuse.")
        return str(version), _updated(read)

    async def _move(self, agent: str, version: Json) -> None:
        path = f"api/public/v2/prompts/{quote(self._prompt(agent), safe='')}/versions/{quote(str(version), safe='')}"
        await self._http.write("PATCH", path, json={"newLabels": [self._settings.label]}, headers=self._headers)


def _updated(read: dict[str, Json] | None) -> datetime | None:
    try:
        return _AT.validate_python((read or {}).get("updatedAt"))
    except ValidationError:
        return None


def _text(read: dict[str, Json] | None) -> str:
    """The beginning of a text prompt, or of the first message of a chat prompt."""
    prompt = (read or {}).get("prompt")
    if isinstance(prompt, list):
        first = next((m for m in prompt if isinstance(m, dict)), {})
        prompt = first.get("content")
    return prompt if isinstance(prompt, str) else ""


langfuse_prompts = control_plane("langfuse_prompts", settings=LangfusePromptsSettings)(LangfusePrompts)
