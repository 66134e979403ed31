"""Unleash: kill switches and a model variant that an agent reads (Unleash admin API, project features).

A flag that pauses or denies is on or off in one environment. The model is the payload of the flag's one variant. What
Unleash tells its SDKs is read back over the client API, with a client token.
"""

from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Any, Final
from urllib.parse import quote

from pydantic import StringConstraints

from bot.domain.action import Applied, Change, Restraint, Snapshot, Target, Verification, Verified
from bot.domain.base import Json
from bot.errors import ActionFailed, Refused
from bot.plugin import ControlHttp, ControlHttpSettings, ControlName, control_plane
from bot.ports import Clock
from bot.settings import Token

_KEY: Final = r"^[A-Za-z0-9._~{}-]{1,200}$"
_NAME: Final = r"^[A-Za-z0-9._~-]{1,100}$"


class UnleashSettings(ControlHttpSettings):
    """An admin token, a client token for reading back, the project and environment, and how flags are called.

    ``{agent}`` and ``{tool}`` stand for names; what a flag may not hold is written ``-``, with a short hash behind
    it. The flags must be there; those that pause or deny need a strategy that is on for everybody.
    """

    token: Token
    client_token: Token | None = None
    project: Annotated[str, StringConstraints(pattern=_NAME)] = "default"
    environment: Annotated[str, StringConstraints(pattern=_NAME)] = "production"
    model: Annotated[str, StringConstraints(pattern=_KEY)] = "{agent}.model"
    paused: Annotated[str, StringConstraints(pattern=_KEY)] = "{agent}.paused"
    tool_denied: Annotated[str, StringConstraints(pattern=_KEY)] = "{agent}.deny.{tool}"


class Unleash:
    """Meets ModelControl, ToolControl and AgentControl."""

    def __init__(self, settings: UnleashSettings, http: ControlHttp, name: ControlName, clock: Clock) -> None:
        """``http`` is bound to the address of Unleash."""
        self.name = str(name)
        self._settings = settings
        self._http = http
        self._clock = clock
        self._headers = {"authorization": settings.token.get_secret_value()}

    # ------------------------------------------------------------------ plans

    async def pin_model(self, agent: str, model: str, expires_in: timedelta | None) -> Change:
        """Plan to make the model the one variant of the agent's model flag, and to turn it on."""
        return await self._plan(agent, self._settings.model, "", model, f"pinned {agent} to {model}", expires_in)

    async def revoke_tool(self, agent: str, tool: str, expires_in: timedelta | None) -> Change:
        """Plan to turn the tool's flag on."""
        return await self._plan(
            agent, self._settings.tool_denied, tool, True, f"revoked {tool} from {agent}", expires_in
        )

    async def restore_tool(self, agent: str, tool: str) -> Change:
        """Plan to turn the tool's flag off."""
        return await self._plan(agent, self._settings.tool_denied, tool, None, f"restored {tool} to {agent}", None)

    async def pause_agent(self, agent: str, expires_in: timedelta | None) -> Change:
        """Plan to turn the pause flag on."""
        return await self._plan(agent, self._settings.paused, "", True, f"paused {agent}", expires_in)

    async def resume_agent(self, agent: str) -> Change:
        """Plan to turn the pause flag off."""
        return await self._plan(agent, self._settings.paused, "", None, f"resumed {agent}", None)

    async def _plan(
        self, agent: str, template: str, tool: str, desired: Json, summary: str, expires_in: timedelta | None
    ) -> Change:
        key = _named(template, agent, tool)
        target = Target(control=self.name, subject=agent, setting=key, element=tool or None)
        before = await self._held(target)
        if before == desired:
            state = "off" if desired is None else "on" if desired is True else f"set to {desired}"
            raise Refused(
                f"The flag {key} is {state} already.",
                field="tool" if tool else None,
                next_step="Nothing needs to be changed.",
            )
        if before == "":
            message = f"The flag {key} has not one variant but several or none, which could not be put back."
            raise Refused(message, next_step="Leave it one variant in Unleash, or turn it off there first.")
        return Change(target=target, desired=desired, before=before, summary=summary, expires_in=expires_in)

    # ------------------------------------------------------------------ the control plane's four calls

    async def current(self, target: Target) -> Snapshot:
        """On (True), the model of its variant, or off (None). Unleash does not tell who set it (its event log does)."""
        return Snapshot(value=await self._held(target), anonymous=True, at=self._clock.now())

    async def apply(self, change: Change, key: str, restraint: Restraint | None) -> Applied:
        """Bring the flag to the desired state, unless it is there already."""
        del restraint
        return await self._set(change.target, change.desired, key)

    async def verify(self, change: Change, applied: Applied) -> Verification:
        """What Unleash tells its SDKs (client API); without a client token only what the admin API holds: pending."""
        del applied
        now, key, token = self._clock.now(), change.target.setting, self._settings.client_token
        if token is None:
            held = await self._held(change.target)
            if held != change.desired:
                return _mismatch(key, held, change.desired, now)
            detail = f"{key} holds it; set controls.{self.name}.client_token so that what agents are told can be read"
            return Verification(verified=Verified.PENDING, detail=detail, at=now)
        answer = await self._http.read(
            "GET",
            f"api/client/features/{quote(key, safe='')}",
            headers={"authorization": token.get_secret_value()},
            accept=frozenset({404}),
        )
        read = answer.json() if answer.status != 404 else {}
        if not isinstance(read, dict) or not isinstance(read.get("enabled", False), bool):
            message = f"{self.name} did not answer with what agents are told of {key}."
            raise ActionFailed(message, next_step=f"See whether controls.{self.name}.url is Unleash.")
        told = _value(read, read.get("variants"), self._is_model(change.target))
        if told is not None and (some := _not_for_all(read, self._is_model(change.target))):
            detail = f"Unleash tells agents that {key} is {_shown(told)} only where {some}"
            return Verification(verified=Verified.MISMATCH, detail=detail, at=now)
        if told != change.desired:
            return _mismatch(key, told, change.desired, now)
        detail = f"Unleash tells agents that {key} is {_shown(told)}; they ask at their own interval"
        return Verification(verified=Verified.IN_FORCE, detail=detail, at=now)

    async def restore(self, change: Change, applied: Applied, before: Snapshot, key: str) -> Applied:
        """Put back what was there, only while the flag is what ``change`` made it."""
        del applied
        held = await self._held(change.target)
        if held != change.desired:
            message = f"{change.target.setting} is {_shown(held)} now, not {_shown(change.desired)}."
            raise Refused(message, next_step="Look at its event log in Unleash before you change it again.")
        return await self._set(change.target, before.value, key)

    # ------------------------------------------------------------------ Unleash

    def _is_model(self, target: Target) -> bool:
        """Whether it is the agent's model flag, not one that pauses or denies."""
        return target.element is None and target.setting == _named(self._settings.model, target.subject, "")

    async def _held(self, target: Target) -> Json:
        key = target.setting
        answer = await self._http.read("GET", self._path(key), headers=self._headers, accept=frozenset({404}))
        if answer.status == 404:
            message = f"{self.name} has no flag {key} in the project {self._settings.project}."
            raise Refused(message, next_step=f"Make it there, or correct controls.{self.name}.")
        read = answer.json()
        rows = read.get("environments") if isinstance(read, dict) else None
        named = [r for r in rows if isinstance(r, dict)] if isinstance(rows, list) else []
        here = next((r for r in named if r.get("name") == self._settings.environment), None)
        if here is None or not isinstance(here.get("enabled"), bool):
            message = f"{self.name} did not answer with the flag {key} in {self._settings.environment}."
            raise ActionFailed(message, next_step=f"See controls.{self.name}.environment.")
        return _value(here, here.get("variants"), self._is_model(target))

    async def _set(self, target: Target, desired: Json, execution: str) -> Applied:
        key = target.setting
        if await self._held(target) == desired:
            return Applied(value=desired, already=True, key=execution)
        place = f"{self._path(key)}/environments/{quote(self._settings.environment, safe='')}"
        if isinstance(desired, str):
            variant: Json = {
                "name": "pinned",
                "weight": 1000,
                "weightType": "variable",
                "stickiness": "default",
                "payload": {"type": "string", "value": desired},
            }
            await self._http.write("PUT", f"{place}/variants", json=[variant], headers=self._headers)
        await self._http.write("POST", f"{place}/{'off' if desired is None else 'on'}", headers=self._headers)
        return Applied(value=desired, key=execution)

    def _path(self, key: str) -> str:
        return f"api/admin/projects/{quote(self._settings.project, safe='')}/features/{quote(key, safe='')}"


