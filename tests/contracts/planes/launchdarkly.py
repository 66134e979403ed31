"""LaunchDarkly: semantic patches of a flag in one environment (REST API, "Update feature flag")."""

from typing import Any

from bot.domain.action import Verified
from tests.contracts.planes.case import AGENT, Args, Deed, PlaneCase
from tests.contracts.planes.peer import SECRET, Asked, HttpPeer, Setup, Told, no

_ARGS = Args()
_INSTRUCTIONS = {"updateFallthroughVariationOrRollout", "updateOffVariation"}


class LaunchDarklyPeer(HttpPeer):
    """Flags with their variations; a body with an unknown field or instruction is refused as the API refuses it."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        models = ["neutral", _ARGS.model, _ARGS.other_model]
        tools = (_ARGS.tool, _ARGS.other_tool)
        booleans = [f"{AGENT}-paused", *(f"{AGENT}-deny-{tool}" for tool in tools)]
        self.state: dict[str, dict[str, Any]] = {
            f"{AGENT}-model": _flag(models),
            **{n: _flag([False, True]) for n in booleans},
        }

    def serve(self, key: str, value: object) -> None:
        """Somebody changes what everybody is served in LaunchDarkly itself."""
        flag = self.state[key]
        index = next(i for i, v in enumerate(flag["variations"]) if v["value"] == value)
        flag["environments"]["production"]["fallthrough"] = {"variation": index}

    def answer(self, asked: Asked) -> Told:  # noqa: PLR0911 - one return per answer of the API
        """Serve one request."""
        if asked.headers.get("authorization") != SECRET:
            return no(401)
        if asked.parts[:4] != ["api", "v2", "flags", "default"] or asked.parts[4] not in self.state:
            return no(404)
        flag = self.state[asked.parts[4]]
        if asked.method == "GET":
            return Told(body=flag) if asked.query.get("env") == "production" else no(400)
        if asked.method != "PATCH" or "domain-model=launchdarkly.semanticpatch" not in asked.headers["content-type"]:
            return no(400)
        body = asked.json
        if not set(body) <= {"environmentKey", "comment", "instructions"} or body["environmentKey"] != "production":
            return no(400)
        for instruction in body["instructions"]:
            ids = [v["_id"] for v in flag["variations"]]
            if instruction["kind"] not in _INSTRUCTIONS or instruction.get("variationId") not in ids:
                return no(400)
            index = ids.index(instruction["variationId"])
            here = flag["environments"]["production"]
            if instruction["kind"] == "updateOffVariation":
                here["offVariation"] = index
            else:
                here["fallthrough"] = {"variation": index}
        flag["_version"] += 1
        return Told(body=flag)


def _flag(values: list[Any]) -> dict[str, Any]:
    here = {"on": True, "fallthrough": {"variation": 0}, "offVariation": 0, "rules": [], "targets": []}
    variations = [{"_id": f"id-{i}", "value": value} for i, value in enumerate(values)]
    return {"_version": 1, "variations": variations, "environments": {"production": here}}


def _serve(key: str, value: object) -> Any:
    return lambda peer: peer.serve(f"{AGENT}-{key}", value)


_SEEN: dict[str, Any] = {"first": Verified.PENDING, "settled": Verified.PENDING}
"""Only the side that is written to can be asked."""

CASE = PlaneCase(
    type="launchdarkly",
    peer=LaunchDarklyPeer,
    options=lambda peer: {"url": peer.url, "token": "${PEER_SECRET}"},
    deeds=[
        Deed("pin_model", _serve("model", _ARGS.other_model), **_SEEN),
        Deed("revoke_tool", _serve(f"deny-{_ARGS.tool}", False), **_SEEN),
        Deed("restore_tool", _serve(f"deny-{_ARGS.tool}", True), before=_serve(f"deny-{_ARGS.tool}", True), **_SEEN),
        Deed("pause_agent", _serve("paused", False), **_SEEN),
        Deed("resume_agent", _serve("paused", True), before=_serve("paused", True), **_SEEN),
    ],
    note="the variation that everybody is served; a flag with rules or targets is refused; never green",
)
