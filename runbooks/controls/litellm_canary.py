"""One small request through a LiteLLM gateway, to see what it does for an agent now.

The body of an answer names the model that was asked for, also where another one answered; the headers tell the truth
(``x-litellm-model-group``, ``-model-name``, ``-model-id``). Our hook adds which agent and revision it obeyed.
"""

import hashlib
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints

from bot.domain.base import Json
from bot.errors import OutcomeUnknown
from bot.plugin import ControlHttp, ControlHttpSettings, ControlSettings, json_of
from bot.settings import Token

_TOLD: Final = frozenset({400, 401, 403, 404, 422, 429, 503})
"""Answers that say something about a restraint; every other one but 2xx says that nobody knows."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class CanaryAgent(ControlSettings):
    """How the agent asks the gateway: the model name that it sends, and its own key."""

    model: Name | None = None
    key: Token | None = None


class CanarySettings(ControlHttpSettings):
    """``key`` is used where an agent has none of its own. ``canary_tokens`` bounds what a canary may cost."""

    key: Token
    canary_tokens: Annotated[int, Field(ge=1, le=1000)] = 16
    agents: dict[Name, CanaryAgent] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the gateway did: which deployment answered, and what our hook said (-1 and ``""`` where there is none)."""

    status: int
    group: str
    model: str
    reason: str
    agent: str
    revision: int
    instance: str
    stale: str = ""

    @property
    def who(self) -> str:
        """For people."""
        return f"{self.group or 'nothing'} ({self.model})" if self.model else self.group or f"status {self.status}"


class Canary:
    """Asks as the agent does."""

    def __init__(self, settings: CanarySettings, http: ControlHttp) -> None:
        """``http`` is bound to the gateway."""
        self._settings = settings
        self._http = http

    def asks_for(self, agent: str) -> str | None:
        """The model name that the agent sends, where it is known."""
        return (self._settings.agents.get(agent) or CanaryAgent()).model

    def headers(self, agent: str) -> dict[str, str]:
        """Credentials to ask with: the agent's own, else the common ones."""
        own = (self._settings.agents.get(agent) or CanaryAgent()).key or self._settings.key
        return {"authorization": f"Bearer {own.get_secret_value()}"}

    async def models(self, agent: str) -> list[str]:
        """Names that this agent's key may ask for now (``GET /v1/models``)."""
        answer = (await self._http.read("GET", "v1/models", headers=self.headers(agent))).json()
        rows = answer.get("data") if isinstance(answer, dict) else None
        ids = [row.get("id") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        return sorted({one for one in ids if isinstance(one, str)})

    async def send(self, agent: str, model: str, tool: str | None = None) -> Seen:
        """One chat completion; with ``tool`` one that insists on this tool (nobody carries out what is answered)."""
        body: dict[str, Json] = {
            "model": model,
            "messages": [{"role": "user", "content": "This is a check by Pullcord. Answer with: ok"}],
            "max_tokens": self._settings.canary_tokens,
            "metadata": {"agent": agent, "pullcord": "canary"},
        }
        if tool is not None:
            function: dict[str, Json] = {"name": tool, "parameters": {"type": "object", "properties": {}}}
            body["tools"] = [{"type": "function", "function": function}]
            body["tool_choice"] = {"type": "function", "function": {"name": tool}}
        answer = await self._http.read(
            "POST", "v1/chat/completions", json=body, headers=self.headers(agent), accept=_TOLD
        )
        told = answer.headers
        if answer.status in {429, 503} and "x-pullcord-agent" not in told:
            message = f"The gateway answered a canary of {agent} with {answer.status}, and not by our hook."
            raise OutcomeUnknown(message, next_step="See whether the gateway is up, then check again.")
        revision = told.get("x-pullcord-revision", "")
        return Seen(
            status=answer.status,
            group=told.get("x-litellm-model-group", ""),
            model=told.get("x-litellm-model-name", ""),
            reason=_reason(answer.body),
            agent=told.get("x-pullcord-agent", ""),
            revision=int(revision) if revision.isdecimal() else -1,
            instance=told.get("x-pullcord-instance", ""),
            stale=told.get("x-pullcord-stale-since", ""),
        )


def hashed(key: Token) -> str:
    """How LiteLLM names a key: the SHA-256 of it."""
    return hashlib.sha256(key.get_secret_value().encode()).hexdigest()


def _reason(body: bytes) -> str:
    """The message of an error, as OpenAI's shape has it; foreign text, cut."""
    try:
        read: Any = json_of(body)
    except ValueError:
        return ""
    error = read.get("error") if isinstance(read, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return message[:300] if isinstance(message, str) else ""
