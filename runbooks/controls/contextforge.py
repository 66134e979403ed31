"""ContextForge (MCP gateway): which tools an agent's virtual server offers, and what a tool says of itself.

Each agent reads its tools through a virtual server of its own. A revoked tool is taken from that server's list and read
back as the agent sees it: ``tools/list`` of the server's MCP endpoint. Deactivating a virtual server is no pause: its
endpoint goes on listing and calling tools (measured with 1.0.7), so a paused agent's server offers no tool at all.

The list is written as a whole and ContextForge takes no version with it. So writes of this process wait for each other,
each reads right before it, and the version that is answered tells when somebody else wrote in between.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from bot.domain.action import Applied, Change, Restraint, Snapshot, Target, Verification, Verified
from bot.domain.base import Json
from bot.errors import OutcomeUnknown, Refused
from bot.plugin import ControlHttp, ControlName, control_plane
from bot.ports import Clock
from runbooks.controls.contextforge_api import ContextForgeApi, ContextForgeSettings, version_of
from runbooks.controls.contextforge_server import Server, Taken, tool_id

TOOLS: Final = "tools"
PAUSED: Final = "paused"
DESCRIPTION: Final = "description"


class ContextForge:
    """Meets ToolControl, AgentControl, ToolDescriptionControl and OffersTools."""

    def __init__(self, settings: ContextForgeSettings, http: ControlHttp, name: ControlName, clock: Clock) -> None:
        """``http`` is bound to the address of ContextForge."""
        self.name = str(name)
        self._api = ContextForgeApi(settings, http, str(name))
        self._clock = clock
        self._turn = asyncio.Lock()

    # ------------------------------------------------------------------ plans

    async def revoke_tool(self, agent: str, tool: str, expires_in: timedelta | None) -> Change:
        """Plan to take one tool from the agent's virtual server."""
        server = await self._api.server(agent)
        if server.denied(tool) or server.denied(_slug(tool)):
            message = f"{tool} is already revoked from {agent}."
            raise Refused(message, field="tool", next_step="Choose another tool.")
        if server.paused:
            message = f"{agent} is paused: its virtual server offers no tool at all."
            raise Refused(message, field="tool", next_step="Resume it first.")
        name = server.name_of(tool_id(server, tool, agent))
        summary = f"revoked {tool} from {agent}"
        target = Target(control=self.name, subject=agent, setting=TOOLS, element=name)
        return Change(target=target, desired=True, summary=summary, expires_in=expires_in)

    async def restore_tool(self, agent: str, tool: str) -> Change:
        """Plan to give back a tool that Pullcord took. One that it did not take is never given."""
        server = await self._api.server(agent)
        name = next((one for one in (tool, _slug(tool)) if server.denied(one)), None)
        if name is None:
            message = f"{tool} is not revoked from {agent} by Pullcord."
            raise Refused(message, field="tool", next_step="Give it to the agent's virtual server in ContextForge.")
        target = Target(control=self.name, subject=agent, setting=TOOLS, element=name)
        return Change(target=target, desired=None, before=True, summary=f"restored {tool} to {agent}")

    async def pause_agent(self, agent: str, expires_in: timedelta | None) -> Change:
        """Plan to take every tool from the agent's virtual server."""
        server = await self._api.server(agent)
        if server.paused:
            raise Refused(f"{agent} is already paused.", next_step="Resume it first to pause it with another reason.")
        target = Target(control=self.name, subject=agent, setting=PAUSED)
        count = len(server.offered)
        summary = f"took all {count} tools from {agent}" if count != 1 else f"took the only tool from {agent}"
        return Change(target=target, desired=True, summary=summary, expires_in=expires_in)

    async def resume_agent(self, agent: str) -> Change:
        """Plan to give back what a pause took."""
        if not (await self._api.server(agent)).paused:
            raise Refused(f"{agent} is not paused.", next_step="Nothing needs to be resumed.")
        target = Target(control=self.name, subject=agent, setting=PAUSED)
        return Change(target=target, desired=None, before=True, summary=f"gave {agent} its tools back")

    async def patch_tool_description(self, agent: str, tool: str, text: str, expires_in: timedelta | None) -> Change:
        """Plan to replace what a tool says of itself, for every agent that is offered it."""
        if set(text) & set("<>"):
            message = "ContextForge takes markup out of a description, so this text would not be what agents read."
            raise Refused(message, field="text", next_step="Write it without < and >.")
        server = await self._api.server(agent)
        found = tool_id(server, tool, agent)
        held = await self._api.tool(found)
        if held["description"] == text:
            raise Refused(f"{tool} says that already.", field="text", next_step="Nothing needs to be changed.")
        target = Target(control=self.name, subject=agent, setting=DESCRIPTION, element=server.name_of(found))
        summary = f"changed the description of {tool}, for every agent that is offered it"
        return Change(target=target, desired=text, before=held["description"], summary=summary, expires_in=expires_in)

    # ------------------------------------------------------------------ what is offered

    async def tools(self, agent: str) -> Sequence[str]:
        """Names of the tools as the agent's MCP client reads them now."""
        return sorted(str(tool.get("name")) for tool in await self._api.seen(agent))

    async def tool_description(self, agent: str, tool: str) -> str | None:
        """What the tool says of itself; None when the agent is not offered it."""
        server = await self._api.server(agent)
        try:
            held: Json = (await self._api.tool(tool_id(server, tool, agent)))["description"]
        except Refused:
            return None
        return held if isinstance(held, str) else ""

    # ------------------------------------------------------------------ the control plane's four calls

    async def current(self, target: Target) -> Snapshot:
        """Revoked or paused: True, with the execution that did it. A description: its text."""
        server, now = await self._api.server(target.subject), self._clock.now()
        if target.setting == DESCRIPTION:
            held = await self._api.tool(self._id_of(server, target))
            note = str(held.get("modifiedUserAgent") or "")
            owner = note.removeprefix("pullcord ") if note.startswith("pullcord ") else None
            value = held["description"]
            return Snapshot(value=value, revision=version_of(held), owner=owner, anonymous=not owner, at=now)
        if target.setting == PAUSED:
            taken = server.notes.paused if server.paused else None
        else:
            taken = server.notes.tools.get(str(target.element)) if server.denied(str(target.element)) else None
        if taken is None:
            return Snapshot(value=None, revision=server.version, at=now)
        owner, told = taken.key, taken.restraint
        return Snapshot(value=True, revision=server.version, owner=owner, restraint=told, at=now)

    async def apply(self, change: Change, key: str, restraint: Restraint | None) -> Applied:
        """Write it once: a server that holds it by this key already is left alone."""
        return await self._set(change.target, change.desired, key, key, restraint)

    async def verify(self, change: Change, applied: Applied) -> Verification:
        """Ask the virtual server's MCP endpoint for its tools, as the agent does."""
        del applied
        target = change.target
        seen = {str(tool.get("name")): tool for tool in await self._api.seen(target.subject)}
        where = f"{target.subject} is offered {len(seen)} tools"
        tool = seen.get(str(target.element))
        if target.setting == DESCRIPTION:
            said = None if tool is None else tool.get("description")
            good, held = said == change.desired, f"{where}; {target.element} says {str(said)[:200]!r}"
        elif target.setting == PAUSED:
            good, held = (not seen) is (change.desired is True), where
        else:
            good = (tool is None) is (change.desired is True)
            held = f"{where}, {target.element} is {'not ' if tool is None else ''}among them"
        verified = Verified.IN_FORCE if good else Verified.MISMATCH
        detail = f"{held} (tools/list of its virtual server)"
        return Verification(verified=verified, detail=detail, at=self._clock.now())

    async def restore(self, change: Change, applied: Applied, before: Snapshot, key: str) -> Applied:
        """Put back what was there, only while it is still what this execution set."""
        now = await self.current(change.target)
        ours = change.desired is None or now.anonymous or applied.key is None or now.owner == applied.key
        if now.value != change.desired or not ours:
            whose = f", by {now.owner}" if now.owner else ""
            message = f"{change.target} is no longer what this action set; it holds {now.value!r}{whose}."
            raise Refused(message, next_step="Look at who changed it before you change it again.")
        return await self._set(change.target, before.value, key, before.owner or key, before.restraint)

    # ------------------------------------------------------------------ ContextForge

    async def _set(self, target: Target, value: Json, key: str, owner: str, restraint: Restraint | None) -> Applied:
        if target.setting == DESCRIPTION:
            return await self._describe(target, value, key)
        name = str(target.element)

        def changed(server: Server) -> Server | None:
            if target.setting == PAUSED:
                taken = server.notes.paused if server.paused else None
                if (value is None and taken is None) or (taken is not None and value and taken.key == owner):
                    return None
                return server.stopped(Taken.of((), owner, restraint)) if value else server.resumed()
            note = server.notes.tools.get(name)
            if not value:
                return server.given_back(name) if note is not None and server.denied(name) else None
            if note is not None and server.denied(name):
                return None if note.key == owner else server.without(name, "", Taken.of(note.ids, owner, restraint))
            tool = self._id_of(server, target)
            return server.without(name, tool, Taken.of((tool,), owner, restraint))

        return await self._write(target, value, key, changed)

    async def _write(
        self, target: Target, value: Json, key: str, changed: Callable[[Server], Server | None]
    ) -> Applied:
        async with self._turn:
            server = await self._api.server(target.subject)
            after = changed(server)
            if after is None:
                return Applied(revision=server.version, value=value, already=True, key=key)
            version = await self._api.write_server(after)
        self._check_race(f"{target.subject}'s virtual server", server.version, version)
        return Applied(revision=version, value=value, key=key)

    async def _describe(self, target: Target, value: Json, key: str) -> Applied:
        async with self._turn:
            found = self._id_of(await self._api.server(target.subject), target)
            held = await self._api.tool(found)
            note = f"pullcord {key}"
            if held["description"] == value and held.get("modifiedUserAgent") == note:
                return Applied(revision=version_of(held), value=value, already=True, key=key)
            text = value if isinstance(value, str) else ""
            version = await self._api.write_description(found, text, note)
        self._check_race(str(target), version_of(held), version)
        return Applied(revision=version, value=value, key=key)

    def _check_race(self, what: str, before: int | None, after: int | None) -> None:
        if before is not None and after is not None and after > before + 1:
            message = f"{what} was changed by somebody else at the same moment, who may have been overwritten."
            raise OutcomeUnknown(message, next_step="Look at it in ContextForge, then check again.")

    def _id_of(self, server: Server, target: Target) -> str:
        note = server.notes.tools.get(str(target.element))
        if note is not None and note.ids and server.denied(str(target.element)):
            return note.ids[0]
        return tool_id(server, str(target.element), target.subject)


def _slug(tool: str) -> str:
    """How ContextForge makes a name of ours."""
    return tool.replace("_", "-").lower()


contextforge = control_plane("contextforge", settings=ContextForgeSettings)(ContextForge)
