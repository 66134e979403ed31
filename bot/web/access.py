"""Who may look at the pages: a one-time link from Slack becomes a session in an HttpOnly cookie; or the API token.

No token stands in a posted address for longer than its link lives (60 s, once). While the store is away, sessions that
were seen before stay good until they end: the copy that is shown then is meant for exactly these people.
"""

from collections import OrderedDict

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.errors import StoreUnavailable
from bot.ports import Clock
from bot.timeline.sessions import Session, Sessions
from bot.web.credentials import bearer_of, matches
from bot.web.html import HEADERS, notice

COOKIE = "pullcord_session"
_KEPT = 1000
_MOST_INCIDENTS = 100
_MOST_CHARS = 200
_ROBOTS = (
    "slackbot",
    "slack-imgproxy",
    "bingpreview",
    "facebookexternalhit",
    "twitterbot",
    "whatsapp",
    "skypeuripreview",
)
_AGAIN = "Press Timeline at the incident in Slack again; each link opens once, within 60 seconds."


def _only_looks(request: Request) -> bool:
    """Who fetches the link without a person having opened it (prefetch, link preview) must not use it up."""
    purposes = (request.headers.get(name, "").lower() for name in ("sec-purpose", "purpose", "x-purpose", "x-moz"))
    agent = request.headers.get("user-agent", "").lower()
    return any("prefetch" in purpose or "preview" in purpose for purpose in purposes) or any(
        robot in agent for robot in _ROBOTS
    )


class Access:
    """Checks viewers, and exchanges links for sessions."""

    def __init__(self, token: SecretStr | None, sessions: Sessions, clock: Clock, *, secure: bool) -> None:
        """``token`` is the API token; ``secure`` when the page is reached over https."""
        self._token = token
        self._sessions = sessions
        self._clock = clock
        self._secure = secure
        self._seen: OrderedDict[str, Session] = OrderedDict()

    async def viewer(self, request: Request) -> Session | None:
        """Whose request this is, or None for nobody's. Raises StoreUnavailable when that cannot be known now."""
        if matches(bearer_of(request), (self._token,)):
            return Session(user="api", incidents=None, until=self._clock.now())
        cookie = request.cookies.get(COOKIE, "")
        if not 0 < len(cookie) <= _MOST_CHARS:
            return None
        try:
            found = await self._sessions.get(cookie)
        except StoreUnavailable:
            kept = self._seen.get(cookie)
            if kept is None or kept.until <= self._clock.now():
                raise
            return kept
        self._seen.pop(cookie, None)
        if found is not None:
            self._seen[cookie] = found
            if len(self._seen) > _KEPT:
                self._seen.popitem(last=False)
        return found

    async def open(self, request: Request) -> Response:
        """``GET /open/{token}``: the link of a message, exchanged once for a cookie."""
        if request.method == "HEAD" or _only_looks(request):
            # 503 for those who fetch ahead: a browser then asks again when the person really opens it
            status = 200 if request.method == "HEAD" else 503
            return notice(status, "Open this link", "It works once.")
        token = request.path_params["token"]
        try:
            session_id = await self._sessions.redeem(token) if len(token) <= _MOST_CHARS else None
            if session_id is None:
                return notice(410, "This link is used up", "It was opened before, or is older than 60 seconds.", _AGAIN)
            session_id = await self._joined(request, session_id)
            session = await self._sessions.get(session_id)
        except StoreUnavailable:
            return notice(503, "Not now", "The store does not answer, so the link cannot be checked.", _AGAIN)
        if session is None:
            return notice(410, "This link is used up", "Its session has ended.", _AGAIN)
        newest = session.incidents[-1] if session.incidents else None
        reply = RedirectResponse(f"/incidents/{newest}" if newest else "/incidents", 303, HEADERS)
        left = session.until - self._clock.now()
        reply.set_cookie(
            COOKIE,
            session_id,
            max_age=max(0, int(left.total_seconds())),
            httponly=True,
            secure=self._secure,
            samesite="lax",
        )
        return reply

    async def _joined(self, request: Request, session_id: str) -> str:
        """The new session, together with what the browser could see already if it is the same person's."""
        cookie = request.cookies.get(COOKIE, "")
        before = await self._sessions.get(cookie) if 0 < len(cookie) <= _MOST_CHARS else None
        fresh = await self._sessions.get(session_id)
        if before is None or fresh is None or before.user != fresh.user or not before.incidents or not fresh.incidents:
            return session_id
        both = tuple(dict.fromkeys(i for i in (*before.incidents, *fresh.incidents) if i not in fresh.incidents))
        together = await self._sessions.redeem(
            await self._sessions.link(fresh.user, (*both, *fresh.incidents)[-_MOST_INCIDENTS:])
        )
        if together is None:
            return session_id
        await self._sessions.end(session_id)
        await self._sessions.end(cookie)
        self._seen.pop(cookie, None)
        return together
