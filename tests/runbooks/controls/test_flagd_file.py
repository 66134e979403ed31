"""The flagd file: what others wrote stays, two writers wait for each other, and what cannot be written is said."""

import json
import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest

from bot.domain.action import Restraint
from bot.errors import ActionFailed, Refused
from bot.plugin import ControlName
from runbooks.controls.flagd_file import FlagdFile, FlagdFileSettings
from tests.support.clock import ManualClock

WHY = Restraint(incident="INC-1", by="@dana", why="a test")
THEIRS: dict[str, Any] = {
    "$schema": "https://flagd.dev/schema/v0/flags.json",
    "flags": {
        "new-checkout": {
            "state": "ENABLED",
            "variants": {"on": True, "off": False},
            "defaultVariant": "off",
            "targeting": {"if": [{"ends_with": [{"var": "email"}, "@acme.example"]}, "on"]},
            "metadata": {"owner": "café ☕"},
        },
    },
    "$evaluators": {"gold": {"==": [{"var": "tier"}, "gold"]}},
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of other people."""
    path = tmp_path / "flags.json"
    path.write_text(json.dumps(THEIRS, ensure_ascii=False), encoding="utf-8")
    return path


def plane(file: Path) -> FlagdFile:
    """The control plane for a file."""
    return FlagdFile(FlagdFileSettings(file=str(file)), ControlName("flags"), ManualClock())


def read(file: Path) -> dict[str, Any]:
    """What is in it."""
    return dict(json.loads(file.read_text(encoding="utf-8")))


async def test_what_others_wrote_stays(file: Path) -> None:
    """Flags, targeting, evaluators, letters and permissions; no file is left beside but the lock."""
    file.chmod(0o640)
    made = plane(file)
    await made.apply(await made.pin_model("refund-bot", "gpt-x-1", None), "ex_1", WHY)
    written = read(file)
    assert written["flags"].pop("refund-bot.model")["defaultVariant"] == "pullcord"
    assert written == THEIRS
    assert "café ☕" in file.read_text(encoding="utf-8")
    assert file.stat().st_mode & 0o777 == 0o640
    assert sorted(one.name for one in file.parent.iterdir()) == ["flags.json", "flags.json.lock"]


async def test_a_link_is_followed(file: Path, tmp_path: Path) -> None:
    """A mounted file is often a link: what it points at is replaced, and the link stays."""
    link = tmp_path / "link.json"
    link.symlink_to(file)
    made = plane(link)
    await made.apply(await made.pause_agent("refund-bot", None), "ex_1", WHY)
    assert link.is_symlink()
    assert read(file)["flags"]["refund-bot.paused"]["variants"]["pullcord"] is True


async def test_targeting_rules_are_refused(file: Path) -> None:
    """They go before what everybody is served, so that a default would show nothing."""
    document = {"flags": {"refund-bot.model": {**THEIRS["flags"]["new-checkout"], "variants": {"a": "x", "b": "y"}}}}
    file.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(Refused, match="targeting rules"):
        await plane(file).pin_model("refund-bot", "gpt-x-1", None)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"flags": []}', "flags:\n  a: {}\n", "[" * 100_000, '{"flags": 1}'])
async def test_what_is_no_file_of_flags_is_said(file: Path, text: str) -> None:
    """And not touched."""
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ActionFailed, match=r"controls\.flags\.file"):
        await plane(file).pause_agent("refund-bot", None)
    assert file.read_text(encoding="utf-8") == text


async def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    """With the setting."""
    with pytest.raises(ActionFailed, match=r"cannot be read \(No such file"):
        await plane(tmp_path / "none.json").pause_agent("refund-bot", None)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_directory_that_cannot_be_written_is_said(file: Path) -> None:
    """Nothing was changed."""
    made = plane(file)
    change = await made.pause_agent("refund-bot", None)
    file.parent.chmod(0o500)
    try:
        with pytest.raises(ActionFailed, match="cannot be written"):
            await made.apply(change, "ex_1", WHY)
    finally:
        file.parent.chmod(0o700)


async def test_somebody_who_takes_no_lock_is_noticed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor saved between our reading and our writing: their version stays."""
    made = plane(file)
    change = await made.pause_agent("refund-bot", None)
    theirs = json.dumps({"flags": {"other": {}}})
    real = Path.chmod

    def saved(path: Path, mode: int) -> None:
        real(path, mode)
        file.write_text(theirs, encoding="utf-8")

    monkeypatch.setattr(Path, "chmod", saved)
    with pytest.raises(Refused, match="Somebody else changed the file"):
        await made.apply(change, "ex_1", WHY)
    assert file.read_text(encoding="utf-8") == theirs
    assert sorted(one.name for one in file.parent.iterdir()) == ["flags.json", "flags.json.lock"]


def _deny(file: str, number: int) -> None:
    import asyncio  # noqa: PLC0415 - in a process of its own

    async def many() -> None:
        made = plane(Path(file))
        for count in range(20):
            change = await made.revoke_tool("refund-bot", f"tool-{number}-{count}", None)
            await made.apply(change, f"ex_{number}_{count}", WHY)

    asyncio.run(many())


async def test_two_processes_lose_nothing_of_each_other(file: Path) -> None:
    """Forty tools by two writers at once: all are denied."""
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_deny, args=(str(file), number)) for number in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(25)
    assert [writer.exitcode for writer in writers] == [0, 0]
    denied = read(file)["flags"]["refund-bot.tools.denied"]["variants"]["pullcord"]["tools"]
    assert len(denied) == 40


