"""LiteLLM's admin API: an agent's virtual key, its model aliases, its blocked tools (LiteLLM 1.106, with a database).

Each agent has a virtual key of its own, and all that is set is set on that key, so that no other agent is touched.
Tested against the documented contract only: every one of these calls needs Postgres through Prisma. Without a database
use ``litellm_hook``, which is run against the real proxy. Read back by a canary as the agent.

LiteLLM keeps no reason with a change (its audit log has ``litellm-changed-by``) and takes no version: an alias map is
read right before it is written, and writes of this process wait for each other.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, Final
from urllib.parse import quote

from pydantic import Field, StringConstraints

from bot.domain.action import Applied, Change, Restraint, Snapshot, Target, Verification, Verified
from bot.domain.base import Json
from bot.errors import Refused
from bot.plugin import ControlHttp, ControlName, control_plane
from bot.ports import Clock
from bot.settings import Token
from runbooks.controls.litellm_canary import Canary, CanaryAgent, CanarySettings, Name, hashed
from runbooks.controls.stored_settings import shown

ALIAS: Final = "key.aliases"
BLOCKED: Final = "key.blocked"
TOOLS: Final = "key.blocked_tools"


class LiteLLMAgent(CanaryAgent):
    """``key`` is the agent's virtual key, or ``key_hash`` its SHA-256 (then there is no canary)."""

    key_hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None


class LiteLLMSettings(CanarySettings):
    """``key`` is an admin's. ``key_cache`` is how long the gateway's processes may keep what they know of a key."""

    key: Token
    agents: dict[Name, LiteLLMAgent] = Field(default_factory=dict)  # type: ignore[assignment] # narrower values
    key_cache: Annotated[int, Field(ge=0, le=3600)] = 60


