"""What the doctor looks at in Slack: tokens, scopes, the connection, the announce channel, and the people."""

from typing import Any

from bot.doctor_findings import Finding, Health, each
from bot.doctor_slack_http import http_findings
from bot.errors import PullcordError
from bot.permission_faults import unused_roles
from bot.plugin import Registry
from bot.settings import Settings
from bot.slack.client import SlackClient
from bot.slack.errors import UserUnreachable
from bot.slack.manifest import scopes


async def slack_findings(settings: Settings, registry: Registry | None, findings: list[Finding]) -> None:
    """Every check with the bot's token; without a token nothing is looked at."""
    token = settings.environment.slack_bot_token
    if token is None:
        return
    client = await SlackClient.open(token.get_secret_value(), settings.environment.slack_api_url)
    try:
        await each(
            findings,
            (
                ("Slack", lambda: _slack_identity(client, registry)),
                ("Slack connection", lambda: _slack_socket(settings)),
                ("announce channel", lambda: _slack_channel(settings, client)),
                ("people", lambda: _slack_people(settings, client)),
                ("roles", lambda: _slack_roles(settings, client, registry)),
            ),
        )
    finally:
        await client.aclose()


async def _slack_identity(client: SlackClient, registry: Registry | None) -> list[Finding]:
    await client.call("auth.test")  # with our own typed errors; the second call is for the scopes in its headers
    response = await client.web.auth_test()
    seen = f"{response.get('user')} in {response.get('team')}"
    found = [Finding("Slack", Health.GOOD, seen)]
    granted = {scope.strip() for scope in (response.headers.get("x-oauth-scopes") or "").split(",")} - {""}
    if granted and registry is not None:
        lacking = sorted(set(scopes(registry)) - granted)
        if lacking:
            step = "Reinstall the app with the manifest of `pullcord manifest`."
            found.append(Finding("Slack scopes", Health.BAD, f"missing: {', '.join(lacking)}", step))
        else:
            found.append(Finding("Slack scopes", Health.GOOD, f"all {len(scopes(registry))} granted"))
    return found


async def _slack_socket(settings: Settings) -> list[Finding]:
    environment = settings.environment
    if settings.slack_mode == "http" and environment.slack_signing_secrets:
        return await http_findings(settings)
    if environment.slack_app_token is None:
        step = "Set SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET (HTTP)."
        return [Finding("Slack connection", Health.BAD, "no way for clicks to reach us", step)]
    client = await SlackClient.open(environment.slack_app_token.get_secret_value(), environment.slack_api_url)
    try:
        answer = await client.call("apps.connections.open")
    finally:
        await client.aclose()
    if not answer.get("url"):
        return [
            Finding("Slack connection", Health.BAD, "Slack gave no socket", "Give the app token connections:write.")
        ]
    unused = ", so SLACK_SIGNING_SECRET is not used" if environment.slack_signing_secrets else ""
    return [Finding("Slack connection", Health.GOOD, f"Socket Mode gives a connection{unused}")]


async def _slack_channel(settings: Settings, client: SlackClient) -> list[Finding]:
    channel = settings.slack.announce_channel
    if channel is None:
        return [Finding("announce channel", Health.BAD, "slack.announce_channel is not set", "Name the channel's id.")]
    found = (await client.call("conversations.info", channel=channel)).get("channel") or {}
    if not found.get("is_member"):
        return [
            Finding("announce channel", Health.BAD, f"the bot is not in {channel}", "Invite it: /invite @pullcord.")
        ]
    return [Finding("announce channel", Health.GOOD, f"#{found.get('name')}, the bot is a member")]


async def _slack_people(settings: Settings, client: SlackClient) -> list[Finding]:
    wanted: dict[str, str] = {}
    for name, agent in settings.agents.items():
        wanted |= dict.fromkeys((*agent.on_call, *agent.fallback), f"agents.{name}")
    everybody = settings.default_agent
    wanted |= dict.fromkeys((*everybody.on_call, *everybody.fallback), "default_agent")
    roles = settings.roles
    for role in roles.names:
        wanted |= dict.fromkeys((user for user in roles.members(role) if user[:1] in "UW"), f"roles.{role}")
    if not wanted and not any(roles.members(role) for role in roles.names):
        return [Finding("people", Health.BAD, "nobody is on call and nobody has a role", "Fill on_call and roles.")]
    found: list[Finding] = []
    for user, where in wanted.items():
        try:
            known: dict[str, Any] = (await client.call("users.info", user=user)).get("user") or {}
        except UserUnreachable as error:
            found.append(Finding("people", Health.BAD, f"{user} ({where}): {error.error}", "Correct the user id."))
            continue
        if (
            known.get("deleted")
            or known.get("is_restricted")
            or known.get("is_ultra_restricted")
            or known.get("is_bot")
        ):
            found.append(
                Finding("people", Health.BAD, f"{user} ({where}) is no active full member", "Name somebody else.")
            )
    return found or [Finding("people", Health.GOOD, f"{len(wanted)} people found and active")]


async def _slack_roles(settings: Settings, client: SlackClient, registry: Registry | None) -> list[Finding]:
    """Every user group that a role names is read, since a role whose group cannot be read is held by nobody."""
    found: list[Finding] = []
    roles = settings.roles
    groups = {group: role for role in reversed(roles.names) for group in roles.members(role) if group.startswith("S")}
    for group, role in groups.items():
        try:
            members = (await client.call("usergroups.users.list", usergroup=group)).get("users")
        except PullcordError as error:
            step = "Correct the id, and give the app the scope usergroups:read."
            found.append(Finding("roles", Health.BAD, f"{group} (roles.{role}) cannot be read: {error.message}", step))
            continue
        count = len(members) if isinstance(members, list) else 0
        health = Health.GOOD if count else Health.BAD
        step = "" if count else "Put people into it, or name them in the role."
        found.append(Finding("roles", health, f"{group} (roles.{role}) has {count} members", step))
    if not roles.commander and not roles.admin:
        told = "roles.commander is empty: nobody may loosen, undo or approve"
        found.append(Finding("roles", Health.NOTE, told, "Name people or a user group in roles.commander."))
    for role, near in unused_roles(settings, registry) if registry is not None else ():
        step = f"Did you mean {near}?" if near else "Name it in a permission, or take it out."
        found.append(Finding("roles", Health.NOTE, f"no permission and no verb asks for roles.{role}", step))
    return found
