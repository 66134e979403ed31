"""Where a bundle may be written to: a file, and nothing else that stands at that path."""

import os
from pathlib import Path

import pytest

from bot.errors import ActionFailed
from bot.records import export_to
from bot.settings import Settings


@pytest.mark.parametrize("kind", ["fifo", "link to a device", "directory", "no name", "up", "below a file"])
async def test_what_is_no_file_is_left_alone(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Renamed over it, an export to /dev/null or /dev/stdout would take the device away from the whole machine."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "out"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "link to a device":
        path.symlink_to("/dev/null")
    elif kind == "directory":
        path.mkdir()
    elif kind == "below a file":
        (tmp_path / "file").write_bytes(b"")
        path = tmp_path / "file" / "out"
    else:
        path = Path("." if kind == "no name" else "..")
    before = sorted((p.name, p.lstat().st_mode) for p in tmp_path.iterdir())
    with pytest.raises(ActionFailed, match="cannot be written"):
        await export_to(Settings.model_construct(), "INC-1", path)
    assert sorted((p.name, p.lstat().st_mode) for p in tmp_path.iterdir()) == before
