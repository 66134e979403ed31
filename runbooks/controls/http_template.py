"""Templates of the generic HTTP control plane: ``{name}`` in a path, a query, a header or a leaf of a JSON body.

No expressions. A leaf that is nothing but ``{value}`` becomes the value as it is (a number stays one); everything else
is text. Bodies are built as structures and serialised afterwards, and each name in a path is one encoded segment, so
that foreign text cannot break out of its place.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote

from bot.domain.base import Json
from bot.errors import Refused

_PLACE: Final = re.compile(r"\{([^{}]*)\}")
_NAMED: Final = re.compile(r"[a-z]+(?:\.[A-Za-z0-9_-]+)*")
_MOST: Final = 300
_HEADER: Final = re.compile(r"[\x20-\x7e]*")

WHERE: Final = frozenset({"agent", "tool", "argument"})
"""What says which thing is meant: may stand in every request."""
WRITTEN: Final = frozenset({"model", "text", "version", "schema", "value", "key", "incident", "by", "why", "until"})
"""What is only known when something is written."""

STRUCTURED: Final = frozenset({"value", "schema"})
"""What may have parts (``{schema.maximum}``)."""


def places(template: Json) -> Iterator[str]:
    """Every name in braces, at any depth. Raises ``ValueError`` for a brace that belongs to none."""
    if isinstance(template, str):
        found = _PLACE.findall(template)
        if "{" in (rest := _PLACE.sub("", template)) or "}" in rest:
            raise ValueError("has a brace that encloses no name")
        yield from found
    elif isinstance(template, Mapping):
        for name, below in template.items():
            if "{" in name or "}" in name:
                raise ValueError(f"the name {name} of a member may hold no braces; only values are filled in")
            yield from places(below)
    elif isinstance(template, list):
        for below in template:
            yield from places(below)


def checked(template: Json, known: frozenset[str]) -> Json:
    """The template as it is. Raises ``ValueError`` for a name that is not known where it stands."""
    for place in places(template):
        if not _NAMED.fullmatch(place):
            raise ValueError(f"{{{place}}} is no name; only names and dotted paths stand in braces, no expressions")
        if "." in place and place.split(".")[0] not in STRUCTURED:
            raise ValueError(f"{{{place}}} has no parts; only {' and '.join(sorted(STRUCTURED))} can have")
        if place.split(".")[0] not in known:
            raise ValueError(f"{{{place}}} is not known here; known: {', '.join(sorted(known))}")
    return template


def in_path(template: str, values: Mapping[str, Json]) -> str:
    """A path, each name in it encoded as part of one segment. Raises Refused for a name that cannot be."""

    def filled(found: re.Match[str]) -> str:
        said = text_of(_at(values, found[1]))
        if not said or len(said) > _MOST or not said.isprintable() or said in {".", ".."} or "\\" in said:
            message = f"{said[:60]!r} cannot stand in an address ({found[0]} of {template})."
            raise Refused(message, next_step="Look at the name.")
        return quote(said, safe="")

    return _PLACE.sub(filled, template)


def in_text(template: str, values: Mapping[str, Json]) -> str:
    """A query's value: encoded by whoever sends it."""
    return _PLACE.sub(lambda found: text_of(_at(values, found[1])), template)


def in_header(template: str, values: Mapping[str, Json]) -> str:
    """A header's value: visible ASCII; what is not (a line break, other letters) is written with ``%``."""

    def filled(found: re.Match[str]) -> str:
        return quote(text_of(_at(values, found[1])), safe=" !#$&'()*+,/:;=?@[]~-._", errors="replace")

    made = _PLACE.sub(filled, template)
    return made if _HEADER.fullmatch(made) else quote(made, errors="replace")


def in_body(template: Json, values: Mapping[str, Json]) -> Json:
    """A body: members and lists as written, leaves filled in."""
    if isinstance(template, str):
        whole = _PLACE.fullmatch(template)
        return _at(values, whole[1]) if whole else in_text(template, values)
    if isinstance(template, Mapping):
        return {name: in_body(below, values) for name, below in template.items()}
    if isinstance(template, list):
        return [in_body(below, values) for below in template]
    return template


def at_path(read: Json, path: str) -> Json:
    """What stands at a dotted path of an answer (``data.0.state``), None where nothing does."""
    for step in path.split(".") if path else []:
        if isinstance(read, Mapping):
            read = read.get(step)
        elif isinstance(read, list) and step.isascii() and step.isdigit() and int(step) < len(read):
            read = read[int(step)]
        else:
            return None
    return read


def text_of(value: Json) -> str:
    """A scalar as text; nothing for nothing, and JSON's words for truth."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping | list):
        raise Refused("A structure cannot be written into text; let it stand alone as a member's value.")
    return str(value)


def _at(values: Mapping[str, Json], place: str) -> Json:
    name, _, below = place.partition(".")
    return at_path(values.get(name), below)
