import subprocess

from tests.support.world import LEE
from tests.support.world_pullcord import Pullcord


async def test_the_failure_becomes_an_eval_case_on_a_branch(pullcord: Pullcord) -> None:
    """Proven to fail on the recorded call before it is pushed; next morning it is a pull request."""
    await pullcord.goes_wrong()
    await pullcord.press(LEE, "Open eval case")
    await pullcord.fill(LEE, expected="Refund the broken jug only, 42.00.", arguments="")
    done = await pullcord.execution("succeeded")
    branch = done["result"]["ref"].partition("@")[0]
    assert branch.startswith(f"pullcord/inc-{pullcord.current}-eval-issue-refund-")
    files = subprocess.run(  # noqa: ASYNC221 - a moment
        ["git", "-C", str(pullcord.folder / "evals.git"), "ls-tree", "-r", "--name-only", branch],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert f"inc-{pullcord.current}-issue-refund-" in files
