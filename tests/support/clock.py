"""A clock that tests move by hand."""

from datetime import UTC, datetime, timedelta


class ManualClock:
    """Stands still at 2026-11-23 12:00 UTC until it is moved."""

    def __init__(self) -> None:
        self._now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """The time that was set."""
        return self._now

    def forward(self, **length: float) -> datetime:
        """Move by ``timedelta(**length)``."""
        self._now += timedelta(**length)
        return self._now


class WallClock:
    """The real time, for what measures it."""

    def now(self) -> datetime:
        """Aware UTC now."""
        return datetime.now(UTC)
