"""Unleash: the admin API of project features, and the client API that its SDKs read."""

from typing import Any

from tests.contracts.planes.case import AGENT, Args, Deed, PlaneCase
from tests.contracts.planes.peer import SECRET, Asked, HttpPeer, Setup, Told, no

_ARGS = Args()
_CLIENT = "client." + SECRET


class UnleashPeer(HttpPeer):
    """Flags of one project in one environment. A variant needs name, weight, type of weight and stickiness."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        tools = (_ARGS.tool, _ARGS.other_tool)
        names = [f"{AGENT}.model", f"{AGENT}.paused", *(f"{AGENT}.deny.{tool}" for tool in tools)]
        self.state: dict[str, dict[str, Any]] = {name: {"enabled": False, "variants": []} for name in names}

    def turn(self, name: str, *, on: bool, model: str | None = None) -> None:
        """Somebody turns a flag on or off in Unleash itself."""
        self.state[name]["enabled"] = on
        if model is not None:
            self.state[name]["variants"] = [_variant(model)]

    def decisive(self, asked: Asked) -> bool:
        """Turning it on or off; a variant alone reaches nobody while the flag is off."""
        return asked.method == "POST"

    def answer(self, asked: Asked) -> Told:  # noqa: PLR0911 - one return per answer of the API
        """Serve one request."""
        if asked.parts[:3] == ["api", "client", "features"]:
            if asked.headers.get("authorization") not in {SECRET, _CLIENT}:
                return no(401)
            flag = self.state.get(asked.parts[3])
            return no(404) if flag is None else Told(body={"name": asked.parts[3], "strategies": [], **flag})
        if asked.headers.get("authorization") != SECRET:
            return no(401)
        if asked.parts[:5] != ["api", "admin", "projects", "default", "features"] or asked.parts[5] not in self.state:
            return no(404)
        flag, rest = self.state[asked.parts[5]], asked.parts[6:]
        if asked.method == "GET" and not rest:
            return Told(body={"name": asked.parts[5], "environments": [{"name": "production", **flag}]})
        if asked.method == "PUT" and rest == ["environments", "production", "variants"]:
            fields = {"name", "weight", "weightType", "stickiness", "payload"}
            if any(set(v) != fields or v["payload"].get("type") != "string" for v in asked.json):
                return no(400)
            flag["variants"] = asked.json
            return Told(body={"version": 1, "variants": asked.json})
        if asked.method == "POST" and rest in (["environments", "production", x] for x in ("on", "off")):
            flag["enabled"] = rest[-1] == "on"
            return Told()
        return no(404)


def _variant(model: str) -> dict[str, Any]:
    payload = {"type": "string", "value": model}
    return {"name": "x", "weight": 1000, "weightType": "variable", "stickiness": "default", "payload": payload}


def _turn(name: str, *, on: bool, model: str | None = None) -> Any:
    return lambda peer: peer.turn(f"{AGENT}.{name}", on=on, model=model)


CASE = PlaneCase(
    type="unleash",
    peer=UnleashPeer,
    options=lambda peer: {"url": peer.url, "token": "${PEER_SECRET}", "client_token": "${PEER_SECRET}"},
    deeds=[
        Deed("pin_model", _turn("model", on=True, model=_ARGS.other_model)),
        Deed("revoke_tool", _turn(f"deny.{_ARGS.tool}", on=False)),
        Deed(
            "restore_tool",
            _turn(f"deny.{_ARGS.tool}", on=True),
            before=_turn(f"deny.{_ARGS.tool}", on=True),
        ),
        Deed("pause_agent", _turn("paused", on=False)),
        Deed("resume_agent", _turn("paused", on=True), before=_turn("paused", on=True)),
    ],
    note="kill switches and a model variant; read back over the client API that its SDKs ask",
)
