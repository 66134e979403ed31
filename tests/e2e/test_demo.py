import subprocess
import sys

import pytest

from tests.support.world import ROOT


@pytest.mark.e2e
@pytest.mark.timeout(120)  # all of the product once, with an agent, in one go
def test_the_demo_checks_itself() -> None:
    """``pullcord demo --check``: the agent goes wrong, people contain it, every step is seen where it matters."""
    done = subprocess.run(
        [sys.executable, "-m", "bot", "demo", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert " 0 failed" in done.stdout or "failed" not in done.stdout
