"""Eval cases in a data set of Langfuse."""

from tests.contracts.planes.datasets import dataset_case
from tests.support.dataset_peers import Langfuse

CASE = dataset_case("langfuse_dataset", Langfuse, {"public_key": "pk-1", "secret_key": "${PEER_SECRET}"})
