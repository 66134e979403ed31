"""The scripted model: a provider that serves snapshots behind an alias, and never needs a network.

``gpt-x`` is the alias that agents ask for; it serves the newest snapshot unless it was moved. Asked for a snapshot by
name it serves that one.
"""

import hashlib
import secrets
import time
from collections.abc import Mapping
from typing import Final

from .chat import ChatRequest, ChatResponse, Message, ModelNotFound, to_json
from .snapshots import CAREFUL, HASTY, Step
from .view import View

ALIAS: Final = "gpt-x"
OLDER: Final = "gpt-x-2026-03-12"
NEWER: Final = "gpt-x-2026-05-01"
FALLBACK: Final = "mini-y-2026-02-01"

_SERVED_BY: Final[Mapping[str, str]] = {
    ALIAS: NEWER,
    OLDER: OLDER,
    NEWER: NEWER,
    "mini-y": FALLBACK,
    FALLBACK: FALLBACK,
}
_GUARDING_SENTENCE: Final = "refund only what is owed"
"""What a system prompt must say for the newer snapshot to read the policy as the older one does."""


class ScriptedModel:
    """Meets ``Model``. Decides each turn from the conversation alone; only what its names serve can change."""

    def __init__(self, *, pace: float = 0.0) -> None:
        """``pace`` is the seconds that one turn takes."""
        self._pace = pace
        self._served_by = dict(_SERVED_BY)

    def move_alias(self, alias: str, snapshot: str) -> None:
        """What a provider does one day without a word: the same name serves another snapshot from now on.

        Raises ``ModelNotFound`` for names that are not served.
        """
        if alias not in _SERVED_BY or snapshot not in _SERVED_BY.values():
            raise ModelNotFound(f"{alias[:80]!r} cannot serve {snapshot[:80]!r}; there are {', '.join(_SERVED_BY)}")
        self._served_by[alias] = snapshot

    def complete(self, request: ChatRequest) -> ChatResponse:
        """One turn. Raises ``ModelNotFound`` for a name that is not served."""
        served = self._served_by.get(request.model)
        if served is None:
            raise ModelNotFound(f"no model is called {request.model[:80]!r}; there are {', '.join(_SERVED_BY)}")
        time.sleep(self._pace)
        message = _next_turn(_script(served, request.system), request)
        return ChatResponse(
            id=f"chatcmpl-{secrets.token_hex(8)}",
            model=served,
            fingerprint=f"fp_{hashlib.sha256(served.encode()).hexdigest()[:10]}",
            message=message,
            finish_reason="tool_calls" if message.calls else "stop",
            input_tokens=len(request.system + to_json([turn.as_parts() for turn in request.messages])) // 4,
            output_tokens=max(1, len(to_json(message.as_parts())) // 4),
        )


def _script(served: str, system: str) -> tuple[Step, ...]:
    if served == NEWER and _GUARDING_SENTENCE not in system.lower():
        return HASTY
    return CAREFUL


def _next_turn(script: tuple[Step, ...], request: ChatRequest) -> Message:
    """The first step that this conversation has not had and that still makes sense.

    A call's id names its step, so the conversation itself says which steps are behind.
    """
    behind = {call.id.split("_")[1] for turn in request.messages for call in turn.calls}
    view = View(request.messages)
    for number, step in enumerate(script, start=1):
        if f"{number:02}" not in behind and step.when(view):
            calls = step.calls(view)
            numbered = (call.model_copy(update={"id": f"call_{number:02}_{secrets.token_hex(4)}"}) for call in calls)
            return Message(role="assistant", text=step.text, calls=tuple(numbered))
    return Message(role="assistant", text=view.closing_words())
