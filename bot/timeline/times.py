"""Times as the store keeps them: whole milliseconds since 1970 in UTC."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def ms(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return (moment - _EPOCH) // _MS


def moment(milliseconds: int) -> datetime:
    """The aware UTC time of milliseconds since 1970."""
    return _EPOCH + milliseconds * _MS


def span_ms(length: timedelta) -> int:
    """A duration in milliseconds, at least 1 (Redis refuses a TTL of 0)."""
    return max(1, length // _MS)
