"""Templates to answers: the headers of every page, and the pages that only say something. All text is escaped here."""

from dataclasses import dataclass
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

_CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "content-security-policy": _CSP,
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""What every page carries. Foreign text stands on it, so nothing inline runs even if an escape were missed;
``connect-src`` lets our own script read one of our steps, and nothing elsewhere."""

_TEMPLATES = Environment(
    loader=PackageLoader("bot.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Notice:
    """All that ``notice.html`` shows."""

    title: str
    text: str
    next_step: str = ""


def rendered(template: str, page: Any) -> str:
    """The page as HTML. Costs time in proportion to the page: call it off the event loop for a large one."""
    return _TEMPLATES.get_template(template).render(page=page)


def html(status: int, text: str) -> Response:
    """A page."""
    return HTMLResponse(text, status, HEADERS)


def notice(status: int, title: str, text: str, next_step: str = "") -> Response:
    """A page that says one thing and what to do."""
    return html(status, rendered("notice.html", Notice(title, text, next_step)))
