"""The record of every Web API call, for tests that count calls or look at what was sent."""

from dataclasses import dataclass, field

from sandbox.slack.model import Json

KEPT = 50_000


@dataclass
class Recorded:
    """One call: when it came (Unix seconds), what was asked, how it ended.

    `error` is None while ok; `status` is HTTP's.
    """

    at: float
    method: str
    args: Json
    token: str
    status: int = 200
    error: str | None = None
    took_ms: float = 0.0

    def wire(self) -> Json:
        """As the driving API shows it; of the token only its kind."""
        return {
            "at": self.at,
            "method": self.method,
            "args": self.args,
            "token": self.token[:5],
            "status": self.status,
            "ok": self.status == 200 and self.error is None,
            "error": self.error,
            "took_ms": round(self.took_ms, 2),
        }


@dataclass
class Calls:
    """The last 50,000 calls, oldest first."""

    made: list[Recorded] = field(default_factory=list)

    def add(self, call: Recorded) -> Recorded:
        """Record a call when it arrives; its end is filled in later."""
        self.made.append(call)
        del self.made[:-KEPT]
        return call
