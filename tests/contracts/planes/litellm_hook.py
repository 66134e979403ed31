"""A LiteLLM gateway with our hook: the store is written, the gateway reads it later, a canary shows what it does."""

from typing import Any

from bot.domain.action import Target, Verified
from bot.domain.base import Json
from bot.domain.desired import (
    FALLBACK_MODEL,
    MODEL,
    PAUSED,
    PROMPT_SUFFIX,
    TOOLS_DENIED,
    VALIDATION,
    AgentState,
)
from tests.contracts.planes.case import AGENT, Args, Deed, PlaneCase
from tests.contracts.planes.litellm import completion
from tests.contracts.planes.peer import SECRET, Asked, HttpPeer, Setup, Told, no

_OURS = "its writes go to Pullcord's own store"
_ARGS = Args()
_MODELS = ("gpt-x", _ARGS.model, _ARGS.other_model)


class GatewayPeer(HttpPeer):
    """``state`` is what the hook has read last. Nothing is ever written to a gateway."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.state = AgentState(agent=AGENT)
        self._others = 0

    async def put(self, flag: str, element: str | None, value: Json) -> None:
        """Somebody else's write into the store."""
        self._others += 1
        key = f"ex_somebody_{self._others}"
        await self.setup.store.desired.put(AGENT, flag, element, value, key=key, restraint=None)

    async def mark(self) -> object:
        """What the store holds."""
        return await self.setup.store.desired.state(AGENT)

    async def enforce(self, target: Target) -> None:
        """The hook reads."""
        del target
        self.state = await self.setup.store.desired.state(AGENT)

    def writes_with(self, asked: Asked) -> bool:
        """Canaries and lists only."""
        del asked
        return False

    def answer(self, asked: Asked) -> Told:
        """Serve one request as the hook would let it."""
        if asked.headers.get("authorization") != f"Bearer {SECRET}":
            return no(401)
        if asked.parts == ["v1", "models"]:
            return Told(body={"data": [{"id": one} for one in _MODELS]})
        if asked.parts != ["v1", "chat", "completions"] or asked.json["metadata"]["agent"] != AGENT:
            return no(404)
        hook = {"x-pullcord-agent": AGENT, "x-pullcord-revision": str(self.state.revision)}
        denied: Any = self.state.value(TOOLS_DENIED)
        if self.state.value(PAUSED) is True:
            return Told(503, {"error": {"message": f"{AGENT} is paused"}}, hook)
        forced = asked.json.get("tool_choice", {}).get("function", {}).get("name")
        if forced in denied["tools"]:
            return Told(403, {"error": {"message": f"{forced} is denied"}}, hook)
        chosen = self.state.value(MODEL) or self.state.value(FALLBACK_MODEL) or asked.json["model"]
        return completion(asked, str(chosen), hook)


def _deed(verb: str, flag: str, other: Json, element: str | None = None, before: Json = None) -> Deed:
    async def outside(peer: Any) -> None:
        await peer.put(flag, element, other)

    async def first(peer: Any) -> None:
        await peer.put(flag, element, before)

    return Deed(verb, outside, before=None if before is None else first, first=Verified.PENDING)


CASE = PlaneCase(
    type="litellm_hook",
    peer=GatewayPeer,
    options=lambda peer: {"url": peer.url, "key": "${PEER_SECRET}", "agents": {AGENT: {"model": "gpt-x"}}},
    deeds=[
        _deed("pin_model", MODEL, _ARGS.other_model),
        _deed("route_fallback", FALLBACK_MODEL, _ARGS.other_model),
        _deed("revoke_tool", TOOLS_DENIED, None, _ARGS.tool),
        _deed("restore_tool", TOOLS_DENIED, True, _ARGS.tool, before=True),
        _deed("pause_agent", PAUSED, False),
        _deed("resume_agent", PAUSED, True, before=True),
        _deed("tighten_validation", VALIDATION, {"type": "string"}, f"{_ARGS.tool}#{_ARGS.argument}"),
        _deed("patch_prompt", PROMPT_SUFFIX, "Something else."),
    ],
    lacks=dict.fromkeys(("drop", "hang", "fail_after", "nothing"), _OURS),
    real="tests/peers/test_litellm.py",
    note="a LiteLLM proxy with our hook; a canary through the gateway shows which model answers and what is refused",
)
