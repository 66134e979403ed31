"""Read ``pullcord.yaml`` into plain values and remember on which line each of them stands. Never executes a tag.

YAML 1.2's core rules decide what a bare word is: only ``true`` and ``false`` are booleans, and dates, ``on``, ``no``
and ``12:30`` stay text, since model snapshots and tool names look like that. The file may be hostile: its size, its
depth and its size after aliases are expanded are bounded, duplicate keys are faults, and every fault names its line.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bot.errors import Fault

MAX_BYTES = 256 * 1024
MAX_VALUES = 20_000
MAX_DEPTH = 32

Loc = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"
_ENV = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_FILE = "_file"


class _CoreSchema(yaml.SafeLoader):
    """A loader that resolves bare words as YAML 1.2's core schema does (spec 1.2.2, section 10.3.2)."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 (PyYAML's own way to start with no rules)


_CoreSchema.add_implicit_resolver(f"{_TAG}bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_CoreSchema.add_implicit_resolver(f"{_TAG}null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_CoreSchema.add_implicit_resolver(f"{_TAG}int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789"))
_CoreSchema.add_implicit_resolver(
    f"{_TAG}float",
    re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Where a secret is to be taken from: ``variable`` of the environment, or a ``file``. It holds no secret itself."""

    variable: str | None = None
    file: str | None = None


@dataclass(slots=True)
class Document:
    """A file as read: its ``values``, the ``lines`` (from 1) on which they stand, and the ``faults`` found on the way.

    ``written`` holds the key as it stands in the file where that differs: ``token_file`` is read into ``token``.
    """

    name: str
    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[Loc, int] = field(default_factory=dict)
    written: dict[Loc, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def where(self, loc: Loc) -> str:
        """``file:line`` of a place, or of the nearest enclosing one that stands in the file."""
        for length in range(len(loc), 0, -1):
            if (line := self.lines.get(loc[:length])) is not None:
                return f"{self.name}:{line}"
        return self.name

    def fault(self, line: int | None, reason: str, hint: str = "") -> None:
        """Note one fault; ``line`` counts from 1."""
        self.faults.append(Fault(f"{self.name}:{line}" if line else self.name, reason, hint))


class _TooMuchError(Exception):
    """The document is deeper or larger than any configuration is."""


def read_document(path: Path, name: str) -> Document:
    """Read the file at ``path``, shown to people as ``name``. Raises nothing: faults are in the result."""
    document = Document(name)
    text = _text(path, document)
    if text is None:
        return document
    try:
        node = yaml.compose(text, Loader=_CoreSchema)
        if node is None:
            return document
        values = _Reader(document).value(node, ())
    except yaml.MarkedYAMLError as error:
        _syntax_fault(document, error, text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        document.fault(line, "there is a character here that YAML does not allow", "remove the control character")
    except (_TooMuchError, RecursionError):
        limits = f"at most {MAX_DEPTH} levels and {MAX_VALUES} values, aliases counted as often as they are used"
        document.fault(None, "the file is nested too deeply or expands to too much", limits)
    else:
        if values is None:
            return document
        if isinstance(values, dict):
            # `agents:` with everything below commented out means "the default", as people expect.
            document.values = {key: value for key, value in values.items() if value is not None}
        else:
            document.fault(1, "the file must be a mapping of settings", "start with a line such as `agents:`")
    return document


def _text(path: Path, document: Document) -> str | None:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        document.fault(None, f"the file cannot be read: {error.strerror}", "check the path and who may read it")
        return None
    if len(raw) > MAX_BYTES:
        document.fault(
            None, f"the file is over {MAX_BYTES // 1024} kB", "a configuration is much smaller; is it the right file?"
        )
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        document.fault(raw.count(b"\n", 0, error.start) + 1, "this line is not UTF-8", "save the file as UTF-8")
        return None


def _syntax_fault(document: Document, error: yaml.MarkedYAMLError, text: str) -> None:
    mark = error.problem_mark or error.context_mark
    problem = error.problem or "this is not YAML"
    hint = "check the indentation, quotes and brackets here"
    if "'\\t'" in problem or "tab" in problem:
        hint = "YAML is indented with spaces, not tabs"
    elif mark is not None and "${" in text.split("\n")[min(mark.line, text.count("\n"))]:
        hint = "inside { } and [ ] a reference needs quotes: '${NAME}'"
    elif "expected a single document" in (error.context or ""):
        problem, hint = "there is a second document in the file", "remove the `---` line"
    document.fault(mark.line + 1 if mark else None, problem, hint)


class _Reader:
    """Turns nodes into plain values. Aliases are read as often as they are used, within ``MAX_VALUES``."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._count = 0

    def value(self, node: yaml.Node, loc: Loc) -> Any:
        self._count += 1
        if self._count > MAX_VALUES or len(loc) > MAX_DEPTH:
            raise _TooMuchError
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
            return self._mapping(node, loc)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            return self._sequence(node, loc)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        return self._refuse_tag(node)

    def _refuse_tag(self, node: yaml.Node) -> None:
        tag = node.tag.replace(_TAG, "!!")
        self._document.fault(node.start_mark.line + 1, f"the tag {tag[:60]} is not read here", "write a plain value")

    def _sequence(self, node: yaml.SequenceNode, loc: Loc) -> list[Any]:
        values = []
        for index, item in enumerate(node.value):
            self._document.lines[(*loc, index)] = item.start_mark.line + 1
            values.append(self.value(item, (*loc, index)))
        return values

    def _mapping(self, node: yaml.MappingNode, loc: Loc) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None or key_node.tag not in {f"{_TAG}str", f"{_TAG}int"} or not key.isprintable():
                self._document.fault(line, "a key must be plain text", "put the key in quotes")
                continue
            name = key.removesuffix(_FILE) if key != _FILE else key
            place = (*loc, name)
            if name in values:
                first = self._document.written.get(place, name)
                at = self._document.lines[place]
                reason = f"`{key}` is given twice, first on line {at}"
                if first != key:
                    reason = f"`{key}` is given beside `{first}` of line {at}"
                self._document.fault(line, reason, "keep one of them")
                continue
            self._document.lines[place] = line
            value = self.value(value_node, place)
            if name != key:
                self._document.written[place] = key
                if isinstance(value, SecretReference):
                    self._document.fault(line, f"`{key}` is the path of a file, as it is", "write the path itself")
                    continue
                value = _from_files(value)
            values[name] = value
        return values

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        read = _SCALARS.get(node.tag)
        if read is None:
            return self._refuse_tag(node)
        if any("\ud800" <= character <= "\udfff" for character in node.value):
            reason = "there is half of a surrogate pair here, which is no character"
            self._document.fault(node.start_mark.line + 1, reason, "write the character itself")
            return None
        try:
            return read(node.value)
        except ValueError:  # more digits than Python reads, or beyond the largest number
            self._document.fault(node.start_mark.line + 1, "this number cannot be read", "write a shorter number")
            return None


def _text_or_reference(text: str) -> str | SecretReference:
    match = _ENV.fullmatch(text)
    return SecretReference(variable=match[1]) if match else text


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


_SCALARS: dict[str, Callable[[str], Any]] = {
    f"{_TAG}str": _text_or_reference,
    f"{_TAG}null": lambda _: None,
    f"{_TAG}bool": lambda text: text.lower() == "true",
    f"{_TAG}int": int,
    f"{_TAG}float": _finite,
}


def _from_files(value: Any) -> Any:
    """Make file references of what stands under a ``*_file`` key; the model refuses what is not a path."""
    if isinstance(value, str):
        return SecretReference(file=value)
    if isinstance(value, list):
        return [SecretReference(file=item) if isinstance(item, str) else item for item in value]
    return value
