"""What only plug-ins can judge of a configuration: alert sources, control planes, the eval format."""

from bot.errors import Fault, Misconfigured
from bot.plugin import Registry
from bot.registry import discover
from bot.settings import Settings


def registry_of(settings: Settings) -> Registry:
    """The plug-ins of the configuration. Raises Misconfigured for one that cannot be loaded."""
    return discover(settings.plugins)


def plugin_faults(settings: Settings) -> list[Fault]:
    """Everything wrong in the configuration that only plug-ins can judge: sources, control planes, the eval format."""
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
    for name, agent in settings.agents.items():
        if agent.control not in registry.control_planes:
            known = ", ".join(sorted(registry.control_planes))
            where = settings.where("agents", name, "control")
            faults.append(Fault(where, f"there is no control plane {agent.control}", f"known: {known}"))
    if settings.evals.format not in registry.eval_formats:
        known = ", ".join(sorted(registry.eval_formats))
        where = settings.where("evals", "format")
        faults.append(Fault(where, f"there is no eval format {settings.evals.format}", f"known: {known}"))
    return faults
