"""What each place for evidence promises: the same tests over the store, a directory and a bucket."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from redis import Redis

from bot.domain.frozen import name_of
from bot.errors import Refused
from bot.evidence.bucket import BucketEvidence
from bot.evidence.directory import DirectoryEvidence
from bot.ports import EvidenceStore
from bot.settings_schema import EvidenceSettings
from bot.timeline.store import Store
from tests.support.s3_peer import REGION, S3Peer

TTL = timedelta(days=400)
Damage = Callable[[str], None]


@pytest.fixture(params=["redis", "directory", "s3"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which place."""
    return str(request.param)


@pytest.fixture
def evidence(kind: str, store: Store, tmp_path: Path, s3: S3Peer) -> EvidenceStore:
    """The place, empty."""
    if kind == "redis":
        return store.evidence
    if kind == "directory":
        return DirectoryEvidence(tmp_path / "evidence", TTL)
    return BucketEvidence(bucket_settings(s3), TTL)


def bucket_settings(peer: S3Peer) -> EvidenceSettings:
    """The configuration of the peer's bucket."""
    return EvidenceSettings.model_validate(
        {
            "store": "s3",
            "bucket": peer.bucket,
            "region": REGION,
            "endpoint": peer.endpoint,
            "access_key_id": SecretStr(peer.key),
            "secret_access_key": SecretStr(peer.secret),
        }
    )


@pytest.fixture
def damage(kind: str, raw: Redis, tmp_path: Path, s3: S3Peer) -> Damage:
    """Flip a bit of what is kept under a name."""

    def flip(data: bytes) -> bytes:
        return bytes([data[0] ^ 1]) + data[1:]

    def do(name: str) -> None:
        if kind == "redis":
            key = f"{{pullcord}}:chunk:{name}"
            held = raw.get(key)
            assert isinstance(held, bytes)
            raw.set(key, flip(held), keepttl=True)
        elif kind == "directory":
            path = tmp_path / "evidence" / name[:2] / name
            path.write_bytes(flip(path.read_bytes()))
        else:
            held_object = s3.objects[f"pullcord/evidence/{name[:2]}/{name}"]
            held_object.data = flip(held_object.data)

    return do


@pytest.mark.parametrize("size", [0, 1, 900_001, 3_000_000])
async def test_bytes_come_back_as_they_were_frozen(evidence: EvidenceStore, size: int) -> None:
    """Their name is their SHA-256; the same again is the same name."""
    data = os.urandom(size)
    name = await evidence.put(data)
    assert name == name_of(data)
    assert await evidence.put(data) == name
    assert await evidence.holds(name)
    assert await evidence.get(name) == data


async def test_damaged_bytes_are_refused_and_a_new_put_mends_them(evidence: EvidenceStore, damage: Damage) -> None:
    """What does not fit its hash is not shown as what happened, on any read."""
    name = await evidence.put(b"a run")
    damage(name)
    with pytest.raises(Refused, match="is not what was frozen"):
        await evidence.get(name)
    await evidence.put(b"a run")
    assert await evidence.get(name) == b"a run"


@pytest.mark.parametrize("name", ["0" * 64, "", "../../etc/passwd", "a" * 63, "A" * 64, "x\n" * 32])
async def test_what_is_not_there_is_gone_and_a_bad_name_becomes_no_path(evidence: EvidenceStore, name: str) -> None:
    """A clear refusal with the next step; nothing else is looked at."""
    with pytest.raises(Refused, match="not in the store"):
        await evidence.get(name)
    assert not await evidence.holds(name)


async def test_a_sweep_keeps_what_is_young_and_what_is_named(evidence: EvidenceStore) -> None:
    """Whatever its clock says, the evidence of an open incident stays."""
    young, named = await evidence.put(b"young"), await evidence.put(b"named")
    assert await evidence.sweep({named}, datetime.now(UTC)) == 0
    assert await evidence.get(young) == b"young"
    assert await evidence.get(named) == b"named"
