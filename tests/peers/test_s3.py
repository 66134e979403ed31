"""Evidence in a bucket of an S3 that nobody here wrote: moto's server, from a virtual environment of its own."""

import os
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import obstore
import pytest
from pydantic import SecretStr

from bot.errors import Refused
from bot.evidence.bucket import BucketEvidence
from bot.settings_schema import EvidenceSettings
from tests.peers.place import free_port
from tests.peers.programs import installed

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A running server with a bucket."""
    port = free_port()
    command = [str(installed("moto") / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    with httpx.Client(trust_env=False, timeout=5) as client:
        end = time.monotonic() + 30
        while True:
            try:
                client.put(f"{address}/evidence")
                break
            except httpx.TransportError:
                assert time.monotonic() < end, "moto did not answer"
                time.sleep(0.2)
    yield address
    server.terminate()
    server.wait(10)


@pytest.mark.timeout(600)
async def test_evidence_is_kept_and_swept_in_a_real_bucket(endpoint: str) -> None:
    """Put, read with its hash, damaged behind our back, gone, swept."""
    settings = EvidenceSettings(
        store="s3", bucket="evidence", region="us-east-1", endpoint=endpoint,
        access_key_id=SecretStr("testing"), secret_access_key=SecretStr("testing"),
    )  # fmt: skip
    store = BucketEvidence(settings, timedelta(days=30))
    data = os.urandom(6_000_000)
    kept, old = await store.put(data), await store.put(b"an old run")
    assert await store.get(kept) == data
    assert await store.holds(kept)
    await obstore.put_async(store._store(), f"{kept[:2]}/{kept}", b"a lie")
    with pytest.raises(Refused, match="is not what was frozen"):
        await store.get(kept)
    await store.put(data)
    assert await store.sweep({kept}, datetime.now(UTC) + timedelta(days=31)) == 1
    assert await store.get(kept) == data
    with pytest.raises(Refused, match="not in the store"):
        await store.get(old)
