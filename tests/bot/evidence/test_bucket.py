import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import obstore
import pytest

from bot.errors import Refused, StoreUnavailable
from bot.evidence.bucket import BucketEvidence
from tests.bot.evidence.test_every_store import bucket_settings
from tests.support.s3_peer import S3Peer

TTL = timedelta(days=30)


async def test_a_bucket_in_trouble_is_asked_again(s3: S3Peer) -> None:
    """503 is how S3 says that it is busy."""
    s3.failing = 2
    name = await BucketEvidence(bucket_settings(s3), TTL).put(b"a run")
    assert len(s3.asked) == 3
    assert s3.objects[f"pullcord/evidence/{name[:2]}/{name}"].data == b"a run"


async def test_a_peer_that_hangs_is_given_up_in_time(s3: S3Peer) -> None:
    """Left to itself, obstore would wait for minutes."""
    s3.silent = True
    begun = time.monotonic()
    with pytest.raises(StoreUnavailable, match="no answer in time"):
        await BucketEvidence(bucket_settings(s3), TTL, seconds=0.5).put(b"a run")
    assert time.monotonic() - begun < 3


async def test_wrong_keys_are_said_without_being_told(s3: S3Peer) -> None:
    """The message names what happened; no key or signature is in it."""
    settings = bucket_settings(s3)
    s3.secret = "another"
    with pytest.raises(StoreUnavailable, match="did not confirm") as raised:
        await BucketEvidence(settings, TTL).put(b"a run")
    assert s3.key not in str(raised.value)
    assert "peer secret" not in str(raised.value)
    assert len(s3.refused) == 1
    s3.refused.clear()


async def test_past_retention_goes_unless_an_open_incident_names_it(s3: S3Peer) -> None:
    """What is named and ageing is written again, which makes it young."""
    store = BucketEvidence(bucket_settings(s3), TTL)
    old, named, young = [await store.put(data) for data in (b"old", b"named", b"young")]
    s3.objects["pullcord/evidence/README"] = s3.objects[f"pullcord/evidence/{old[:2]}/{old}"]
    now = datetime.now(UTC)
    for name in (old, named):
        s3.objects[f"pullcord/evidence/{name[:2]}/{name}"].modified = now - TTL - timedelta(hours=1)
    assert await store.sweep({named}, now) == 1
    with pytest.raises(Refused, match="not in the store"):
        await store.get(old)
    assert await store.sweep(set(), now) == 0
    assert await store.get(named) == b"named"
    assert await store.get(young) == b"young"
    assert "pullcord/evidence/README" in s3.objects


def test_a_start_without_a_bucket_does_not_load_obstore() -> None:
    """It takes time and memory that most installations never need."""
    code = "import sys, bot.app; sys.exit('obstore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=25).returncode == 0


async def test_what_was_put_again_while_the_sweep_ran_stays(s3: S3Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Listing a large bucket takes minutes, in which another replica may freeze the same run for a new incident."""
    store = BucketEvidence(bucket_settings(s3), TTL)
    first, second = sorted([await store.put(b"one"), await store.put(b"two")])
    now = datetime.now(UTC)
    for held in s3.objects.values():
        held.modified = now - TTL - timedelta(hours=1)
    deleted = obstore.delete_async

    async def delete_and_put(*given: object) -> None:
        await deleted(*given)  # type: ignore[arg-type]
        for name, held in s3.objects.items():
            if name.endswith(second):
                held.modified = now

    monkeypatch.setattr(obstore, "delete_async", delete_and_put)
    assert await store.sweep(set(), now) == 1
    assert await store.holds(second)
    assert not await store.holds(first)


async def test_one_damaged_object_does_not_keep_the_others_from_being_renewed(s3: S3Peer) -> None:
    """What an open incident names is written again, whatever happened to its neighbour."""
    store = BucketEvidence(bucket_settings(s3), TTL)
    names = sorted([await store.put(b"one"), await store.put(b"two")])
    then = datetime.now(UTC) - TTL + timedelta(hours=1)
    for held in s3.objects.values():
        held.modified = then
    s3.objects[f"pullcord/evidence/{names[0][:2]}/{names[0]}"].data = b"a lie"
    await store.sweep(set(names), datetime.now(UTC))
    assert s3.objects[f"pullcord/evidence/{names[1][:2]}/{names[1]}"].modified > then
