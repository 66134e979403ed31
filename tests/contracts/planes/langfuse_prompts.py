"""Langfuse: labels of prompt versions (public API v2, ``/prompts``). A label stands at one version at a time."""

from base64 import b64encode
from typing import Any

from bot.domain.action import Target, Verified
from tests.contracts.planes.case import AGENT, Deed, PlaneCase
from tests.contracts.planes.peer import SECRET, Asked, HttpPeer, Setup, Told, no

_LABEL = "production"
_BASIC = "Basic " + b64encode(f"pk-1:{SECRET}".encode()).decode()


class LangfusePeer(HttpPeer):
    """One prompt with three versions."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.state = {"version": 2, "updatedAt": setup.clock.now().isoformat()}

    def move(self, version: int) -> None:
        """Somebody moves the label in Langfuse itself."""
        self.state = {"version": version, "updatedAt": self.setup.clock.now().isoformat()}

    async def enforce(self, target: Target) -> None:
        """Every agent's copy runs out."""
        del target
        self.setup.clock.forward(seconds=61)

    def answer(self, asked: Asked) -> Told:  # noqa: PLR0911 - one return per answer of the API
        """Serve one request."""
        if asked.headers.get("authorization") != _BASIC:
            return no(401)
        if asked.parts == ["api", "public", "v2", "prompts"]:
            row = {"name": AGENT, "versions": [1, 2, 3], "labels": [_LABEL], "tags": []}
            return Told(body={"data": [row] if asked.query.get("name") == AGENT else []})
        if asked.parts[:5] != ["api", "public", "v2", "prompts", AGENT]:
            return no(404)
        if asked.method == "GET":
            at_label = asked.query.get("label") == _LABEL
            version = self.state["version"] if at_label else int(asked.query.get("version", "0"))
            if not 1 <= version <= 3:
                return no(404)
            labels = [_LABEL] if version == self.state["version"] else []
            body = {"name": AGENT, "type": "text", "prompt": "You refund.", "version": version, "labels": labels}
            return Told(body={**body, "updatedAt": self.state["updatedAt"]})
        if asked.method == "PATCH" and asked.parts[5:6] == ["versions"]:
            if set(asked.json) != {"newLabels"} or asked.json["newLabels"] != [_LABEL]:
                return no(400)
            self.move(int(asked.parts[6]))
            return Told(body={"version": self.state["version"], "labels": [_LABEL]})
        return no(405)


def _move(peer: Any) -> None:
    peer.move(3)


CASE = PlaneCase(
    type="langfuse_prompts",
    peer=LangfusePeer,
    options=lambda peer: {"url": peer.url, "public_key": "pk-1", "secret_key": "${PEER_SECRET}"},
    deeds=[Deed("rollback_prompt", _move, first=Verified.PENDING)],
    note="moves the label; in force once every agent's copy is older than `client_ttl`",
)
