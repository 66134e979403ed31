"""What a run is recognised by: its calls with their arguments, untrusted content in them, documents, failing checks.

Pure. Every indexed run is entered under each of its signatures, and an incident asks who else stands there. Which of a
failing run's signatures tell anything is decided against their counts (``bot.recorder.telling``).
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.domain.base import Json
from bot.domain.effect import Effect
from bot.domain.profile import RunProfile, SimilarKind
from bot.recorder.likeness import leaves, number_of, reach, same, sizes, token

MOST: Final = 64
"""Signatures of one run. Those that tell most are entered first."""
_MOST_CALLS: Final = 40
_SHOWN: Final = 80


class Level(StrEnum):
    """How much of a call a signature holds, the least first."""

    TOOL = "tool"
    LIKE = "like"
    TIMES = "times"
    SIZE = "size"
    REACH = "reach"
    VALUE = "value"
    WHOLE = "whole"
    """Not about a call's arguments: a document, a check, a piece of content."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature. ``place`` is where its value stands (counts of the values there are kept under this id).

    ``words`` say it for people (foreign text, redacted). ``tool`` is set for calls and content; ``path`` names the
    argument; ``source`` is where content came from.
    """

    id: str
    kind: SimilarKind
    level: Level
    words: str
    tool: str = ""
    path: str = ""
    place: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Signed:
    """The signatures of a run, and for each place the value that stood there."""

    signatures: tuple[Signature, ...]
    spreads: Mapping[str, str]

    def of_tool(self, tool: str) -> tuple[Signature, ...]:
        """Those about calls of one tool."""
        return tuple(s for s in self.signatures if s.tool == tool and s.kind is SimilarKind.CALL)


def signed(profile: RunProfile, effects: Sequence[Effect]) -> Signed:
    """The signatures of a run, most telling first, at most 64."""
    found: dict[str, Signature] = {}
    spreads: dict[str, str] = {}
    calls = _calls(effects)
    for signature in (*_contents(calls), *_checks(profile), *_documents(profile)):
        found.setdefault(signature.id, signature)
    each = [list(_call(effect)) for effect in calls]
    for level in (Level.TOOL, Level.LIKE, Level.VALUE, Level.REACH, Level.SIZE):
        for signature, value in (pair for pairs in each for pair in pairs):
            if signature.level is level and (signature.id in found or len(found) < MOST):
                found.setdefault(signature.id, signature)
                if signature.place:
                    spreads.setdefault(signature.place, value)
    for signature in _repeated(effects):
        if len(found) < MOST:
            found.setdefault(signature.id, signature)
    return Signed(tuple(found.values())[:MOST], spreads)


def signature_id(*parts: object) -> str:
    """Eighty bits that name a signature; the same in every version, since runs stand in the store under it."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode(errors="replace")).hexdigest()[:20]


def document_signature(name: str, version: str) -> Signature:
    """The signature of one version of a document."""
    return Signature(
        signature_id("document", name, version),
        SimilarKind.DOCUMENT,
        Level.WHOLE,
        f"retrieved {_short(name)} in the version {_short(version)}",
        path=name,
    )


def place_of(level: Level, tool: str, path: str) -> str:
    """The id of a place: one argument of one tool, as values, as hosts or as sizes."""
    return signature_id("place", level, tool, path)


def _calls(effects: Sequence[Effect]) -> list[Effect]:
    """What changed something, or may have carried data out; each different call once."""
    found: dict[tuple[str, str], Effect] = {}
    for effect in effects:
        if effect.changes or effect.outbound is not None:
            found.setdefault((effect.tool, repr(effect.arguments)), effect)
            if len(found) == _MOST_CALLS:
                break
    return list(found.values())


def _call(effect: Effect) -> Iterator[tuple[Signature, str]]:
    tool, call = effect.tool, SimilarKind.CALL
    yield Signature(signature_id(call, Level.TOOL, tool), call, Level.TOOL, f"called {_short(tool)}", tool), ""
    found = leaves(effect.arguments)
    if not found:
        return
    like = signature_id(call, Level.LIKE, tool, *(f"{path}={token(value)}" for path, value in found))
    place = place_of(Level.LIKE, tool, "")
    yield Signature(like, call, Level.LIKE, f"called {_short(tool)} with like arguments", tool, place=place), like
    for path, value in found:
        yield from _leaf(tool, path, value)


def _leaf(tool: str, path: str, value: Json) -> Iterator[tuple[Signature, str]]:
    for level, text, words in _readings(path, value):
        place = place_of(level, tool, f"{path}/{text[0]}" if level is Level.SIZE else path)
        name = signature_id(SimilarKind.CALL, level, tool, path, text)
        yield Signature(name, SimilarKind.CALL, level, words, tool, path, place), text


def _readings(path: str, value: Json) -> Iterator[tuple[Level, str, str]]:
    yield Level.VALUE, same(value), f"{_short(path)} {_short(str(value))}"
    host = reach(value)
    if host is not None:
        yield Level.REACH, host, f"{_short(path)} at {_short(host)}"
    number = number_of(value)
    if number is not None:
        for stagger, size in enumerate(sizes(number)):
            yield Level.SIZE, f"{stagger}:{size}", f"{_short(path)} about {number:g}"


def _repeated(effects: Sequence[Effect]) -> Iterator[Signature]:
    """The same change made more than once in one run."""
    times = Counter((e.tool, repr(e.arguments)) for e in effects if e.changes)
    for tool in dict.fromkeys(tool for (tool, _), count in times.items() if count > 1):
        words = f"called {_short(tool)} with the same arguments more than once"
        name = signature_id(SimilarKind.CALL, Level.TIMES, tool)
        yield Signature(name, SimilarKind.CALL, Level.TIMES, words, tool)


def _contents(calls: Iterable[Effect]) -> Iterator[Signature]:
    for effect in calls:
        for origin in effect.origins:
            said = f"{_short(effect.tool)}: {_short(origin.argument)} {_short(origin.value)}"
            yield Signature(
                signature_id("content", origin.content),
                SimilarKind.CONTENT,
                Level.WHOLE,
                f"{said} came from {_short(origin.source)}",
                effect.tool,
                origin.argument,
                source=origin.source,
            )


def _checks(profile: RunProfile) -> Iterator[Signature]:
    served = dict.fromkeys(call.served for call in profile.calls if call.served)
    for model in served or ([profile.model_served] if profile.model_served else []):
        for check in profile.checks:
            words = f"served by {_short(model or '')}, failed {_short(check)}"
            name = signature_id("check", model, check)
            yield Signature(name, SimilarKind.MODEL_CHECK, Level.WHOLE, words, path=check)


def _documents(profile: RunProfile) -> Iterator[Signature]:
    for name, version in profile.documents.items():
        if version is not None:
            yield document_signature(name, version)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"
