"""A configuration file on GitLab, changed by commits."""

from tests.contracts.planes.case import PlaneCase
from tests.contracts.planes.code_hosts import BELOW, FILE, GitLabHere, file_deeds

CASE = PlaneCase(
    type="gitlab_config",
    peer=GitLabHere,
    options=lambda peer: {
        "url": peer.url,
        "project": "acme/team/evals",
        "token": "${PEER_SECRET}",
        "file": FILE,
        "below": BELOW,
        "mode": "commit",
    },
    deeds=file_deeds(),
    note="a value in a file: a commit, or a merge request; pending until it is deployed",
)
