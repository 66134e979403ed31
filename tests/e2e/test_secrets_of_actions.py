"""What actions brought: credentials of control planes, what people type, and what control planes tell."""

import io
import json
import secrets
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from redis import Redis

from bot.bundle.write import write_bundle
from bot.timeline.embedded import running_store
from sandbox.demo.looking import pressable
from tests.support.planted import Planted
from tests.support.stored import stored_bytes
from tests.support.world import DANA, LEE, Json, World, alert, bad_run

pytestmark = pytest.mark.e2e
TRACE = "5ec4" + "0" * 28

CONFIG = """
controls:
  gate:
    type: http
    url: {gate}
    token: ${{GATE_TOKEN}}
    secret_headers: {{X-Gate-Key: "${{GATE_KEY}}"}}
    verbs:
      patch_prompt:
        read: {{path: "/prompt"}}
        apply: {{path: "/prompt", body: {{text: "{{text}}"}}}}
        undo: {{path: "/prompt"}}
      pause_agent:
        read: {{path: "/paused"}}
        apply: {{path: "/paused", body: {{why: "{{why}}"}}}}
        undo: {{path: "/paused"}}
  hub:
    type: github
    url: {gate}
    repository: acme/evals
    app_id: 7
    private_key: ${{HUB_KEY}}
  hub_by_token:
    type: github
    url: {gate}
    repository: acme/evals
    token: ${{HUB_TOKEN}}
fixes:
  refund-bot: {{repository: hub_by_token, prompt: prompts/refund.md}}
"""


@dataclass
class Gate:
    """A control plane that tells everything it knows: the request's headers in errors, secrets in what it holds."""

    holds: str
    status: int = 403
    quoted: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        """What is asked for, or an error that quotes the credentials."""
        given = dict(request.headers)
        if request.method == "GET":
            if request.path == "/prompt":
                return web.json_response(self.holds)
            if request.path == "/paused":
                return web.json_response(False)
            return web.json_response({"message": f"Bad credentials: {given}"}, status=401)
        self.quoted.append(json.dumps(given))
        return web.json_response({"error": f"denied with {given}"}, status=self.status)


