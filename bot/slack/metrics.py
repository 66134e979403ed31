"""Metrics of the Slack side that nobody else counts, in the process's one registry."""

from prometheus_client import Counter, Histogram

from bot.metrics import REGISTRY

CLICKS = Counter(
    "pullcord_slack_interactions", "Interactions by kind and outcome", ["kind", "outcome"], registry=REGISTRY
)
CLICK_SECONDS = Histogram(
    "pullcord_slack_interaction_seconds",
    "From an interaction to its acknowledgement",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 3),
    registry=REGISTRY,
)
SOCKET_RECONNECTS = Counter(
    "pullcord_slack_socket_reconnects", "Socket Mode connections that had to be made anew", registry=REGISTRY
)
ANSWERS_LOST = Counter(
    "pullcord_slack_answers_lost", "Answers to clickers that could not be delivered", registry=REGISTRY
)
REQUESTS_REFUSED = Counter(
    "pullcord_slack_requests_refused",
    "Requests to /slack/events that were refused: forged, replayed, malformed, large, slow",
    ["reason"],
    registry=REGISTRY,
)
