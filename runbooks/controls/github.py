"""GitHub: a change becomes one commit on a branch of its own, and one pull request (GitHub Docs, REST API).

The branch's name is the same for the same thing, so looking before making finds what is there: ours is answered again,
another's is named, what a person closed stays closed. Blobs, tree and commit are reachable by nobody until the branch
is made, which is the one request that puts them there; what breaks before it did nothing.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from bot.domain.base import Json
from bot.errors import ActionFailed, OutcomeUnknown, Refused
from bot.plugin import ControlHttp, ControlName, control_plane
from bot.ports import Clock, EvalTarget, PullRequest, PushedCase
from runbooks.controls import pull_text
from runbooks.controls.eval_files import case_path, decoded, inside
from runbooks.controls.git_remote import checked_branch
from runbooks.controls.github_api import GitHubApi, number_of, text_of
from runbooks.controls.github_auth import GitHubSettings, credentials, reviewers

_CASES = EvalTarget()


class GitHub:
    """Meets CodeHost and EvalRepository."""

    def __init__(
        self, settings: GitHubSettings, http: ControlHttp, name: ControlName, clock: Clock, target: EvalTarget = _CASES
    ) -> None:
        """``target`` says where eval cases belong: base branch and directory."""
        self.name = str(name)
        self._settings = settings
        where = f"controls.{self.name}"
        self._api = GitHubApi(http, credentials(settings, http, clock, where), settings.repository, where)
        self._owner = settings.repository.partition("/")[0]
        self._target = target

    # ------------------------------------------------------------------ EvalRepository

    async def push(self, branch: str, files: Mapping[str, str], message: str) -> PushedCase:
        """Offer the files as a pull request; its title is the message's first line. Raises as ``propose``."""
        placed = {str(inside(self._target.directory, name)): text for name, text in files.items()}
        first, _, rest = message.strip().partition("\n")
        made = await self.propose(branch, self._target.branch, placed, first, rest, message)
        return self._case(made, str(inside(self._target.directory, case_path(files))))

    async def find(self, branch: str) -> PushedCase | None:
        """The pull request of this branch, in any state."""
        made = await self.proposed(branch)
        if made is not None and made.state == "closed":
            made = made.model_copy(update={"note": f"closed{await self._closed_by(made.number)}"})
        return None if made is None else self._case(made, self._target.directory)

    def _case(self, made: PullRequest, path: str) -> PushedCase:
        words = f"pull request #{made.number} of {self._api.repository} is {made.state}"
        note = "; ".join(filter(None, (words, made.note)))
        return PushedCase(branch=made.branch, commit=made.commit, path=path, url=made.url, message=made.body, note=note)

    # ------------------------------------------------------------------ CodeHost

    async def read_file(self, path: str, ref: str) -> str | None:
        """The text of a file on a branch; None when there is none. ActionFailed for what is no text of up to 1 MB."""
        at = quote(str(inside("", path)), safe="/")
        found = await self._api.read(f"contents/{at}", {"ref": f"refs/heads/{checked_branch(ref)}"})
        return None if found is None else decoded(found, path, self._api.repository)

    async def proposed(self, branch: str) -> PullRequest | None:
        """The newest pull request of this branch, in any state."""
        params = {"head": f"{self._owner}:{checked_branch(branch)}", "state": "all", "per_page": "30"}
        rows = await self._api.read("pulls", params)
        ours = [row for row in rows if text_of(row, "head", "ref") == branch] if isinstance(rows, list) else []
        newest = max(ours, key=lambda row: number_of(row, "number"), default=None)
        return None if newest is None else self._pull(newest)

    async def propose(
        self, branch: str, base: str, files: Mapping[str, str], title: str, body: str, message: str
    ) -> PullRequest:
        """Look, then commit, then branch, then pull request; each found is taken up where it is this execution's.

        Raises Refused where a person closed or merged it, or it is another execution's; ActionFailed when GitHub said
        no; OutcomeUnknown when it did not say.
        """
        execution = pull_text.execution_in(message)
        there = await self.proposed(checked_branch(branch))
        if there is None:
            text = pull_text.body(pull_text.without_mark(body), execution)
            commit = await self._branch(branch, checked_branch(base), files, message, execution)
            there = await self._open(branch, base, pull_text.title(title), text)
            there = there.model_copy(update={"commit": there.commit or commit})
        await self._ours(there, execution)
        return there.model_copy(update={"note": await self._dressed(there)})

    async def read_at(self, path: str, branch: str) -> tuple[str | None, str]:
        """The text of a file on a branch, and the commit that it was read at. ActionFailed where there is no branch."""
        head = await self._head(checked_branch(branch))
        if head is None:
            message = f"{self._api.repository} has no branch {branch}, or we may not read it."
            raise ActionFailed(message, next_step=f"See {self._api.where}.branch.")
        at = quote(str(inside("", path)), safe="/")
        found = await self._api.read(f"contents/{at}", {"ref": head})
        return (None if found is None else decoded(found, path, self._api.repository)), head

    async def commit_file(self, path: str, text: str, branch: str, on: str, message: str) -> str:
        """One commit on the branch, only while its head is still ``on``. Raises Refused where it has moved."""
        try:
            commit, _ = await self._commit(on, {path: text}, message)
        except OutcomeUnknown as error:  # no branch points at it
            raise ActionFailed(f"The commit could not be made: {error.message}", next_step="Press again.") from error
        body: Json = {"sha": commit, "force": False}
        at = f"git/refs/heads/{quote(branch, safe='/')}"
        status, _ = await self._api.write("PATCH", at, body, may=frozenset({409, 422}))
        if status == 200:
            return commit
        if await self._head(branch) != on:
            raise Refused(f"The branch {branch} of {self._api.repository} moved meanwhile.", next_step="Press again.")
        message = f"The branch {branch} of {self._api.repository} takes no commits from us; nothing was changed."
        raise ActionFailed(message, next_step=f"Set {self._api.where}.mode to pull_request, or see its rules.")

    async def close(self, branch: str) -> PullRequest | None:
        """Close the open pull request of this branch and delete the branch; what a person closed or merged stays so."""
        there = await self.proposed(branch)
        if there is None or there.state != "open":
            return there
        await self._api.write("PATCH", f"pulls/{there.number}", {"state": "closed"})
        await self._api.write("DELETE", f"git/refs/heads/{quote(branch, safe='/')}", None, may=frozenset({404, 422}))
        return there.model_copy(update={"state": "closed"})

    # ------------------------------------------------------------------ what is there already

    async def _ours(self, there: PullRequest, execution: str | None) -> None:
        """Raises Refused unless this is the pull request of this execution, and open or merged."""
        mine = execution is not None and pull_text.execution_in(there.body) == execution
        called = f"Pull request #{there.number} of {self._api.repository} ({there.url})"
        if there.state == "closed":
            message = f"{called} was closed{await self._closed_by(there.number)} and not merged; nobody opens it again."
            raise Refused(message, next_step="Reopen it there if that was a mistake.")
        if not mine and there.state == "merged":
            raise Refused(f"{called} holds this already and was merged.", next_step="Nothing is left to do.")
        if not mine:
            message = f"{called} was opened for this already, by another press."
            raise Refused(message, next_step="Review that one, or close it and delete its branch.")

    async def _closed_by(self, number: int) -> str:
        try:
            issue = await self._api.read(f"issues/{number}")
        except (ActionFailed, OutcomeUnknown):
            return ""  # that it is closed is known; by whom is only a courtesy
        who, when = text_of(issue, "closed_by", "login"), text_of(issue, "closed_at")[:16].replace("T", " ")
        return (f" by {who}" if who else "") + (f" on {when} UTC" if when else "")

    # ------------------------------------------------------------------ one commit, one branch, one pull request

    async def _branch(
        self, branch: str, base: str, files: Mapping[str, str], message: str, execution: str | None
    ) -> str:
        """The commit's hash. A branch that is there is taken up where it holds the same, or is this execution's."""
        there = await self._head(branch)
        if there is not None and await self._execution_of(there) == execution and execution is not None:
            return there
        on = await self._head(base)
        if on is None:
            message = f"{self._api.repository} has no branch {base}, or we may not read it."
            raise ActionFailed(message, next_step=f"See the branch in the configuration, and {self._api.where}.")
        try:
            commit, tree = await self._commit(on, files, pull_text.message(message, execution))
        except OutcomeUnknown as error:  # what no branch points at is not there for anybody
            message = f"The commit could not be made, so nothing was opened: {error.message}"
            raise ActionFailed(message, next_step="Press again.") from error
        if there is None:
            body: Json = {"ref": f"refs/heads/{branch}", "sha": commit}
            status, _ = await self._api.write("POST", "git/refs", body, may=frozenset({409, 422}))
            if status == 201:
                return commit
            there = await self._head(branch)
        if there is None:
            message = f"GitHub does not take the branch {branch} in {self._api.repository}."
            raise ActionFailed(message, next_step="See the rules of the repository for new branches.")
        if there != commit and await self._tree(there) != tree:
            message = f"The branch {branch} of {self._api.repository} is there already and holds something else."
            raise ActionFailed(message, next_step="Look at it; delete or merge it, then press again.")
        return there

    async def _commit(self, on: str, files: Mapping[str, str], message: str) -> tuple[str, str]:
        """Tree and commit on top of ``on``; the hashes of the commit and of its tree."""
        base = await self._tree(on)
        entries: list[Json] = [
            {"path": str(inside("", path)), "mode": "100644", "type": "blob", "content": text}
            for path, text in sorted(files.items())
        ]
        _, made = await self._api.write("POST", "git/trees", {"base_tree": base, "tree": entries})
        tree = text_of(made, "sha")
        if tree == base:
            raise Refused(f"{self._api.repository} holds exactly this already.", next_step="Nothing is left to do.")
        parents: list[Json] = [on]
        body: Json = {"message": message, "tree": tree, "parents": parents}
        _, made = await self._api.write("POST", "git/commits", body)
        commit = text_of(made, "sha")
        if not tree or not commit:
            message = "GitHub did not name the commit that it made, so nothing was opened."
            raise ActionFailed(message, next_step=f"See {self._api.where}.url.")
        return commit, tree

    async def _open(self, branch: str, base: str, title: str, body: str) -> PullRequest:
        asked: dict[str, Json] = {"title": title, "head": branch, "base": base, "body": body}
        asked |= {"draft": True} if self._settings.draft else {}
        try:
            status, made = await self._api.write("POST", "pulls", asked, may=frozenset({422}))
        except ActionFailed as error:
            message = f"The branch {branch} is there, but no pull request: {error.message}"
            next_step = f"{error.next_step or ''} A new press takes the branch up."
            raise ActionFailed(message, next_step=next_step.strip()) from error
        if status == 422 or not number_of(made, "number"):
            there = await self.proposed(branch)  # "A pull request already exists": another press was faster
            if there is not None:
                return there
            message = f"The branch {branch} is there, but GitHub takes no pull request from it into {base}."
            raise ActionFailed(message, next_step="See the rules of the repository; open it by hand from the branch.")
        return self._pull(made)

    async def _dressed(self, there: PullRequest) -> str:
        """Labels and reviewers. They are beside the point: what does not work is told, and undoes nothing."""
        wanted: list[tuple[str, str, Json]] = []
        if self._settings.labels:
            names: list[Json] = list(self._settings.labels)
            wanted.append(("labels", f"issues/{there.number}/labels", {"labels": names}))
        if asked := reviewers(self._settings):
            wanted.append(("reviewers", f"pulls/{there.number}/requested_reviewers", dict(asked)))
        missing: list[str] = []
        for what, path, body in wanted if there.state == "open" else ():
            try:
                status, _ = await self._api.write("POST", path, body, may=frozenset({403, 404, 422}))
            except (ActionFailed, OutcomeUnknown):
                status = 0
            if status not in {200, 201}:
                missing.append(what)
        return f"its {' and '.join(missing)} could not be set" if missing else ""

    # ------------------------------------------------------------------ reading

    async def _head(self, branch: str) -> str | None:
        found = await self._api.read(f"git/ref/heads/{quote(branch, safe='/')}")
        return text_of(found, "object", "sha") or None

    async def _tree(self, commit: str) -> str:
        return text_of(await self._api.read(f"git/commits/{commit}"), "tree", "sha")

    async def _execution_of(self, commit: str) -> str | None:
        return pull_text.execution_in(text_of(await self._api.read(f"git/commits/{commit}"), "message"))

    def _pull(self, row: Any) -> PullRequest:
        merged = bool(text_of(row, "merged_at")) or (isinstance(row, dict) and row.get("merged") is True)
        state = "merged" if merged else "closed" if text_of(row, "state") == "closed" else "open"
        return PullRequest(
            number=number_of(row, "number"),
            url=text_of(row, "html_url"),
            state=state,
            branch=text_of(row, "head", "ref"),
            commit=text_of(row, "head", "sha"),
            body=text_of(row, "body"),
        )


github = control_plane("github", settings=GitHubSettings)(GitHub)
