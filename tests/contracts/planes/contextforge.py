"""ContextForge: tools, one agent's virtual server, and the tool list that its MCP endpoint tells."""

from typing import Any

from tests.contracts.planes.case import AGENT, Args, Deed, PlaneCase
from tests.contracts.planes.peer import SECRET, Asked, HttpPeer, Setup, Told, no

_TOKEN = f"Bearer {SECRET}"
_ARGS = Args(tool="issue-refund", other_tool="send-email")


class ContextForgePeer(HttpPeer):
    """Lists are written as a whole; a field that is not in its schema is refused; a version counts the changes."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        names = {"t1": "issue_refund", "t2": "send_email", "t3": "look_up"}
        self.state: dict[str, Any] = {
            "tools": {
                one: {
                    "id": one,
                    "name": name.replace("_", "-"),
                    "originalName": name,
                    "description": f"Does {name}",
                    "enabled": True,
                    "version": 1,
                    "modifiedUserAgent": None,
                }
                for one, name in names.items()
            },
            "server": {"id": "s1", "name": AGENT, "description": None, "version": 1, "ids": ["t1", "t2", "t3"]},
        }

    def by_hand(self, *ids: str) -> None:
        """An admin writes the list in ContextForge itself."""
        self.state["server"] |= {"ids": list(ids), "version": self.state["server"]["version"] + 1}

    def says(self, tool: str, text: str) -> None:
        """An admin changes a description."""
        self.state["tools"][tool] |= {"description": text, "modifiedUserAgent": "a browser"}

    def writes_with(self, asked: Asked) -> bool:
        """The MCP endpoint is asked with POST and only reads here."""
        return asked.method == "PUT"

    def answer(self, asked: Asked) -> Told:  # noqa: PLR0911 - one return per answer of the API
        """Serve one request."""
        if asked.headers.get("authorization") != _TOKEN:
            return no(401)
        match (asked.method, asked.parts):
            case "GET", ["v1", "servers"]:
                return Told(body=[self._row()])
            case "GET", ["v1", "servers", "s1"]:
                return Told(body=self._row())
            case "GET", ["v1", "servers", "s1", "tools"]:
                return Told(body=[self.state["tools"][one] for one in self.state["server"]["ids"]])
            case "GET", ["v1", "tools", tool] if tool in self.state["tools"]:
                return Told(body=self.state["tools"][tool])
            case "PUT", ["v1", "servers", "s1"]:
                return self._put(asked, self.state["server"], {"associated_tools", "description"})
            case "PUT", ["v1", "tools", tool] if tool in self.state["tools"]:
                return self._put(asked, self.state["tools"][tool], {"description"})
            case "POST", ["servers", "s1", "mcp"] if asked.json.get("method") == "tools/list":
                return self._listed(asked)
        return no(404)

    def _row(self) -> dict[str, Any]:
        server = {name: value for name, value in self.state["server"].items() if name != "ids"}
        return {**server, "associatedToolIds": self.state["server"]["ids"]}

    def _put(self, asked: Asked, held: dict[str, Any], fields: set[str]) -> Told:
        if not isinstance(asked.json, dict) or not asked.json or set(asked.json) - fields:
            return no(422)
        body = dict(asked.json)
        if not set(body.get("associated_tools", [])) <= set(self.state["tools"]):
            return no(400)
        if "associated_tools" in body:
            held["ids"] = body.pop("associated_tools")
        held |= {**body, "version": held["version"] + 1, "modifiedUserAgent": asked.headers.get("user-agent")}
        return Told(body=self._row() if held is self.state["server"] else held)

    def _listed(self, asked: Asked) -> Told:
        if "text/event-stream" not in asked.headers.get("accept", ""):
            return no(406)
        tools = [self.state["tools"][one] for one in self.state["server"]["ids"]]
        listed = [{"name": tool["name"], "description": tool["description"]} for tool in tools if tool["enabled"]]
        return Told(body={"jsonrpc": "2.0", "id": asked.json["id"], "result": {"tools": listed}})


def _taken(peer: ContextForgePeer) -> None:
    peer.by_hand("t2", "t3")
    note = '[pullcord {"tools":{"issue-refund":{"ids":["t1"],"key":"ex_0"}}}]'
    peer.state["server"]["description"] = note


def _paused(peer: ContextForgePeer) -> None:
    peer.by_hand()
    peer.state["server"]["description"] = 'Ours\n[pullcord {"paused":{"ids":["t1","t2","t3"],"key":"ex_0"}}]'


CASE = PlaneCase(
    type="contextforge",
    peer=ContextForgePeer,
    options=lambda peer: {"url": peer.url, "token": "${PEER_SECRET}"},
    deeds=[
        Deed("revoke_tool", lambda peer: peer.by_hand("t1", "t2", "t3"), args=_ARGS),
        Deed("restore_tool", _taken, before=_taken, args=_ARGS),
        Deed("pause_agent", lambda peer: peer.by_hand("t3"), args=_ARGS),
        Deed("resume_agent", _paused, before=_paused, args=_ARGS),
        Deed("patch_tool_description", lambda peer: peer.says("t1", "Refunds anything"), args=_ARGS),
    ],
    real="tests/peers/test_contextforge.py",
    note="the agent's virtual server, read back as its MCP client sees it; a description is every agent's",
)
