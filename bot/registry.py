"""Discovery: reads every module of the packages named in ``plugins:`` and collects their definitions.

Nothing registers itself. A duplicate id, an import error or a package without plug-ins stops the start with one clear
line, because an action that disappears quietly is found out at 3 a.m.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

from bot.errors import Fault, Misconfigured
from bot.plugin import (
    Action,
    AlertSource,
    ControlPlaneFactory,
    Dialect,
    EvalFormatPlugin,
    Interaction,
    Registry,
    TraceSource,
)

_KINDS = (Action, AlertSource, TraceSource, ControlPlaneFactory, EvalFormatPlugin, Interaction, Dialect)


def discover(packages: Iterable[str]) -> Registry:
    """Import the packages with all their modules and collect what they declare.

    Raises Misconfigured naming every module that could not be imported and every id that two files claim.
    """
    faults: list[Fault] = []
    found: dict[type, dict[Any, Any]] = {kind: {} for kind in _KINDS}
    for package in packages:
        before = sum(map(len, found.values()))
        for module in _modules(package, faults):
            for plugin in _declared(module):
                _collect(found[type(plugin)], plugin, faults)
        if sum(map(len, found.values())) == before and not faults:
            faults.append(Fault(f"plugins: {package}", "holds no plug-in", "name a package with @action or the like"))
    if faults:
        message = "The plug-ins cannot be loaded."
        raise Misconfigured(message, tuple(faults))
    return Registry(
        actions=found[Action],
        alert_sources=found[AlertSource],
        trace_sources=found[TraceSource],
        control_planes=found[ControlPlaneFactory],
        eval_formats=found[EvalFormatPlugin],
        interactions=found[Interaction],
        dialects=found[Dialect],
    )


def _modules(package: str, faults: list[Fault]) -> Iterator[ModuleType]:
    root = _import(package, faults)
    if root is None:
        return
    yield root
    if not hasattr(root, "__path__"):
        return
    for info in pkgutil.walk_packages(root.__path__, prefix=f"{package}.", onerror=lambda _name: None):
        module = _import(info.name, faults)
        if module is not None:
            yield module


def _import(name: str, faults: list[Fault]) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plug-in raises at import is a fault of it
        # walk_packages has imported a package before it lists it, so the same failure would show twice
        fault = Fault(f"plugins: {name}", f"{type(error).__name__}: {error}", "fix or remove the module")
        if fault not in faults:
            faults.append(fault)
        return None


def _declared(module: ModuleType) -> Iterator[Any]:
    for value in vars(module).values():
        if isinstance(value, _KINDS) and value.module == module.__name__:
            yield value


def _collect(into: dict[Any, Any], plugin: Any, faults: list[Fault]) -> None:
    if isinstance(plugin, Interaction):
        key: Any = (plugin.kind, plugin.id)
    else:
        key = plugin.id if isinstance(plugin, Action) else plugin.name
    other = into.get(key)
    if other is not None and other is not plugin:
        shown = f"{plugin.kind.value} {plugin.id}" if isinstance(plugin, Interaction) else key
        faults.append(Fault(plugin.module, f"{shown} is already declared in {other.module}", "choose another id"))
        return
    into[key] = plugin
