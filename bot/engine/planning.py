"""From a verb to a plan: give it the control plane of the agent and the other ports it names, and call it.

A plan only reads. A port that nobody provides hides the verb, with the reason.
"""

import asyncio
import inspect
import json
from collections.abc import Mapping
from datetime import timedelta

from pydantic import BaseModel, ValidationError

from bot.domain.action import OnceResult
from bot.domain.base import Json
from bot.domain.incident import Incident
from bot.engine import places
from bot.engine.control_http import ControlClient
from bot.engine.datasets import Datasets
from bot.errors import Misconfigured, PullcordError, Refused
from bot.plugin import (
    Action,
    ActionContext,
    AgentProfile,
    ControlPlaneFactory,
    EvalFormat,
    EvalFormats,
    Once,
    Outcome,
    Params,
    Registry,
)
from bot.plugin.controls import ControlHttp, ControlHttpSettings, ControlName
from bot.ports import CAPABILITIES, CodeHost, ControlPlane, EvalDatasets, EvalRepository, Progress
from bot.settings import Settings

_SHOWN = 200
PLAN_SECONDS = 8.0
"""How long a plan may read; adapters have shorter timeouts of their own."""


class Silence:
    """Progress that nobody looks at: of a preview, a drill, a probe."""

    async def step(self, done: int, total: int, words: str = "") -> None:
        """Nothing."""


