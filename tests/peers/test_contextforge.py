"""A real ContextForge: tools taken from one agent's virtual server, as that agent's MCP client sees it."""

import asyncio
import json
import secrets
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from bot.domain.action import Restraint, Verified
from bot.engine.control_http import ControlClient
from bot.errors import ActionFailed, Refused
from bot.plugin import ControlName
from runbooks.controls.contextforge import ContextForge
from runbooks.controls.contextforge_api import ContextForgeSettings
from tests.peers.place import free_port, told
from tests.peers.programs import installed, running
from tests.support.clock import ManualClock

pytestmark = [pytest.mark.peers, pytest.mark.timeout(900)]

WHY = Restraint(incident="INC-7", by='@dana <b>"', why="double refunds")
AGENT, OTHER = "refund-bot", "other-bot"


@dataclass(frozen=True)
class Forge:
    """A running one."""

    url: str
    token: str = field(repr=False)
    http: httpx.Client = field(repr=False)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request as the admin."""
        answer = self.http.request(method, f"{self.url}{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def mcp(self, agent: str, method: str, **params: Any) -> Any:
        """What an MCP client of this agent is answered."""
        server = next(row["id"] for row in self.ask("GET", "/v1/servers?limit=0") if row["name"] == agent)
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        headers = {"accept": "application/json, text/event-stream"}
        answer = self.http.post(f"{self.url}/servers/{server}/mcp", json=body, headers=headers)
        return answer.json()["result"]

    def seen(self, agent: str) -> list[str]:
        """Names of the tools that the agent is offered."""
        return sorted(tool["name"] for tool in self.mcp(agent, "tools/list")["tools"])

    def tool(self, name: str) -> dict[str, Any]:
        """One tool as the admin sees it."""
        rows = self.ask("GET", "/v1/tools?limit=0&include_inactive=true")
        return dict(next(row for row in rows if row["name"] == name))

    def plane(self, **changed: Any) -> ContextForge:
        """Our adapter for it."""
        token = SecretStr(changed.pop("token", self.token))
        settings = ContextForgeSettings(url=self.url, token=token, **changed)
        return ContextForge(settings, ControlClient("forge", settings), ControlName("forge"), ManualClock())


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    """ContextForge with SQLite, and an admin's token."""
    commands = installed("contextforge")
    folder = tmp_path_factory.mktemp("contextforge")
    secret, port = secrets.token_urlsafe(40), free_port()
    environment = {
        "JWT_SECRET_KEY": secret,
        "AUTH_ENCRYPTION_SECRET": secrets.token_urlsafe(40),
        "DATABASE_URL": f"sqlite:///{folder}/forge.db",
        "CACHE_TYPE": "memory",
        "SSRF_ALLOW_LOCALHOST": "true",
        "PLATFORM_ADMIN_EMAIL": "admin@example.com",
        "PLATFORM_ADMIN_PASSWORD": f"Aa1!{secrets.token_urlsafe(24)}",
        "BASIC_AUTH_PASSWORD": secrets.token_urlsafe(24),
        "TOOL_RATE_LIMIT": "10000",
        "LOG_LEVEL": "ERROR",
    }
    made = subprocess.run(
        [
            *(str(commands / "python"), "-m", "mcpgateway.utils.create_jwt_token", "--username", "admin@example.com"),
            *("--admin", "--exp", "120", "--secret", secret),
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        timeout=120,
    )
    token = made.stdout.split()[-1]
    url = f"http://127.0.0.1:{port}"
    command = [str(commands / "mcpgateway"), "--host", "127.0.0.1", "--port", str(port)]
    with (
        running("contextforge", command, environment, folder, url, "/health"),
        httpx.Client(timeout=20, trust_env=False, headers={"authorization": f"Bearer {token}"}) as http,
    ):
        yield Forge(url, token, http)


@pytest.fixture
async def forge(gateway: Forge) -> AsyncIterator[Forge]:
    """Three tools, and a virtual server with all of them for each of two agents; taken away afterwards."""
    ids = []
    for name in ("issue_refund", "send_email", "look_up"):
        tool = {
            "name": name,
            "url": f"http://127.0.0.1:9/{name}",
            "integration_type": "REST",
            "request_type": "POST",
            "description": f"Does {name}",
            "input_schema": {"type": "object"},
        }
        ids.append(gateway.ask("POST", "/tools", {"tool": tool})["id"])
    servers = [
        gateway.ask("POST", "/servers", {"server": {"name": name, "description": "Ours", "associated_tools": ids}})[
            "id"
        ]
        for name in (AGENT, OTHER)
    ]
    yield gateway
    for path in [*(f"/v1/servers/{one}" for one in servers), *(f"/v1/tools/{one}" for one in ids)]:
        gateway.ask("DELETE", path)


ALL = ["issue-refund", "look-up", "send-email"]


async def test_a_revoked_tool_is_gone_for_this_agent_alone_and_comes_back(forge: Forge) -> None:
    """Read back as the agent sees it; a call of it is refused by the gateway; the other agent keeps it."""
    plane = forge.plane()
    change = await plane.revoke_tool(AGENT, "issue_refund", None)
    assert forge.seen(AGENT) == ALL, "a plan writes nothing"
    before = await plane.current(change.target)
    applied = await plane.apply(change, "ex_1", WHY)
    assert (await plane.apply(change, "ex_1", WHY)).already
    verified = await plane.verify(change, applied)
    assert verified.verified is Verified.IN_FORCE
    assert (forge.seen(AGENT), forge.seen(OTHER)) == (ALL[1:], ALL)
    assert list(await plane.tools(AGENT)) == forge.seen(AGENT)
    called = forge.mcp(AGENT, "tools/call", name="issue-refund", arguments={})
    assert called["isError"]
    told("a call of the revoked tool", called["content"][0]["text"])
    told("verified", verified.detail)
    held = await plane.current(change.target)
    assert (held.value, held.owner) == (True, "ex_1")
    assert held.restraint == Restraint(incident="INC-7", by="@dana b", why="")
    await plane.restore(change, applied, before, "ex_2")
    assert forge.seen(AGENT) == ALL
    server = next(row for row in forge.ask("GET", "/v1/servers?limit=0") if row["name"] == AGENT)
    assert server["description"] == "Ours"


async def test_a_pause_takes_every_tool_and_resuming_gives_back_what_was_there(forge: Forge) -> None:
    """Also what was revoked meanwhile stays revoked."""
    plane = forge.plane()
    await plane.apply(await plane.revoke_tool(AGENT, "send_email", None), "ex_1", WHY)
    change = await plane.pause_agent(AGENT, None)
    applied = await plane.apply(change, "ex_2", WHY)
    assert (await plane.verify(change, applied)).verified is Verified.IN_FORCE
    assert forge.seen(AGENT) == []
    with pytest.raises(Refused, match="already paused"):
        await plane.pause_agent(AGENT, None)
    resumed = await plane.resume_agent(AGENT)
    assert (await plane.verify(resumed, await plane.apply(resumed, "ex_3", None))).verified is Verified.IN_FORCE
    assert forge.seen(AGENT) == ["issue-refund", "look-up"]
    await plane.apply(await plane.restore_tool(AGENT, "send_email"), "ex_4", None)
    assert forge.seen(AGENT) == ALL


async def test_deactivating_a_virtual_server_stops_nothing_which_is_why_we_do_not(forge: Forge) -> None:
    """If this fails, ContextForge has learnt it: see docs/controls/contextforge.md."""
    server = next(row["id"] for row in forge.ask("GET", "/v1/servers?limit=0") if row["name"] == AGENT)
    assert forge.ask("POST", f"/v1/servers/{server}/state?activate=false")["enabled"] is False
    answer = forge.http.post(
        f"{forge.url}/servers/{server}/mcp",
        json={"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}},
        headers={"accept": "application/json, text/event-stream"},
    )
    assert len(answer.json()["result"]["tools"]) == 3


async def test_a_tool_that_is_off_everywhere_is_not_lost_from_the_list(forge: Forge) -> None:
    """ContextForge leaves it out of the server's own answer; written back from there it would be gone for good."""
    found = forge.tool("look-up")["id"]
    forge.ask("POST", f"/v1/tools/{found}/state?activate=false")
    plane = forge.plane()
    await plane.apply(await plane.revoke_tool(AGENT, "issue_refund", None), "ex_1", WHY)
    assert forge.seen(AGENT) == ["send-email"]
    forge.ask("POST", f"/v1/tools/{found}/state?activate=true")
    assert forge.seen(AGENT) == ["look-up", "send-email"]


async def test_two_people_at_once_do_not_overwrite_each_other(forge: Forge) -> None:
    """Ten times: both tools are gone, then both are back."""
    plane = forge.plane()
    for turn in range(10):
        changes = [await plane.revoke_tool(AGENT, name, None) for name in ("issue_refund", "send_email")]
        await asyncio.gather(*(plane.apply(one, f"ex_{turn}_{i}", WHY) for i, one in enumerate(changes)))
        assert forge.seen(AGENT) == ["look-up"]
        back = [await plane.restore_tool(AGENT, name) for name in ("issue_refund", "send_email")]
        await asyncio.gather(*(plane.apply(one, f"ey_{turn}_{i}", None) for i, one in enumerate(back)))
        assert forge.seen(AGENT) == ALL


async def test_a_description_is_changed_and_put_back(forge: Forge) -> None:
    """As agents read it; what the gateway keeps with the change says which execution it was."""
    plane = forge.plane()
    text = "Refund ONLY with an approved RMA, at most 50 EUR."
    change = await plane.patch_tool_description(AGENT, "issue_refund", text, None)
    before = await plane.current(change.target)
    applied = await plane.apply(change, "ex_1", WHY)
    assert (await plane.verify(change, applied)).verified is Verified.IN_FORCE
    assert text in {tool["description"] for tool in forge.mcp(AGENT, "tools/list")["tools"]}
    assert await plane.tool_description(AGENT, "issue_refund") == text
    assert (await plane.current(change.target)).owner == "ex_1"
    await plane.restore(change, applied, before, "ex_2")
    assert forge.tool("issue-refund")["description"] == "Does issue_refund"
    forge.ask("PUT", f"/v1/tools/{forge.tool('issue-refund')['id']}", {"description": "Somebody else's"})
    with pytest.raises(Refused, match="no longer what this action set"):
        await plane.restore(change, applied, before, "ex_3")


async def test_wrong_credentials_and_a_wrong_server_are_said_without_the_secret(forge: Forge) -> None:
    """And what to look at."""
    wrong = f"wrong-{secrets.token_hex(16)}"
    with pytest.raises(ActionFailed, match="refused our credentials") as caught:
        await forge.plane(token=wrong).revoke_tool(AGENT, "issue_refund", None)
    assert wrong not in str(caught.value)
    with pytest.raises(Refused, match=r"controls\.forge\.agents\.nobody\.server"):
        await forge.plane().revoke_tool("nobody", "issue_refund", None)
    with pytest.raises(Refused, match="offers no tool"):
        await forge.plane().revoke_tool(AGENT, "../admin", None)
    told("agents it knows", json.dumps(sorted(row["name"] for row in forge.ask("GET", "/v1/servers?limit=0"))))


def test_the_pins_name_no_registry() -> None:
    """Whatever index pip is set up with serves them."""
    pins = (Path(__file__).parent / "pins" / "contextforge.txt").read_text()
    assert "://" not in pins
