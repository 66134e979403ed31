"""Who the token belongs to, and the way to a socket."""

from sandbox.slack.backend import Backend
from sandbox.slack.model import Json
from sandbox.slack.people import BOT_ID, BOT_USER, TEAM
from sandbox.slack.webapi.registry import Args, method

TEAM_NAME = "Sandbox"
DOMAIN = "sandbox"


@method("auth.test")
async def auth_test(slack: Backend, _args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/auth.test."""
    return {
        "url": f"{slack.origin}/",
        "team": TEAM_NAME,
        "user": slack.workspace.people[BOT_USER].name,
        "team_id": TEAM,
        "user_id": BOT_USER,
        "bot_id": BOT_ID,
        "is_enterprise_install": False,
    }


@method("apps.connections.open")
async def apps_connections_open(slack: Backend, _args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/apps.connections.open."""
    return {"url": f"{slack.origin.replace('http', 'ws', 1)}/link/?ticket={slack.sockets.ticket()}"}


@method("team.info")
async def team_info(slack: Backend, _args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/team.info."""
    return {"team": {"id": TEAM, "name": TEAM_NAME, "domain": DOMAIN, "url": f"{slack.origin}/", "email_domain": ""}}
