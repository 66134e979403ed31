"""Open Policy Agent: what an agent may not do lies in its data, and a policy of the team's own decides by it.

Written is ``data.<root>.<agent>.denied_tools.<tool>`` and ``data.<root>.<agent>.paused``: an object that holds who, why
and until when, and is gone when nothing is restrained. A policy reads it, for example

```rego
allow := true if {
    not data.pullcord.agents[input.agent].denied_tools[input.tool]
    not data.pullcord.agents[input.agent].paused
}
```

Read back is the decision itself (``POST /v1/data/<decision>``): anything but true is a denial, an undefined one too.
"""

from datetime import timedelta
from typing import Annotated, Final
from urllib.parse import quote

from pydantic import StringConstraints, ValidationError

from bot.domain.action import Applied, Change, Restraint, Snapshot, Target, Verification, Verified
from bot.domain.base import Json, Value
from bot.errors import Refused
from bot.plugin import ControlHttp, ControlHttpSettings, ControlName, control_plane
from bot.ports import Clock
from bot.settings import Token

_DOCUMENT: Final = r"^[A-Za-z_][A-Za-z0-9_]*(?:/[A-Za-z_][A-Za-z0-9_]*)*$"
_MOST: Final = 200

Document = Annotated[str, StringConstraints(pattern=_DOCUMENT, max_length=200)]


class OpaSettings(ControlHttpSettings):
    """``root`` is where the data lies, ``decision`` the rule that says true for what an agent may do.

    The rule is asked with ``{"input": {"agent": ..., "tool": ...}}``, for a pause without ``tool``. Without a
    decision a change stays pending: that the data is there does not show that a policy obeys it.
    """

    token: Token | None = None
    root: Document = "pullcord/agents"
    decision: Document | None = None


class _Entry(Value):
    """What stands in the data: true for policies, and who, why and until when for people."""

    key: str
    restraint: Restraint | None = None


