"""What the doctor proves of HTTP mode: that the address answers Slack's challenge with our secret, and refuses others.

It sends what Slack sends when an address is typed into the app's settings, really signed, to ``public_url``. What it
cannot prove from here is that Slack reaches that address too.
"""

import secrets
import time

import httpx

from bot.doctor_findings import Finding, Health
from bot.settings import Settings
from bot.slack.http import PATH, challenge_body, signed_headers

_SECONDS = 3.0
_NAME = "Slack connection"


async def http_findings(settings: Settings) -> list[Finding]:
    """The mode, then what the address answered. Each of several signing secrets is tried."""
    url = f"{settings.base_url}{PATH}"
    found: list[Finding] = []
    if settings.environment.slack_app_token is not None:
        found.append(Finding(_NAME, Health.NOTE, "slack.mode is http, so SLACK_APP_TOKEN is not used"))
    if settings.public_url is None:
        step = "Set public_url to the address under which Slack reaches Pullcord."
        found.append(Finding(_NAME, Health.NOTE, f"HTTP mode, but public_url is not set: {url} is only local", step))
    elif not url.startswith("https://"):
        step = "Put a proxy with a certificate in front, and name its address in public_url."
        found.append(Finding(_NAME, Health.NOTE, f"HTTP mode: Slack delivers to https only, not to {url}", step))
    try:
        async with httpx.AsyncClient(timeout=_SECONDS, follow_redirects=False) as http:
            return [*found, await _proven(http, url, settings.environment.slack_signing_secrets)]
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        why = f"HTTP mode: {url} cannot be reached from here ({type(error).__name__})"
        return [*found, Finding(_NAME, Health.NOTE, why, "Start `pullcord serve`, then run `pullcord doctor` again.")]


async def _proven(http: httpx.AsyncClient, url: str, given: tuple[str, ...]) -> Finding:
    for secret in given:
        challenge = secrets.token_urlsafe(24)
        body = challenge_body(challenge)
        answer = await http.post(url, content=body, headers=signed_headers(secret, int(time.time()), body))
        if answer.status_code != 200 or challenge not in answer.text:
            return _wrong(url, answer.status_code)
    body = challenge_body(secrets.token_urlsafe(24))
    forged = signed_headers(secrets.token_hex(16), int(time.time()), body)
    answer = await http.post(url, content=body, headers=forged)
    if answer.status_code != 401:
        seen = f"HTTP mode: {url} answered {answer.status_code} to a forged request, not 401"
        return Finding(_NAME, Health.BAD, seen, "Something in front of Pullcord answers by itself: look at the proxy.")
    count = f", with each of {len(given)} signing secrets" if len(given) > 1 else ""
    return Finding(_NAME, Health.GOOD, f"HTTP mode: {url} answers Slack's challenge{count} and refuses a forged one")


def _wrong(url: str, status: int) -> Finding:
    if status == 401:
        step = "Give both the same SLACK_SIGNING_SECRET, and look at the clocks: 5 minutes are the most."
        return Finding(_NAME, Health.BAD, f"HTTP mode: {url} refuses our signature", step)
    step = "Let the proxy pass /slack/events to Pullcord as it is, and start it in HTTP mode."
    return Finding(_NAME, Health.BAD, f"HTTP mode: {url} answered {status} to Slack's challenge", step)
