"""GitHub as eval repository."""

from tests.contracts.planes.case import PlaneCase
from tests.contracts.planes.code_hosts import GitHubHere, found, pushed

CASE = PlaneCase(
    type="github",
    peer=GitHubHere,
    options=lambda peer: {"url": peer.url, "repository": "acme/evals", "token": "${PEER_SECRET}"},
    once=pushed,
    look=found,
    real="tests/peers/test_emulate.py",
    note="a pull request with one commit; token or GitHub App",
)
