"""Eval cases in a data set of Phoenix."""

from tests.contracts.planes.datasets import dataset_case
from tests.support.dataset_peers import Phoenix

CASE = dataset_case(
    "phoenix_dataset", Phoenix, {"api_key": "${PEER_SECRET}"}, real="tests/peers/test_phoenix_dataset.py"
)
