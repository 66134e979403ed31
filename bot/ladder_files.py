"""Ladders as files: every ``ladders/*.yaml`` of the plug-in packages, and of the directories in ``ladders:``.

A file holds one ladder. All are checked at start: an unknown verb, fact or parameter stops it, with its line.
"""

import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from bot.domain.fact import FACTS
from bot.domain.ladder import HOLD_OF_ANY, PLACE, Ladder, Step
from bot.errors import Fault
from bot.plugin import Action, Registry
from bot.settings import Settings
from bot.settings_yaml import Document, SecretReference, read_document

_MOST: Final = 200
_SUFFIXES: Final = frozenset({".yaml", ".yml"})


def ladders_of(settings: Settings, registry: Registry) -> tuple[tuple[Ladder, ...], list[Fault]]:
    """Every ladder with all faults. A ladder of one's own takes the place of a built-in one with the same id."""
    faults: list[Fault] = []
    found: dict[str, Ladder] = {}
    sources = [(_packaged(settings.plugins), False), (_own(settings, faults), True)]
    for files, own in sources:
        claimed: dict[str, str] = {}
        for path, name in files:
            document = read_document(path, name)
            ladder = _ladder(document, registry)
            faults.extend(document.faults)
            if ladder is None:
                continue
            if ladder.id in claimed or (ladder.id in found and not own):
                other = claimed.get(ladder.id, "another package")
                faults.append(Fault(document.where(("id",)), f"{ladder.id} is already declared in {other}"))
                continue
            claimed[ladder.id] = name
            found[ladder.id] = ladder
    return tuple(sorted(found.values(), key=lambda one: (one.order, one.id))), faults


def _packaged(packages: Sequence[str]) -> Iterator[tuple[Path, str]]:
    for package in packages:
        try:
            roots = list(getattr(importlib.import_module(package), "__path__", ()))
        except Exception:  # noqa: BLE001, S112 - discovery of plug-ins tells what is wrong with the package
            continue
        for root in roots:
            for path in _files(Path(root) / "ladders"):
                yield path, f"{package}/ladders/{path.name}"


def _own(settings: Settings, faults: list[Fault]) -> list[tuple[Path, str]]:
    """Files of the configured directories; a relative one lies beside the configuration file."""
    found: list[tuple[Path, str]] = []
    base = settings.config_path.parent if settings.config_path is not None else Path()
    for number, written in enumerate(settings.ladders):
        directory = base / written
        if not directory.is_dir():
            where = settings.where("ladders", number)
            faults.append(Fault(where, f"{written} is no directory", "a path, from where the configuration file lies"))
            continue
        there = _files(directory)
        if not there:
            faults.append(Fault(settings.where("ladders", number), f"{written} holds no ladder", "name.yaml, one each"))
        found += [(path, f"{written.rstrip('/')}/{path.name}") for path in there]
    return found


def _files(directory: Path) -> list[Path]:
    if not directory.is_dir():
        return []
    return sorted(path for path in directory.iterdir() if path.suffix in _SUFFIXES and path.is_file())[:_MOST]


def _ladder(document: Document, registry: Registry) -> Ladder | None:
    """The ladder of a file, or None with its faults noted."""
    if document.faults:
        return None
    if not document.values:
        document.fault(None, "the file is empty", "see docs/ladders.md")
        return None
    try:
        ladder = Ladder.model_validate(document.values)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            place = tuple(fault["loc"])
            _note(document, place, f"{'.'.join(map(str, place))}: {fault['msg']}", "see docs/ladders.md")
        return None
    _facts(document, ladder)
    for number, step in enumerate(ladder.steps):
        _step(document, number, step, registry)
    return None if document.faults else ladder


def _facts(document: Document, ladder: Ladder) -> None:
    known = f"known: {', '.join(FACTS)}"
    if not ladder.when.named:
        _note(document, ("when",), "a ladder without facts would fit always", "name what must hold in all: or any:")
    for group in ("all", "any", "none"):
        for number, name in enumerate(getattr(ladder.when, group)):
            if name not in FACTS:
                _note(document, ("when", group, number), f"{name} is no fact", known)
    for name in PLACE.findall(ladder.because):
        if name == HOLD_OF_ANY and not ladder.when.any:
            _note(document, ("because",), "{any} stands for nothing: when has no any", "name a fact itself")
        elif name != HOLD_OF_ANY and name not in FACTS:
            _note(document, ("because",), f"{{{name}}} is no fact", known)


def _step(document: Document, number: int, step: Step, registry: Registry) -> None:
    place: tuple[str | int, ...] = ("steps", number)
    verb = registry.actions.get(step.verb)
    if verb is None:
        known = ", ".join(sorted(registry.actions))
        _note(document, (*place, "verb"), f"{step.verb} is no verb here", f"known: {known}")
        return
    for name, value in step.params.items():
        problem = _parameter(verb, name, value)
        if problem is not None:
            _note(document, (*place, "params", name), *problem)


def _parameter(verb: Action, name: str, value: Any) -> tuple[str, str] | None:
    """What is wrong with one parameter, judged by the verb's own model; other parameters may still be missing."""
    fields = verb.params.model_fields
    if name not in fields:
        return f"{verb.id} has no parameter {name}", f"known: {', '.join(fields)}"
    if isinstance(value, SecretReference):
        return f"{name} cannot be a secret", "write the value itself"
    try:
        verb.params.model_validate({name: value})
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            if fault["loc"][:1] == (name,):
                return f"{name}: {fault['msg']}", f"as in the modal of {verb.title}"
    return None


def _note(document: Document, place: tuple[str | int, ...], reason: str, hint: str) -> None:
    document.faults.append(Fault(document.where(place), reason, hint))
