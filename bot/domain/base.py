"""The base of all our frozen values, and the few scalar types that every value shares."""

from datetime import UTC, datetime
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, JsonValue

Json = JsonValue


def _utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


Utc = Annotated[AwareDatetime, AfterValidator(_utc)]
"""An aware time, always held in UTC."""


class Value(BaseModel):
    """A frozen value of ours: unknown fields are refused, equality is by content."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")


def same_json(one: Json, other: Json) -> bool:
    """Equal as JSON has it: true is not 1, while 1 and 1.0 are one number (RFC 8259, section 6)."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_json(held, other[name]) for name, held in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    return one == other


_V = TypeVar("_V", bound=Value)
_NOTED: Final[set[str]] = set()


def lean(value: _V) -> _V:
    """The value without its own note of which fields were given; nothing of ours reads that.

    The note is half of what a small value takes: of a run of ten thousand spans 30 MB.
    """
    object.__setattr__(value, "__pydantic_fields_set__", _NOTED)
    return value
