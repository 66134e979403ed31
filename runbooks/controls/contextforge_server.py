"""One agent's virtual server of ContextForge as a value: which tools it offers, and what Pullcord took from it.

ContextForge keeps no reason with a change, so what was taken, by which execution and until when stands in the server's
own description, behind the text that people wrote: it survives us, an admin can read it, and a tool that Pullcord did
not take is never given. It never holds foreign text but a name of letters.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from bot.domain.action import Restraint
from bot.errors import Refused

_OPEN: Final = "[pullcord "
_SHUT: Final = "]"


class Taken(BaseModel):
    """Who took a tool (``ids`` has one) or all of them (a pause): the execution's key, and what agents may be told."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    ids: tuple[str, ...]
    key: str
    incident: str = ""
    by: str = ""
    until: AwareDatetime | None = None

    @classmethod
    def of(cls, ids: tuple[str, ...], key: str, restraint: Restraint | None) -> "Taken":
        """What is written. A name is cut to letters: ContextForge takes markup and quotes out of a description."""
        if restraint is None:
            return cls(ids=ids, key=key)
        by = re.sub(r"[^\w@.\- ]", "", restraint.by)[:60]
        return cls(ids=ids, key=key, incident=restraint.incident, by=by, until=restraint.until)

    @property
    def restraint(self) -> Restraint | None:
        """As far as it was kept: the reason stands on the timeline."""
        if not self.incident:
            return None
        return Restraint(incident=self.incident, by=self.by, why="", until=self.until)


class Notes(BaseModel):
    """All that Pullcord took from one server, by the tool's name in ContextForge; ``paused`` = everything."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    tools: dict[str, Taken] = Field(default_factory=dict)
    paused: Taken | None = None


@dataclass(frozen=True)
class Server:
    """Its tools and what was taken from it.

    ``offered``: the id of each of its tools (those that are off everywhere too) with the names it goes by, the first
    being the one that agents read. ``text`` is the description that people wrote.
    """

    id: str
    version: int | None
    offered: Mapping[str, tuple[str, ...]]
    text: str
    notes: Notes = field(default_factory=Notes)

    @property
    def paused(self) -> bool:
        """Everything was taken and nothing came back from outside."""
        return self.notes.paused is not None and not self.offered

    @property
    def holds(self) -> tuple[str, ...]:
        """Ids that it offers, or would if it were not paused."""
        return self.notes.paused.ids if self.notes.paused is not None and self.paused else tuple(self.offered)

    def name_of(self, tool: str) -> str:
        """What agents read as the name of the tool with this id."""
        return next(iter(self.offered.get(tool, ())), tool)

    def denied(self, name: str) -> bool:
        """Whether the tool of this name (in ContextForge) was taken, and is not back."""
        taken = self.notes.tools.get(name)
        return taken is not None and not set(taken.ids) & set(self.holds)

    def without(self, name: str, tool: str, taken: Taken) -> "Server":
        """One tool less. ``tool`` is its id."""
        tools = {**self.notes.tools, name: taken}
        return self._with(tuple(one for one in self.holds if one != tool), tools)

    def given_back(self, name: str, *, taken: Taken | None = None) -> "Server":
        """One taken tool more."""
        mine = taken or self.notes.tools[name]
        tools = {other: note for other, note in self.notes.tools.items() if other != name}
        return self._with((*(one for one in self.holds if one not in mine.ids), *mine.ids), tools)

    def stopped(self, taken: Taken) -> "Server":
        """Nothing is offered."""
        kept = taken.model_copy(update={"ids": self.holds})
        return replace(self, offered={}, notes=self.notes.model_copy(update={"paused": kept}))

    def resumed(self) -> "Server":
        """What it held is offered again."""
        offered = {one: self.offered.get(one, ()) for one in self.holds}
        return replace(self, offered=offered, notes=self.notes.model_copy(update={"paused": None}))

    def _with(self, ids: tuple[str, ...], tools: dict[str, Taken]) -> "Server":
        paused = self.notes.paused if self.paused else None
        if paused is not None:
            kept = Notes(tools=tools, paused=paused.model_copy(update={"ids": ids}))
            return replace(self, notes=kept)
        return replace(self, offered=dict.fromkeys(ids, ()), notes=Notes(tools=tools))

    def body(self) -> dict[str, Any]:
        """What ``PUT /v1/servers/{id}`` takes."""
        return {"associated_tools": list(self.offered), "description": written(self.text, self.notes)}


def tool_id(server: Server, name: str, agent: str) -> str:
    """The id of the tool that the agent calls by this name. Raises Refused for none, and for several."""
    found = [one for one, names in server.offered.items() if name in names]
    if len(found) == 1:
        return found[0]
    if not found:
        message = f"ContextForge offers no tool {name} to {agent}."
        raise Refused(message, field="tool", next_step="Choose one that the agent has.")
    message = f"{agent} has {len(found)} tools that are called {name}."
    raise Refused(message, field="tool", next_step="Use the name that it has in ContextForge.")


def read(text: str) -> tuple[str, Notes]:
    """A description's own text, and the notes behind it. What cannot be read as notes is text."""
    start = text.rfind(_OPEN)
    if start < 0 or not text.endswith(_SHUT):
        return text, Notes()
    try:
        notes = Notes.model_validate(json.loads(text[start + len(_OPEN) : -len(_SHUT)]))
    except (ValueError, ValidationError, RecursionError):
        return text, Notes()
    return text[:start].removesuffix("\n"), notes


def written(text: str, notes: Notes) -> str:
    """Text and notes as one description; without notes the text as it was."""
    if not notes.tools and notes.paused is None:
        return text
    body = notes.model_dump_json(exclude_defaults=True)
    return f"{text}\n{_OPEN}{body}{_SHUT}" if text else f"{_OPEN}{body}{_SHUT}"