class Opa:
    """Meets ToolControl and AgentControl."""

    def __init__(self, settings: OpaSettings, http: ControlHttp, name: ControlName, clock: Clock) -> None:
        """``http`` is bound to the address of the server."""
        self.name = str(name)
        self._settings = settings
        self._http = http
        self._clock = clock
        token = settings.token
        self._headers = {} if token is None else {"authorization": f"Bearer {token.get_secret_value()}"}

    # ------------------------------------------------------------------ plans

    async def revoke_tool(self, agent: str, tool: str, expires_in: timedelta | None) -> Change:
        """Plan to deny one tool. Refused when the policy does not allow it now: then a denial would show nothing."""
        return await self._plan(agent, tool, f"revoked {tool} from {agent}", expires_in, denies=True)

    async def restore_tool(self, agent: str, tool: str) -> Change:
        """Plan to take the denial away."""
        return await self._plan(agent, tool, f"restored {tool} to {agent}", None, denies=False)

    async def pause_agent(self, agent: str, expires_in: timedelta | None) -> Change:
        """Plan to pause the agent. Refused when the policy does not let it run now."""
        return await self._plan(agent, None, f"paused {agent}", expires_in, denies=True)

    async def resume_agent(self, agent: str) -> Change:
        """Plan to take the pause away."""
        return await self._plan(agent, None, f"resumed {agent}", None, denies=False)

    async def _plan(
        self, agent: str, tool: str | None, said: str, expires_in: timedelta | None, *, denies: bool
    ) -> Change:
        setting = "paused" if tool is None else "denied_tools"
        target = Target(control=self.name, subject=agent, setting=setting, element=tool)
        before = (await self.current(target)).value
        desired = True if denies else None
        field = None if tool is None else "tool"
        if before == desired:
            message = f"{target} is {'set' if denies else 'not set'} already."
            raise Refused(message, field=field, next_step="Nothing needs to be changed.")
        if denies and self._settings.decision is not None and not await self._allowed(target):
            message = (
                f"The policy {self._settings.decision} does not allow this to {agent} now, or there is no such policy."
            )
            raise Refused(message, field=field, next_step=f"See controls.{self.name}.decision.")
        return Change(target=target, desired=desired, before=before, summary=said, expires_in=expires_in)

    # ------------------------------------------------------------------ the control plane's four calls

    async def current(self, target: Target) -> Snapshot:
        """Whether the entry is in the data, and whose it is where it says so."""
        answer = await self._http.read("GET", self._path(target), headers=self._headers, accept=frozenset({404}))
        read = answer.json() if answer.status != 404 else None
        held = read.get("result") if isinstance(read, dict) else None
        now = self._clock.now()
        if held is None or held is False:  # undefined, or somebody's own "no"
            return Snapshot(value=None, anonymous=True, at=now)
        try:
            entry = _Entry.model_validate(held)
        except ValidationError:
            return Snapshot(value=True, anonymous=True, at=now)
        return Snapshot(value=True, restraint=entry.restraint, owner=entry.key, at=now)

    async def apply(self, change: Change, key: str, restraint: Restraint | None) -> Applied:
        """Put the entry, or delete it; each tool has an entry of its own."""
        held = await self.current(change.target)
        if held.value == change.desired and (held.anonymous or held.owner == key):
            return Applied(value=held.value, already=True, key=key)
        await self._set(change.target, change.desired, key, restraint)
        return Applied(value=change.desired, key=key)

    async def verify(self, change: Change, applied: Applied) -> Verification:
        """What the policy decides now; the data alone shows nothing."""
        del applied
        held, now = (await self.current(change.target)).value, self._clock.now()
        if held != change.desired:
            detail = f"{change.target} is {_shown(held)} in the data, not {_shown(change.desired)}"
            return Verification(verified=Verified.MISMATCH, detail=detail, at=now)
        decision = self._settings.decision
        if decision is None:
            detail = f"it is in the data; name the rule that decides (controls.{self.name}.decision) to see it obeyed"
            return Verification(verified=Verified.PENDING, detail=detail, at=now)
        allowed = await self._allowed(change.target)
        said = f"{decision} {'allows' if allowed else 'denies'} it"
        if allowed is (change.desired is None):
            return Verification(verified=Verified.IN_FORCE, detail=said, at=now)
        return Verification(verified=Verified.MISMATCH, detail=f"{said}, whatever the data says", at=now)

    async def restore(self, change: Change, applied: Applied, before: Snapshot, key: str) -> Applied:
        """Put back what was there, only while it is what ``change`` set."""
        held = await self.current(change.target)
        if held.value != change.desired or (held.owner is not None and applied.key not in {None, held.owner}):
            by = f" by {held.restraint.by} ({held.restraint.incident})" if held.restraint is not None else ""
            message = f"{change.target} is {_shown(held.value)}{by}; it is no longer what this action set."
            raise Refused(message, next_step="Look at who changed it before you change it again.")
        await self._set(change.target, before.value, before.owner or key, before.restraint)
        return Applied(value=before.value, key=key)

    # ------------------------------------------------------------------ the server

    async def _set(self, target: Target, value: Json, key: str, restraint: Restraint | None) -> None:
        if value is None:
            await self._http.write("DELETE", self._path(target), headers=self._headers, accept=frozenset({404}))
            return
        entry: Json = _Entry(key=key, restraint=restraint).model_dump(mode="json", exclude_none=True)
        await self._http.write("PUT", self._path(target), json=entry, headers=self._headers)

    async def _allowed(self, target: Target) -> bool:
        asked: dict[str, Json] = {"agent": target.subject}
        if target.element is not None:
            asked["tool"] = target.element
        path = f"v1/data/{self._settings.decision}"
        answer = await self._http.read("POST", path, json={"input": asked}, headers=self._headers)
        read = answer.json()
        return isinstance(read, dict) and read.get("result") is True

    def _path(self, target: Target) -> str:
        names = [target.subject, target.setting, *([] if target.element is None else [target.element])]
        for name in names:
            # OPA splits the path after decoding it, so that a slash in a name would be two steps
            if not name or len(name) > _MOST or name in {".", ".."} or "/" in name or not name.isprintable():
                message = f"{name[:60]!r} cannot be a step in a path of OPA's data."
                raise Refused(message, next_step="Look at the name.")
        return "/".join(["v1/data", self._settings.root, *(quote(name, safe="") for name in names)])


opa = control_plane("opa", settings=OpaSettings)(Opa)


def _shown(value: Json) -> str:
    return "not set" if value is None else "set"
