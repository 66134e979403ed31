"""Any system with an HTTP API, declared in the configuration: how a value is read, set, read back and taken away.

Covers endpoints of one's own and what has no adapter here. What is declared is checked at the start; what it means is
not known here, so nothing is believed: without a ``verify`` a change stays pending, and an answer of 200 shows nothing.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.domain.action import Applied, Change, Restraint, Snapshot, Target, Verification, Verified
from bot.domain.base import Json, same_json
from bot.errors import ActionFailed, OutcomeUnknown, Refused
from bot.plugin import ControlAnswer, ControlHttp, ControlName, control_plane
from bot.ports import Clock
from runbooks.controls.http_declared import HttpRead, HttpSettings, HttpVerb, HttpWrite
from runbooks.controls.http_template import at_path, in_body, in_header, in_path, in_text, text_of


class HttpPlane:
    """What every declared control plane has; ``declared`` adds the plans of the verbs that are there."""

    def __init__(self, settings: HttpSettings, http: ControlHttp, name: ControlName, clock: Clock) -> None:
        """``http`` is bound to ``settings.url``."""
        self.name = str(name)
        self._settings = settings
        self._http = http
        self._clock = clock
        self._headers = dict(settings.headers)
        self._headers |= {name: secret.get_secret_value() for name, secret in settings.secret_headers.items()}
        if settings.token is not None:
            self._headers["authorization"] = f"Bearer {settings.token.get_secret_value()}"

    async def plan(
        self,
        verb: str,
        agent: str,
        desired: Json,
        summary: str,
        expires_in: timedelta | None,
        element: str | None = None,
    ) -> Change:
        """Plan to bring what ``verb`` sets to ``desired``. Refused when it is so already."""
        target = Target(control=self.name, subject=agent, setting=verb, element=element)
        before = await self._held(target, self._verb(verb).read)
        if same_json(before, desired):
            message = f"{self.name} holds that already: {_shown(before)}."
            raise Refused(message, field="tool" if element else None, next_step="Nothing needs to be changed.")
        return Change(target=target, desired=desired, before=before, summary=summary, expires_in=expires_in)

    # ------------------------------------------------------------------ the control plane's four calls

    async def current(self, target: Target) -> Snapshot:
        """What the declared ``read`` shows. Who set it is not known."""
        held = await self._held(target, self._verb(target.setting).read)
        return Snapshot(value=held, anonymous=True, at=self._clock.now())

    async def apply(self, change: Change, key: str, restraint: Restraint | None) -> Applied:
        """Send the declared ``apply`` (or ``undo`` for nothing), unless it is so already."""
        if same_json((await self.current(change.target)).value, change.desired):
            return Applied(value=change.desired, already=True, key=key)
        return await self._set(change.target, change.desired, key, restraint)

    async def verify(self, change: Change, applied: Applied) -> Verification:
        """What the declared ``verify`` shows; without one a mismatch of ``read`` is told, and never green."""
        del applied
        verb, now = self._verb(change.target.setting), self._clock.now()
        held = await self._held(change.target, verb.verify or verb.read)
        if not same_json(held, change.desired):
            detail = f"{self.name} holds {_shown(held)}, not {_shown(change.desired)}"
            return Verification(verified=Verified.MISMATCH, detail=detail, at=now)
        if verb.verify is None:
            missing = f"controls.{self.name}.verbs.{change.target.setting}.verify"
            detail = f"{self.name} says that it holds it; nothing shows that it is enforced ({missing} is not declared)"
            return Verification(verified=Verified.PENDING, detail=detail, at=now)
        shows = f"{verb.verify.method} {verb.verify.path}"
        return Verification(verified=Verified.IN_FORCE, detail=f"{shows} shows {_shown(held)}", at=now)

    async def restore(self, change: Change, applied: Applied, before: Snapshot, key: str) -> Applied:
        """Put back what was there, only while it holds what ``change`` set."""
        del applied
        held = (await self.current(change.target)).value
        if not same_json(held, change.desired):
            message = f"{self.name} holds {_shown(held)} now; it is no longer what this action set."
            raise Refused(message, next_step="Look at who changed it before you change it again.")
        return await self._set(change.target, before.value, key, before.restraint)

    # ------------------------------------------------------------------ requests

    def _verb(self, name: str) -> HttpVerb:
        found = {str(verb): declared for verb, declared in self._settings.verbs.items()}.get(name)
        if found is None:
            message = f"{self.name} declares no {name} any more."
            raise Refused(message, next_step=f"See controls.{self.name}.verbs.")
        return found

    async def _held(self, target: Target, read: HttpRead) -> Json:
        """The value that a reading request shows; None where it means that nothing is set."""
        values = _values(target)
        answer = await self._http.read(
            read.method,
            in_path(read.path, values),
            params={name: in_text(text, values) for name, text in read.query.items()},
            json=in_body(read.body, values),
            headers=self._sent(read.headers, values),
            accept=frozenset(read.expect),
        )
        self._expected(answer, read.expect, wrote=False)
        if answer.status in {404, 410}:
            return None
        held = at_path(answer.json(), read.value)
        if isinstance(held, list) and target.setting == "revoke_tool":
            if not all(isinstance(one, str) for one in held):
                message = f"{self.name} does not answer with a list of names at {read.value or 'the top'}."
                raise ActionFailed(message, next_step=f"See the value under controls.{self.name}.verbs.revoke_tool.")
            return True if target.element in held else None
        if isinstance(held, str | bool | int) and text_of(held) in read.map:
            held = read.map[text_of(held)]
        return None if any(same_json(held, one) for one in read.neutral) else held

    async def _set(self, target: Target, desired: Json, key: str, restraint: Restraint | None) -> Applied:
        verb = self._verb(target.setting)
        request = verb.apply if desired is not None else verb.undo
        if request is None:
            message = f"{self.name} declares no way to take {target.setting} away again."
            raise Refused(message, next_step=f"Declare controls.{self.name}.verbs.{target.setting}.undo.")
        await self._send(request, _values(target, desired, key, restraint), key)
        return Applied(value=desired, key=key)

    async def _send(self, request: HttpWrite, values: Mapping[str, Json], key: str) -> None:
        headers = self._sent(request.headers, values)
        if self._settings.idempotency_header is not None:
            headers[self._settings.idempotency_header] = key
        answer = await self._http.write(
            request.method,
            in_path(request.path, values),
            params={name: in_text(text, values) for name, text in request.query.items()},
            json=in_body(request.body, values),
            headers=headers,
            accept=frozenset(request.expect),
        )
        self._expected(answer, request.expect, wrote=True)

    def _sent(self, headers: Mapping[str, str], values: Mapping[str, Json]) -> dict[str, str]:
        return {**self._headers, **{name: in_header(text, values) for name, text in headers.items()}}

    def _expected(self, answer: ControlAnswer, expect: tuple[int, ...], *, wrote: bool) -> None:
        if not expect or answer.status in expect:
            return
        message = f"{self.name} answered {answer.status}, which is none of those that are expected."
        kind = OutcomeUnknown if wrote else ActionFailed
        raise kind(message, next_step=f"See expect in controls.{self.name}.verbs.")


# ------------------------------------------------------------------ plans, one mixin per port


class _Models:
    async def pin_model(self: Any, agent: str, model: str, expires_in: timedelta | None) -> Change:
        """Plan to route every new run to one model."""
        plan: Change = await self.plan("pin_model", agent, model, f"pinned {agent} to {model}", expires_in)
        return plan


class _Fallbacks:
    async def route_fallback(self: Any, agent: str, model: str, expires_in: timedelta | None) -> Change:
        """Plan to route every new run to a fallback model."""
        plan: Change = await self.plan("route_fallback", agent, model, f"routed {agent} to {model}", expires_in)
        return plan


class _Tools:
    async def revoke_tool(self: Any, agent: str, tool: str, expires_in: timedelta | None) -> Change:
        """Plan to deny one tool."""
        plan: Change = await self.plan("revoke_tool", agent, True, f"revoked {tool} from {agent}", expires_in, tool)
        return plan

    async def restore_tool(self: Any, agent: str, tool: str) -> Change:
        """Plan to allow it again."""
        plan: Change = await self.plan("revoke_tool", agent, None, f"restored {tool} to {agent}", None, tool)
        return plan


class _Agents:
    async def pause_agent(self: Any, agent: str, expires_in: timedelta | None) -> Change:
        """Plan to stop new runs."""
        plan: Change = await self.plan("pause_agent", agent, True, f"paused {agent}", expires_in)
        return plan

    async def resume_agent(self: Any, agent: str) -> Change:
        """Plan to let new runs start again."""
        plan: Change = await self.plan("pause_agent", agent, None, f"resumed {agent}", None)
        return plan


class _Bounds:
    async def tighten_validation(
        self: Any, agent: str, tool: str, argument: str, schema: dict[str, Json], expires_in: timedelta | None
    ) -> Change:
        """Plan to bound one argument of a tool."""
        said = f"bound {argument} of {tool} for {agent}"
        element = f"{tool}#{argument}"
        plan: Change = await self.plan("tighten_validation", agent, dict(schema), said, expires_in, element)
        return plan


class _Prompts:
    async def patch_prompt(self: Any, agent: str, text: str, expires_in: timedelta | None) -> Change:
        """Plan to set the guarding text."""
        said = f"added a guarding sentence to the prompt of {agent}"
        plan: Change = await self.plan("patch_prompt", agent, text, said, expires_in)
        return plan


class _Descriptions:
    async def patch_tool_description(
        self: Any, agent: str, tool: str, text: str, expires_in: timedelta | None
    ) -> Change:
        """Plan to replace what a tool says of itself."""
        said = f"changed the description of {tool} for {agent}"
        plan: Change = await self.plan("patch_tool_description", agent, text, said, expires_in, tool)
        return plan

    async def tool_description(self: Any, agent: str, tool: str) -> str | None:
        """What it says now."""
        target = Target(control=self.name, subject=agent, setting="patch_tool_description", element=tool)
        held = (await self.current(target)).value
        return held if isinstance(held, str) else None


_PORTS: dict[str, type] = {
    "pin_model": _Models,
    "route_fallback": _Fallbacks,
    "revoke_tool": _Tools,
    "pause_agent": _Agents,
    "tighten_validation": _Bounds,
    "patch_prompt": _Prompts,
    "patch_tool_description": _Descriptions,
}


def declared(settings: HttpSettings, http: ControlHttp, name: ControlName, clock: Clock) -> HttpPlane:
    """A control plane that meets the ports whose verbs are declared, and no other."""
    kind = type("DeclaredPlane", (HttpPlane, *(_PORTS[verb] for verb in sorted(settings.verbs))), {})
    made: HttpPlane = kind(settings, http, name, clock)
    return made


http = control_plane("http", settings=HttpSettings)(declared)


def _values(target: Target, desired: Json = None, key: str = "", restraint: Restraint | None = None) -> dict[str, Json]:
    """What stands for the names in a request. ``model``, ``text``, ``version`` and ``schema`` are the value's."""
    tool, argument = target.element or "", ""
    if target.setting == "tighten_validation":
        tool, _, argument = tool.rpartition("#")
    by: dict[str, Json] = dict.fromkeys(("incident", "by", "why", "until"), "")
    if restraint is not None:
        by = {"incident": restraint.incident, "by": restraint.by, "why": restraint.why}
        by["until"] = "" if restraint.until is None else restraint.until.isoformat()
    alike = dict.fromkeys(("value", "model", "text", "version", "schema"), desired)
    return {"agent": target.subject, "tool": tool, "argument": argument, "key": key, **alike, **by}


def _shown(value: Json) -> str:
    return "nothing" if value is None else repr(value)[:200]
