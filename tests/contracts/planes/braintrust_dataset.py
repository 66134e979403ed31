"""Eval cases in a data set of Braintrust."""

from tests.contracts.planes.datasets import dataset_case
from tests.support.dataset_peers import PROJECT, Braintrust

CASE = dataset_case("braintrust_dataset", Braintrust, {"api_key": "${PEER_SECRET}", "project": PROJECT})
