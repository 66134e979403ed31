"""A class that a person gave a tool: in force at once, and written into the catalogue's repository as a branch."""

import subprocess
from pathlib import Path

import pytest

from bot.domain.action import Change, Restraint, Verified
from bot.domain.effect import Reversibility
from bot.ports import CatalogueTarget
from bot.timeline.store import Store
from runbooks.controls.catalogue import CatalogueClasses, CatalogueSettings
from tests.support.clock import ManualClock
from tests.support.store import clock, connections, raw, store, valkey

__all__ = ["clock", "connections", "raw", "store", "valkey"]

FILE = "# ours\ntools:\n  # reads\n  - name: get_order\n    reversibility: read_only\n\nslack: {channel: ops}\n"
WHY = Restraint(incident="INC-7", by="@dana", why="the bank\nkeeps it")
BRANCH = "pullcord/classify-refund-bot-issue-refund-irreversible-"


def git(*arguments: str, cwd: Path | None = None) -> str:
    """Run git and answer what it printed."""
    who = ("-c", "user.name=Tess", "-c", "user.email=tess@example.org")
    done = subprocess.run(["git", *who, *arguments], check=True, capture_output=True, text=True, cwd=cwd)
    return done.stdout


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """A bare repository whose main branch holds the team's configuration."""
    bare, work = tmp_path / "config.git", tmp_path / "work"
    git("init", "--quiet", "--bare", "--initial-branch", "main", str(bare))
    git("clone", "--quiet", str(bare), str(work))
    (work / "pullcord.yaml").write_text(FILE, encoding="utf-8")
    git("add", "--all", cwd=work)
    git("commit", "--quiet", "--message", "ours", cwd=work)
    git("push", "--quiet", "origin", "HEAD:refs/heads/main", cwd=work)
    return bare


def branches(remote: Path) -> list[str]:
    """The branches of the remote."""
    return git("-C", str(remote), "for-each-ref", "--format=%(refname:short)").split()


def plane(store: Store, clock: ManualClock, remote: Path | str, file: str = "pullcord.yaml") -> CatalogueClasses:
    """The adapter with that repository."""
    target = CatalogueTarget(remote=str(remote), branch="main", file=file)
    return CatalogueClasses(CatalogueSettings(), store.desired, clock, target)


async def classified(
    classes: CatalogueClasses, key: str = "ex_1", cls: Reversibility = Reversibility.IRREVERSIBLE
) -> tuple[Change, str]:
    """Classify the tool; the change and what is said of it afterwards."""
    change = await classes.classify_tool("refund-bot", "issue_refund", cls)
    applied = await classes.apply(change, key, WHY)
    seen = await classes.verify(change, applied)
    assert seen.verified is Verified.IN_FORCE
    return change, seen.detail


async def test_planning_writes_nothing_and_applying_pushes_one_branch(
    store: Store, clock: ManualClock, remote: Path
) -> None:
    """The branch has one commit on main, with the rule at the end of the list and every comment where it was."""
    classes = plane(store, clock, remote)
    await classes.classify_tool("refund-bot", "issue_refund", Reversibility.IRREVERSIBLE)
    assert branches(remote) == ["main"]
    _, detail = await classified(classes)
    (branch,) = [name for name in branches(remote) if name != "main"]
    assert branch.startswith(BRANCH)
    assert f"the branch {branch} writes it into pullcord.yaml" in detail
    text = git("-C", str(remote), "show", f"{branch}:pullcord.yaml")
    rule = "  - name: issue_refund\n    agents: [refund-bot]\n    reversibility: irreversible\n"
    rule += '    reason: "Classified in INC-7: the bank keeps it"\n'
    assert text == FILE.replace("read_only\n", f"read_only\n{rule}")
    assert git("-C", str(remote), "rev-list", "--count", f"main..{branch}").strip() == "1"
    assert git("-C", str(remote), "show", "main:pullcord.yaml") == FILE


