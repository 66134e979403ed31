"""The dialects of traces that the normaliser reads, one file each; a file with a ``DIALECT`` in it is enough.

May import ``bot.recorder.dialect``, ``messages`` and ``lenient``, and ``bot.domain``.
"""

import importlib
import pkgutil

from bot.recorder.dialect import Dialect


def _found() -> tuple[Dialect, ...]:
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return tuple(sorted((module.DIALECT for module in modules), key=lambda dialect: dialect.priority))


DIALECTS: tuple[Dialect, ...] = _found()
