"""Writes the sample pages to a folder, so that a person can look at them in a browser.

Run from the repository: ``python -m tests.support.render_pages FOLDER``. Static files are copied beside the pages.
"""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from bot.domain.incident import AlertState, IncidentRow, IncidentState
from bot.domain.mitigation import rows_of
from bot.views.page import incident_page
from bot.views.page_changes import changes_page
from bot.views.page_links import LaneView
from bot.views.page_list import list_page
from bot.views.page_mitigations import mitigations_page
from bot.views.page_one_run import run_page
from bot.views.page_step import step_page
from tests.support import sample_flight as flight
from tests.support.sample_incident import (
    NOW,
    TRACE,
    at,
    chain,
    opening,
    resolved_entries,
    sample_entries,
    sample_incident,
    sample_run,
)
from tests.support.sample_mitigations import AT as SAMPLE_AT
from tests.support.sample_mitigations import acted_entries, with_all

NAMES = {"U0LEE": "lee", "U0DANA": "dana"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """As the timeline's own."""

    ok: bool
    entries: int
    head: str
    first_bad: int | None = None
    reason: str = ""


def environment() -> Environment:
    """Set up as the web application's: escaping on, nothing undefined."""
    return Environment(
        loader=PackageLoader("bot.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(template: str, page: Any) -> str:
    """One page as HTML."""
    return environment().get_template(template).render(page=page)


def sample_rows() -> list[IncidentRow]:
    """Incidents in each state."""

    def row(number: int, agent: str, title: str, state: IncidentState, opened: str, **more: Any) -> IncidentRow:
        return IncidentRow(
            id=f"INC-{number}",
            number=number,
            state=state,
            alert_state=AlertState.FIRING if state is IncidentState.OPEN else AlertState.CLEARED,
            agent=agent,
            name="x",
            title=f"{agent}: {title}",
            opened_at=at(opened),
            **{"severity": "SEV3", "runs": 1, **more},
        )

    ack, lee = IncidentState.ACKNOWLEDGED, {"acknowledged_by": "U0LEE"}
    return [
        row(
            43,
            "inbox-bot",
            "2 effects cannot be undone",
            IncidentState.OPEN,
            "03:17:00",
            severity="SEV1",
            irreversible=2,
        ),
        row(
            42,
            "refund-bot",
            "2 effects cannot be undone",
            ack,
            "03:03:02",
            severity="SEV2",
            runs=13,
            irreversible=2,
            compensable=1,
            reversible=4,
            unknown=1,
            commander="U0DANA",
            **lee,
        ),
        row(40, "quote-bot", "changed nothing outside the run", ack, "01:16:00", **lee),
        row(
            39,
            "billing-agent",
            "contained",
            IncidentState.CONTAINED,
            "00:10:00",
            severity="SEV2",
            irreversible=9,
            **lee,
        ),
        row(36, "refund-bot", "resolved", IncidentState.RESOLVED, "00:05:00", severity="SEV2", compensable=4, **lee),
    ]


def pages() -> dict[str, str]:
    """File name to HTML."""
    entries = sample_entries()
    incident = sample_incident(entries)
    first = chain(opening())
    fresh, done = sample_incident(first), resolved_entries()
    runs = {TRACE: sample_run()}
    broken = Verdict(ok=False, entries=16, head=entries[15].mac, first_bad=17, reason="its code does not fit its bytes")
    rows = sample_rows()
    acted = with_all(incident)
    listed = mitigations_page(rows_of(acted), SAMPLE_AT, total=12, names=NAMES)
    return {
        **flight_pages(),
        "acted.html": render("incident.html", incident_page(acted, SAMPLE_AT, entries=acted_entries(), names=NAMES)),
        "mitigations.html": render("mitigations.html", listed),
        "mitigations-none.html": render("mitigations.html", mitigations_page((), NOW, total=0)),
        "incident.html": render(
            "incident.html",
            incident_page(
                incident,
                NOW,
                runs=runs,
                entries=entries,
                verdict=Verdict(ok=True, entries=len(entries), head=entries[-1].mac),
                repeats={incident.alerts[0].id: 4},
                slack_url="https://example.slack.com/archives/C0INC42",
                names=NAMES,
            ),
        ),
        "firing.html": render(
            "incident.html", incident_page(fresh, at("03:03:30"), runs=runs, entries=first, verdict=broken, names=NAMES)
        ),
        "resolved.html": render(
            "incident.html", incident_page(sample_incident(done), at("09:30:00"), runs=runs, entries=done, names=NAMES)
        ),
        "missing.html": render(
            "incident.html", incident_page(sample_incident(first[:1]), at("03:03:30"), entries=first[:1])
        ),
        "incidents.html": render(
            "incidents.html", list_page(rows, NOW, undo={"INC-42": at("04:00:00")}, next_before=35, names=NAMES)
        ),
        "none.html": render("incidents.html", list_page([], NOW)),
    }


def flight_pages() -> dict[str, str]:
    """The pages of INC-44, which has everything that the recorder can say."""
    entries = flight.flight_entries()
    incident, run, effects = flight.flight_incident(), flight.flight_run(), flight.flight_effects()
    offered = flight.offered_entries()
    wide = LaneView(incident.id, flight.TRACE, wide=True)

    def one(only: str = "") -> str:
        page = incident_page(
            incident,
            NOW,
            runs={flight.TRACE: run},
            entries=entries,
            verdict=Verdict(ok=True, entries=len(entries), head=entries[-1].mac),
            only=only,
            names=NAMES,
        )
        return render("incident.html", page)

    other = incident.similar[0].groups[0].lines[2].trace_id
    made = {
        "flight.html": one(),
        "flight-effects.html": one("effects"),
        "flight-run.html": render("run.html", run_page(incident, run, effects, wide, NOW)),
        "flight-named.html": render("run.html", run_page(incident, None, (), LaneView(incident.id, other), NOW)),
        "flight-changes.html": render("changes.html", changes_page(incident, flight.TRACE, dict(flight.TEXTS), NOW)),
        "flight-offered.html": render(
            "incident.html", incident_page(sample_incident(offered), NOW, entries=offered, names=NAMES)
        ),
    }
    for row in (8, 11, 6, 15):
        step = step_page(incident, run, effects, flight.span(row), NOW)
        made[f"flight-step-{row}.html"] = render("step.html", step)
    return made


def write(folder: Path) -> list[Path]:
    """Write the pages, with links to static files that work from the disk."""
    static = Path(__file__).parents[2] / "bot" / "web" / "static"
    shutil.copytree(static, folder / "static", dirs_exist_ok=True)
    written = []
    for name, html in pages().items():
        path = folder / name
        path.write_text(html.replace('"/static/', '"static/'), encoding="utf-8")
        written.append(path)
    return written


if __name__ == "__main__":
    for one in write(Path(sys.argv[1])):
        print(one)
