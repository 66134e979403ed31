"""A configuration file on GitHub, changed by commits."""

from tests.contracts.planes.case import PlaneCase
from tests.contracts.planes.code_hosts import BELOW, FILE, GitHubHere, file_deeds

CASE = PlaneCase(
    type="github_config",
    peer=GitHubHere,
    options=lambda peer: {
        "url": peer.url,
        "repository": "acme/evals",
        "token": "${PEER_SECRET}",
        "file": FILE,
        "below": BELOW,
        "mode": "commit",
    },
    deeds=file_deeds(),
    real="tests/peers/test_emulate.py",
    note="a value in a file: a commit, or a pull request that somebody merges; pending until it is deployed",
)
