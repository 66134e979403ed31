"""Who may see the pages of an incident, and what is said to those who may not."""

from starlette.requests import Request
from starlette.responses import Response

from bot.web.access import Access
from bot.web.html import notice

_OPEN_IN_SLACK = "Press Timeline at the incident in Slack: its link opens this page. Or send the API token as bearer."


async def refused(access: Access, request: Request, incident_id: str) -> Response | None:
    """The answer to somebody who may not see this incident, None for those who may. Raises StoreUnavailable."""
    viewer = await access.viewer(request)
    if viewer is None:
        return nobody()
    if not viewer.may_see(incident_id):
        return notice(403, "Not with this link", "It was for another incident.", _OPEN_IN_SLACK)
    return None


def nobody() -> Response:
    """For who is not signed in."""
    return notice(401, "Open this page from Slack", "You are not signed in, or your session has ended.", _OPEN_IN_SLACK)
