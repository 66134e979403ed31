"""Faults of the configuration in words: where, what is wrong, and what to write instead. Never shows a value.

Pydantic says what it did not like; this module says it to an operator, with the line of the file and the nearest name
that exists. Values are not repeated, since a misplaced secret would end up in a log.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot.errors import Fault
from bot.settings_environment import VARIABLES
from bot.settings_yaml import Document, Loc, SecretReference

_WORDS = {
    "bool_parsing": "should be true or false",
    "bool_type": "should be true or false",
    "byte_size": "should be a size",
    "byte_size_unit": "should be a size",
    "dict_type": "should be a mapping",
    "float_parsing": "should be a number",
    "float_type": "should be a number",
    "int_from_float": "should be a whole number",
    "int_parsing": "should be a whole number",
    "int_type": "should be a whole number",
    "mapping_type": "should be a mapping",
    "model_type": "should be a mapping",
    "missing": "is missing",
    "string_type": "should be text",
    "time_delta_parsing": "should be a duration",
    "time_delta_type": "should be a duration",
    "tuple_type": "should be a list",
}

_HINTS = {
    "byte_size": "such as 10MB or 64MiB",
    "byte_size_unit": "such as 10MB or 64MiB",
    "dict_type": "write `name: value` lines below it",
    "model_type": "write `name: value` lines below it",
    "secret_characters": "make a new one, such as `openssl rand -hex 32` prints",
    "secret_file": "check the path (from the directory of the configuration file) and who may read it",
    "secret_literal": "write ${NAME} and set NAME in the environment, or name a file under this key with `_file`",
    "secret_unset": "set it, or take the setting out",
    "time_delta_parsing": "such as 30s, 5m, 24h, 7d or PT5M",
    "time_delta_type": "such as 30s, 5m, 24h, 7d or PT5M",
    "tuple_type": "write [a, b] or lines that start with `- `",
}

_IDS = {
    "^(?:[": (
        "should be a Slack user id or user group id",
        "U012ABCDEF, S012ABCDEF, incident:commander or agent:on_call",
    ),
    "^[UW]": ("should be a Slack user id", "such as U012ABCDEF: open the profile, ⋮, Copy member ID"),
    "^[CG]": ("should be a Slack channel id", "such as C012ABCDEF: it stands at the foot of the channel's details"),
    "^[TE]": ("should be a Slack workspace id", "such as T012ABCDEF: it stands in the address of Slack in a browser"),
}


def nearest(word: str, known: Iterable[str]) -> str:
    """``did you mean `x`?`` for the nearest known name, or the empty text."""
    match = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean `{match[0]}`?" if match else ""


def dotted(loc: Loc) -> str:
    """A place as people write it: ``agents.refund-bot.on_call[0]``."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def document_faults(error: ValidationError, document: Document, model: type[BaseModel], root: Loc = ()) -> list[Fault]:
    """Every fault of a document, or of its part at ``root`` that was read as ``model``."""
    faults = []
    for details in error.errors(include_url=False):
        loc = tuple(part for part in details["loc"] if part != "[key]")
        place = (*root, *loc)
        written = (*place[:-1], document.written.get(place, place[-1])) if place else ()
        faults.append(Fault(document.where(place), *_say(details, dotted(written), model, loc)))
    return faults


def environment_faults(error: ValidationError) -> list[Fault]:
    """Every fault of the environment; ``where`` is the name of the variable."""
    faults = []
    for details in error.errors(include_url=False):
        variable = str(details["loc"][0])
        reason, hint = _say(details, "", None, ())
        value = details["input"]
        if variable == "PULLCORD_PORT" and isinstance(value, str) and value.startswith("tcp://"):
            hint = "Kubernetes sets it for a service called pullcord; set enableServiceLinks: false on the pod"
        faults.append(Fault(variable, reason, hint))
    return faults


def misspelt_variables(variables: Mapping[str, str]) -> list[Fault]:
    """Variables that are nearly one of the contract while that one is not set: a typo would pass in silence."""
    faults = []
    for name in sorted(variables.keys() - VARIABLES.keys()):
        if name.startswith(("PULLCORD_", "SLACK_")):
            match = difflib.get_close_matches(name, VARIABLES.keys() - variables.keys(), n=1, cutoff=0.92)
            if match:
                faults.append(Fault(name, "is not a variable that Pullcord reads", f"did you mean {match[0]}?"))
    return faults


def _say(details: ErrorDetails, name: str, model: type[BaseModel] | None, loc: Loc) -> tuple[str, str]:
    """Reason and hint of one of pydantic's errors; ``name`` is the place as written, empty for a variable."""
    kind, value = details["type"], details["input"]
    if kind == "extra_forbidden":
        known = _fields(model, loc[:-1]) if model is not None else ()
        hint = nearest(str(loc[-1]), known) or (f"known: {', '.join(known)}" if known else "")
        return f"`{name}` is not a setting", hint
    if isinstance(value, SecretReference) and not kind.startswith("secret_"):
        how = f"${{{value.variable}}}" if value.variable else "a secret file"
        return f"`{name}` cannot be given as {how}", "only secrets are read from the environment or a file"
    words, hint = _words(details)
    if not name:
        return words, hint
    joint = " " if words.startswith(("should", "is ", "must ", "has ", "cannot ")) else ": "
    return f"`{name}`{joint}{words}", hint


def _words(details: ErrorDetails) -> tuple[str, str]:
    """What is wrong with a value, without its name, and a hint."""
    kind, value, message = details["type"], details["input"], details["msg"]
    context = details.get("ctx", {})
    words = _WORDS.get(kind) or message.removeprefix("Value error, ").replace("Input should", "should")
    hint = _HINTS.get(kind, "")
    if kind == "string_pattern_mismatch":
        pattern = str(context.get("pattern", ""))
        words, hint = _IDS.get(pattern[:5], ("has characters that are not allowed here", f"it must match {pattern}"))
    elif kind in {"less_than_equal", "greater_than"} and "timedelta" in message:
        limit = re.search(r"timedelta\(seconds=(\d+)\)", message)  # a setting with a limit of its own
        most = f"{limit[1]} seconds" if limit is not None else "ten years"
        words, hint = f"should be longer than nothing and at most {most}", _HINTS["time_delta_type"]
    elif kind == "string_type" and isinstance(value, int | float):
        hint = "put it in quotes"
    elif kind in {"literal_error", "enum"} and isinstance(value, str):
        hint = nearest(value, re.findall(r"'([^']*)'", str(context.get("expected", ""))))
    return words, hint


def _fields(model: type[BaseModel], loc: Loc) -> tuple[str, ...]:
    """The settings that exist at a place, found by walking the annotations."""
    annotation: Any = model
    for part in loc:
        if _is_model(annotation):
            field = annotation.model_fields.get(str(part))
            annotation = _plain(field.annotation) if field is not None else None
        else:  # the values of a mapping, the members of a list
            annotation = _plain(get_args(annotation)[1 if get_origin(annotation) is dict else 0])
    if not _is_model(annotation):
        return ()
    return tuple(field.alias or name for name, field in annotation.model_fields.items())


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _plain(annotation: Any) -> Any:
    """An annotation without ``Annotated`` and without ``| None``."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in {Union, UnionType}:
            annotation = next(arg for arg in get_args(annotation) if arg is not type(None))
        else:
            return annotation