@asynccontextmanager
async def listening(gate: Gate) -> AsyncIterator[str]:
    """Its address."""
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", gate.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _credentials(world: World, planted: Planted) -> None:
    """One of each kind, in the environment alone."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    world.environment["HUB_KEY"] = key.decode()
    planted.made |= {line: "a line of the App's key" for line in key.decode().splitlines() if len(line) == 64}
    for name in ("GATE_TOKEN", "GATE_KEY", "HUB_TOKEN", "SLACK_SIGNING_SECRET"):
        world.environment[name] = planted.secret("the environment", name, "{}", secrets.token_hex(20))
    for name in ("AGENT_TOKEN", "OTLP_TOKEN", "ALERT_TOKEN", "PULLCORD_API_TOKEN", "SLACK_BOT_TOKEN"):
        planted.made[world.environment[name]] = f"{name} in the environment"


async def test_no_secret_of_an_action_is_found_anywhere(world: World) -> None:
    """Credentials, reasons, modal values, what control planes hold and answer: not even in a branch."""
    planted = Planted()
    _credentials(world, planted)
    async with listening(Gate(holds=f"Be kind. {planted.sentence('a prompt that is held')}")) as address:
        config = world.folder / "pullcord.yaml"
        agents = "agents:\n  gate-bot: {on_call: [U0LEE], control: gate}\n"
        text = config.read_text().replace("agents:\n", agents, 1)
        config.write_text(text + CONFIG.format(gate=address))
        await world.start()
        await world.spans(*bad_run(TRACE))
        await _meets_a_plane_that_tells_everything(world, planted)
        await _people_type_secrets(world, planted)
        await world.quiet()
        places = await _everything(world)
    found = planted.found(places)
    print(f"\n{len(planted.made)} secrets; looked at { {p: len(held) for p, held in places.items()} }: {found}")
    assert found == {place: [] for place in places}
    assert all(places.values())
    for place in ("slack", "store", "bundle", "api", "page", "branches"):
        assert b"[redacted: " in places[place], f"no mark in {place}"


async def _opens(world: World, agent: str, number: int) -> None:
    await world.deliver(alert(f"of {agent}", agent=agent, trace_id=TRACE))
    world.current = number
    await world.button("Pause agent")


async def _meets_a_plane_that_tells_everything(world: World, planted: Planted) -> None:
    """It quotes our credentials when it refuses, and what it holds has secrets in it: that is not touched."""
    await _opens(world, "gate-bot", 1)
    channel = (await world.incident())["channel"]
    await world.press(LEE, "Pause agent")
    await world.fill(LEE, why=planted.short("the reason of a pause"))
    assert "controls.gate" in (await _some(world, "pause_agent", "failed"))["reason"]
    await world.slack.slash(LEE, channel, "/pullcord", "run patch_prompt")
    await world.fill(LEE, text=planted.short("a sentence for the gate"))
    assert "stores no secrets" in (await _some(world, "patch_prompt", "refused"))["reason"]
    assert (await world.api("/api/mitigations"))["total"] == 0


async def _people_type_secrets(world: World, planted: Planted) -> None:
    await _opens(world, "refund-bot", 2)
    channel = (await world.incident())["channel"]
    await world.press(LEE, "Pause agent")
    await world.fill(LEE, why=planted.short("why an agent is paused"))
    await world.execution("succeeded")
    await world.slack.slash(LEE, channel, "/pullcord", "run patch_prompt")
    await world.fill(LEE, text=planted.short("a guarding sentence"), why=planted.short("why it is added"))
    await _some(world, "patch_prompt", "succeeded")
    await world.slack.slash(LEE, channel, "/pullcord", "run open_eval_case")
    await world.fill(LEE, expected=planted.short("what is expected"), arguments="")
    await _some(world, "open_eval_case", "succeeded")
    paused = await _some(world, "pause_agent", "succeeded")
    await _asks_to_undo(world, paused["id"], 1)
    await _presses(world, DANA, "Reject")
    await world.fill(DANA, reason=planted.sentence("why it is rejected"))
    await _some(world, "pause_agent", "rejected")
    await _asks_to_undo(world, paused["id"], 2)
    await _presses(world, LEE, "Break glass")
    await world.fill(LEE, reason=planted.sentence("why it cannot wait"))
    await world.until("glass broken", lambda: _broken(world))


async def _broken(world: World) -> bool:
    return any(e["broke_glass"] and e["state"] == "succeeded" for e in (await world.incident())["executions"])


async def _some(world: World, action: str, state: str) -> Json:
    async def look() -> Json | None:
        held = (await world.incident())["executions"]
        found = next((e for e in held if (e["action"], e["state"]) == (action, state)), None)
        assert found is not None, [(e["action"], e["state"], e["reason"]) for e in held]
        return dict(found)

    return dict(await world.until(f"{action} {state}", look))


def _where(message: Json, label: str) -> tuple[str, str | None] | None:
    shown = pressable(message.get("blocks") or [])
    return next((where for text, where in shown if text.startswith(label)), None)


async def _asks_to_undo(world: World, execution: str, times: int) -> None:
    """Lee, who may not: is refused, and asks, for the first or the second time."""
    channel = (await world.incident())["channel"]
    await world.slack.slash(LEE, channel, "/pullcord", f"undo {execution}")
    for label in ("Undo", "Ask @commander"):

        async def look(label: str = label) -> Json | None:
            said = [m for m in await world.slack.ephemerals(LEE, channel) if _where(m, label)]
            return dict(said[-1]) if len(said) >= times else None

        message = await world.until(f"{label} for Lee", look)
        await world.slack.click(LEE, channel, message["ts"], *(_where(message, label) or ("", None)), stale=True)
    await _some(world, "pause_agent", "awaiting_approval")


async def _presses(world: World, user: str, label: str) -> None:
    """Under the newest question in the thread."""
    whole = await world.incident()

    async def look() -> Json | None:
        said = await world.slack.messages(whole["channel"], thread_ts=whole["root_ts"])
        return next((m for m in reversed(said) if _where(m, label)), None)

    message = await world.until(f"{label} in the thread", look)
    await world.slack.click(user, whole["channel"], message["ts"], *(_where(message, label) or ("", None)), stale=True)


async def _everything(world: World) -> dict[str, bytes]:
    """All that the product wrote, said or shows."""
    bearer = {"authorization": f"Bearer {world.environment['PULLCORD_API_TOKEN']}"}
    names = [row["id"] for row in await world.incidents()]
    api = page = b""
    bundle = io.BytesIO()
    async with world.store() as store:
        link = await store.sessions.link(LEE, None)
        for name in names:
            await write_bundle(store.incidents, store.evidence, store.chain, name, bundle)
    page += (await world.http.get(f"{world.origin}/open/{link}", follow_redirects=True)).content
    for path in ("/mitigations", "/incidents", *(f"/incidents/{name}" for name in names)):
        shown = await world.http.get(f"{world.origin}{path}", follow_redirects=True)
        assert shown.status_code == 200, path
        page += shown.content
    below = (f"/api/incidents/{name}{more}" for name in names for more in ("", "/timeline?limit=200", "/evidence"))
    for path in ("/api/mitigations", *below):
        answer = await world.http.get(f"{world.origin}{path}", headers=bearer)
        assert answer.status_code == 200, path
        api += answer.content
    address = await running_store(world.folder / "data")
    assert address is not None
    with Redis.from_url(address) as client:
        stored = stored_bytes(client)
    branches = subprocess.run(  # noqa: ASYNC221 - a moment
        ["git", "-C", str(world.folder / "evals.git"), "log", "--all", "--patch"], capture_output=True, check=True
    ).stdout
    flags = json.dumps(await world.read_flags()).encode()
    metrics = (await world.http.get(f"{world.origin}/metrics", headers=bearer)).content
    return {
        "slack": json.dumps(await world.slack.calls(), default=str).encode(), "log": world.logs().encode(),
        "store": stored, "bundle": bundle.getvalue(), "api": api, "page": page, "branches": branches, "flags": flags,
        "metrics": metrics,
    }  # fmt: skip