async def test_the_usual_variant_serves_again_after_an_undo(file: Path) -> None:
    """Not a copy of its value: somebody who changes it afterwards changes what is served."""
    document = {"flags": {"refund-bot.model": {"state": "ENABLED", "variants": {"a": "x"}, "defaultVariant": "a"}}}
    file.write_text(json.dumps(document), encoding="utf-8")
    made = plane(file)
    change = await made.pin_model("refund-bot", "gpt-x-1", None)
    before = await made.current(change.target)
    applied = await made.apply(change, "ex_1", WHY)
    await made.restore(change, applied, before, "ex_2")
    flag = read(file)["flags"]["refund-bot.model"]
    assert (flag["defaultVariant"], flag["variants"]) == ("a", {"a": "x"})


async def test_a_name_that_is_no_text_stays_readable(file: Path) -> None:
    """Half a surrogate pair from a broken export does not break the file."""
    made = plane(file)
    await made.apply(await made.revoke_tool("refund-bot", "a\ud800b", None), "ex_1", WHY)
    assert read(file)["flags"]["refund-bot.tools.denied"]["variants"]["pullcord"] == {"tools": ["a\ud800b"]}


async def test_true_is_not_one(file: Path) -> None:
    """A flag of numbers gives whoever asks for a truth its default: what serves 1 has paused nobody."""
    held = read(file)
    flag = {"state": "ENABLED", "variants": {"yes": 1, "no": 0}, "defaultVariant": "yes"}
    held["flags"]["refund-bot.paused"] = flag
    file.write_text(json.dumps(held))
    made = plane(file)
    change = await made.pause_agent("refund-bot", None)
    assert change.before == 1
    applied = await made.apply(change, "ex_1", WHY)
    assert not applied.already
    assert read(file)["flags"]["refund-bot.paused"]["variants"]["pullcord"] is True


@pytest.mark.parametrize("default", [["yes"], {"a": 1}, None, 7])
async def test_a_default_of_another_type_serves_nothing(file: Path, default: object) -> None:
    """Said as what it is, not broken over."""
    held = read(file)
    held["flags"]["refund-bot.paused"] = {"state": "ENABLED", "variants": {"yes": True}, "defaultVariant": default}
    file.write_text(json.dumps(held))
    assert (await plane(file).pause_agent("refund-bot", None)).before is None
