"""Start-up, memory and CPU at rest, against slack-bolt with Starlette, uvicorn and a Redis client in the same run.

    python bench/at_rest.py [--starts 5] [--seconds 10]

Start-up is from the command to the first 200 of /readyz; both are connected to a stand-in Slack by a socket. Memory is
the kernel's (smaps_rollup), in MiB; the store is a process of its own on both sides and is told apart.
Goals: start-up at most 2.5x the floor; memory at most 1.6x the floor or 80 MiB; CPU at most 1 %.
"""

import argparse
import asyncio
import os
import re
import statistics
import time
from pathlib import Path

from bench.rig import rig, verdict
from sandbox.demo.processes import Process
from tests.peers.place import free_port

_TICKS = os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> tuple[float, float]:
    """RSS and PSS of a process in MiB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    rss, pss = (int(re.findall(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)[0]) / 1024 for name in ("Rss", "Pss"))
    return rss, pss


def spent(pid: int) -> float:
    """CPU seconds of a process so far."""
    parts = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(") ", 1)[1].split()
    return (int(parts[11]) + int(parts[12])) / _TICKS


def children(pid: int) -> list[int]:
    """Its child processes."""
    return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


async def main(starts: int, seconds: float) -> None:
    """Start each in turn, then let both rest."""
    async with rig() as made:
        slacks = {name: made.slack(name) for name in ("bolt", "pullcord")}
        took: dict[str, list[float]] = {name: [] for name in slacks}
        for number in range(-1, starts):  # the first writes the byte code
            for name, slack in slacks.items():
                began = time.perf_counter()
                process = made.app(name, slack, port=free_port())
                if number >= 0:
                    took[name].append(time.perf_counter() - began)
                made.stop(process)
        apps = {name: made.app(name, slack, port=free_port()) for name, slack in slacks.items()}
        await asyncio.sleep(3)
        _rest(took, apps, await _cpu(apps, seconds))


async def _cpu(apps: dict[str, Process], seconds: float) -> dict[str, float]:
    before = {name: spent(app.child.pid) for name, app in apps.items()}
    await asyncio.sleep(seconds)
    return {name: (spent(app.child.pid) - before[name]) / seconds * 100 for name, app in apps.items()}


def _rest(took: dict[str, list[float]], apps: dict[str, Process], cpu: dict[str, float]) -> None:
    used = {name: memory(app.child.pid) for name, app in apps.items()}
    for name, app in apps.items():
        others = sum(memory(child)[1] for child in children(app.child.pid))
        rss, pss = used[name]
        print(
            f"{name:9} ready after {statistics.median(took[name]):.2f} s (median of {len(took[name])})"
            f"  RSS {rss:.1f} MiB  PSS {pss:.1f} MiB  children PSS {others:.1f} MiB  CPU {cpu[name]:.2f} %"
        )
    start, floor = (statistics.median(took[name]) for name in ("pullcord", "bolt"))
    verdict("start-up at most 2.5x the floor", met=start <= 2.5 * floor, s=start, floor_s=floor, ratio=start / floor)
    (ours, _), (least, _) = used["pullcord"], used["bolt"]
    verdict(
        "RSS at rest at most 1.6x the floor or 80 MiB",
        met=ours <= max(80, 1.6 * least),
        mib=ours,
        floor_mib=least,
        ratio=ours / least,
    )
    verdict("CPU at rest at most 1 %", met=cpu["pullcord"] <= 1, percent=cpu["pullcord"], floor_percent=cpu["bolt"])


if __name__ == "__main__":
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--starts", type=int, default=5)
    given.add_argument("--seconds", type=float, default=10, help="for which CPU at rest is counted")
    told = given.parse_args()
    asyncio.run(main(told.starts, told.seconds))
