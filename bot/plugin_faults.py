"""What only plug-ins can judge of a configuration: alert sources, trace stores, control planes, the eval format."""

from collections.abc import Iterable
from dataclasses import replace

from bot.errors import Fault, Misconfigured
from bot.ladder_files import ladders_of
from bot.permission_faults import permission_faults
from bot.plugin import ControlPlaneFactory, Registry
from bot.ports import CAPABILITIES, ControlPlane
from bot.registry import discover
from bot.settings import Settings


def registry_of(settings: Settings) -> Registry:
    """The plug-ins of the configuration, with its ladders. Raises Misconfigured for what cannot be loaded."""
    registry = discover(settings.plugins)
    ladders, faults = ladders_of(settings, registry)
    if faults:
        message = "The ladders cannot be loaded."
        raise Misconfigured(message, tuple(faults))
    return replace(registry, ladders=ladders)


def plugin_faults(settings: Settings) -> list[Fault]:
    """Everything wrong in the configuration that only plug-ins can judge."""
    try:
        registry = discover(settings.plugins)
    except Misconfigured as error:
        return list(error.faults)
    faults = ladders_of(settings, registry)[1]
    for name in settings.sources:
        source = registry.alert_sources.get(name)
        if source is None:
            known = ", ".join(sorted(registry.alert_sources))
            faults.append(Fault(settings.where("sources", name), f"{name} is no alert source here", f"known: {known}"))
            continue
        try:
            settings.options(name, source.settings)
        except Misconfigured as error:
            faults.extend(error.faults)
    faults.extend(_trace_store_faults(settings, registry))
    faults.extend(_control_faults(settings, registry))
    faults.extend(permission_faults(settings, registry))
    # the ports that there are, and those that verbs of a pack bring along
    ports = {
        *CAPABILITIES,
        *(p for v in registry.actions.values() for p in v.ports.values() if ControlPlane in p.__mro__),
    }
    restraining = {name for name, factory in registry.control_planes.items() if _restrains(factory, ports)}
    ready = [name for name in restraining if name not in settings.controls and not _lacking(registry, name)]
    ready += [name for name in settings.controls if _kind(settings, name) in restraining]
    known = ", ".join(sorted(ready, key=lambda one: (one != "embedded", one)))
    for name, agent in settings.agents.items():
        for control in agent.control.all:
            kind, where = _kind(settings, control), settings.where("agents", name, "control")
            if kind not in restraining:
                reason = "cannot restrain an agent" if kind in registry.control_planes else "is no control plane here"
                faults.append(Fault(where, f"{control} {reason}", f"known: {known}"))
            elif control not in settings.controls and (lacking := _lacking(registry, kind)):
                hint = f"write controls.{control} with {lacking}; known without it: {known}"
                faults.append(Fault(where, f"{control} is not configured", hint))
    if settings.evals.format not in registry.eval_formats:
        known = ", ".join(sorted(registry.eval_formats))
        where = settings.where("evals", "format")
        faults.append(Fault(where, f"there is no eval format {settings.evals.format}", f"known: {known}"))
    return faults


def _trace_store_faults(settings: Settings, registry: Registry) -> list[Fault]:
    """Stores of an unknown type or with wrong options, and agents that name a store which is not there."""
    faults: list[Fault] = []
    for name, store in settings.trace_stores.items():
        kind = store.type or name
        source = registry.trace_sources.get(kind)
        if source is None:
            known = ", ".join(sorted(registry.trace_sources)) or "none"
            field = ("type",) if store.type is not None else ()
            where = settings.where("trace_stores", name, *field)
            hint = f"known: {known}" if store.type is not None else f"write type: and one of {known}"
            faults.append(Fault(where, f"{kind} is no type of trace store here", hint))
            continue
        try:
            settings.trace_store_options(name, source.settings)
        except Misconfigured as error:
            faults.extend(error.faults)
    known = ", ".join(sorted(settings.trace_stores)) or "none is configured"
    for name, agent in settings.agents.items():
        for number, wanted in enumerate(agent.traces):
            if wanted not in settings.trace_stores:
                where = settings.where("agents", name, "traces", number)
                faults.append(Fault(where, f"{wanted} is no trace store here", f"name one of trace_stores: {known}"))
    return faults


def _kind(settings: Settings, control: str) -> str:
    configured = settings.controls.get(control)
    return control if configured is None else configured.type or control


def _lacking(registry: Registry, kind: str) -> str:
    """The settings that this type of control plane cannot do without; empty where it needs none."""
    fields = registry.control_planes[kind].settings.model_fields
    return ", ".join(name for name, field in fields.items() if field.is_required())


def _control_faults(settings: Settings, registry: Registry) -> list[Fault]:
    """Control planes of an unknown type or with wrong options, and what names one that is not there."""
    faults: list[Fault] = []
    for name, control in settings.controls.items():
        kind = control.type or name
        factory = registry.control_planes.get(kind)
        if factory is None:
            known = ", ".join(sorted(registry.control_planes))
            field = ("type",) if control.type is not None else ()
            where = settings.where("controls", name, *field)
            faults.append(Fault(where, f"{kind} is no type of control plane here", f"known: {known}"))
            continue
        try:
            settings.control_options(name, factory.settings)
        except Misconfigured as error:
            faults.extend(error.faults)
    named: list[tuple[tuple[str | int, ...], str | None]] = [
        (("evals", "repository"), settings.evals.repository),
        *((("evals", "datasets", number), name) for number, name in enumerate(settings.evals.datasets)),
        *((("fixes", agent, "repository"), fix.repository) for agent, fix in settings.fixes.items()),
    ]
    for place, wanted in named:
        if wanted is not None and wanted not in settings.controls:
            known = ", ".join(sorted(settings.controls)) or "none is configured"
            faults.append(Fault(settings.where(*place), f"{wanted} is no control plane here", f"controls: {known}"))
    return faults


def _restrains(factory: ControlPlaneFactory, ports: Iterable[type]) -> bool:
    """Whether it can do anything to an agent; one that only keeps eval cases or tool classes cannot be ``control:``."""
    made = factory.make
    if not isinstance(made, type):
        return True  # a function: only its result could tell
    wanted = (_own_methods(port) for port in ports)
    return any(all(hasattr(made, name) for name in names) for names in wanted)


def _own_methods(port: type) -> list[str]:
    return [name for name in vars(port) if not name.startswith("_")]
