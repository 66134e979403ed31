import os
import stat
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.errors import Refused, StoreUnavailable
from bot.evidence.directory import DirectoryEvidence

TTL = timedelta(days=30)
NOW = datetime.now(UTC)


def aged(path: Path, age: timedelta) -> None:
    """Make a file look that old."""
    then = time.time() - age.total_seconds()
    os.utime(path, (then, then))


async def test_only_the_owner_reads_the_files(tmp_path: Path) -> None:
    """Prompts and arguments are in them."""
    name = await DirectoryEvidence(tmp_path / "e", TTL).put(b"a run")
    path = tmp_path / "e" / name[:2] / name
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [p.name for p in path.parent.iterdir()] == [name], "nothing unfinished is left"


async def test_past_retention_goes_unless_an_open_incident_names_it(tmp_path: Path) -> None:
    """The named one counts from the sweep: after the incident is resolved it has its whole time."""
    store = DirectoryEvidence(tmp_path, TTL)
    old, named = await store.put(b"old"), await store.put(b"named")
    for name in (old, named):
        aged(tmp_path / name[:2] / name, TTL + timedelta(hours=1))
    assert await store.sweep({named}, NOW) == 1
    with pytest.raises(Refused, match="past its retention"):
        await store.get(old)
    assert await store.sweep(set(), NOW + TTL - timedelta(minutes=1)) == 0
    assert await store.get(named) == b"named"
    assert await store.sweep(set(), NOW + TTL + timedelta(minutes=1)) == 1


async def test_what_was_put_again_is_young(tmp_path: Path) -> None:
    """The same run in another incident makes its evidence live on."""
    store = DirectoryEvidence(tmp_path, TTL)
    name = await store.put(b"a run")
    aged(tmp_path / name[:2] / name, TTL + timedelta(hours=1))
    await store.put(b"a run")
    assert await store.sweep(set(), NOW) == 0


async def test_left_overs_of_a_process_that_died_are_settled(tmp_path: Path) -> None:
    """An unfinished file goes; one taken aside by a sweep that died comes back. Foreign files stay untouched."""
    store = DirectoryEvidence(tmp_path, TTL)
    name = await store.put(b"a run")
    folder = tmp_path / name[:2]
    (folder / name).rename(folder / f"{name}.aside")
    (folder / ".unfinished.part").write_bytes(b"ha")
    (folder / "README").write_bytes(b"mine")
    for path in folder.iterdir():
        aged(path, timedelta(hours=2))
    await store.sweep({name}, NOW)
    assert await store.get(name) == b"a run"
    assert sorted(p.name for p in folder.iterdir()) == sorted([name, "README"])


async def test_a_directory_that_cannot_be_written_is_said_with_what_to_do(tmp_path: Path) -> None:
    """Not a stack trace, and not a lost run: the caller keeps it elsewhere."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreUnavailable, match="directory of evidence cannot be used"):
        await DirectoryEvidence(tmp_path / "file", TTL).put(b"a run")


async def test_a_file_that_is_finished_while_the_sweep_looks_does_not_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another replica writes meanwhile: its unfinished file was listed and is gone by its own name."""
    store = DirectoryEvidence(tmp_path, TTL)
    name = await store.put(b"old")
    aged(tmp_path / name[:2] / name, TTL + timedelta(hours=1))
    gone = tmp_path / "00" / ".of-another-replica.part"
    monkeypatch.setattr(store, "_files", lambda: iter([gone, tmp_path / "00" / ("0" * 64), tmp_path / name[:2] / name]))
    assert await store.sweep({"0" * 64}, NOW) == 1
