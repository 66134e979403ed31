"""GitLab as eval repository."""

from tests.contracts.planes.case import PlaneCase
from tests.contracts.planes.code_hosts import GitLabHere, found, pushed

CASE = PlaneCase(
    type="gitlab",
    peer=GitLabHere,
    options=lambda peer: {"url": peer.url, "project": "acme/team/evals", "token": "${PEER_SECRET}"},
    once=pushed,
    look=found,
    note="a merge request with one commit",
)
