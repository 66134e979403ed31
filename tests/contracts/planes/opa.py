"""Open Policy Agent: documents under ``/v1/data``, and a decision that obeys them (REST API, "Data API")."""

from typing import Any

from tests.contracts.planes.case import AGENT, Args, Deed, PlaneCase
from tests.contracts.planes.peer import SECRET, Asked, HttpPeer, Setup, Told, no

_ARGS = Args()
_ROOT = ["v1", "data", "pullcord", "agents"]


class OpaPeer(HttpPeer):
    """Data as nested objects; ``agents/allow`` is undefined for what it does not allow."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.state: dict[str, Any] = {}

    def writes_with(self, asked: Asked) -> bool:
        """A POST asks for a decision."""
        return asked.method in {"PUT", "PATCH", "DELETE"}

    def put(self, *path: str, value: object) -> None:
        """Somebody else puts a document."""
        place = self.state
        for step in path[:-1]:
            place = place.setdefault(step, {})
        place[path[-1]] = value

    def drop(self, *path: str) -> bool:
        """Somebody deletes one."""
        place = self.state
        for step in path[:-1]:
            place = place.get(step, {})
        return place.pop(path[-1], None) is not None

    def answer(self, asked: Asked) -> Told:  # noqa: PLR0911 - one return per answer of the API
        """Serve one request."""
        if asked.headers.get("authorization") != f"Bearer {SECRET}":
            return no(401)
        if asked.method == "POST" and asked.parts == ["v1", "data", "agents", "allow"]:
            wanted = asked.json["input"]
            agent = self.state.get(wanted["agent"], {})
            denied = agent.get("paused") or agent.get("denied_tools", {}).get(wanted.get("tool"))
            return Told(body={} if denied else {"result": True})
        if asked.parts[:4] != _ROOT or len(asked.parts) < 6:
            return no(404)
        steps = asked.parts[4:]
        match asked.method:
            case "GET":
                held: Any = self.state
                for step in steps:
                    held = held.get(step) if isinstance(held, dict) else None
                return Told(body={} if held is None else {"result": held})
            case "PUT":
                self.put(*steps, value=asked.json)
                return Told(204)
            case "DELETE":
                return Told(204) if self.drop(*steps) else no(404)
        return no(405)


def _put(*path: str) -> Any:
    return lambda peer: peer.put(AGENT, *path, value=True)


def _drop(*path: str) -> Any:
    return lambda peer: peer.drop(AGENT, *path)


_POLICY = """\
A policy that obeys it (`decision: agents/allow`); the value under a tool or `paused` is an object with who and why:

```rego
package agents

import rego.v1

allow := true if {
    not data.pullcord.agents[input.agent].denied_tools[input.tool]
    not data.pullcord.agents[input.agent].paused
}
```"""
_TOOL = ("denied_tools", _ARGS.tool)
CASE = PlaneCase(
    type="opa",
    peer=OpaPeer,
    options=lambda peer: {"url": peer.url, "token": "${PEER_SECRET}", "decision": "agents/allow"},
    deeds=[
        Deed("revoke_tool", _drop(*_TOOL)),
        Deed("restore_tool", _put(*_TOOL), before=_put(*_TOOL)),
        Deed("pause_agent", _drop("paused")),
        Deed("resume_agent", _put("paused"), before=_put("paused")),
    ],
    note="entries in the data of a policy of your own; read back is its decision",
    more=_POLICY,
)