async def test_a_relative_path_is_one_from_where_pullcord_runs(
    store: Store, clock: ManualClock, remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git itself works in folders of its own, where the path would mean nothing."""
    monkeypatch.chdir(remote.parent)
    classes = plane(store, clock, f"./{remote.name}")
    change = await classes.classify_tool("refund-bot", "wire_money", Reversibility.IRREVERSIBLE)
    await classes.apply(change, "key-1", None)
    assert len(branches(remote)) == 2


async def test_the_same_change_twice_is_one_branch(store: Store, clock: ManualClock, remote: Path) -> None:
    """Also after it was taken back, and after main went on; another class is another branch."""
    classes = plane(store, clock, remote)
    change, _ = await classified(classes)
    before = git("-C", str(remote), "for-each-ref")
    applied = await classes.apply(change, "ex_1", WHY)
    assert applied.already
    snapshot = (await classes.current(change.target)).model_copy(update={"value": None, "restraint": None})
    await classes.restore(change, applied, snapshot, "ex_2")
    way_back = change.model_copy(update={"desired": None, "before": change.desired})
    assert "close it" in (await classes.verify(way_back, applied)).detail
    await classified(classes, "ex_3")
    assert git("-C", str(remote), "for-each-ref") == before
    await classified(classes, "ex_4", Reversibility.COMPENSABLE)
    assert len(branches(remote)) == 3


async def test_a_push_that_fails_leaves_the_class_in_force_and_says_what_to_do(
    store: Store, clock: ManualClock, tmp_path: Path, remote: Path
) -> None:
    """No such repository, no such file, a file that cannot be changed: the rule is told, to be written by hand."""
    _, detail = await classified(plane(store, clock, tmp_path / "nowhere.git"))
    assert "NOT written into pullcord.yaml" in detail
    assert "nowhere.git' does not appear to be a git repository" in detail
    assert "catalogue_repository.remote" in detail
    classes = plane(store, clock, remote, "other.yaml")
    _, detail = await classified(classes, "ex_2", Reversibility.COMPENSABLE)
    assert "NOT written into other.yaml" in detail
    assert "has no other.yaml on main" in detail
    assert "{name: issue_refund, agents: [refund-bot], reversibility: compensable}" in detail
    assert branches(remote) == ["main"]


async def test_a_branch_that_holds_something_else_is_left_alone(store: Store, clock: ManualClock, remote: Path) -> None:
    """Nobody's work is overwritten."""
    await classified(plane(store, clock, remote))
    (branch,) = [name for name in branches(remote) if name != "main"]
    git("-C", str(remote), "update-ref", f"refs/heads/{branch}", "refs/heads/main")
    classes = plane(store, clock, remote)
    change = await classes.classify_tool("refund-bot", "issue_refund", Reversibility.REVERSIBLE)
    await classes.apply(change, "ex_2", WHY)
    _, detail = await classified(classes, "ex_3")
    assert "does not hold this rule" in detail
    assert git("-C", str(remote), "show", f"{branch}:pullcord.yaml") == FILE


async def test_a_rule_that_was_merged_needs_no_branch(store: Store, clock: ManualClock, remote: Path) -> None:
    """The file has it: nothing is pushed, and so it is said."""
    await classified(plane(store, clock, remote))
    (branch,) = [name for name in branches(remote) if name != "main"]
    git("-C", str(remote), "update-ref", "refs/heads/main", f"refs/heads/{branch}")
    git("-C", str(remote), "update-ref", "-d", f"refs/heads/{branch}")
    classes = plane(store, clock, remote)
    change = await classes.classify_tool("refund-bot", "issue_refund", Reversibility.REVERSIBLE)
    target = change.target
    await store.desired.put("catalogue/refund-bot", target.setting, target.element, None, key="x", restraint=None)
    _, detail = await classified(classes, "ex_3")
    assert "has the rule already" in detail
    assert branches(remote) == ["main"]


async def test_nothing_is_written_through_a_symbolic_link_of_the_repository(
    store: Store, clock: ManualClock, remote: Path, tmp_path: Path
) -> None:
    """A link in the repository must not make Pullcord write elsewhere on its machine."""
    victim = tmp_path / "victim.yaml"
    victim.write_text("tools: []\n", encoding="utf-8")
    work = tmp_path / "work"
    (work / "link.yaml").symlink_to(victim)
    git("add", "--all", cwd=work)
    git("commit", "--quiet", "--message", "a link", cwd=work)
    git("push", "--quiet", "origin", "HEAD:refs/heads/main", cwd=work)
    _, detail = await classified(plane(store, clock, remote, "link.yaml"))
    assert "symbolic link" in detail
    assert victim.read_text(encoding="utf-8") == "tools: []\n"


async def test_hostile_names_make_harmless_branches(store: Store, clock: ManualClock, remote: Path) -> None:
    """Tool names come from traces."""
    classes = plane(store, clock, remote)
    change = await classes.classify_tool("a/../b", "x; rm -rf /\n--force", Reversibility.IRREVERSIBLE)
    applied = await classes.apply(change, "ex_1", None)
    assert "the branch pullcord/classify-a-b-x-rm-rf-force-" in (await classes.verify(change, applied)).detail


async def test_without_a_repository_nothing_is_said_of_one(store: Store, clock: ManualClock) -> None:
    """The class holds in the store."""
    _, detail = await classified(CatalogueClasses(CatalogueSettings(), store.desired, clock))
    assert detail == "every run is read with it from now on"
