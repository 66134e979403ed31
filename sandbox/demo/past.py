"""What went before: some runs that were good, on the snapshot that the provider served then. One day it serves another.

Without a past nobody could say what changed.
"""

import re
import time

import httpx

from sandbox.agent.model import ALIAS, NEWER, OLDER
from sandbox.demo.world import World

RUNS = 5
_CUSTOMER = "cus_0Qp1"
_QUESTION = "Order 88180: does the tent come with pegs?"
_PATIENCE = 40.0
_INDEXED = re.compile(r'^pullcord_work_total\{kind="index_run",outcome="done"\} (\d+)', re.MULTILINE)


def live_through_it(world: World) -> None:
    """Run the agent on the older snapshot until Pullcord has these runs in its index; then move the alias.

    Raises RuntimeError when the runs do not get there.
    """
    with httpx.Client(base_url=world.agent.origin, trust_env=False, timeout=60) as agent:
        agent.post("/provider", json={ALIAS: OLDER}).raise_for_status()
        for _ in range(RUNS):
            agent.post("/run", json={"customer": _CUSTOMER, "message": _QUESTION}).raise_for_status()
        agent.post("/provider", json={ALIAS: NEWER}).raise_for_status()
    end = time.monotonic() + _PATIENCE
    while _indexed(world) < RUNS:
        if time.monotonic() > end:
            raise RuntimeError(f"The good runs are not in the index after {_PATIENCE:.0f} s: {world.bot.tail()}")
        time.sleep(0.25)


def _indexed(world: World) -> int:
    told = httpx.get(f"{world.bot.origin}/metrics", trust_env=False, timeout=10).text
    found = _INDEXED.search(told)
    return int(found[1]) if found else 0
