"""The dialects that Pullcord reads by itself, one file each; a file with a ``DIALECT`` in it is enough.

May import ``bot.plugin.dialects``, ``bot.recorder.messages``, ``parts``, ``documents`` and ``lenient``, and
``bot.domain``. Packs bring further ones (``plugins:``): ``with_packs`` puts all together, and ``dialects_of`` does so
in a process that has no registry.
"""

import importlib
import pkgutil
from collections.abc import Iterable

from bot.errors import Fault, Misconfigured
from bot.plugin.dialects import Dialect


def _found() -> tuple[Dialect, ...]:
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return tuple(sorted((module.DIALECT for module in modules), key=_order))


def _order(dialect: Dialect) -> tuple[int, str]:
    return dialect.priority, dialect.name


BUILT_IN: tuple[Dialect, ...] = _found()


def with_packs(found: Iterable[Dialect]) -> tuple[Dialect, ...]:
    """The built-in dialects and those of packs (``Registry.dialects.values()``) in the order in which they are asked.

    A pack's dialect with a built-in one's name takes its place.
    """
    every = {dialect.name: dialect for dialect in (*BUILT_IN, *found)}
    return tuple(sorted(every.values(), key=_order))


def pack_modules(dialects: Iterable[Dialect]) -> tuple[str, ...]:
    """The modules of those that are not built in: what another process needs to be told (``dialects_of``)."""
    return tuple(dict.fromkeys(d.module for d in dialects if not any(d is known for known in BUILT_IN)))


def dialects_of(modules: Iterable[str]) -> tuple[Dialect, ...]:
    """The built-in dialects and those that these modules declare, for a process that has no registry.

    Raises Misconfigured naming a module that cannot be imported.
    """
    found: list[Dialect] = []
    for name in modules:
        try:
            module = importlib.import_module(name)
        except Exception as error:
            fault = Fault(f"plugins: {name}", f"{type(error).__name__}: {error}", "fix or remove the module")
            raise Misconfigured("A dialect cannot be loaded.", (fault,)) from error
        found += [held for held in vars(module).values() if isinstance(held, Dialect) and held.module == name]
    return with_packs(found)
