"""LaunchDarkly: flags that an agent reads, changed by semantic patches (LaunchDarkly REST API, "Update feature flag").

Only the variation that everybody is served is changed: the fallthrough of a flag that is on, the off variation of one
that is off. A flag whose rules or targets serve some contexts something else is refused: no one change decides for all.
"""

from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Any, Final
from urllib.parse import quote

from pydantic import StringConstraints

from bot.domain.action import Applied, Change, Restraint, Snapshot, Target, Verification, Verified
from bot.domain.base import Json, same_json
from bot.errors import ActionFailed, Refused
from bot.plugin import ControlHttp, ControlHttpSettings, ControlName, control_plane
from bot.ports import Clock
from bot.settings import Token

_PATCH = {"content-type": "application/json; domain-model=launchdarkly.semanticpatch"}
_KEY: Final = r"^[A-Za-z0-9._{}-]{1,200}$"
_ROUTING = frozenset({"rules", "targets", "contextTargets", "prerequisites"})


class LaunchDarklySettings(ControlHttpSettings):
    """An access token, the project and environment, and how the flags of an agent are called.

    ``{agent}`` and ``{tool}`` stand for names; what a flag may not hold is written ``-``, with a short hash behind
    it. ``model`` is a string flag whose variations are the models, the other two are boolean flags.
    """

    url: str = "https://app.launchdarkly.com"
    token: Token
    project: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,100}$")] = "default"
    environment: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,100}$")] = "production"
    model: Annotated[str, StringConstraints(pattern=_KEY)] = "{agent}-model"
    paused: Annotated[str, StringConstraints(pattern=_KEY)] = "{agent}-paused"
    tool_denied: Annotated[str, StringConstraints(pattern=_KEY)] = "{agent}-deny-{tool}"


