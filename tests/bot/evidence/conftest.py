from collections.abc import Iterator

import pytest

from tests.support.s3_peer import S3Peer
from tests.support.store import clock, connections, raw, store, valkey

__all__ = ["clock", "connections", "raw", "s3", "store", "valkey"]


@pytest.fixture
def s3() -> Iterator[S3Peer]:
    """A bucket whose peer checks signatures. Whatever it refused fails the test."""
    with S3Peer() as peer:
        yield peer
        assert peer.refused == []
