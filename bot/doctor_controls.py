"""What the doctor looks at in ``controls``: each configured control plane is asked by reads and plans, never by writes.

A plan only reads (``ControlPlane``), so that planning a pause proves address, credentials and the agent's name there.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, runtime_checkable

from bot.doctor_findings import Check, Finding, Health, each
from bot.engine.planning import ControlPlanes
from bot.errors import Refused
from bot.open_store import SystemClock, open_store
from bot.plugin import Registry
from bot.ports import (
    AgentControl,
    Clock,
    DesiredState,
    EvalDataset,
    FallbackControl,
    ModelControl,
    OffersModels,
    OffersTools,
    PromptControl,
    PromptVersionControl,
    ToolControl,
    ToolDescriptionControl,
    ValidationControl,
)
from bot.recorder.redact import Redactor
from bot.settings import Settings

_NOBODY = "pullcord-doctor"
"""A name that nothing has: the answer to it is a proof as good as any."""
_MOST = 5
"""Of so many agents each control plane is asked; one line names them all."""


@runtime_checkable
class _Branches(Protocol):
    """A code host: GitHub, GitLab."""

    async def read_at(self, path: str, branch: str) -> tuple[str | None, str]: ...


async def control_findings(settings: Settings, registry: Registry | None, findings: list[Finding]) -> None:
    """One line for each of ``controls``; one that fails hides no other."""
    if registry is None or not settings.controls:
        return
    async with open_store(settings, guest=True) as store:
        planes = ControlPlanes(registry, settings, {Clock: SystemClock(), DesiredState: store.desired})

        def check(name: str) -> Check:
            return f"control plane {name}", lambda: _look(settings, planes, name)

        await each(findings, [check(name) for name in settings.controls])


async def _look(settings: Settings, planes: ControlPlanes, name: str) -> list[Finding]:
    line = f"control plane {name}"
    try:
        plane: object = planes.plane(name)
    except Refused as error:
        return [Finding(line, Health.BAD, Redactor().text(error.message), error.next_step or "")]
    agents = [agent for agent, configured in settings.agents.items() if name in configured.control.all]
    health, seen, step = Health.GOOD, list[str](), ""
    for asked in _questions(settings, plane, agents[:_MOST]):
        try:
            seen.append(await asked())
        except Refused as error:  # it answered, and there is something to look at: a name, a file, a flag
            health, step = Health.NOTE, step or error.next_step or ""
            seen.append(error.message)
    if not seen:
        step = f"Name it under agents.<name>.control, or take controls.{name} out."
        return [Finding(line, Health.NOTE, "was not asked: no agent names it", step)]
    return [Finding(line, health, Redactor().text("; ".join(seen))[:500], step)]


def _questions(settings: Settings, plane: object, agents: Sequence[str]) -> list[Callable[[], Awaitable[str]]]:
    """What is asked of it, in words of what was seen."""
    found: list[Callable[[], Awaitable[str]]] = []
    if isinstance(plane, EvalDataset):
        found.append(lambda: _dataset(plane))
    if isinstance(plane, _Branches):
        found.append(lambda: _branch(plane, settings.evals.branch))
    for agent in agents:
        if isinstance(plane, OffersModels | OffersTools | PromptVersionControl):
            found.append(lambda agent=agent: _offered(plane, agent))  # type: ignore[misc]
        if (plan := _plan(plane)) is not None:
            found.append(lambda agent=agent: _planned(plan, agent))  # type: ignore[misc]
    return found


async def _dataset(plane: EvalDataset) -> str:
    await plane.holds([_NOBODY])
    return "its data set was asked for a case"


async def _branch(plane: _Branches, branch: str) -> str:
    _, commit = await plane.read_at(f".{_NOBODY}", branch)
    return f"{branch} read at {commit[:10]}"


async def _offered(plane: object, agent: str) -> str:
    if isinstance(plane, OffersModels):
        return f"offers {agent} {_some(await plane.models(agent), 'model')}"
    if isinstance(plane, OffersTools):
        return f"offers {agent} {_some(await plane.tools(agent), 'tool')}"
    versions = await plane.prompt_versions(agent) if isinstance(plane, PromptVersionControl) else ()
    return f"holds {_some([one.id for one in versions], 'version')} of the prompt of {agent}"


def _some(names: Sequence[str], what: str) -> str:
    return f"{len(names)} {what}" + ("" if len(names) == 1 else "s")


async def _planned(plan: Callable[[str], Awaitable[object]], agent: str) -> str:
    await plan(agent)
    return f"can act on {agent} (planned, nothing written)"


def _plan(plane: object) -> Callable[[str], Awaitable[object]] | None:  # noqa: PLR0911 - one per port
    """The first plan that it has, preferring what asks for no name but the agent's."""
    if isinstance(plane, AgentControl):
        return lambda agent: plane.pause_agent(agent, None)
    if isinstance(plane, PromptControl):
        return lambda agent: plane.patch_prompt(agent, _NOBODY, None)
    if isinstance(plane, ToolDescriptionControl):
        return lambda agent: plane.tool_description(agent, _NOBODY)
    if isinstance(plane, ToolControl):
        return lambda agent: plane.revoke_tool(agent, _NOBODY, None)
    if isinstance(plane, ModelControl):
        return lambda agent: plane.pin_model(agent, _NOBODY, None)
    if isinstance(plane, FallbackControl):
        return lambda agent: plane.route_fallback(agent, _NOBODY, None)
    if isinstance(plane, ValidationControl):
        return lambda agent: plane.tighten_validation(agent, _NOBODY, _NOBODY, {}, None)
    return None