class LaunchDarkly:
    """Meets ModelControl, ToolControl, AgentControl and OffersModels."""

    def __init__(self, settings: LaunchDarklySettings, http: ControlHttp, name: ControlName, clock: Clock) -> None:
        """``http`` is bound to the address of the API."""
        self.name = str(name)
        self._settings = settings
        self._http = http
        self._clock = clock
        self._headers = {"authorization": settings.token.get_secret_value()}

    # ------------------------------------------------------------------ plans

    async def pin_model(self, agent: str, model: str, expires_in: timedelta | None) -> Change:
        """Plan to serve everybody the variation with this model."""
        return await self._plan(
            agent, self._settings.model, "", model, f"pinned {agent} to {model}", "model", expires_in
        )

    async def revoke_tool(self, agent: str, tool: str, expires_in: timedelta | None) -> Change:
        """Plan to turn the tool's flag to true."""
        summary = f"revoked {tool} from {agent}"
        return await self._plan(agent, self._settings.tool_denied, tool, True, summary, "tool", expires_in)

    async def restore_tool(self, agent: str, tool: str) -> Change:
        """Plan to turn the tool's flag to false."""
        summary = f"restored {tool} to {agent}"
        return await self._plan(agent, self._settings.tool_denied, tool, False, summary, "tool", None)

    async def pause_agent(self, agent: str, expires_in: timedelta | None) -> Change:
        """Plan to turn the pause flag to true."""
        return await self._plan(agent, self._settings.paused, "", True, f"paused {agent}", None, expires_in)

    async def resume_agent(self, agent: str) -> Change:
        """Plan to turn the pause flag to false."""
        return await self._plan(agent, self._settings.paused, "", False, f"resumed {agent}", None, None)

    async def models(self, agent: str) -> tuple[str, ...]:
        """The variations of the model flag."""
        flag = await self._flag(_named(self._settings.model, agent, ""))
        return tuple(v["value"] for v in flag["variations"] if isinstance(v.get("value"), str))

    async def _plan(
        self,
        agent: str,
        template: str,
        tool: str,
        desired: Json,
        summary: str,
        field: str | None,
        expires_in: timedelta | None,
    ) -> Change:
        key = _named(template, agent, tool)
        flag = await self._flag(key)
        before = self._served(flag, key)
        if same_json(before, desired):
            message = f"The flag {key} serves {desired} already."
            raise Refused(message, field=field, next_step="Nothing needs to be changed.")
        self._variation(flag, key, desired, field)
        target = Target(control=self.name, subject=agent, setting=key, element=tool or None)
        return Change(target=target, desired=desired, before=before, summary=summary, expires_in=expires_in)

    # ------------------------------------------------------------------ the control plane's four calls

    async def current(self, target: Target) -> Snapshot:
        """What everybody is served now. LaunchDarkly's flag does not tell who set it (its audit log does)."""
        flag = await self._flag(target.setting)
        return Snapshot(
            value=self._served(flag, target.setting),
            revision=flag["_version"] if isinstance(flag.get("_version"), int) else None,
            anonymous=True,
            at=self._clock.now(),
        )

    async def apply(self, change: Change, key: str, restraint: Restraint | None) -> Applied:
        """Serve everybody the desired variation, unless they are already; the comment names incident and execution."""
        why = "" if restraint is None else f"{restraint.incident}: {restraint.why} ({restraint.by})"
        return await self._serve(change.target, change.desired, key, f"Pullcord {key} {why}".strip())

    async def verify(self, change: Change, applied: Applied) -> Verification:
        """What the flag is set to, read anew. What SDKs are told comes from another address: pending, never green."""
        del applied
        served, now = self._served(await self._flag(change.target.setting), change.target.setting), self._clock.now()
        where = f"{change.target.setting} in {self._settings.environment}"
        if not same_json(served, change.desired):
            detail = f"{where} serves {served}, not {change.desired}"
            return Verification(verified=Verified.MISMATCH, detail=detail, at=now)
        detail = f"{where} is set to serve everybody {served}; what agents are told by its SDKs is not seen from here"
        return Verification(verified=Verified.PENDING, detail=detail, at=now)

    async def restore(self, change: Change, applied: Applied, before: Snapshot, key: str) -> Applied:
        """Serve what was served before, only while the flag serves what ``change`` set."""
        del applied
        served = self._served(await self._flag(change.target.setting), change.target.setting)
        if not same_json(served, change.desired):
            message = f"{change.target.setting} serves {served} now, not {change.desired}."
            raise Refused(message, next_step="Look at its history in LaunchDarkly before you change it again.")
        return await self._serve(change.target, before.value, key, f"Pullcord {key}: taken back")

    # ------------------------------------------------------------------ LaunchDarkly

    async def _serve(self, target: Target, desired: Json, key: str, comment: str) -> Applied:
        flag = await self._flag(target.setting)
        if same_json(self._served(flag, target.setting), desired):
            return Applied(value=desired, already=True, key=key)
        variation = self._variation(flag, target.setting, desired, None)
        kind = "updateFallthroughVariationOrRollout" if self._here(flag)["on"] else "updateOffVariation"
        body: Json = {
            "environmentKey": self._settings.environment,
            "comment": comment[:400],
            "instructions": [{"kind": kind, "variationId": variation}],
        }
        headers = {**self._headers, **_PATCH}
        answer = await self._http.write(
            "PATCH", self._path(target.setting), json=body, headers=headers, accept=frozenset({409})
        )
        if answer.status == 409:
            message = f"Somebody changed {target.setting} at the same time, or an approval is pending there."
            raise Refused(message, next_step="Look at it in LaunchDarkly, then press again.")
        return Applied(value=desired, key=key)

    def _path(self, key: str) -> str:
        return f"api/v2/flags/{quote(self._settings.project, safe='')}/{quote(key, safe='')}"

    async def _flag(self, key: str) -> dict[str, Any]:
        params = {"env": self._settings.environment}
        answer = await self._http.read(
            "GET", self._path(key), params=params, headers=self._headers, accept=frozenset({404})
        )
        if answer.status == 404:
            message = f"{self.name} has no flag {key} in the project {self._settings.project}."
            raise Refused(message, next_step=f"Make it there, or correct controls.{self.name}.")
        read = answer.json()
        variations = read.get("variations") if isinstance(read, dict) else None
        if isinstance(read, dict) and isinstance(variations, list) and all(isinstance(v, dict) for v in variations):
            named = read.get("environments")
            here = named.get(self._settings.environment) if isinstance(named, dict) else None
            if isinstance(here, dict) and isinstance(here.get("on"), bool):
                return read
        message = f"{self.name} did not answer with the flag {key}."
        raise ActionFailed(message, next_step=f"See controls.{self.name}.environment.")

    def _here(self, flag: dict[str, Any]) -> dict[str, Any]:
        here: dict[str, Any] = flag["environments"][self._settings.environment]
        return here

    def _served(self, flag: dict[str, Any], key: str) -> Json:
        """The value that every context is served. Refused where that depends on the context."""
        here = self._here(flag)
        routed = sorted(name for name in _ROUTING if here.get(name)) if here["on"] else []
        falls = here.get("fallthrough")
        fallen = falls.get("variation") if isinstance(falls, dict) else None
        index = fallen if here["on"] else here.get("offVariation")
        variations = flag["variations"]
        if routed or type(index) is not int or not 0 <= index < len(variations):
            what = " and ".join(routed) or ("a rollout" if here["on"] else "no off variation")
            message = f"The flag {key} has {what} in {self._settings.environment}: no one value is served to all."
            raise Refused(message, next_step="Change it in LaunchDarkly.")
        served: Json = variations[index].get("value")
        return served

    def _variation(self, flag: dict[str, Any], key: str, value: Json, field: str | None) -> str:
        named = [v for v in flag["variations"] if isinstance(v.get("_id"), str)]
        found = next((v for v in named if same_json(v.get("value"), value)), None)
        if found is None:
            known = ", ".join(str(v.get("value")) for v in flag["variations"][:10])
            message = f"The flag {key} has no variation {value}."
            raise Refused(message, field=field, next_step=f"Choose one of: {known}; or add it in LaunchDarkly.")
        return str(found["_id"])


def _named(template: str, agent: str, tool: str) -> str:
    """A flag's key: letters, digits, dots, underscores and hyphens only. Two names never share a key."""

    def fit(name: str) -> str:
        fitted = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in name)
        return fitted if fitted == name else f"{fitted}-{sha256(name.encode()).hexdigest()[:6]}"

    return template.replace("{agent}", fit(agent)).replace("{tool}", fit(tool))


launchdarkly = control_plane("launchdarkly", settings=LaunchDarklySettings)(LaunchDarkly)
