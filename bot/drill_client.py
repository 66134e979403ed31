"""``pullcord drill``: asks the Pullcord that runs for an incident to practise on, over its API."""

import secrets
from typing import Any, Final

import httpx

from bot.errors import ActionFailed, Misconfigured, OutcomeUnknown
from bot.settings import Settings

_SECONDS: Final = 10.0
_WILDCARDS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - read, never bound


async def ask_for_drill(settings: Settings, agent: str | None) -> str:
    """Open a drill; answers what to tell. Raises Misconfigured without a token, and what the server says else."""
    token = settings.environment.api_token
    if token is None:
        message = "A drill is opened in the Pullcord that runs, and PULLCORD_API_TOKEN is not set here."
        raise Misconfigured(message, next_step="Set it to the token of the server, or type /pullcord drill in Slack.")
    headers = {"authorization": f"Bearer {token.get_secret_value()}", "idempotency-key": secrets.token_hex(16)}
    body = {"agent": agent} if agent else {}
    base = _base(settings)
    try:
        async with httpx.AsyncClient(timeout=_SECONDS, trust_env=False, follow_redirects=False) as client:
            answer = await client.post(f"{base}/api/drills", json=body, headers=headers)
    except httpx.ConnectError as error:
        message = f"Nothing answers at {base}, so no drill was opened."
        raise ActionFailed(
            message, next_step="Start it with `pullcord serve`, or set PULLCORD_HOST and PORT."
        ) from error
    except httpx.HTTPError as error:
        message = f"{base} did not answer ({type(error).__name__}); a drill may have been opened."
        raise OutcomeUnknown(message, next_step="Look at its list of incidents.") from error
    read = _read(answer)
    if answer.status_code == httpx.codes.CREATED:
        return f"{read.get('id')} is open: {read.get('url')}. Nothing is written by it and nobody is paged."
    said = read.get("error") if isinstance(read.get("error"), dict) else {}
    reason = (said or {}).get("reason") or f"it answered {answer.status_code}"
    raise ActionFailed(f"No drill was opened: {reason}", next_step=(said or {}).get("next_step"))


def _base(settings: Settings) -> str:
    """Where the server of this configuration listens, from this machine; else where the public finds it."""
    environment = settings.environment
    host = _WILDCARDS.get(environment.host, environment.host)
    return f"http://[{host}]:{environment.port}" if ":" in host else f"http://{host}:{environment.port}"


def _read(answer: httpx.Response) -> dict[str, Any]:
    try:
        read = answer.json()
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
