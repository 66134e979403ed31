"""What a function is called with, by name and as JSON, so that a bound can be held against it."""

import inspect
from collections.abc import Callable, Mapping
from decimal import Decimal
from math import isfinite
from typing import Any

from pydantic_core import PydanticSerializationError, to_jsonable_python


def named(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The call's arguments by name, defaults filled in, as JSON values; ``**kwargs`` under their own names.

    Raises TypeError, as the call itself would, for arguments that do not fit; ValueError for one that JSON cannot hold.
    """
    signature = inspect.signature(function)
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    given: dict[str, Any] = {}
    kinds = {name: parameter.kind for name, parameter in signature.parameters.items()}
    unnamed = [name for name, kind in kinds.items() if kind is inspect.Parameter.VAR_POSITIONAL]
    for name, value in bound.arguments.items():
        if kinds[name] is inspect.Parameter.VAR_KEYWORD:
            if any(bound.arguments.get(one) for one in unnamed):
                raise ValueError(f"{unnamed[0]}: nobody can tell what an argument without a name stands for")
            if twice := next((key for key in value if key in bound.arguments), None):
                raise ValueError(f"{twice}: it is there twice")
            given.update(value)
        else:
            given[name] = value
    given.pop("self", None)
    return as_json(given)


def takes(function: Callable[..., Any], name: str) -> bool:
    """Whether the function has an argument of this name: a bound on another one would never be held against it."""
    parameters = inspect.signature(function).parameters
    return name in parameters or any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())


def as_json(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The same as JSON values. A Decimal becomes a number, as a bound means it. Raises ValueError with the name."""
    plain: dict[str, Any] = {}
    for name, value in arguments.items():
        try:
            plain[name] = to_jsonable_python(_numbers(value))
        except (PydanticSerializationError, ValueError, TypeError, ArithmeticError, RecursionError):
            msg = f"{name}: {type(value).__name__} is nothing that a bound can be held against"
            raise ValueError(msg) from None
    return plain


def _numbers(value: Any) -> Any:
    if isinstance(value, Decimal):
        value = int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float) and not isfinite(value):
        raise ValueError("no number")  # NaN is not more than any maximum
    if isinstance(value, dict):
        return {key: _numbers(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_numbers(one) for one in value]
    return value
