"""A Lua script is one typed async function whose docstring is the script.

Parameters annotated ``Key`` (or a sequence of it) become KEYS, all others ARGV; each is a local of its own name in the
script. So a script reads like a function, and no key can be passed that is not declared (Redis Cluster needs them all).
The idea is docket's ``_lua.py``. What writes takes an operation id or is idempotent by nature: a reply can get lost.
"""

import hashlib
import inspect
from collections.abc import Callable, Coroutine, Sequence
from functools import update_wrapper
from typing import Any, Concatenate, ParamSpec, TypeVar, get_args, get_origin

from bot.timeline.connection import Client, Word
from bot.timeline.keys import Key

P = ParamSpec("P")
R = TypeVar("R")

_READERS = """
local _k, _a = 0, 0
local function _key() _k = _k + 1 return KEYS[_k] end
local function _arg() _a = _a + 1 return ARGV[_a] end
local function _int() return tonumber(_arg()) end
local function _many(read) local list = {} for i = 1, _int() do list[i] = read() end return list end
"""
_RESERVED = frozenset(
    {
        "break",
        "do",
        "else",
        "elseif",
        "end",
        "false",
        "function",
        "local",
        "nil",
        "repeat",
        "return",
        "then",
        "true",
        "until",
    }
)
_SINGLE: dict[Any, str] = {Key: "_key()", str: "_arg()", bytes: "_arg()", int: "_int()"}


def _local(name: str, annotation: object) -> tuple[str, bool, bool]:
    """The Lua line that reads a parameter, whether it is a key, and whether it is a list."""
    many = get_origin(annotation) is Sequence
    inner = get_args(annotation)[0] if many else annotation
    if many:
        reader = "_many(_key)" if inner is Key else "_many(_arg)"
    elif inner in _SINGLE:
        reader = _SINGLE[inner]
    else:
        message = (
            f"script parameter {name}: {annotation} is neither Key, str, bytes, int nor a sequence of Key or of texts"
        )
        raise TypeError(message)
    return f"local {name} = {reader}", inner is Key, many


def script(
    function: Callable[Concatenate[Client, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[Client, P], Coroutine[Any, Any, R]]:
    """Make a script of a function. Raises TypeError at import for a parameter that cannot be passed.

    It runs by its hash; a server that does not know it (NOSCRIPT: nothing was run) gets the text.
    """
    signature = inspect.signature(function, eval_str=True)
    parameters = list(signature.parameters.values())[1:]
    for bad in (p.name for p in parameters if p.name.startswith("_") or p.name in _RESERVED):
        message = f"script {function.__name__}: {bad} cannot be the name of a local in Lua here"
        raise TypeError(message)
    shapes = [_local(p.name, p.annotation) for p in parameters]
    text = "\n".join([_READERS, *(line for line, _, _ in shapes), function.__doc__ or ""])
    digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def pack(values: Sequence[Any]) -> tuple[int, list[Word]]:
        keys: list[Word] = []
        arguments: list[Word] = []
        for (_, is_key, many), value in zip(shapes, values, strict=True):
            into = keys if is_key else arguments
            if many:
                arguments.append(len(value))
                into.extend(value)
            else:
                into.append(value)
        return len(keys), keys + arguments

    async def run(redis: Client, /, *args: P.args, **kwargs: P.kwargs) -> R:
        values: Sequence[Any] = args
        if kwargs or len(args) != len(parameters):
            bound = signature.bind(redis, *args, **kwargs)
            values = [bound.arguments[p.name] for p in parameters]
        count, packed = pack(values)
        result: R = await redis.eval(digest, text, count, packed)
        return result

    update_wrapper(run, function)
    return run
