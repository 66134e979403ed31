"""Faults on demand: what a caller of Slack meets on a bad day, for chosen methods and a chosen number of times."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from sandbox.slack.errors import DriveError

FaultKind = Literal["429", "500", "hang", "lost_reply", "ok_false"]
OutageKind = Literal["refuse", "hang", "503"]


@dataclass
class Fault:
    """Applies to `times` calls of `method` (`*` = any) after `after` of them went through untouched.

    429 and 500 answer so and do nothing; hang never answers and does nothing; lost_reply does it, then drops the TCP
    connection; ok_false answers `ok: false` with `error`.
    """

    method: str
    kind: FaultKind
    times: int
    after: int = 0
    retry_after: int = 1
    error: str = "internal_error"


@dataclass
class Faults:
    """The faults that are armed, in order of arming, and a whole outage of the Web API."""

    armed: list[Fault] = field(default_factory=list)
    outage: OutageKind | None = None

    def arm(self, fault: Fault) -> None:
        """Arm one more."""
        if fault.kind not in get_args(FaultKind):
            raise DriveError(f"fault kind {fault.kind!r} is unknown: use one of {', '.join(get_args(FaultKind))}")
        self.armed.append(fault)

    def hit(self, method: str) -> Fault | None:
        """The fault that this call meets, if any; counts it."""
        for fault in self.armed:
            if fault.method not in ("*", method):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            fault.times -= 1
            if fault.times <= 0:
                self.armed.remove(fault)
            return fault
        return None

    def clear(self) -> None:
        """Disarm all and end an outage."""
        self.armed.clear()
        self.outage = None
