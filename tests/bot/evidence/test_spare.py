from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis import Redis

from bot.errors import Misconfigured, Refused, StoreUnavailable
from bot.evidence.bucket import BucketEvidence
from bot.evidence.chosen import chosen
from bot.evidence.directory import DirectoryEvidence
from bot.evidence.spare import SpareEvidence
from bot.settings import load_settings
from bot.timeline.store import Store
from tests.bot.evidence.test_every_store import bucket_settings
from tests.support.s3_peer import S3Peer

NOW, TTL = datetime.now(UTC), timedelta(days=400)


async def test_a_run_is_frozen_and_read_while_the_bucket_is_away(store: Store, s3: S3Peer, tmp_path: Path) -> None:
    """It lies in the store; the next sweep brings what an open incident names to where it belongs."""
    place = BucketEvidence(bucket_settings(s3), TTL, seconds=0.3)
    spare = SpareEvidence(place, store.evidence)
    s3.silent = True
    name = await spare.put(b"a run")
    assert await spare.get(name) == b"a run"
    s3.silent = False
    assert not s3.objects
    await spare.sweep({name}, NOW)
    assert await place.get(name) == b"a run"


async def test_a_place_that_is_away_is_not_waited_for_at_every_run(store: Store, s3: S3Peer) -> None:
    """Twenty runs of one incident cost one wait, not twenty."""
    s3.silent = True
    spare = SpareEvidence(BucketEvidence(bucket_settings(s3), TTL, seconds=0.3), store.evidence)
    for number in range(20):
        await spare.put(b"a run %d" % number)
    assert len(s3.asked) == 1


async def test_evidence_from_before_the_change_of_place_is_still_read(store: Store, tmp_path: Path) -> None:
    """The configuration changed from the store to a directory; old incidents keep their runs."""
    name = await store.evidence.put(b"an old run")
    spare = SpareEvidence(DirectoryEvidence(tmp_path, TTL), store.evidence)
    assert await spare.get(name) == b"an old run"


async def test_neither_having_it_says_what_the_place_said(store: Store, s3: S3Peer, tmp_path: Path) -> None:
    """A bucket that is away is not "gone": nobody is told that evidence was lost when it was not."""
    s3.silent = True
    away = SpareEvidence(BucketEvidence(bucket_settings(s3), TTL, seconds=0.3), store.evidence)
    with pytest.raises(StoreUnavailable):
        await away.get("0" * 64)
    with pytest.raises(Refused, match="not in the store"):
        await SpareEvidence(DirectoryEvidence(tmp_path, TTL), store.evidence).get("0" * 64)


async def test_damage_in_the_place_is_mended_by_the_spare(store: Store, tmp_path: Path) -> None:
    """Whichever holds it whole is believed, since the hash says so."""
    spare = SpareEvidence(DirectoryEvidence(tmp_path, TTL), store.evidence)
    name = await spare.put(b"a run")
    (tmp_path / name[:2] / name).write_bytes(b"a lie")
    with pytest.raises(Refused, match="is not what was frozen"):
        await spare.get(name)
    await store.evidence.put(b"a run")
    assert await spare.get(name) == b"a run"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{store: directory}", "needs `recorder.evidence.directory`"),
        ("{store: s3}", "needs `recorder.evidence.bucket`"),
        ("{store: redis, directory: /x}", "is not used with `store: redis`"),
        ("{store: s3, bucket: abc, access_key_id: '${KEY}'}", "without `recorder.evidence.secret_access_key`"),
        ("{store: directory, directory: pullcord.yaml}", "is not a directory"),
    ],
)
def test_a_place_that_cannot_be_used_is_a_fault_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    """Before the first incident, not at it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pullcord.yaml").write_text(f"recorder:\n  evidence: {text}\n")
    with pytest.raises(Misconfigured) as raised:
        load_settings({"KEY": "k" * 20}, tmp_path / "pullcord.yaml")
    assert said in str(raised.value)
    assert "pullcord.yaml:2" in str(raised.value)


def test_the_store_is_the_default(store: Store, tmp_path: Path) -> None:
    """Nothing to configure, nothing more to run."""
    assert chosen(load_settings({"PULLCORD_DATA_DIR": str(tmp_path)}), store.evidence) is store.evidence


async def test_what_waits_in_the_spare_place_lives_on_while_the_other_is_away(
    store: Store, s3: S3Peer, raw: Redis
) -> None:
    """A bucket that is away for longer than the retention must not cost an open incident its evidence."""
    spare = SpareEvidence(BucketEvidence(bucket_settings(s3), TTL, seconds=0.3), store.evidence)
    s3.silent = True
    names = {await spare.put(b"a run %d" % number) for number in range(3)}
    kept = [f"{{pullcord}}:evidence:{name}" for name in names]
    for key in kept:
        raw.pexpire(key, 60_000)
    with pytest.raises(StoreUnavailable):
        await spare.sweep(names, NOW)
    assert all(raw.pttl(key) > 60_000 for key in kept)
    assert len(s3.asked) <= 3, "a place that is away is not waited for at every name"
