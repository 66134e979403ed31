"""The long run: ``python -m tests.fuzz.run --inputs 100000`` tries so many bad inputs on every reader of the recorder.

Prints, for each reader, how many were read, how many were refused in words, the slowest, and what fell; exits with 1
when anything fell or took over the bound. ``--only`` names readers by a part of their name, ``--seed`` begins
elsewhere. Every input can be made again from the seed and its number, which a failure prints.
"""

import argparse
import gc
import gzip
import math
import random
import sys
import time
import traceback
import warnings
from dataclasses import dataclass, field

from bot.errors import PullcordError
from tests.fuzz.mutate import in_bytes, in_json
from tests.fuzz.targets import Target, targets
from tests.fuzz.wire import in_wire

SLICE = 1_000
MOST = 20
"""Failures of one reader after which it is tried no further."""
SECONDS = 2.0
"""The most that one input of some kilobytes may take, everything that is done with its spans included."""


@dataclass
class Outcome:
    """What one reader did. ``fallen`` are the inputs that raised something else or took too long."""

    name: str
    inputs: int = 0
    read: int = 0
    empty: int = 0
    refused: int = 0
    slowest: float = 0.0
    seconds: float = 0.0
    fallen: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """One line."""
        told = f"{self.name:22} {self.inputs:>9,} inputs: {self.read:>8,} read, {self.empty:>8,} without a span, "
        told += f"{self.refused:>8,} refused, {len(self.fallen)} fell; slowest {self.slowest * 1000:.0f} ms, "
        return told + f"{self.seconds:.0f} s"


def made(target: Target, seed: int, number: int) -> bytes:
    """Input ``number`` of a reader: always the same for the same seed."""
    rng = random.Random(f"{target.name} {seed} {number}")
    if target.messages and rng.random() < 0.75:
        body = in_wire(rng.choice(target.messages), rng)
        return gzip.compress(body, 1, mtime=0) if target.zipped else body
    if target.trees and rng.random() < 0.85:
        tree = rng.choice(target.trees)
        body = in_json(tree, rng)
        return in_bytes(body, rng, target.bodies) if rng.random() < 0.05 else body
    return in_bytes(rng.choice(target.bodies), rng, target.bodies)


def fuzz(target: Target, seed: int, first: int, last: int, until: float = math.inf) -> Outcome:
    """Try the inputs ``first`` to ``last``, or as many as fit before ``until`` (``time.monotonic``)."""
    outcome = Outcome(target.name)
    go_on(outcome, target, seed, range(first, last), until)
    return outcome


def go_on(outcome: Outcome, target: Target, seed: int, numbers: range, until: float = math.inf) -> None:
    """Try further inputs of a reader."""
    began = time.monotonic()
    for number in numbers:
        if time.monotonic() > until or len(outcome.fallen) >= MOST:
            break
        body = made(target, seed, number)
        outcome.inputs += 1
        start = time.perf_counter()
        try:
            spans = target.run(body)
        except PullcordError as error:
            outcome.refused += 1
            if not str(error):
                outcome.fallen.append(f"seed {seed} number {number}: refused without a word")
        except Exception:  # noqa: BLE001 - that there is none is what is tested
            outcome.fallen.append(f"seed {seed} number {number}: {traceback.format_exc(limit=-6)}")
        else:
            outcome.read += spans > 0
            outcome.empty += spans == 0
        took = time.perf_counter() - start
        outcome.slowest = max(outcome.slowest, took)
        if took > SECONDS:
            outcome.fallen.append(f"seed {seed} number {number}: took {took:.1f} s")
    outcome.seconds += time.monotonic() - began


def main() -> int:
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so long, however many were tried")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="parts of names, with commas between")
    given = parser.parse_args()
    warnings.simplefilter("error")
    chosen = [target for target in targets() if any(part in target.name for part in given.only.split(","))]
    gc.freeze()
    until = time.monotonic() + given.minutes * 60
    outcomes = {target.name: Outcome(target.name) for target in chosen}
    for first in range(given.first, given.first + given.inputs, SLICE):  # in turn, so that all get on alike
        numbers = range(first, min(first + SLICE, given.first + given.inputs))
        for target in chosen:
            go_on(outcomes[target.name], target, given.seed, numbers, until)
    fell = 0
    for outcome in outcomes.values():
        print(outcome)
        for told in outcome.fallen[:5]:
            print(told)
        fell += len(outcome.fallen)
    print(f"{fell} fell" if fell else "nothing fell")
    return 1 if fell else 0


if __name__ == "__main__":
    sys.exit(main())
