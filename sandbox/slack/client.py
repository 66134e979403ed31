"""Drives a sandbox that runs in another process, over its `/sandbox/` interface."""

from types import TracebackType
from typing import Any, Self

import httpx

from sandbox.slack.driver import Driver
from sandbox.slack.errors import DriveError

TIMEOUT = 40.0


class SandboxClient(Driver):
    """`async with SandboxClient("http://127.0.0.1:8090") as slack:`; the tokens are read from the sandbox on entry."""

    def __init__(self, origin: str) -> None:
        self.origin = origin.rstrip("/")
        self.base_url = f"{self.origin}/api/"
        self._http = httpx.AsyncClient(base_url=self.origin, timeout=TIMEOUT, trust_env=False)

    async def __aenter__(self) -> Self:
        """Learn the tokens."""
        about = (await self._http.get("/sandbox/about")).raise_for_status().json()
        self.bot_token, self.app_token = about["bot_token"], about["app_token"]
        self.signing_secret = about["signing_secret"]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of connections."""
        await self._http.aclose()

    async def _do(self, operation: str, **arguments: Any) -> Any:
        reply = await self._http.post(f"/sandbox/do/{operation}", json=arguments)
        if reply.status_code == 409:
            raise DriveError(reply.json()["error"])
        return reply.raise_for_status().json()
