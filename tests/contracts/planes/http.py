"""An in-house endpoint as an operator would declare it: a model, denied tools, a pause, bounds and texts per agent."""

from typing import Any

from tests.contracts.planes.case import AGENT, Args, Deed, PlaneCase
from tests.contracts.planes.peer import SECRET, Asked, HttpPeer, Setup, Told, no

_ARGS = Args()
_KINDS = ("model", "fallback", "state", "prompt")


class InHousePeer(HttpPeer):
    """Wants a key and an idempotency key with each write; shows what it enforces under ``/enforced``."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        texts = dict.fromkeys((_ARGS.tool, _ARGS.other_tool), "Refunds.")
        self.state: dict[str, Any] = {"model": "", "fallback": "", "state": "active", "prompt": "", "denied": []}
        self.state |= {"bounds": {}, "texts": texts}

    def answer(self, asked: Asked) -> Told:
        """Serve one request."""
        if asked.headers.get("x-gate-key") != SECRET:
            return no(401)
        match asked.method, asked.parts:
            case "GET", ["enforced" | "agents", agent] if agent == AGENT:
                return Told(body={"data": [self.state]})
            case "GET", ["enforced" | "agents", agent, "bounds" | "texts" as kind, *names] if agent == AGENT:
                held = self.state[kind].get("/".join(names))
                return Told(body={"is": held}) if held is not None else no(404)
            case method, ["agents", agent, kind, *names] if agent == AGENT:
                if not asked.headers.get("idempotency-key"):
                    return no(400, "no idempotency key")
                return self._write(method, kind, "/".join(names), asked.json)
        return no(404)

    def _write(self, method: str, kind: str, name: str, body: Any) -> Told:
        if kind in _KINDS and not name:
            if method == "PUT" and (not isinstance(body, dict) or set(body) != {"to", "why"}):
                return no(400, "to and why")
            self.state[kind] = body["to"] if method == "PUT" else "active" if kind == "state" else ""
        elif kind == "denied" and name:
            others = [tool for tool in self.state["denied"] if tool != name]
            self.state["denied"] = [*others, name] if method == "PUT" else others
        elif kind in {"bounds", "texts"} and name:
            if method == "PUT":
                self.state[kind][name] = body["to"]
            else:
                self.state[kind].pop(name, None)
        else:
            return no(404)
        return Told(204)


def _one(kind: str, value: str, **more: Any) -> dict[str, Any]:
    """A setting of the agent itself."""
    place = f"/agents/{{agent}}/{kind}"
    shown = {"value": f"data.0.{kind}", **more}
    return {
        "read": {"path": "/agents/{agent}", **shown},
        "apply": {"method": "PUT", "path": place, "body": {"to": value, "why": "{incident}: {why}"}},
        "verify": {"path": "/enforced/{agent}", **shown},
        "undo": {"method": "DELETE", "path": place},
    }


def _many(kind: str, names: str, value: str) -> dict[str, Any]:
    """One of many things of the agent, each with an address."""
    below = f"{{agent}}/{kind}/{names}"
    shown = {"value": "is", "expect": [200, 404]}
    return {
        "read": {"path": f"/agents/{below}", **shown},
        "apply": {"method": "PUT", "path": f"/agents/{below}", "body": {"to": value}, "expect": [204]},
        "verify": {"path": f"/enforced/{below}", **shown},
        "undo": {"method": "DELETE", "path": f"/agents/{below}"},
    }


VERBS: dict[str, Any] = {
    "pin_model": _one("model", "{model}"),
    "route_fallback": _one("fallback", "{value}"),
    "pause_agent": _one("state", "held", map={"held": True}, neutral=["active"]),
    "patch_prompt": _one("prompt", "{text}"),
    "revoke_tool": _one("denied", "") | {
        "apply": {"method": "PUT", "path": "/agents/{agent}/denied/{tool}"},
        "undo": {"method": "DELETE", "path": "/agents/{agent}/denied/{tool}"},
    },
    "tighten_validation": _many("bounds", "{tool}/{argument}", "{schema}"),
    "patch_tool_description": _many("texts", "{tool}", "{text}"),
}  # fmt: skip


def _set(name: str, value: Any, within: str | None = None) -> Any:
    def change(peer: Any) -> None:
        (peer.state if within is None else peer.state[within])[name] = value

    return change


CASE = PlaneCase(
    type="http",
    peer=InHousePeer,
    options=lambda peer: {
        "url": peer.url,
        "secret_headers": {"X-Gate-Key": "${PEER_SECRET}"},
        "idempotency_header": "Idempotency-Key",
        "verbs": VERBS,
    },
    deeds=[
        Deed("pin_model", _set("model", _ARGS.other_model)),
        Deed("route_fallback", _set("fallback", _ARGS.other_model)),
        Deed("revoke_tool", _set("denied", [])),
        Deed("restore_tool", _set("denied", [_ARGS.tool]), before=_set("denied", [_ARGS.tool])),
        Deed("pause_agent", _set("state", "active")),
        Deed("resume_agent", _set("state", "held"), before=_set("state", "held")),
        Deed("patch_prompt", _set("prompt", "Something else.")),
        Deed("tighten_validation", _set(f"{_ARGS.tool}/{_ARGS.argument}", {"type": "string"}, "bounds")),
        Deed("patch_tool_description", _set(_ARGS.tool, "Other words.", "texts")),
    ],
    note="requests declared in the configuration: endpoints of one's own, and whatever has no adapter here",
)
