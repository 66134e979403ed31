"""What can go wrong, sorted by who must act.

PullcordError
├── Refused          the asker must change something: bad input, no permission, already done
├── ActionFailed     the target said no; nothing changed there, a person decides what next
│   └── Stopped      a person asked a long action to stop; the message says what was done until then
├── OutcomeUnknown   nobody knows whether it happened; someone must look
│   └── StoreUnavailable   the write to the store was not confirmed; asking again is safe (operation ids)
├── Misconfigured    the operator must change the configuration
└── Busy             the operator must add capacity, or the sender wait: ask again later

Every message names the thing, the reason and the next step, and never holds a secret.
"""

from dataclasses import dataclass


class PullcordError(Exception):
    """Base of all errors that Pullcord raises on purpose."""

    def __init__(self, message: str, *, next_step: str | None = None) -> None:
        """``message`` is a full sentence for the person who must act; ``next_step`` says what to do."""
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        """Message and next step as one text."""
        return f"{self.message} {self.next_step}" if self.next_step else self.message


class Refused(PullcordError):
    """The request is not acceptable as it is; whoever asked must change it.

    ``field`` names the offending field of an input (a dotted path), ``who_may`` the roles or people who are allowed.
    """

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        next_step: str | None = None,
        who_may: str | None = None,
    ) -> None:
        """See the class."""
        super().__init__(message, next_step=next_step)
        self.field = field
        self.who_may = who_may


class ActionFailed(PullcordError):
    """The target answered that it did not do it. Nothing changed there."""


class Stopped(ActionFailed):
    """A person asked a long action to stop, and it did, between two of its steps."""


class OutcomeUnknown(PullcordError):
    """It may or may not have happened (timeout, 5xx after sending, crash). Never run again by itself."""


class StoreUnavailable(OutcomeUnknown):
    """The store did not confirm in time. Every write carries an operation id, so asking again cannot double it."""


class Busy(PullcordError):
    """Too much is queued to take this now; ask again after ``retry_after`` seconds. The operator must scale or wait."""

    def __init__(self, message: str, *, retry_after: int = 5) -> None:
        """``retry_after`` in seconds, for the ``Retry-After`` header."""
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of the configuration: ``where`` (file:line or variable), ``reason``, and a ``hint`` what to write."""

    where: str
    reason: str
    hint: str = ""

    def __str__(self) -> str:
        """One line, as ``check-config`` prints it."""
        return f"{self.where}: {self.reason}" + (f" ({self.hint})" if self.hint else "")


class Misconfigured(PullcordError):
    """The configuration cannot be used. ``faults`` lists every fault at once."""

    def __init__(self, message: str, faults: tuple[Fault, ...] = (), *, next_step: str | None = None) -> None:
        """``message`` is the summary line."""
        super().__init__(message, next_step=next_step)
        self.faults = faults

    def __str__(self) -> str:
        """Summary and each fault on its own line."""
        return "\n".join([super().__str__(), *map(str, self.faults)])
