"""A tool call while it is being put together from spans and model outputs, and how the two are matched."""

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from pydantic_core import to_json

from bot.domain.base import Json
from bot.domain.run import RunError, RunStatus
from bot.recorder.span_view import SpanView

_SERVER = re.compile(r"__|[./:]")
LOOKED_AT = 300
"""Candidates for one match: the right one is near in time, and hostile traces must not cost n squared."""


@dataclass(slots=True)
class Draft:
    """A call while it is being put together."""

    name: str
    view: SpanView | None = None
    call_id: str | None = None
    arguments: Json = None
    arguments_recorded: bool = False
    result: Json = None
    result_recorded: bool = False
    error: RunError | None = None
    status: RunStatus = RunStatus.UNKNOWN
    via: Literal["function", "mcp"] = "function"
    start: int = 0
    end: int = 0
    agent: str | None = None
    taken: bool = False
    _key: str | None = None

    @property
    def key(self) -> str:
        """The arguments in one canonical form, for comparing; empty when they were not recorded."""
        if self._key is None:
            self._key = canonical(self.arguments) if self.arguments_recorded else ""
        return self._key

    def fill_arguments(self, other: "Draft") -> None:
        """Take the arguments of another view of the same call where this one has none."""
        if not self.arguments_recorded:
            self.arguments, self.arguments_recorded, self._key = other.arguments, other.arguments_recorded, None


def canonical(value: Json) -> str:
    """JSON with sorted keys, so that equal values are equal texts."""
    return to_json(_sorted(value)).decode()


def _sorted(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return value


def bare(name: str) -> str:
    """A tool's own name where clients put its MCP server before it: ``mcp__bank__pay`` and ``bank.pay`` are ``pay``."""
    return _SERVER.split(name)[-1] or name


def _same_tool(one: Draft, other: Draft) -> bool:
    return one.name == other.name or ("mcp" in {one.via, other.via} and bare(one.name) == bare(other.name))


def same_call(one: Draft, other: Draft) -> bool:
    """Whether two spans may be of one call: the same tool, no different ids, no different arguments."""
    if not _same_tool(one, other) or (one.call_id and other.call_id and one.call_id != other.call_id):
        return False
    return not (one.arguments_recorded and other.arguments_recorded) or one.key == other.key


def merge(outer: Draft, inner: Draft) -> None:
    """Fill what the outer span lacks; an error inside that the outer one swallowed stays the outer one's matter."""
    outer.call_id = outer.call_id or inner.call_id
    outer.fill_arguments(inner)
    if not outer.result_recorded:
        outer.result, outer.result_recorded = inner.result, inner.result_recorded
        outer.error = outer.error or inner.error
        outer.status = inner.status if outer.status is RunStatus.UNKNOWN else outer.status
    if inner.via == "mcp":
        outer.via = "mcp"


class Waiting:
    """Tool spans that no model output has claimed yet, in the order of their start."""

    def __init__(self, drafts: Sequence[Draft]) -> None:
        self._by_id: dict[tuple[str, str], deque[Draft]] = {}
        self._by_name: dict[str, deque[Draft]] = {}
        self._by_bare_name: dict[str, deque[Draft]] = {}
        for draft in sorted(drafts, key=lambda draft: draft.start):
            self._by_name.setdefault(draft.name, deque()).append(draft)
            if draft.via == "mcp":
                self._by_bare_name.setdefault(bare(draft.name), deque()).append(draft)
            if draft.call_id:
                self._by_id.setdefault((draft.name, draft.call_id), deque()).append(draft)

    def take(self, mention: Draft) -> Draft | None:
        """The span of a call that a model asked for: by id and arguments, by id, by arguments, by order."""
        found = None
        if mention.call_id:
            found = _best(self._open(self._by_id.get((mention.name, mention.call_id))), mention, must_fit=False)
        if found is None:
            others = self._open(self._by_name.get(mention.name))
            others = others or self._open(self._by_bare_name.get(bare(mention.name)))
            nameless = [draft for draft in others if not (draft.call_id and mention.call_id)]
            found = _best(nameless, mention, must_fit=True)
        if found is not None:
            found.taken = True
        return found

    @staticmethod
    def _open(drafts: deque[Draft] | None) -> list[Draft]:
        while drafts and drafts[0].taken:
            drafts.popleft()
        return [draft for draft in islice(drafts or (), LOOKED_AT) if not draft.taken]


def _best(drafts: Sequence[Draft], mention: Draft, *, must_fit: bool) -> Draft | None:
    """The first with the same arguments, else the first whose are not recorded, else (the id fits) simply the first."""
    equal = next((draft for draft in drafts if draft.key == mention.key), None)
    open_ended = next((draft for draft in drafts if not (draft.key and mention.key)), None)
    return equal or open_ended or (None if must_fit or not drafts else drafts[0])
