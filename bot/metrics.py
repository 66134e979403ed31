"""The Prometheus metrics of the process, in one place, with their units in their names. Imports nothing of ours.

Label values come from the configuration or from fixed sets, never from foreign text: cardinality stays bounded.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

REGISTRY = CollectorRegistry()

ALERTS = Counter(
    "pullcord_alerts",
    "Alerts by source and what became of them: accepted, repeated, rejected",
    ["source", "outcome"],
    registry=REGISTRY,
)
INTAKE_SECONDS = Histogram(
    "pullcord_intake_seconds",
    "From the first byte of an alert request to its answer, durable write included",
    ["source"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5),
    registry=REGISTRY,
)
SPANS = Counter(
    "pullcord_spans",
    "Spans and log events received over OTLP: stored, dropped, refused; log records passed over, by why (log_...)",
    ["outcome"],
    registry=REGISTRY,
)
FLAG_READS = Counter("pullcord_flag_reads", "OFREP reads by answer status", ["status"], registry=REGISTRY)
WORK = Counter(
    "pullcord_work",
    "Work items by kind and how they ended: done, retried, dropped",
    ["kind", "outcome"],
    registry=REGISTRY,
)
SLACK_CALLS = Counter(
    "pullcord_slack_calls", "Slack Web API calls by method and answer", ["method", "answer"], registry=REGISTRY
)
SLACK_SOCKET_AGE = Gauge(
    "pullcord_slack_socket_age_seconds",
    "Seconds since the last ping-pong of the Socket Mode connection",
    registry=REGISTRY,
)
TICK_AGE = Gauge("pullcord_tick_age_seconds", "Seconds since the clock's last tick", registry=REGISTRY)
EXECUTIONS = Counter(
    "pullcord_executions", "Executions by action and end state", ["action", "state"], registry=REGISTRY
)


def exposition() -> bytes:
    """All metrics in the text format of Prometheus."""
    return generate_latest(REGISTRY)
