"""``POST /api/drills``: open an incident to practise on, for bearers of ``PULLCORD_API_TOKEN`` (``pullcord drill``)."""

import secrets
from typing import Any, Final

from pydantic import SecretStr
from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.events import Actor, ActorKind
from bot.engine.drilling import open_drill
from bot.errors import Busy, Refused, StoreUnavailable
from bot.ports import Clock
from bot.settings import Settings
from bot.timeline.store import Store
from bot.web.answers import answer, busy, unauthorised
from bot.web.body import read_body, refused
from bot.web.credentials import bearer_of, matches

_MOST_BYTES: Final = 10_000
_BY: Final = Actor(kind=ActorKind.SOURCE, id="pullcord drill")


class Drills:
    """Opens drills. One write; the worker finds its run."""

    def __init__(self, token: SecretStr | None, store: Store, settings: Settings, clock: Clock) -> None:
        """Without a token nobody may: every request is answered 401."""
        self._token = token
        self._store = store
        self._settings = settings
        self._clock = clock

    async def open(self, request: Request) -> Response:
        """Body: nothing, or ``{"agent": "refund-bot"}``. ``Idempotency-Key``: once per key. 201 ``{"id", "url"}``."""
        if not matches(bearer_of(request), (self._token,)):
            return unauthorised("Send PULLCORD_API_TOKEN as bearer.")
        try:
            agent = _agent(await read_body(request, _MOST_BYTES))
            key = request.headers.get("idempotency-key", "")[:100] or secrets.token_hex(16)
            opened = await open_drill(self._store, self._settings, self._clock, _BY, agent, f"api:{key}")
        except StoreUnavailable:
            return busy("The store does not answer now, so no drill was opened.")
        except Busy as error:
            return busy(error.message, error.retry_after)
        except Refused as problem:
            return refused(problem, 422)
        return answer(201, {"id": opened, "url": f"{self._settings.base_url}/incidents/{opened}"})


def _agent(body: bytes) -> str | None:
    """The agent that the body names. Raises Refused for a body that is none."""
    if not body.strip():
        return None
    try:
        read: Any = from_json(body, allow_inf_nan=False)
    except ValueError:
        read = None
    named = read.get("agent") if isinstance(read, dict) and read.keys() <= {"agent"} else 0
    if named is not None and not isinstance(named, str):
        message = "The body is no drill."
        raise Refused(message, field="(body)", next_step='Send nothing, or {"agent": "NAME"}.')
    return named
