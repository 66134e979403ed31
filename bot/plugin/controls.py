"""Control planes: one enforcing system per adapter."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class ControlPlaneFactory:
    """A control plane: ``make(settings, **ports)`` builds the adapter; its arguments are filled by their types."""

    name: str
    settings: type[BaseModel]
    make: Callable[..., Any]
    module: str


def control_plane(name: str, *, settings: type[BaseModel]) -> Callable[[Callable[..., Any]], ControlPlaneFactory]:
    """Declare a control plane. Decorates a class or function called with ``(settings, **ports by annotation)``."""

    def wrap(make: Callable[..., Any]) -> ControlPlaneFactory:
        return ControlPlaneFactory(name=name, settings=settings, make=make, module=make.__module__)

    return wrap
