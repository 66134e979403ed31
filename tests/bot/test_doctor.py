"""``pullcord doctor`` proves connections by round trips, and says what to do where one fails."""

import asyncio
import io
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.console import Console

from bot import doctor_findings
from bot.doctor import examine
from bot.settings import load_settings
from sandbox.slack import SlackSandbox
from tests.support.trace_stores import Asked, Told, loopback_store, told
from tests.support.waiting import wait_until

CONFIG = """
slack: {{announce_channel: C0INCIDENTS}}
roles: {{responder: [U0DANA], commander: [U0DANA]}}
agents:
  refund-bot: {{on_call: [{person}], token: "${{AGENT_TOKEN}}"}}
evals: {{remote: "{evals}"}}
"""


async def _examined(
    tmp_path: Path,
    slack: SlackSandbox,
    *,
    person: str = "U0LEE",
    bare: bool = True,
    app_token: str | None = None,
    extra: str = "",
    config: str = CONFIG,
    more: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    tmp_path.mkdir(exist_ok=True)
    evals = tmp_path / "evals.git"
    if bare:
        await asyncio.to_thread(subprocess.run, ["git", "init", "--quiet", "--bare", str(evals)], check=True)
    path = tmp_path / "pullcord.yaml"
    path.write_text(config.format(person=person, evals=evals) + extra)
    variables = {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": app_token or slack.app_token,
        "SLACK_API_URL": slack.base_url,
        "PULLCORD_DATA_DIR": str(tmp_path / "data"),
        "PULLCORD_API_TOKEN": "a-token-of-the-read-api",
        "AGENT_TOKEN": "a-token-of-the-agent",
        **(more or {}),
    }
    console = Console(width=200, record=True, file=io.StringIO())
    status = await examine(load_settings(variables, path), console)
    return status, console.export_text()


async def test_a_sound_set_up_is_said_to_work(tmp_path: Path) -> None:
    """Each line says what was seen, not what was configured."""
    async with SlackSandbox.start() as slack:
        status, told = await _examined(tmp_path, slack)
    assert status == 0, told
    for words in ("written and read back", "Socket Mode gives a connection", "#incidents", "2 people found", "granted"):
        assert words in told
    assert "has never read its state" in told
    assert slack.bot_token not in told


async def test_what_fails_is_named_with_what_to_do(tmp_path: Path) -> None:
    """A guest on call, a missing scope, an eval repository that is not there: all in one go, exit status 1."""
    async with SlackSandbox.start() as slack:
        await slack.set_scopes(remove=["channels:manage"])
        status, told = await _examined(tmp_path, slack, person="U0GUEST", bare=False)
    assert status == 1
    for words in ("U0GUEST (agents.refund-bot) is no active full member", "channels:manage", "evals.git", "to mend"):
        assert words in told


async def test_the_repository_of_the_catalogue_is_read_too(tmp_path: Path) -> None:
    """A class that a person gave a tool is pushed there at 3 a.m.; a wrong address is found before."""
    async with SlackSandbox.start() as slack:
        extra = "catalogue_repository: {remote: ./nowhere.git}\n"
        status, told = await _examined(tmp_path, slack, extra=extra)
        assert status == 1
        assert "./nowhere.git cannot be read" in told
        assert "See catalogue_repository.remote." in told
        status, told = await _examined(tmp_path, slack)
    assert "catalogue_repository.remote is not set" in told


async def test_a_wrong_token_is_a_sentence_and_no_stack_trace(tmp_path: Path) -> None:
    """Slack's own word for it, and the rest of the checks still run."""
    async with SlackSandbox.start() as slack:
        slack.bot_token = "xoxb-wrong"
        status, told = await _examined(tmp_path, slack)
    assert status == 1
    assert "invalid_auth" in told
    assert "Traceback" not in told
    assert "written and read back" in told


async def test_without_a_token_it_says_that_nobody_is_told(tmp_path: Path) -> None:
    """The most common first mistake."""
    console = Console(width=200, record=True, file=io.StringIO())
    status = await examine(load_settings({"PULLCORD_DATA_DIR": str(tmp_path / "data")}), console)
    assert status == 1
    assert "nobody is told anything in Slack" in console.export_text()


async def test_a_wrong_app_token_and_a_person_who_is_not_there_are_sentences(tmp_path: Path) -> None:
    """The bot token alone is good: everything else is still looked at, and each fault names its thing."""
    async with SlackSandbox.start() as slack:
        status, told = await _examined(tmp_path, slack, person="U0NOBODY", app_token="xapp-1-A0-wrong")
    assert status == 1
    assert "invalid_auth" in told
    assert "U0NOBODY (agents.refund-bot): user_not_found" in told
    assert "all" in told
    assert "granted" in told
    assert "xapp-1-A0-wrong" not in told


async def test_a_git_that_hangs_is_ended_with_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that accepts and never answers: a sentence in time, and no process is left behind."""
    monkeypatch.setattr(doctor_findings, "_SECONDS", 1.0)
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        closed.append(await reader.read(-1))
        writer.close()

    closed: list[bytes] = []
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        config = tmp_path / "pullcord.yaml"
        config.write_text(f"evals: {{remote: 'git://127.0.0.1:{port}/evals.git'}}\n")
        console = Console(width=200, record=True, file=io.StringIO())
        settings = load_settings({"PULLCORD_DATA_DIR": str(tmp_path / "data")}, config)
        assert await examine(settings, console) == 1
        assert asked.is_set()
        assert "no answer within 1 s" in console.export_text()
        await wait_until(lambda: closed, what="git has closed its connection")


async def test_where_evidence_goes_is_written_and_read_back(tmp_path: Path) -> None:
    """A directory that cannot be written is named; one that can is seen to keep what it is given."""
    async with SlackSandbox.start() as slack:
        for directory, wanted in ((tmp_path / "evidence", "written and read back"), (Path("/proc/no"), "evidence")):
            extra = f"recorder: {{evidence: {{store: directory, directory: {directory}}}}}\n"
            status, told = await _examined(tmp_path / directory.name, slack, extra=extra)
            line = next(line for line in told.splitlines() if "evidence" in line)
            assert wanted in line
            assert (status == 0) is (directory.name == "evidence")


def _gate(asked: Asked) -> Told:
    if asked.headers.get("authorization") != "Bearer gate-t0ken":
        return told({"sent": dict(asked.headers)}, 401)
    return told({"paused": False})


CONTROLS = """
controls:
  gate:
    type: http
    url: {url}
    token: ${{GATE_TOKEN}}
    verbs:
      pause_agent:
        read: {{path: "/agents/{{agent}}", value: paused}}
        apply: {{path: "/agents/{{agent}}/pause"}}
        undo: {{method: DELETE, path: "/agents/{{agent}}/pause"}}
  spare: {{type: flagd, file: {file}}}
  away: {{type: flagd, file: /nowhere/flags.json}}
"""


@pytest.mark.parametrize("token", ["gate-t0ken", "an-old-s3cret"])
async def test_each_control_plane_is_asked_and_none_is_written_to(tmp_path: Path, token: str) -> None:
    """A line for each: what it can act on, that no agent names it, or what is wrong, without the secret."""
    async with SlackSandbox.start() as slack, loopback_store(_gate) as gate:
        extra = CONTROLS.format(url=gate.url, file=tmp_path / "flags.json")
        named = 'token: "${{AGENT_TOKEN}}", control: [gate, away]'
        config = CONFIG.replace('token: "${{AGENT_TOKEN}}"', named)
        status, seen = await _examined(tmp_path, slack, extra=extra, config=config, more={"GATE_TOKEN": token})
    assert status == 1  # the file that is away
    assert "no agent names it" in seen
    assert "/nowhere" not in seen or "cannot be read" in seen
    if token == "gate-t0ken":
        assert "can act on refund-bot (planned, nothing written)" in seen
    else:
        assert "refused our credentials (401)" in seen
        assert token not in seen
    assert {asked.method for asked in gate.asked} == {"GET"}