def _value(flag: dict[str, Any], variants: Any, model: bool) -> Json:  # noqa: FBT001 - a reading, not a switch
    """Off: None. On: True, or for a model flag the payload of its one variant (empty where there is none)."""
    if flag.get("enabled") is not True:
        return None
    if not model:
        return True
    payloads = [v.get("payload") for v in variants if isinstance(v, dict)] if isinstance(variants, list) else []
    only = payloads[0] if len(payloads) == 1 else None
    value = only.get("value") if isinstance(only, dict) else None
    return value if isinstance(value, str) else ""


def _not_for_all(told: dict[str, Any], model: bool) -> str:  # noqa: FBT001 - a reading, not a switch
    """What an enabled flag hangs on for whoever asks; empty where it is on for everybody (Unleash, client API).

    One strategy that fits everybody is enough, and a flag without any is on. A strategy's own variants go before the
    flag's.
    """
    if told.get("dependencies"):
        return "another flag is on too"
    strategies = told.get("strategies")
    if strategies is None or strategies == []:
        return ""
    rows = [one for one in strategies if isinstance(one, dict)] if isinstance(strategies, list) else []
    if model and any(one.get("variants") for one in rows):
        return "a strategy gives no variant of its own"
    return "" if any(_everybody(one) for one in rows) else "a strategy fits: none of them is for everybody"


def _everybody(strategy: dict[str, Any]) -> bool:
    if strategy.get("constraints") or strategy.get("segments") or strategy.get("disabled"):
        return False
    parameters = strategy.get("parameters")
    rollout = parameters.get("rollout") if isinstance(parameters, dict) else None
    return strategy.get("name") == "default" or (
        strategy.get("name") == "flexibleRollout" and str(rollout) in {"100", "100.0"}
    )


def _shown(value: Json) -> str:
    return "off" if value is None else "on" if value is True else f"on with {value or 'no one model'}"


def _mismatch(key: str, held: Json, desired: Json, now: Any) -> Verification:
    detail = f"{key} is {_shown(held)}, not {_shown(desired)}"
    return Verification(verified=Verified.MISMATCH, detail=detail, at=now)


def _named(template: str, agent: str, tool: str) -> str:
    """A flag's name: what may stand in a URL only (Unleash refuses other characters). Two names never share a flag."""

    def fit(name: str) -> str:
        fitted = "".join(c if c.isascii() and (c.isalnum() or c in "._~-") else "-" for c in name)
        return fitted if fitted == name else f"{fitted}-{sha256(name.encode()).hexdigest()[:6]}"

    return template.replace("{agent}", fit(agent)).replace("{tool}", fit(tool))


unleash = control_plane("unleash", settings=UnleashSettings)(Unleash)
