"""What Pullcord has to show of runs that a real trace store keeps: the same for every store."""

import secrets
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from tests.peers.agent_run import export, recorded
from tests.peers.place import Place, build, told

CONFIGURATION = """\
agents:
  shut-bot: {{traces: [shut]}}
sources:
  alertmanager: {{bearer: "${{ALERT_TOKEN}}"}}
tools:
  - {{name: issue_refund, reversibility: irreversible, target: "{{arguments.customer_id}}"}}
trace_stores:
  {name}: {options}
  shut: {shut}
"""
EFFECTS = [
    ("get_order", "read_only", "applied"),
    ("issue_refund", "irreversible", "applied"),
    ("send_email", "unclassified", "unknown"),
]
"""What the recorded run did (``agent_run``)."""
SPANS = 7


@dataclass(frozen=True)
class Stored:
    """A running store with a Pullcord that reads it. ``send`` exports spans into it, ``link`` is where people look."""

    name: str
    place: Place
    send: Callable[[Sequence[ReadableSpan]], SpanExportResult]
    link: Callable[[str], str]
    resource: dict[str, str]

    def keep(self, agent: str) -> tuple[str, list[ReadableSpan]]:
        """A run of this agent that the store has: its trace id and spans."""
        trace_id, spans = recorded(agent, resource=self.resource)
        assert self.send(spans) is SpanExportResult.SUCCESS
        return trace_id, spans


def with_store(folder: Path, name: str, options: str, shut: str, variables: dict[str, str]) -> Place:
    """A Pullcord with this store, and one (``shut``) whose credentials are wrong. Options are YAML flow mappings."""
    configuration = CONFIGURATION.format(name=name, options=options, shut=shut)
    return build(folder, configuration, with_slack=False, variables=variables)


def effects_of(incident: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What an incident lists."""
    return [(e["tool"], e["reversibility"], e["outcome"]) for e in incident["effects"]]


def read_by_its_id(stored: Stored) -> None:
    """Nothing was sent to us: the incident shows the store's run, and says whose it is."""
    trace_id, _ = stored.keep("kept-bot")
    stored.place.alert("kept-bot", trace_id)
    seen = stored.place.incident("kept-bot", lambda found: found["runs"])
    (run,) = seen["runs"]
    told("run", {key: run[key] for key in ("trace_id", "source", "source_note", "completeness")})
    assert effects_of(seen) == EFFECTS
    assert (run["trace_id"], run["source"], run["alerted"]) == (trace_id, stored.name, True)
    assert run["source_note"] == f"{stored.name} has {SPANS} spans, we received none"
    assert run["completeness"] == "complete"
    kept = stored.place.api(f"/api/incidents/{seen['id']}/evidence?trace_id={trace_id}")["run"]
    assert [(c["model_requested"], c["model_served"]) for c in kept["model_calls"]] == [
        ("gpt-x", "gpt-x-2026-05-01")
    ] * 3


def read_by_a_link(stored: Stored) -> None:
    """The alert only carries the address where people open the run."""
    trace_id, _ = stored.keep("link-bot")
    stored.place.alert("link-bot", None, stored.link(trace_id))
    seen = stored.place.incident("link-bot", lambda found: found["runs"])
    assert [(run["trace_id"], run["source"]) for run in seen["runs"]] == [(trace_id, stored.name)]
    assert effects_of(seen) == EFFECTS


def completed_where_ours_is_partial(stored: Stored) -> None:
    """We got three spans of seven, without the root; the store has all: together they are the run."""
    trace_id, spans = stored.keep("half-bot")
    place = stored.place
    sent = export(spans[:3], place.bot.origin, place.bearer("PULLCORD_OTLP_TOKEN"))
    assert sent is SpanExportResult.SUCCESS
    place.alert("half-bot", trace_id)
    seen = place.incident("half-bot", lambda found: found["runs"] and found["runs"][0]["completeness"] == "complete")
    (run,) = seen["runs"]
    told("run", {key: run[key] for key in ("source", "source_note")})
    assert (run["source"], run["source_note"]) == (stored.name, f"{stored.name} has {SPANS} spans, we received 3")
    assert effects_of(seen) == EFFECTS


def not_asked_where_ours_is_whole(stored: Stored) -> None:
    """Our own record is the fuller one, so no store is asked."""
    trace_id, spans = stored.keep("whole-bot")
    place = stored.place
    assert export(spans, place.bot.origin, place.bearer("PULLCORD_OTLP_TOKEN")) is SpanExportResult.SUCCESS
    place.alert("whole-bot", trace_id)
    seen = place.incident("whole-bot", lambda found: found["runs"])
    (run,) = seen["runs"]
    assert (run["source"], run["source_note"]) == ("otlp", "")
    assert effects_of(seen) == EFFECTS


def missing_everywhere(stored: Stored) -> None:
    """A run that nobody has is said to be missing, with what the store answered."""
    stored.place.alert("gone-bot", secrets.token_hex(16))
    seen = stored.place.incident("gone-bot", lambda found: found["missing"])
    told("missing", seen["missing"])
    assert f"{stored.name} does not have it" in seen["missing"][0]["reason"]
    assert seen["runs"] == []


def refused_credentials_are_said(stored: Stored) -> None:
    """Both stores serve this agent: what the one that refuses us said stands beside what the other gave."""
    trace_id, _ = stored.keep("shut-bot")
    stored.place.alert("shut-bot", trace_id)
    seen = stored.place.incident("shut-bot", lambda found: found["runs"])
    (run,) = seen["runs"]
    told("note", run["source_note"])
    assert run["source"] == stored.name
    assert "shut refused our credentials" in run["source_note"]
    assert effects_of(seen) == EFFECTS


def doctor_proves_it(stored: Stored) -> None:
    """``pullcord doctor`` reads from the store with its credentials, and says which one refuses them."""
    command = [sys.executable, "-m", "bot", "doctor"]
    done = subprocess.run(
        command, env=stored.place.environment, capture_output=True, text=True, timeout=120, check=False
    )
    told("doctor", [line for line in done.stdout.splitlines() if "trace store" in line])
    assert f"trace store {stored.name}" in done.stdout
    assert "seen" in next(line for line in done.stdout.splitlines() if f"trace store {stored.name}" in line)
    assert "shut refused our credentials" in done.stdout
    assert "wrong-" not in done.stdout


CASES = (
    read_by_its_id,
    read_by_a_link,
    completed_where_ours_is_partial,
    not_asked_where_ours_is_whole,
    missing_everywhere,
    refused_credentials_are_said,
    doctor_proves_it,
)
