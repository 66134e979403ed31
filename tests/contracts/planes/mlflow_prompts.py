"""MLflow's registered models, which prompts are: aliases, tags, versions (REST API 2.0)."""

from base64 import b64encode
from typing import Any

from bot.domain.action import Target, Verified
from tests.contracts.planes.case import AGENT, Deed, PlaneCase
from tests.contracts.planes.peer import SECRET, Asked, HttpPeer, Setup, Told, no

_BASIC = "Basic " + b64encode(f"admin:{SECRET}".encode()).decode()

_TEXT = [{"key": "mlflow.prompt.is_prompt", "value": "true"}, {"key": "mlflow.prompt.text", "value": "Refund."}]


class MlflowPeer(HttpPeer):
    """One prompt with three versions, its alias on the third; an unknown field is refused."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.state: dict[str, Any] = {"aliases": {"production": "3"}, "tags": {}}

    def decisive(self, asked: Asked) -> bool:
        """Moving the alias."""
        return asked.path.endswith("/alias")

    def answer(self, asked: Asked) -> Told:  # noqa: PLR0911 - one return per answer of the API
        """Serve one request."""
        if asked.headers.get("authorization") != _BASIC:
            return no(401)
        body = asked.query if asked.method == "GET" else asked.json
        if not asked.path.startswith("/api/2.0/mlflow/"):
            return no(404)
        if body.get("name") != AGENT and not asked.path.endswith("/search"):
            return no(404)
        match asked.method, asked.path.removeprefix("/api/2.0/mlflow/"):
            case "GET", "registered-models/get":
                aliases = [{"alias": a, "version": v} for a, v in self.state["aliases"].items()]
                tags = [{"key": k, "value": v} for k, v in self.state["tags"].items()]
                return Told(body={"registered_model": {"name": AGENT, "aliases": aliases, "tags": tags}})
            case "GET", "model-versions/get" if body["version"] in "123":
                return Told(body={"model_version": {"name": AGENT, "version": body["version"]}})
            case "GET", "model-versions/search":
                wanted = f"name = '{AGENT}' AND tags.`mlflow.prompt.is_prompt` = 'true'"  # else prompts are left out
                rows = [{"version": v, "creation_timestamp": 1763899200000, "tags": _TEXT} for v in "321"]
                return Told(body={"model_versions": rows} if asked.query["filter"] == wanted else {})
            case "POST", "registered-models/set-tag" if set(body) == {"name", "key", "value"}:
                self.state["tags"][body["key"]] = body["value"]
                return Told(body={})
            case "POST", "registered-models/alias" if set(body) == {"name", "alias", "version"}:
                self.state["aliases"][body["alias"]] = body["version"]
                return Told(body={})
            case "DELETE", "registered-models/alias" if set(body) == {"name", "alias"}:
                self.state["aliases"].pop(body["alias"], None)
                return Told(body={})
        return no(404)

    async def enforce(self, target: Target) -> None:
        """Every client's cache ends."""
        self.setup.clock.forward(minutes=2)


def _outside(peer: Any) -> None:
    peer.state["aliases"]["production"] = "2"


CASE = PlaneCase(
    type="mlflow_prompts",
    peer=MlflowPeer,
    options=lambda peer: {"url": peer.url, "username": "admin", "password": "${PEER_SECRET}"},
    deeds=[Deed("rollback_prompt", _outside, first=Verified.PENDING)],
    real="tests/peers/test_mlflow_prompts.py",
    note="the alias by which agents load their prompt; clients cache it, so green comes after `client_ttl`",
)
