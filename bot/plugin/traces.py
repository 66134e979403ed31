"""Trace stores: where runs can be fetched by their trace id."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class TraceSource:
    """A trace store: ``make(settings)`` gives an object with ``async fetch(trace_id) -> bytes of an OTLP export``."""

    name: str
    settings: type[BaseModel]
    make: Callable[[Any], Any]
    module: str


def trace_source(name: str, *, settings: type[BaseModel]) -> Callable[[Callable[[Any], Any]], TraceSource]:
    """Declare a trace store. Decorates a class whose constructor takes its settings."""

    def wrap(make: Callable[[Any], Any]) -> TraceSource:
        return TraceSource(name=name, settings=settings, make=make, module=make.__module__)

    return wrap