SILENT: Progress = Silence()


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
        formats = places.eval_formats(registry, settings)
        self._services.setdefault(EvalFormats, formats)
        self._eval_places = places.eval_places(settings, formats)
        if formats.default in formats.by_name:
            self._services.setdefault(EvalFormat, formats.named())
        else:
            self._absent.setdefault(EvalFormat, f"there is no eval format {formats.default} (evals.format)")
        configured = {name: control.type or name for name, control in settings.controls.items()}
        # what is not configured by name exists under its type's name, when it can be made without settings
        for name, kind in {**{kind: kind for kind in registry.control_planes}, **configured}.items():
            factory = registry.control_planes.get(kind)
            if factory is None:
                self._faults[name] = f"there is no type of control plane {kind} (controls.{name}.type)"
            else:
                self._make(name, factory)
        if settings.evals.datasets:
            self._services.setdefault(EvalDatasets, Datasets(settings.evals.datasets, self.named))
        else:
            self._absent.setdefault(EvalDatasets, "no data set is configured (evals.datasets)")

    def _make(self, name: str, factory: ControlPlaneFactory) -> None:
        made = factory.make
        # what is called: a class's constructor, or a function
        called = inspect.getattr_static(made, "__init__") if isinstance(made, type) else made
        hints = inspect.get_annotations(called, eval_str=True)
        wanted = {n: t for n, t in hints.items() if n not in {"settings", "return"}}
        given = inspect.signature(called).parameters
        try:
            options = self._options(name, factory)
        except (ValidationError, Misconfigured) as error:
            self._faults[name] = f"the control plane {name} is not configured ({_first_fault(error)})"
            return
        own: dict[type, object] = {ControlName: ControlName(name)}
        if isinstance(options, ControlHttpSettings):
            own[ControlHttp] = ControlClient(name, options)
        here = {**self._services, **own}
        may_lack = {n for n in wanted if given[n].default is not inspect.Parameter.empty}
        wanted = {n: t for n, t in wanted.items() if t in here or n not in may_lack}
        lacking = [n for n, t in wanted.items() if t not in here]
        if lacking:
            self._faults[name] = f"the control plane {name} needs {lacking[0]}, which this process does not have"
            return
        self._planes[name] = made(options, **{n: here[t] for n, t in wanted.items()})

    def _options(self, name: str, factory: ControlPlaneFactory) -> BaseModel:
        if name in self._settings.controls:
            return self._settings.control_options(name, factory.settings)
        return factory.settings()

    def plane(self, name: str) -> ControlPlane:
        """The adapter of this name. Raises Refused when this process has none."""
        found = self._planes.get(name)
        if found is None:
            reason = self._faults.get(name, f"there is no control plane {name}")
            message = f"This cannot be done now: {reason}."
            raise Refused(message, next_step="See `pullcord check-config`.")
        return found

    def profile(self, incident: Incident, agent: str | None = None) -> AgentProfile:
        """What the configuration says of the incident's agent (or of another); no name when none is known."""
        name = agent or incident.agent or next((r.summary.agent for r in incident.runs if r.summary.agent), None)
        if name is None:
            return AgentProfile(name="")
        settings = self._settings.agent(name)
        team = settings.team
        return AgentProfile(
            name=name,
            models=settings.models,
            fallback_model=settings.fallback_model,
            tools=settings.tools,
            control=settings.control.default[0],
            team=team,
            lengths=self._settings.mitigations.lengths,
            team_agents=tuple(a for a, s in self._settings.agents.items() if team is not None and s.team == team),
            evals=self._eval_places,
            fixes=places.fix_place(self._settings, name),
        )

    def points(self, verb: Action, profile: AgentProfile) -> tuple[str, ...]:
        """The control planes on which this verb must be done for the agent; empty for a verb that needs none.

        Several: each is an execution of its own, with its own read-back.
        """
        ports = [port for port in verb.ports.values() if ControlPlane in port.__mro__]
        if not ports or not profile.name:
            return ()
        return self._settings.agent(profile.name).control.of(CAPABILITIES.get(ports[0], "default"))

    def missing(self, verb: Action, profile: AgentProfile) -> str | None:
        """Why this verb cannot be run for this agent, or None when every port is there, at every enforcement point."""
        try:
            for control in self.points(verb, profile) or (None,):
                self._bind(verb, profile, control)
        except Refused as refused:
            return refused.message
        return None

    def _bind(
        self, verb: Action, profile: AgentProfile, control: str | None, progress: Progress = SILENT
    ) -> dict[str, object]:
        given, bound = inspect.signature(verb.plan).parameters, dict[str, object]()
        for name, port in verb.ports.items():
            try:
                bound[name] = progress if port is Progress else self._port(port, profile, control)
            except Refused:
                if given[name].default is inspect.Parameter.empty:
                    raise  # a verb can do without what it has a default for
        return bound

    def _port(self, port: type, profile: AgentProfile, control: str | None) -> object:
        if ControlPlane in port.__mro__:
            return self._control(port, profile, control)
        if port in self._services:
            return self._services[port]
        if port in self._absent:
            raise Refused(self._absent[port])
        if port is EvalRepository:
            return places.eval_repository(self._planes, self._faults, self._settings)
        if port is CodeHost:
            return places.code_host(self._planes, self._faults, self._settings, profile.name)
        for plane in self._planes.values():
            if getattr(port, "_is_runtime_protocol", False) and isinstance(plane, port):
                return plane
        raise Refused(f"nothing here provides {port.__name__}")

    def _control(self, port: type, profile: AgentProfile, control: str | None) -> object:
        if not profile.name:
            raise Refused("no agent is known for this incident")
        if profile.name not in self._settings.agents:
            raise Refused(f"{profile.name} is not in the configuration (agents.{profile.name}), so nothing controls it")
        name = control or self._settings.agent(profile.name).control.of(CAPABILITIES.get(port, "default"))[0]
        if name not in self._planes:
            raise Refused(self._faults.get(name, f"there is no control plane {name}"))
        plane = self._planes[name]
        if not isinstance(plane, port):
            raise Refused(f"the control plane {name} of {profile.name} cannot do this ({port.__name__})")
        return plane

    def offering(self, port: type, profile: AgentProfile) -> object | None:
        """The control plane of the agent that can tell this (``OffersModels``, ``OffersTools`` ...), or None."""
        if profile.name not in self._settings.agents:
            return None
        names = self._settings.agent(profile.name).control.all
        return next((p for p in map(self._planes.get, names) if p is not None and isinstance(p, port)), None)

    def named(self, name: str) -> object | None:
        """The instance of this name, whatever it does; None when it is not there."""
        return self._planes.get(name)

    async def plan(
        self,
        verb: Action,
        ctx: ActionContext,
        params: Params,
        control: str | None = None,
        progress: Progress = SILENT,
    ) -> Outcome:
        """Call the verb's plan with its ports, on this control plane (None: the agent's first). Only reads.

        ``progress`` is the execution's own, where there is one. Raises Refused when the verb says no or a port is
        missing, and whatever PullcordError its control plane raises.
        """
        ports = self._bind(verb, ctx.agent, control, progress)
        try:
            async with asyncio.timeout(PLAN_SECONDS):
                outcome = verb.plan(ctx, params, **ports)
                return await outcome if inspect.isawaitable(outcome) else outcome
        except TimeoutError as error:
            message = f"{verb.title}: the control plane did not answer in {PLAN_SECONDS:g} s, nothing was changed."
            raise Refused(message, next_step="Press again in a moment.") from error

    async def take_back(
        self, verb: Action, ctx: ActionContext, params: Params, result: OnceResult, control: str | None = None
    ) -> Once:
        """How what a one-off did is taken back. Only reads. Raises Refused where the verb cannot."""
        if verb.take_back is None:
            message = f"What {verb.title} did cannot be taken back from here."
            raise Refused(message, next_step=f"Close it where it is: {result.url or result.ref}.")
        bound = self._bind(verb, ctx.agent, control)
        wanted = list(inspect.signature(verb.take_back).parameters)[3:]
        try:
            async with asyncio.timeout(PLAN_SECONDS):
                made = verb.take_back(ctx, params, result, **{name: bound[name] for name in wanted if name in bound})
                return await made if inspect.isawaitable(made) else made
        except TimeoutError as error:
            message = f"{verb.title}: nothing answered in {PLAN_SECONDS:g} s, nothing was changed."
            raise Refused(message, next_step="Press again in a moment.") from error


def read_params(verb: Action, values: Mapping[str, Json]) -> Params:
    """Parse parameters with the verb's model. Raises ``pydantic.ValidationError``."""
    return verb.params.model_validate(dict(values))


def shown(value: Json) -> str:
    """A setting's value for people."""
    if value is None or value in ("", [], {}):
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def duration(length: timedelta) -> str:
    """``4 hours``, ``1 day``, ``90 seconds``."""
    seconds = int(length.total_seconds())
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size and seconds % size == 0:
            count = seconds // size
            return f"{count} {word}" + ("" if count == 1 else "s")
    return f"{seconds} seconds"


def said(error: PullcordError) -> str:
    """An error's sentence and next step, for an event's reason (bounded)."""
    return str(error)[:1000]


def _first_fault(error: ValidationError | Misconfigured) -> str:
    if isinstance(error, Misconfigured):
        return "; ".join(f"{fault.where}: {fault.reason}" for fault in error.faults[:3])
    return ", ".join(".".join(map(str, fault["loc"])) for fault in error.errors())
