"""The doctor proves that each user group of a role can be read: one that cannot makes a role that nobody holds."""

from pathlib import Path

from bot.doctor_findings import Finding, Health
from bot.doctor_slack import slack_findings
from bot.plugin_faults import registry_of
from bot.settings import load_settings
from sandbox.slack import SlackSandbox

_CONFIG = """
slack: {announce_channel: C0INCIDENTS}
roles: {responder: [S0SRE, "agent:on_call"], commander: [S0LEADS], respnder: [U0LEE]}
agents: {refund-bot: {on_call: [U0DANA]}}
"""


async def _found(tmp_path: Path, slack: SlackSandbox) -> dict[str, Finding]:
    path = tmp_path / "pullcord.yaml"
    path.write_text(_CONFIG)
    variables = {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_URL": slack.base_url,
    }
    settings = load_settings(variables, path)
    findings: list[Finding] = []
    await slack_findings(settings, registry_of(settings), findings)
    return {finding.seen: finding for finding in findings if finding.name in {"roles", "people"}}


async def test_each_group_is_read_and_what_is_wrong_is_named(tmp_path: Path) -> None:
    """A group that is there, one that is not, a role that nothing asks for; symbols are no people to look up."""
    async with SlackSandbox.start() as slack:
        found = await _found(tmp_path, slack)
    assert found["S0SRE (roles.responder) has 2 members"].health is Health.GOOD
    (unread,) = [finding for seen, finding in found.items() if seen.startswith("S0LEADS (roles.commander) cannot")]
    assert unread.health is Health.BAD
    assert "usergroups:read" in unread.next_step
    assert found["no permission and no verb asks for roles.respnder"].next_step == "Did you mean responder?"
    assert found["2 people found and active"].health is Health.GOOD


async def test_a_scope_that_is_missing_and_an_empty_group_are_said(tmp_path: Path) -> None:
    """Nobody holds a role whose group is empty."""
    async with SlackSandbox.start() as slack:
        await slack.set_group("S0LEADS", [])
        found = await _found(tmp_path, slack)
        assert found["S0LEADS (roles.commander) has 0 members"].health is Health.BAD
        await slack.set_scopes(remove=["usergroups:read"])
        found = await _found(tmp_path, slack)
    assert sum("cannot be read" in seen for seen in found) == 2
