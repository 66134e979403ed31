"""Eval cases in a data set of LangSmith."""

from tests.contracts.planes.datasets import dataset_case
from tests.support.dataset_peers import LangSmith

CASE = dataset_case("langsmith_dataset", LangSmith, {"api_key": "${PEER_SECRET}"})
