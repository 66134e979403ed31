"""From a verb to a plan: give it the control plane of the agent and the other ports it names, and call it.

A plan only reads. A port that nobody provides hides the verb, with the reason.
"""

import asyncio
import inspect
from collections.abc import Mapping
from typing import Any, cast

from pydantic import ValidationError

from bot.domain.action import Change
from bot.domain.base import Json
from bot.domain.incident import Incident
from bot.errors import PullcordError, Refused
from bot.plugin import Action, ActionContext, AgentProfile, ControlPlaneFactory, EvalFormat, Outcome, Params, Registry
from bot.ports import ControlPlane
from bot.settings import Settings

PLAN_SECONDS = 8.0
"""How long a plan may read; adapters have shorter timeouts of their own."""


class ControlPlanes:
    """Every control plane of the registry, made once, and the kernel's ports by type.

    ``services`` holds instances by port type (DesiredState, Clock, EvidenceReader, ...). ``absent`` says in words why a
    port type has none ("no eval repository is configured (evals.remote)").
    """

    def __init__(
        self,
        registry: Registry,
        settings: Settings,
        services: Mapping[type, object],
        absent: Mapping[type, str] | None = None,
    ) -> None:
        """Make the adapters. One that cannot be made is kept out with its reason; its verbs are hidden with it."""
        self._settings = settings
        self._services: dict[type, object] = dict(services)
        self._absent = dict(absent or {})
        self._planes: dict[str, ControlPlane] = {}
        self._faults: dict[str, str] = {}
        chosen = registry.eval_formats.get(settings.evals.format)
        if chosen is not None:
            self._services.setdefault(EvalFormat, chosen.make())
        else:
            self._absent.setdefault(EvalFormat, f"there is no eval format {settings.evals.format} (evals.format)")
        for name, factory in registry.control_planes.items():
            self._make(name, factory)

    def _make(self, name: str, factory: ControlPlaneFactory) -> None:
        made = factory.make
        # what is called: a class's constructor, or a function
        called = inspect.getattr_static(made, "__init__") if isinstance(made, type) else made
        hints = inspect.get_annotations(called, eval_str=True)
        wanted = {n: t for n, t in hints.items() if n not in {"settings", "return"}}
        given = inspect.signature(called).parameters
        may_lack = {n for n in wanted if given[n].default is not inspect.Parameter.empty}
        wanted = {n: t for n, t in wanted.items() if t in self._services or n not in may_lack}
        lacking = [n for n, t in wanted.items() if t not in self._services]
        if lacking:
            self._faults[name] = f"the control plane {name} needs {lacking[0]}, which this process does not have"
            return
        try:
            options = factory.settings()
        except ValidationError as error:
            fields = ", ".join(".".join(map(str, fault["loc"])) for fault in error.errors())
            self._faults[name] = f"the control plane {name} is not configured ({fields})"
            return
        self._planes[name] = made(options, **{n: self._services[t] for n, t in wanted.items()})

    def plane(self, name: str) -> ControlPlane:
        """The adapter of this name. Raises Refused when this process has none."""
        found = self._planes.get(name)
        if found is None:
            reason = self._faults.get(name, f"there is no control plane {name}")
            message = f"This cannot be done now: {reason}."
            raise Refused(message, next_step="See `pullcord check-config`.")
        return found

    def profile(self, incident: Incident) -> AgentProfile:
        """What the configuration says of the incident's agent; its name is empty when no agent is known."""
        name = incident.agent or next((r.summary.agent for r in incident.runs if r.summary.agent), None)
        if name is None:
            return AgentProfile(name="")
        agent = self._settings.agent(name)
        return AgentProfile(
            name=name,
            models=agent.models,
            fallback_model=agent.fallback_model,
            tools=agent.tools,
            control=agent.control,
        )

    def missing(self, verb: Action, profile: AgentProfile) -> str | None:
        """Why this verb cannot be run for this agent, or None when every port is there."""
        try:
            self._bind(verb, profile)
        except Refused as refused:
            return refused.message
        return None

    def _bind(self, verb: Action, profile: AgentProfile) -> dict[str, object]:
        return {name: self._port(port, profile) for name, port in verb.ports.items()}

    def _port(self, port: type, profile: AgentProfile) -> object:
        if ControlPlane in port.__mro__:
            return self._control(port, profile)
        if port in self._services:
            return self._services[port]
        for plane in self._planes.values():
            if getattr(port, "_is_runtime_protocol", False) and isinstance(plane, port):
                return plane
        raise Refused(self._absent.get(port, f"nothing here provides {port.__name__}"))

    def _control(self, port: type, profile: AgentProfile) -> object:
        if not profile.name:
            raise Refused("no agent is known for this incident")
        if profile.name not in self._settings.agents:
            raise Refused(f"{profile.name} is not in the configuration (agents.{profile.name}), so nothing controls it")
        if profile.control not in self._planes:
            raise Refused(self._faults.get(profile.control, f"there is no control plane {profile.control}"))
        plane = self._planes[profile.control]
        if not isinstance(plane, port):
            raise Refused(f"the control plane {profile.control} of {profile.name} cannot do this ({port.__name__})")
        return plane

    async def plan(self, verb: Action, ctx: ActionContext, params: Params) -> Outcome:
        """Call the verb's plan with its ports. Only reads.

        Raises Refused when the verb says no or a port is missing, and whatever PullcordError its control plane raises.
        """
        ports = self._bind(verb, ctx.agent)
        try:
            async with asyncio.timeout(PLAN_SECONDS):
                outcome = verb.plan(ctx, params, **ports)
                return await outcome if inspect.isawaitable(outcome) else outcome
        except TimeoutError as error:
            message = f"{verb.title}: the control plane did not answer in {PLAN_SECONDS:g} s, nothing was changed."
            raise Refused(message, next_step="Press again in a moment.") from error


def read_params(verb: Action, values: Mapping[str, Json]) -> Params:
    """Parse parameters with the verb's model. Raises ``pydantic.ValidationError``."""
    return verb.params.model_validate(dict(values))


def preview(outcome: Outcome) -> str:
    """What a plan would do, in one line. Foreign text is not escaped here."""
    if not isinstance(outcome, Change):
        return outcome.preview or outcome.summary
    until = f", for {_span(outcome)}" if outcome.expires_in is not None else ""
    return f"{outcome.target}: now {shown(outcome.before)}, then {shown(outcome.desired)}{until}"


def shown(value: Json) -> str:
    """A setting's value for people."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)[:200]


def _span(change: Change) -> str:
    seconds = int(cast("Any", change.expires_in).total_seconds())
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size and seconds % size == 0:
            count = seconds // size
            return f"{count} {word}" + ("" if count == 1 else "s")
    return f"{seconds} seconds"


def said(error: PullcordError) -> str:
    """An error's sentence and next step, for an event's reason (bounded)."""
    return str(error)[:1000]
