"""Where what was learnt goes: repositories, code hosts, data sets."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from pydantic import Field

from bot.domain.base import Json, Value


class EvalTarget(Value):
    """Where eval cases belong (``evals:`` of the configuration): git remote, base branch, directory in it.

    ``remote`` None: a code host is named instead (``evals.repository``), or nothing is.
    """

    remote: str | None = None
    branch: str = "main"
    directory: str = "evals/pullcord"


class CatalogueTarget(Value):
    """Where classes that people gave tools are kept for good (``catalogue_repository:``). ``remote`` None: nowhere.

    ``branch`` is what a change's branch starts from, ``file`` the YAML file whose ``tools:`` list is the catalogue.
    """

    remote: str | None = None
    branch: str = "main"
    file: str = "pullcord.yaml"


class FilePlace(Value):
    """Where a lasting fix of an agent goes (``fixes.<agent>``): paths in a repository, where configured."""

    branch: str = "main"
    prompt: str | None = None
    tools: dict[str, str] = Field(default_factory=dict)
    config: str | None = None


class PullRequest(Value):
    """A change offered to a code host. ``state`` is ``open``, ``merged`` or ``closed`` (a person closed it unmerged).

    ``commit`` is the head of its branch, ``body`` its text, where it was looked up: it names the execution.
    ``number`` 0 is a branch without one (a git remote). ``note`` says in words what did not go as wanted
    beside it (labels).
    """

    number: int
    url: str
    state: str
    branch: str
    commit: str = ""
    body: str = ""
    note: str = ""


class PushedCase(Value):
    """A branch that was pushed. ``commit`` is its hash, ``url`` shows it where the host has pages.

    ``message`` is the commit's or the pull request's, where the branch was looked up: it names the execution that made
    it. ``note`` says in words what else there is to know (a pull request's number and state).
    """

    branch: str
    commit: str
    path: str
    url: str | None = None
    message: str = ""
    note: str = ""


@runtime_checkable
class EvalRepository(Protocol):
    """Where eval cases go."""

    async def push(self, branch: str, files: Mapping[str, str], message: str) -> PushedCase:
        """Put files (path -> text) on a branch in one commit and push it; the same again is one push."""
        ...

    async def find(self, branch: str) -> PushedCase | None:
        """The branch on the remote with its commit's message, or None. This is the probe after a crash."""
        ...


@runtime_checkable
class CodeHost(Protocol):
    """A repository on a host with pull requests (GitHub) or merge requests (GitLab).

    Writes are idempotent by branch: look first, create then. Raises ActionFailed, OutcomeUnknown, and Refused where a
    person closed the pull request of that branch: it is never opened again.
    """

    async def read_file(self, path: str, ref: str) -> str | None:
        """The text of a file on a branch; None when it is not there."""
        ...

    async def propose(
        self, branch: str, base: str, files: Mapping[str, str], title: str, body: str, message: str
    ) -> PullRequest:
        """Put files (path -> text) on ``branch`` in one commit from ``base`` and open a pull request, once."""
        ...

    async def proposed(self, branch: str) -> PullRequest | None:
        """The newest pull request of this branch, in any state; None when there is none. The probe after a crash."""
        ...


@runtime_checkable
class RemoteHosts(Protocol):
    """Treats a git remote without pages as a code host: a change becomes a branch, and nobody opens a pull request."""

    def at(self, remote: str, named: str, setting: str) -> CodeHost:
        """The repository at this remote; ``named`` is what people call it, ``setting`` where it is configured."""
        ...


@runtime_checkable
class ClosesProposals(Protocol):
    """A place where what was proposed can be taken back (``CodeHost`` and ``EvalRepository`` adapters may meet it)."""

    async def proposed(self, branch: str) -> PullRequest | None:
        """The newest pull request of this branch, in any state; None when there is none."""
        ...

    async def close(self, branch: str) -> PullRequest | None:
        """Close it and delete the branch; what a person closed or merged stays so. How it stands afterwards."""
        ...


class DatasetItem(Value):
    """One eval case as an item of a data set: what goes in, what should come out, and where it comes from.

    ``key`` is the same for the same case, so that adding it again changes nothing.
    """

    key: str
    input: dict[str, Json]
    expected: dict[str, Json]
    metadata: dict[str, Json]


@runtime_checkable
class EvalDataset(Protocol):
    """A data set of eval cases in an observability store (Langfuse, LangSmith, Phoenix, Braintrust)."""

    async def add(self, items: Sequence[DatasetItem]) -> str:
        """Add items, each once per ``key``; answers an address where people see them (or the data set's name)."""
        ...

    async def holds(self, keys: Sequence[str]) -> Sequence[str]:
        """Which of these keys are there already: looks before adding, and is the probe after a crash."""
        ...


class EvalDatasets(Protocol):
    """The data sets that the configuration names (``evals.datasets``)."""

    def names(self) -> Sequence[str]:
        """Their names, in the order of the configuration."""
        ...

    def dataset(self, name: str) -> EvalDataset:
        """One of them. Raises Refused when it cannot be used."""
        ...
