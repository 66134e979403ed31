"""What only plug-ins can judge of a configuration: alert sources, trace stores, control planes, the eval format."""

from bot.errors import Fault, Misconfigured
from bot.plugin import ControlPlaneFactory, Registry
from bot.ports import AgentControl, ModelControl, ToolControl
from bot.registry import discover
from bot.settings import Settings

_RESTRAINING = (ModelControl, ToolControl, AgentControl)


def registry_of(settings: Settings) -> Registry:
    """The plug-ins of the configuration. Raises Misconfigured for one that cannot be loaded."""
    return discover(settings.plugins)


def plugin_faults(settings: Settings) -> list[Fault]:
    """Everything wrong in the configuration that only plug-ins can judge."""
    try:
        registry = registry_of(settings)
    except Misconfigured as error:
        return list(error.faults)
    faults: list[Fault] = []
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
    restraining = sorted(name for name, factory in registry.control_planes.items() if _restrains(factory))
    for name, agent in settings.agents.items():
        if agent.control not in restraining:
            there = agent.control in registry.control_planes
            reason = "cannot restrain an agent" if there else "is no control plane here"
            where = settings.where("agents", name, "control")
            faults.append(Fault(where, f"{agent.control} {reason}", f"known: {', '.join(restraining)}"))
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


def _restrains(factory: ControlPlaneFactory) -> bool:
    """Whether it can do anything to an agent; one that only keeps eval cases or tool classes cannot be ``control:``."""
    made = factory.make
    if not isinstance(made, type):
        return True  # a function: only its result could tell
    wanted = ([name for name in vars(port) if not name.startswith("_")] for port in _RESTRAINING)
    return any(all(hasattr(made, name) for name in names) for names in wanted)
