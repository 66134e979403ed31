"""The types that settings share: durations, sizes, Slack ids, names, paths inside a repository, and ``Section``."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ByteSize, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from bot.domain.catalogue import Duration

_LONGEST = timedelta(days=3660)

Period = Annotated[Duration, Field(gt=timedelta(0), le=_LONGEST)]
"""A duration longer than nothing and at most ten years."""

Size = Annotated[ByteSize, Field(gt=0, le=4 * 1024**3)]
"""A number of bytes, at most 4 GiB."""

UserId = Annotated[str, StringConstraints(pattern=r"^[UW][A-Z0-9]{1,30}$")]
"""A Slack user id (``U012ABCDEF``), not a name."""

ChannelId = Annotated[str, StringConstraints(pattern=r"^[CG][A-Z0-9]{1,30}$")]
"""A Slack channel id (``C012ABCDEF``), not a name."""

GroupId = Annotated[str, StringConstraints(pattern=r"^S[A-Z0-9]{1,30}$")]
"""The id of a Slack user group (``S012ABCDEF``), not its handle."""

Member = Annotated[
    str, StringConstraints(pattern=r"^(?:[UW][A-Z0-9]{1,30}|S[A-Z0-9]{1,30}|incident:commander|agent:on_call)$")
]
"""Who holds a role: a Slack user id, a user group's id, the incident's commander, or whoever is on call."""

TeamId = Annotated[str, StringConstraints(pattern=r"^[TE][A-Z0-9]{1,30}$")]
"""A Slack workspace or enterprise id."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Package = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")]


class Section(BaseModel):
    """A part of the configuration: frozen, and a setting that it does not know is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _inside(value: str) -> str:
    if value.startswith("/") or ".." in value.split("/") or "\\" in value:
        raise PydanticCustomError("directory", "should be a directory inside the repository, such as evals/pullcord")
    return value.strip("/")


def _branch(value: str) -> str:
    if ".." in value or "//" in value or value.endswith((".lock", "/", ".")):
        raise PydanticCustomError("branch", "should be a name that git takes for a branch (git help check-ref-format)")
    return value


Inside = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_inside)]
"""A path inside a repository."""

# The length stands apart: as {0,199} the expression is compiled into 12 MB (199 times the letters of Unicode).
Branch = Annotated[str, StringConstraints(pattern=r"^\w[\w./-]*$", max_length=200), AfterValidator(_branch)]
"""A branch of a git repository."""
