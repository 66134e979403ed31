"""A LiteLLM gateway that runs our hook (examples/litellm): written to our own store, read back through the gateway.

The desired state is the one of the embedded control plane, which the hook reads over OFREP. What enforces is the
gateway, so that is what is asked: a canary as the agent, whose headers tell which model answered and which revision the
hook obeyed. A denied tool is asked for by force (the hook refuses it before any model is asked); a pause is a 503.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from bot.domain.action import Applied, Change, Verification, Verified
from bot.domain.catalogue import Duration
from bot.domain.desired import FALLBACK_MODEL, MODEL, PAUSED, TOOLS_DENIED
from bot.errors import ActionFailed, Refused
from bot.plugin import ControlHttp, ControlName, control_plane
from bot.ports import Clock, DesiredState
from runbooks.controls.embedded import Embedded, EmbeddedSettings
from runbooks.controls.litellm_canary import Canary, CanarySettings, Seen
from runbooks.controls.stored_settings import shown


class LiteLLMHookSettings(CanarySettings):
    """``every`` is what the hook's own settings say; ``canaries`` how many must agree (a gateway of many workers)."""

    every: Annotated[Duration, Field(gt=timedelta(0), le=timedelta(minutes=5))] = timedelta(seconds=2)
    canaries: Annotated[int, Field(ge=1, le=20)] = 1


class LiteLLMHook(Embedded):
    """Meets what the embedded control plane meets, and OffersModels."""

    def __init__(
        self, settings: LiteLLMHookSettings, http: ControlHttp, name: ControlName, clock: Clock, desired: DesiredState
    ) -> None:
        """``http`` is bound to the gateway, ``desired`` is what its hook reads."""
        super().__init__(EmbeddedSettings(), desired, clock)
        self.name = str(name)
        self._gateway = settings
        self._canary = Canary(settings, http)

    async def models(self, agent: str) -> Sequence[str]:
        """Model names that the gateway offers to the agent's key."""
        return await self._canary.models(agent)

    async def pin_model(self, agent: str, model: str, expires_in: timedelta | None) -> Change:
        """Plan to set ``agent.model``, to a model that the gateway has."""
        await self._offered(agent, model)
        return await super().pin_model(agent, model, expires_in)

    async def route_fallback(self, agent: str, model: str, expires_in: timedelta | None) -> Change:
        """Plan to set ``agent.fallback_model``, to a model that the gateway has."""
        await self._offered(agent, model)
        return await super().route_fallback(agent, model, expires_in)

    async def _offered(self, agent: str, model: str) -> None:
        there = await self._canary.models(agent)
        if model not in there:
            message = f"{self.name} offers no model {model} to {agent}."
            some = ", ".join(there[:10]) or "none"
            raise Refused(message, field="model", next_step=f"Choose one of its models ({some}).")

    async def verify(self, change: Change, applied: Applied) -> Verification:
        """Send a canary as the agent, as often as ``canaries`` says; each must show it."""
        target, now = change.target, self._clock.now()
        state = await self._desired.state(target.subject)
        setting = state.setting(target.setting, target.element)
        held = None if setting is None else setting.value
        if held != change.desired:
            detail = f"{target} now holds {shown(held)}, not {shown(change.desired)}"
            return Verification(verified=Verified.MISMATCH, detail=detail, at=now)
        model = self._canary.asks_for(target.subject)
        if model is None:
            detail = f"written; set controls.{self.name}.agents.{target.subject}.model so that a canary can show it"
            return Verification(verified=Verified.PENDING, detail=detail, at=now)
        wanted = applied.revision if applied.revision is not None else state.revision
        tool = target.element if target.setting == TOOLS_DENIED else None
        details: dict[str, None] = {}
        for _ in range(self._gateway.canaries):
            seen = await self._canary.send(target.subject, model, tool)
            if seen.status in {401, 403} and not seen.agent:  # before our hook was asked
                message = f"{self.name} refused the credentials of the canary ({seen.status})."
                raise ActionFailed(message, next_step=f"See key and agents in controls.{self.name}.")
            verified, detail = self._judged(change, seen, wanted)
            if verified is not Verified.IN_FORCE:
                known_at = now + self._gateway.every * 2 if verified is Verified.PENDING else None
                return Verification(verified=verified, detail=detail, at=now, known_at=known_at)
            details[detail] = None
        return Verification(verified=Verified.IN_FORCE, detail="; ".join(details)[:600], at=now)

    def _judged(self, change: Change, seen: Seen, wanted: int) -> tuple[Verified, str]:
        target = change.target
        if seen.agent != target.subject:
            by = f"took the canary for {seen.agent}" if seen.agent else "answered without saying whom it obeyed"
            return Verified.MISMATCH, f"the gateway {by}: see whether its hook is loaded and knows {target.subject}"
        if seen.revision < wanted:
            stale = f"; it has not read us since: {seen.stale}" if seen.stale else ""
            return Verified.PENDING, f"the gateway obeys revision {seen.revision}, not yet {wanted}{stale}"
        good, detail = _JUDGES.get(target.setting, _by_revision)(change, seen)
        at = f" (revision {seen.revision}, process {seen.instance})"
        return Verified.IN_FORCE if good else Verified.MISMATCH, detail + at


def _by_model(change: Change, seen: Seen) -> tuple[bool, str]:
    if seen.status == 503 and not seen.group:
        return True, f"the gateway obeys it; no model answered: {seen.reason}"
    if not seen.group:
        return False, f"the gateway answered the canary with {seen.status}: {seen.reason or 'no reason given'}"
    answered = f"the canary was answered by {seen.who}"
    if change.desired:
        return seen.group == change.desired, answered
    return seen.group != change.before, answered


def _by_pause(change: Change, seen: Seen) -> tuple[bool, str]:
    paused = seen.status == 503 and not seen.group
    said = f"503: {seen.reason}" if paused else seen.who
    return paused is (change.desired is True), f"the gateway answered the canary with {said}"


def _by_tool(change: Change, seen: Seen) -> tuple[bool, str]:
    if seen.status == 503 and not seen.group:
        return True, f"the gateway obeys it; nothing was let through: {seen.reason}"
    refused = seen.status == 403 and not seen.group
    said = f"refused: {seen.reason}" if refused else f"let through to {seen.who}"
    return refused is (change.desired is True), f"a canary that insists on {change.target.element} was {said}"


def _by_revision(change: Change, seen: Seen) -> tuple[bool, str]:
    """A bound or a sentence: a canary cannot make a model break it, so what the hook says it obeys is what is known."""
    del seen
    return True, f"the gateway's hook obeys {change.target.setting}"


_JUDGES: dict[str, Callable[[Change, Seen], tuple[bool, str]]] = {
    MODEL: _by_model,
    FALLBACK_MODEL: _by_model,
    PAUSED: _by_pause,
    TOOLS_DENIED: _by_tool,
}

litellm_hook = control_plane("litellm_hook", settings=LiteLLMHookSettings)(LiteLLMHook)
