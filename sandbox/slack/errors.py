"""How the stand-in says no: to an app (`SlackError`) and to the person or test that drives it (`DriveError`)."""

from typing import Any


class SlackError(Exception):
    """A Web API refusal: HTTP 200 with `ok: false`, Slack's error string, and whatever else Slack puts beside it."""

    def __init__(self, error: str, **beside: Any) -> None:
        super().__init__(error)
        self.error = error
        self.beside = beside

    def body(self) -> dict[str, Any]:
        """The JSON that a client reads."""
        return {"ok": False, "error": self.error, **self.beside}


class DriveError(Exception):
    """What a person could not have done in Slack: no such message, no such button, a field that is not there."""
