"""``pullcord doctor`` proves connections by round trips, and says what to do where one fails."""

import asyncio
import io
import subprocess
from pathlib import Path

from rich.console import Console

from bot.doctor import examine
from bot.settings import load_settings
from sandbox.slack import SlackSandbox

CONFIG = """
slack: {{announce_channel: C0INCIDENTS}}
roles: {{responder: [U0DANA], commander: [U0DANA]}}
agents:
  refund-bot: {{on_call: [{person}], token: "${{AGENT_TOKEN}}"}}
evals: {{remote: "{evals}"}}
"""


async def _examined(
    tmp_path: Path, slack: SlackSandbox, *, person: str = "U0LEE", bare: bool = True
) -> tuple[int, str]:
    evals = tmp_path / "evals.git"
    if bare:
        await asyncio.to_thread(subprocess.run, ["git", "init", "--quiet", "--bare", str(evals)], check=True)
    config = tmp_path / "pullcord.yaml"
    config.write_text(CONFIG.format(person=person, evals=evals))
    variables = {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_URL": slack.base_url,
        "PULLCORD_DATA_DIR": str(tmp_path / "data"),
        "PULLCORD_API_TOKEN": "a-token-of-the-read-api",
        "AGENT_TOKEN": "a-token-of-the-agent",
    }
    console = Console(width=200, record=True, file=io.StringIO())
    status = await examine(load_settings(variables, config), console)
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