class LiteLLM:
    """Meets ModelControl, FallbackControl, ToolControl, AgentControl and OffersModels."""

    def __init__(self, settings: LiteLLMSettings, http: ControlHttp, name: ControlName, clock: Clock) -> None:
        """``http`` is bound to the gateway."""
        self.name = str(name)
        self._settings = settings
        self._http = http
        self._clock = clock
        self._canary = Canary(settings, http)
        self._turn = asyncio.Lock()

    async def models(self, agent: str) -> Sequence[str]:
        """Model names that the agent's key may ask for now."""
        return await self._canary.models(agent)

    # ------------------------------------------------------------------ plans

    async def pin_model(self, agent: str, model: str, expires_in: timedelta | None) -> Change:
        """Plan to let the agent's key read the model name that it asks for as this one."""
        return await self._routed(agent, model, f"pinned {agent} to {model}", expires_in)

    async def route_fallback(self, agent: str, model: str, expires_in: timedelta | None) -> Change:
        """Plan the same for its fallback: LiteLLM's own fallbacks act only on failure, and for every agent."""
        return await self._routed(agent, model, f"routed {agent} to its fallback {model}", expires_in)

    async def _routed(self, agent: str, model: str, summary: str, expires_in: timedelta | None) -> Change:
        asked = self._canary.asks_for(agent)
        if asked is None:
            message = f"It is not known which model {agent} asks for."
            raise Refused(message, field="model", next_step=f"Set controls.{self.name}.agents.{agent}.model.")
        target = Target(control=self.name, subject=agent, setting=ALIAS, element=asked)
        before = await self._held(target)
        if before == model:
            message = f"{agent} is routed to {model} already."
            raise Refused(message, field="model", next_step="Choose another model, or undo that one.")
        if model not in (there := await self.models(agent)):
            message = f"{self.name} offers no model {model} to {agent}."
            some = ", ".join(there[:10]) or "none"
            raise Refused(message, field="model", next_step=f"Choose one of its models ({some}).")
        return Change(target=target, desired=model, before=before, summary=summary, expires_in=expires_in)

    async def revoke_tool(self, agent: str, tool: str, expires_in: timedelta | None) -> Change:
        """Plan to block one tool for the agent's key."""
        target = Target(control=self.name, subject=agent, setting=TOOLS, element=tool)
        if await self._held(target):
            raise Refused(f"{tool} is already revoked from {agent}.", field="tool", next_step="Choose another tool.")
        summary = f"revoked {tool} from {agent}"
        return Change(target=target, desired=True, summary=summary, expires_in=expires_in)

    async def restore_tool(self, agent: str, tool: str) -> Change:
        """Plan to take the block away."""
        target = Target(control=self.name, subject=agent, setting=TOOLS, element=tool)
        if not await self._held(target):
            raise Refused(
                f"{tool} is not revoked from {agent}.", field="tool", next_step="Nothing needs to be restored."
            )
        return Change(target=target, desired=None, before=True, summary=f"restored {tool} to {agent}")

    async def pause_agent(self, agent: str, expires_in: timedelta | None) -> Change:
        """Plan to block the agent's key."""
        target = Target(control=self.name, subject=agent, setting=BLOCKED)
        if await self._held(target):
            raise Refused(f"{agent} is already paused.", next_step="Resume it first to pause it with another reason.")
        return Change(target=target, desired=True, summary=f"paused {agent}", expires_in=expires_in)

    async def resume_agent(self, agent: str) -> Change:
        """Plan to unblock the agent's key."""
        target = Target(control=self.name, subject=agent, setting=BLOCKED)
        if not await self._held(target):
            raise Refused(f"{agent} is not paused.", next_step="Nothing needs to be resumed.")
        return Change(target=target, desired=None, before=True, summary=f"resumed {agent}")

    # ------------------------------------------------------------------ the control plane's four calls

    async def current(self, target: Target) -> Snapshot:
        """What the agent's key holds. LiteLLM does not tell who set it (its audit log does)."""
        return Snapshot(value=await self._held(target), anonymous=True, at=self._clock.now())

    async def apply(self, change: Change, key: str, restraint: Restraint | None) -> Applied:
        """Write it once, unless the key holds it already."""
        note = f"pullcord {key}" + (f" {restraint.incident}" if restraint is not None else "")
        return await self._set(change.target, change.desired, key, note)

    async def verify(self, change: Change, applied: Applied) -> Verification:
        """What the key holds, then a canary as the agent: what the gateway does with it."""
        del applied
        target, now = change.target, self._clock.now()
        held = await self._held(target)
        if held != change.desired:
            detail = f"{target} holds {shown(held)}, not {shown(change.desired)}"
            return Verification(verified=Verified.MISMATCH, detail=detail, at=now)
        own, model = self._agent(target.subject), self._canary.asks_for(target.subject)
        if own.key is None or model is None:
            lacks = f"controls.{self.name}.agents.{target.subject}.{'key' if own.key is None else 'model'}"
            detail = f"the key holds it; set {lacks} so that a canary can show it"
            return Verification(verified=Verified.PENDING, detail=detail, at=now)
        seen = await self._canary.send(target.subject, model, target.element if target.setting == TOOLS else None)
        refused = not seen.group and seen.status in {400, 401, 403}
        if target.setting == ALIAS:
            good = seen.group == change.desired if change.desired else bool(seen.group) and seen.group != change.before
        else:
            good = refused is (change.desired is True)
        said = f"{seen.status}: {seen.reason}" if not seen.group else seen.who
        detail = f"the canary was answered by {said}"
        if good:
            return Verification(verified=Verified.IN_FORCE, detail=detail, at=now)
        known_at = now + timedelta(seconds=self._settings.key_cache)
        detail += f"; the key holds it, and the gateway may keep an older one for {self._settings.key_cache} s"
        return Verification(verified=Verified.PENDING, detail=detail, at=now, known_at=known_at)

    async def restore(self, change: Change, applied: Applied, before: Snapshot, key: str) -> Applied:
        """Put back what was there, only while the key holds what ``change`` set."""
        del applied
        held = await self._held(change.target)
        if held != change.desired:
            message = f"{change.target} holds {shown(held)} now, not {shown(change.desired)}."
            raise Refused(message, next_step="Look at LiteLLM's audit log before you change it again.")
        return await self._set(change.target, before.value, key, f"pullcord {key}")

    # ------------------------------------------------------------------ LiteLLM

    def _agent(self, agent: str) -> LiteLLMAgent:
        return self._settings.agents.get(agent) or LiteLLMAgent()

    def _hash(self, agent: str) -> str:
        own = self._agent(agent)
        found = own.key_hash or (hashed(own.key) if own.key is not None else None)
        if found is None:
            message = f"It is not known which virtual key of {self.name} is {agent}'s."
            raise Refused(message, next_step=f"Set controls.{self.name}.agents.{agent}.key or .key_hash.")
        return found

    def _admin(self, note: str | None = None) -> dict[str, str]:
        headers = {"authorization": f"Bearer {self._settings.key.get_secret_value()}"}
        return {**headers, "litellm-changed-by": note} if note else headers

    async def _info(self, agent: str) -> dict[str, Any]:
        params = {"key": self._hash(agent)}
        answer = await self._http.read("GET", "key/info", params=params, headers=self._admin(), accept=frozenset({404}))
        read = answer.json() if answer.status != 404 else None
        info = read.get("info") if isinstance(read, dict) else None
        if not isinstance(info, dict):
            message = f"{self.name} has no virtual key of {agent}."
            raise Refused(message, next_step=f"See controls.{self.name}.agents.{agent}.")
        return info

    async def _held(self, target: Target) -> Json:
        return _value(await self._info(target.subject), target)

    async def _set(self, target: Target, value: Json, key: str, note: str) -> Applied:
        async with self._turn:
            info = await self._info(target.subject)
            if _value(info, target) == value:
                return Applied(value=value, already=True, key=key)
            hash_, headers = self._hash(target.subject), self._admin(note)
            if target.setting == BLOCKED:
                path = "key/block" if value else "key/unblock"
                await self._http.write("POST", path, json={"key": hash_}, headers=headers)
            elif target.setting == TOOLS and value:
                body: Json = {"tool_name": target.element, "input_policy": "blocked", "key_hash": hash_}
                await self._http.write("POST", "v1/tool/policy", json=body, headers=headers)
            elif target.setting == TOOLS:
                path = f"v1/tool/{quote(str(target.element), safe='')}/overrides"
                await self._http.write("DELETE", path, params={"key_hash": hash_}, headers=headers)
            else:
                held = info.get("aliases")
                aliases = {k: v for k, v in (held if isinstance(held, dict) else {}).items() if k != target.element}
                aliases |= {str(target.element): value} if value else {}
                body = {"key": hash_, "aliases": aliases}
                await self._http.write("POST", "key/update", json=body, headers=headers)
        return Applied(value=value, key=key)


def _value(info: dict[str, Any], target: Target) -> Json:
    """What a key's row says of one setting: None for nothing."""
    if target.setting == BLOCKED:
        return True if info.get("blocked") is True else None
    if target.setting == TOOLS:
        allowed = info.get("object_permission")
        blocked = allowed.get("blocked_tools") if isinstance(allowed, dict) else None
        return True if isinstance(blocked, list) and target.element in blocked else None
    aliases = info.get("aliases")
    return aliases.get(target.element) if isinstance(aliases, dict) else None


litellm = control_plane("litellm", settings=LiteLLMSettings)(LiteLLM)
