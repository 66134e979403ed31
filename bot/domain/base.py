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


_V = TypeVar("_V", bound=Value)
_NOTED: Final[set[str]] = set()


def lean(value: _V) -> _V:
    """The value without its own note of which fields were given; nothing of ours reads that.

    The note is half of what a small value takes: of a run of ten thousand spans 30 MB.
    """
    object.__setattr__(value, "__pydantic_fields_set__", _NOTED)
    return value
