"""``pullcord serve`` with a probe in its event loop. Started by ``bench/large_runs.py``; not a command of its own.

The probe asks for two milliseconds of sleep again and again and notes how much later it woke, and how much CPU the
loop's own thread took meanwhile: the first holds also what other processes and threads took, the second is ours alone.
Each tenth of a second the most of each goes into the file that ``BENCH_LAG`` names, as one line: the machine's
monotonic clock, ms late, ms of CPU.
"""

import asyncio
import os
import time
from pathlib import Path

from bot.app import serve
from bot.plugin_faults import plugin_faults
from bot.settings import load_settings

_NAP = 0.002
_LINE = 0.1


async def probe(path: Path) -> None:
    """Write the longest delay of each tenth of a second, until cancelled."""
    with path.open("a", buffering=1, encoding="ascii") as out:
        longest, busiest, told = 0.0, 0.0, time.monotonic()
        while True:
            before, used = time.monotonic(), time.thread_time()
            await asyncio.sleep(_NAP)
            now = time.monotonic()
            longest = max(longest, now - before - _NAP)
            busiest = max(busiest, time.thread_time() - used)
            if now - told > _LINE:
                out.write(f"{now:.3f} {longest * 1000:.2f} {busiest * 1000:.2f}\n")
                longest, busiest, told = 0.0, 0.0, now


async def main() -> None:
    """Serve until told to end."""
    settings = load_settings(os.environ, None, further=plugin_faults)
    probing = asyncio.create_task(probe(Path(os.environ["BENCH_LAG"])))
    try:
        await serve(settings)
    finally:
        probing.cancel()


if __name__ == "__main__":
    asyncio.run(main())
