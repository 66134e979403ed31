"""What the embedded control plane would set: each plan reads the agent's state and answers a change, or says no."""

from datetime import timedelta

from bot.domain.action import Change, Target
from bot.domain.argument_path import path_of
from bot.domain.base import Json
from bot.domain.desired import (
    FALLBACK_MODEL,
    MODEL,
    PAUSED,
    PROMPT_SUFFIX,
    TOOLS_DENIED,
    VALIDATION,
    AgentState,
    bound_of,
)
from bot.errors import Refused
from runbooks.controls.stored_settings import StoredSettings

MOST_SUFFIX = 4_000
"""Characters of all guarding sentences together: every prompt of the agent carries them."""
MOST_BOUNDS = 100


class Plans(StoredSettings):
    """Plans of all ports that the flags of an agent can meet. ``name`` is the control plane's."""

    name: str

    async def pin_model(self, agent: str, model: str, expires_in: timedelta | None) -> Change:
        """Plan to set ``agent.model``."""
        before = (await self._desired.state(agent)).value(MODEL)
        if before == model:
            message = f"{agent} is already pinned to {model}."
            raise Refused(message, field="model", next_step="Choose another snapshot, or undo the pin.")
        target = self._target(agent, MODEL)
        summary = f"pinned {agent} to {model}"
        return Change(target=target, desired=model, before=before, summary=summary, expires_in=expires_in)

    async def route_fallback(self, agent: str, model: str, expires_in: timedelta | None) -> Change:
        """Plan to set ``agent.fallback_model``. Refused while a pin stands, which agents obey first."""
        state = await self._desired.state(agent)
        pinned, before = state.value(MODEL), state.value(FALLBACK_MODEL)
        if pinned:
            message = f"{agent} is pinned to {pinned}, and a pin goes before a fallback: this would change nothing."
            raise Refused(message, field="model", next_step="Undo the pin first, or pin the fallback model.")
        if before == model:
            message = f"{agent} is already routed to {model}."
            raise Refused(message, field="model", next_step="Choose another model, or undo the route.")
        target = self._target(agent, FALLBACK_MODEL)
        summary = f"routed {agent} to its fallback {model}"
        return Change(target=target, desired=model, before=before, summary=summary, expires_in=expires_in)

    async def revoke_tool(self, agent: str, tool: str, expires_in: timedelta | None) -> Change:
        """Plan to put one tool on the denied list."""
        before = _denied(await self._desired.state(agent), tool)
        if before:
            message = f"{tool} is already revoked from {agent}."
            raise Refused(message, field="tool", next_step="Choose another tool.")
        target = self._target(agent, TOOLS_DENIED, tool)
        summary = f"revoked {tool} from {agent}"
        return Change(target=target, desired=True, before=before, summary=summary, expires_in=expires_in)

    async def restore_tool(self, agent: str, tool: str) -> Change:
        """Plan to take one tool off the denied list."""
        if not _denied(await self._desired.state(agent), tool):
            message = f"{tool} is not revoked from {agent}."
            raise Refused(message, field="tool", next_step="Nothing needs to be restored.")
        target = self._target(agent, TOOLS_DENIED, tool)
        return Change(target=target, desired=None, before=True, summary=f"restored {tool} to {agent}")

    async def pause_agent(self, agent: str, expires_in: timedelta | None) -> Change:
        """Plan to set ``agent.paused``."""
        if (await self._desired.state(agent)).value(PAUSED) is True:
            message = f"{agent} is already paused."
            raise Refused(message, next_step="Resume it first to pause it with another reason.")
        target = self._target(agent, PAUSED)
        summary = f"paused {agent}"
        return Change(target=target, desired=True, before=False, summary=summary, expires_in=expires_in)

    async def resume_agent(self, agent: str) -> Change:
        """Plan to clear ``agent.paused``."""
        if (await self._desired.state(agent)).value(PAUSED) is not True:
            message = f"{agent} is not paused."
            raise Refused(message, next_step="Nothing needs to be resumed.")
        return Change(target=self._target(agent, PAUSED), desired=None, before=True, summary=f"resumed {agent}")

    async def tighten_validation(
        self, agent: str, tool: str, argument: str, schema: dict[str, Json], expires_in: timedelta | None
    ) -> Change:
        """Plan to set one element of ``agent.validation``."""
        try:
            path_of(argument)
        except ValueError as error:
            hint = "Write names with dots between them, such as order.amount."
            raise Refused(f"{error}.", field="argument", next_step=hint) from error
        state = await self._desired.state(agent)
        element = bound_of(tool, argument)
        held = state.setting(VALIDATION, element)
        if held is not None and held.value == schema:
            message = f"{argument} of {tool} is already bound so for {agent}."
            raise Refused(message, field="value", next_step="Choose another bound, or undo that one.")
        if held is None and sum(s.flag == VALIDATION for s in state.settings) >= MOST_BOUNDS:
            message = f"{agent} has {MOST_BOUNDS} bounds already, which its agent reads with each request."
            raise Refused(message, next_step="Undo one of them, or revoke the tool.")
        target = self._target(agent, VALIDATION, element)
        before = None if held is None else held.value
        summary = f"bound {argument} of {tool} for {agent}"
        return Change(target=target, desired=dict(schema), before=before, summary=summary, expires_in=expires_in)

    async def patch_prompt(self, agent: str, text: str, expires_in: timedelta | None) -> Change:
        """Plan to add a paragraph to ``agent.prompt.suffix``; what stands there stays."""
        before = (await self._desired.state(agent)).value(PROMPT_SUFFIX)
        there = before if isinstance(before, str) else ""
        if text in there.split("\n\n"):
            message = f"{agent} is told this already."
            raise Refused(message, field="text", next_step="Write another sentence, or undo that one.")
        wanted = f"{there}\n\n{text}" if there else text
        if len(wanted) > MOST_SUFFIX:
            message = f"What is added to the prompt of {agent} would be over {MOST_SUFFIX} characters."
            raise Refused(message, field="text", next_step="Write less, or undo an earlier sentence first.")
        target = self._target(agent, PROMPT_SUFFIX)
        summary = f"added a guarding sentence to the prompt of {agent}"
        return Change(target=target, desired=wanted, before=before, summary=summary, expires_in=expires_in)

    def _target(self, agent: str, flag: str, element: str | None = None) -> Target:
        return Target(control=self.name, subject=agent, setting=flag, element=element)


def _denied(state: AgentState, tool: str) -> bool:
    setting = state.setting(TOOLS_DENIED, tool)
    return setting is not None and setting.value is True
