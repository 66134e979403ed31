"""LiteLLM's admin API with a database: virtual keys, their aliases, blocked tools; and what the gateway does with them.

Bodies and answers as in LiteLLM 1.106.2's source (``BlockKeyRequest``, ``ToolPolicyUpdateRequest``, ``/key/info``).
"""

import hashlib
from typing import Any

from tests.contracts.planes.case import Args, Deed, PlaneCase
from tests.contracts.planes.peer import SECRET, Asked, HttpPeer, Setup, Told, no

KEY = hashlib.sha256(SECRET.encode()).hexdigest()
_ARGS = Args()
_MODELS = ("gpt-x", _ARGS.model, _ARGS.other_model)


def completion(asked: Asked, model: str, headers: dict[str, str] | None = None) -> Told:
    """An answer of the gateway: the body says what was asked for, the headers who answered."""
    told = {"x-litellm-model-group": model, "x-litellm-model-name": f"openai/{model}", "x-litellm-model-id": "1"}
    return Told(body={"model": asked.json["model"], "choices": []}, headers={**told, **(headers or {})})


class LiteLLMPeer(HttpPeer):
    """One virtual key, refund-bot's. The key of the admin and that of the agent are the same here."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.state: dict[str, Any] = {"blocked": None, "aliases": {"other": "x"}, "tools": []}

    def writes_with(self, asked: Asked) -> bool:
        """A chat completion changes nothing here."""
        return asked.method != "GET" and asked.parts[:2] != ["v1", "chat"]

    def answer(self, asked: Asked) -> Told:  # noqa: C901, PLR0911 - one return per answer of the API
        """Serve one request."""
        if asked.headers.get("authorization") != f"Bearer {SECRET}":
            return no(401)
        match (asked.method, asked.parts):
            case "GET", ["v1", "models"]:
                return Told(body={"object": "list", "data": [{"id": one, "object": "model"} for one in _MODELS]})
            case "GET", ["key", "info"]:
                if asked.query.get("key") != KEY:
                    return no(404)
                permission = {"blocked_tools": self.state["tools"]}
                info = {"blocked": self.state["blocked"], "aliases": self.state["aliases"]}
                return Told(body={"key": KEY, "info": {**info, "object_permission": permission}})
            case "POST", ["key", "block" | "unblock" as verb]:
                if asked.json != {"key": KEY}:
                    return no(422)
                self.state["blocked"] = verb == "block"
                return Told(body={"token": KEY, "blocked": verb == "block"})
            case "POST", ["key", "update"]:
                if set(asked.json) != {"key", "aliases"} or asked.json["key"] != KEY:
                    return no(422)
                self.state["aliases"] = asked.json["aliases"]
                return Told(body={"key": KEY, "aliases": asked.json["aliases"]})
            case "POST", ["v1", "tool", "policy"]:
                return self._block(asked)
            case "DELETE", ["v1", "tool", tool, "overrides"]:
                if asked.query != {"key_hash": KEY} or tool not in self.state["tools"]:
                    return no(404)
                self.state["tools"] = [one for one in self.state["tools"] if one != tool]
                return Told(body={"deleted": True, "tool_name": tool})
            case "POST", ["v1", "chat", "completions"]:
                return self._chat(asked)
        return no(404)

    def _block(self, asked: Asked) -> Told:
        if set(asked.json) != {"tool_name", "input_policy", "key_hash"} or asked.json["key_hash"] != KEY:
            return no(422)
        if asked.json["input_policy"] != "blocked":
            return no(422)
        self.state["tools"] = [*self.state["tools"], asked.json["tool_name"]]
        return Told(body={**asked.json, "updated": True})

    def _chat(self, asked: Asked) -> Told:
        if self.state["blocked"]:
            return Told(401, {"error": {"message": "Key is blocked. Update via `/key/unblock`", "code": "401"}})
        if {tool["function"]["name"] for tool in asked.json.get("tools", [])} & set(self.state["tools"]):
            return Told(400, {"error": {"message": "Violated tool policy", "code": "400"}})
        model = asked.json["model"]
        return completion(asked, self.state["aliases"].get(model, model))


def _set(name: str, value: Any) -> Any:
    def done(peer: LiteLLMPeer) -> None:
        peer.state[name] = value

    return done


CASE = PlaneCase(
    type="litellm",
    peer=LiteLLMPeer,
    options=lambda peer: {
        "url": peer.url,
        "key": "${PEER_SECRET}",
        "agents": {"refund-bot": {"key": "${PEER_SECRET}", "model": "gpt-x"}},
    },
    deeds=[
        Deed("pin_model", _set("aliases", {"gpt-x": _ARGS.other_model})),
        Deed("route_fallback", _set("aliases", {"gpt-x": _ARGS.other_model})),
        Deed("revoke_tool", _set("tools", [])),
        Deed("restore_tool", _set("tools", [_ARGS.tool]), before=_set("tools", [_ARGS.tool])),
        Deed("pause_agent", _set("blocked", value=False)),
        Deed("resume_agent", _set("blocked", value=True), before=_set("blocked", value=True)),
    ],
    note="needs LiteLLM's database, which cannot be run here; read back by a canary with the agent's own key",
)
