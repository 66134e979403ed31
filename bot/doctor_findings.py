"""What the doctor saw, and how its checks are run: each bounded in time, and one that fails hides no other."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.errors import PullcordError

_SECONDS = 15.0


class Health(StrEnum):
    """How a check ended."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``next_step`` is empty when nothing needs to be done."""

    name: str
    health: Health
    seen: str
    next_step: str = ""


Check = tuple[str, Callable[[], Awaitable[list[Finding]]]]
"""A check with the name that its finding has when it fails."""


async def each(findings: list[Finding], checks: Sequence[Check]) -> None:
    """Run checks in their order and add what they find."""
    for name, check in checks:
        try:
            async with asyncio.timeout(_SECONDS):
                findings.extend(await check())
        except TimeoutError:
            findings.append(
                Finding(name, Health.BAD, f"no answer within {_SECONDS:.0f} s", "See whether it can be reached.")
            )
        except PullcordError as error:
            findings.append(Finding(name, Health.BAD, error.message, error.next_step or ""))
        except OSError as error:
            findings.append(
                Finding(name, Health.BAD, f"cannot be reached ({type(error).__name__})", "Check the address.")
            )
