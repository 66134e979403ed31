"""What is asked of ContextForge's API: virtual servers, tools, and the tool list as an agent reads it (MCP)."""

from typing import Annotated, Any, Final
from urllib.parse import quote

from pydantic import Field, StringConstraints

from bot.domain.base import Json
from bot.errors import ActionFailed, Refused
from bot.plugin import ControlHttp, ControlHttpSettings, ControlSettings, json_of
from bot.settings import Token
from runbooks.controls.contextforge_server import Server, read

_PAGES: Final = 20
_MCP: Final = {"accept": "application/json, text/event-stream"}
_Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class ContextForgeAgent(ControlSettings):
    """One agent: its virtual server (name or id; default its own name), and the token that it reads its tools with."""

    server: _Name | None = None
    token: Token | None = None


class ContextForgeSettings(ControlHttpSettings):
    """``token`` may update servers and tools. ``mcp`` is where a virtual server is asked, ``{server}`` its id."""

    token: Token
    agents: dict[_Name, ContextForgeAgent] = Field(default_factory=dict)
    mcp: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_/-]*\{server\}[A-Za-z0-9_/-]*$")] = (
        "servers/{server}/mcp"
    )


class ContextForgeApi:
    """Reads and writes with the admin's token; the tool list is read with the agent's own, where that is known."""

    def __init__(self, settings: ContextForgeSettings, http: ControlHttp, name: str) -> None:
        """``name`` is the control plane's, for errors."""
        self._settings = settings
        self._http = http
        self._name = name
        self._headers = {"authorization": f"Bearer {settings.token.get_secret_value()}"}

    async def server(self, agent: str) -> Server:
        """The agent's virtual server, with every tool of its list (those that are off everywhere too)."""
        wanted = (self._settings.agents.get(agent) or ContextForgeAgent()).server or agent
        everything = {"include_inactive": "true", "limit": "0"}
        answer = await self._http.read("GET", "v1/servers", params=everything, headers=self._headers)
        named = [row for row in _list(answer.json()) if wanted in (row.get("id"), row.get("name"))]
        if len(named) != 1 or not isinstance(named[0].get("id"), str):
            message = f"{self._name} has {len(named) or 'no'} virtual server{'s' if named else ''} {wanted}."
            raise Refused(
                message, next_step=f"Make one for {agent}, or set controls.{self._name}.agents.{agent}.server."
            )
        found: str = named[0]["id"]
        path = f"v1/servers/{quote(found, safe='')}"
        one = _object((await self._http.read("GET", path, headers=self._headers)).json())
        listed = await self._http.read(
            "GET", f"{path}/tools", params={"include_inactive": "true"}, headers=self._headers
        )
        told, description = listed.json(), one.get("description")
        rows = [row for row in _list(told) if isinstance(row.get("id"), str)]
        # what is not read here would be gone with the next write, which is of the whole list and description
        whole = isinstance(told, list) and len(rows) == len(told) and one.get("id") == found
        if not whole or not isinstance(description, str | None):
            message = f"{self._name} did not answer with the virtual server {wanted} and its tools."
            raise ActionFailed(message, next_step=f"See controls.{self._name}.url.")
        text, notes = read(description or "")
        offered = {str(tool["id"]): _names(tool) for tool in rows}
        return Server(id=found, version=version_of(one), offered=offered, text=text, notes=notes)

    async def tool(self, found: str) -> dict[str, Any]:
        """The tool with this id; its description is always a text. Raises Refused when it is gone."""
        answer = await self._http.read(
            "GET", f"v1/tools/{quote(found, safe='')}", headers=self._headers, accept=frozenset({404})
        )
        held = _object(answer.json())
        if answer.status == 404 or "id" not in held:
            raise Refused(f"{self._name} has no tool {found} (any more).", field="tool")
        return {**held, "description": held.get("description") or ""}

    async def seen(self, agent: str) -> list[dict[str, Any]]:
        """``tools/list`` of the agent's virtual server, every page, with the agent's own token where it is known."""
        server = await self.server(agent)
        own = (self._settings.agents.get(agent) or ContextForgeAgent()).token or self._settings.token
        headers = {**_MCP, "authorization": f"Bearer {own.get_secret_value()}"}
        path = self._settings.mcp.replace("{server}", quote(server.id, safe=""))
        seen: list[dict[str, Any]] = []
        cursor: str | None = None
        for page in range(_PAGES):
            asked: Json = {
                "jsonrpc": "2.0",
                "id": page + 1,
                "method": "tools/list",
                "params": {"cursor": cursor} if cursor else {},
            }
            result = _object(
                _answered((await self._http.read("POST", path, json=asked, headers=headers)).body).get("result")
            )
            if not isinstance(result.get("tools"), list):
                message = f"The virtual server of {agent} did not answer tools/list."
                raise ActionFailed(message, next_step=f"See controls.{self._name}.mcp and its agents.{agent}.token.")
            seen += _list(result["tools"])
            cursor = result.get("nextCursor") if isinstance(result.get("nextCursor"), str) else None
            if cursor is None:
                return seen
        message = f"The virtual server of {agent} did not come to the end of its tools in {_PAGES} pages."
        raise ActionFailed(message, next_step="Look at it in ContextForge: what was not read is not known.")

    async def write_server(self, server: Server) -> int | None:
        """Write its list and its notes as a whole; the version that it has now."""
        path = f"v1/servers/{quote(server.id, safe='')}"
        return version_of((await self._http.write("PUT", path, json=server.body(), headers=self._headers)).json())

    async def write_description(self, tool: str, text: str, note: str) -> int | None:
        """Write what a tool says of itself, with a note that ContextForge keeps; the version that the tool has now."""
        headers = {**self._headers, "user-agent": note}
        path = f"v1/tools/{quote(tool, safe='')}"
        answer = await self._http.write("PUT", path, json={"description": text}, headers=headers)
        return version_of(answer.json())


def version_of(row: Any) -> int | None:
    """ContextForge counts the changes of a server or tool."""
    version = _object(row).get("version")
    return version if isinstance(version, int) and not isinstance(version, bool) else None


def _answered(body: bytes) -> dict[str, Any]:
    """A JSON-RPC answer, be it plain JSON or the one event of a stream (MCP, Streamable HTTP)."""
    text = body.decode(errors="replace").strip()
    if not text.startswith("{"):
        text = "".join(line[5:] for line in text.splitlines() if line.startswith("data:"))
    try:
        return _object(json_of(text.encode()))
    except ValueError:
        return {}


def _names(tool: dict[str, Any]) -> tuple[str, ...]:
    """Its own name, which agents read, first; then what else it is called."""
    named = (tool.get(field) for field in ("name", "originalName", "customName", "displayName"))
    return tuple(dict.fromkeys(name for name in named if isinstance(name, str) and name))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
