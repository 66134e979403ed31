"""GitLab: a change becomes one commit on a branch of its own, and one merge request (GitLab Docs, REST API).

``POST projects/:id/repository/commits`` makes the branch and its one commit in one request. Looking first is as for
GitHub: ours is answered again, another's is named, what a person closed stays closed.
"""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import StringConstraints

from bot.domain.base import Json
from bot.errors import ActionFailed, OutcomeUnknown, Refused
from bot.plugin import ControlAnswer, ControlHttp, ControlHttpSettings, ControlName, control_plane
from bot.ports import EvalTarget, PullRequest, PushedCase
from bot.settings import Token
from runbooks.controls import pull_text
from runbooks.controls.eval_files import case_path, decoded, inside
from runbooks.controls.git_remote import checked_branch
from runbooks.controls.github_api import number_of, text_of

_JUDGED = frozenset({400, 401, 403, 404, 409, 422, 429})
_CASES = EvalTarget()


class GitLabSettings(ControlHttpSettings):
    """A project (``group/name``, or its number) and a token with the scope ``api``.

    ``url`` is the base of the API (``https://<host>/api/v4``). ``labels`` and ``reviewers`` (numbers of users) are
    put on each merge request.
    """

    url: str = "https://gitlab.com/api/v4"
    project: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*$", max_length=300)]
    token: Token
    labels: tuple[Annotated[str, StringConstraints(pattern=r"^[^,]{1,100}$")], ...] = ()
    reviewers: tuple[int, ...] = ()


class GitLab:
    """Meets CodeHost and EvalRepository."""

    def __init__(
        self, settings: GitLabSettings, http: ControlHttp, name: ControlName, target: EvalTarget = _CASES
    ) -> None:
        """``target`` says where eval cases belong: base branch and directory."""
        self.name = str(name)
        self._settings = settings
        self._http = http
        self._target = target
        self._where = f"controls.{self.name}"
        self._headers = {"private-token": settings.token.get_secret_value()}

    # ------------------------------------------------------------------ EvalRepository

    async def push(self, branch: str, files: Mapping[str, str], message: str) -> PushedCase:
        """Offer the files as a merge request; its title is the message's first line. Raises as ``propose``."""
        placed = {str(inside(self._target.directory, name)): text for name, text in files.items()}
        first, _, rest = message.strip().partition("\n")
        made = await self.propose(branch, self._target.branch, placed, first, rest, message)
        return self._case(made, str(inside(self._target.directory, case_path(files))))

    async def find(self, branch: str) -> PushedCase | None:
        """The merge request of this branch, in any state."""
        made = await self.proposed(branch)
        return None if made is None else self._case(made, self._target.directory)

    def _case(self, made: PullRequest, path: str) -> PushedCase:
        words = f"merge request !{made.number} of {self._settings.project} is {made.state}"
        note = "; ".join(filter(None, (words, made.note)))
        return PushedCase(branch=made.branch, commit=made.commit, path=path, url=made.url, message=made.body, note=note)

    # ------------------------------------------------------------------ CodeHost

    async def read_file(self, path: str, ref: str) -> str | None:
        """The text of a file on a branch; None when there is none."""
        return await self._file(path, checked_branch(ref))

    async def read_at(self, path: str, branch: str) -> tuple[str | None, str]:
        """The text of a file on a branch, and the commit that it was read at. ActionFailed where there is no branch."""
        head = await self._head(checked_branch(branch))
        if head is None:
            message = f"{self._settings.project} has no branch {branch}, or we may not read it."
            raise ActionFailed(message, next_step=f"See the branch in the configuration, and {self._where}.")
        return await self._file(path, head), head

    async def proposed(self, branch: str) -> PullRequest | None:
        """The newest merge request of this branch, in any state."""
        params = {"source_branch": checked_branch(branch), "state": "all", "order_by": "created_at", "per_page": "30"}
        rows = (await self._read("merge_requests", params)).json()
        ours = [row for row in rows if text_of(row, "source_branch") == branch] if isinstance(rows, list) else []
        newest = max(ours, key=lambda row: number_of(row, "iid"), default=None)
        return None if newest is None else _merge_request(newest)

    async def propose(
        self, branch: str, base: str, files: Mapping[str, str], title: str, body: str, message: str
    ) -> PullRequest:
        """Look, then branch and commit in one request, then merge request. Raises as ``CodeHost``."""
        execution = pull_text.execution_in(message)
        there = await self.proposed(branch)
        if there is None:
            await self._branch(branch, checked_branch(base), files, message, execution)
            text = pull_text.body(pull_text.without_mark(body), execution)
            there = await self._open(branch, base, pull_text.title(title), text)
        mine = execution is not None and pull_text.execution_in(there.body) == execution
        called = f"Merge request !{there.number} of {self._settings.project} ({there.url})"
        if there.state == "closed":
            message = f"{called} was closed{there.note} and not merged; nobody opens it again."
            raise Refused(message, next_step="Reopen it there if that was a mistake.")
        if not mine:
            done = "holds this already and was merged" if there.state == "merged" else "was opened for this already"
            raise Refused(f"{called} {done}, by another press.", next_step="See that one.")
        return there

    async def commit_file(self, path: str, text: str, branch: str, on: str, message: str) -> str:
        """One commit on the branch, only while the file is as it was at ``on``. Raises Refused where it changed.

        GitLab compares the last commit of the file, not the head of the branch.
        """
        found = await self._raw_file(path, on)
        last = text_of(found, "last_commit_id")
        change: dict[str, Json] = {"action": "update", "file_path": str(inside("", path)), "content": text}
        change |= {"last_commit_id": last} if last else {"action": "create"}
        actions: list[Json] = [change]
        body: Json = {"branch": branch, "commit_message": message, "actions": actions}
        answer = await self._write("POST", "repository/commits", body, may=frozenset({400, 409}))
        if answer.status == 201:
            return text_of(answer.json(), "id")
        if await self._head(branch) != on:
            raise Refused(f"The branch {branch} of {self._settings.project} moved meanwhile.", next_step="Press again.")
        message = f"The branch {branch} of {self._settings.project} takes no commits from us; nothing was changed."
        raise ActionFailed(message, next_step=f"Set {self._where}.mode to pull_request, or see who may push.")

    async def close(self, branch: str) -> PullRequest | None:
        """Close the open merge request of this branch and delete the branch; what a person ended stays so."""
        there = await self.proposed(branch)
        if there is None or there.state != "open":
            return there
        await self._write("PUT", f"merge_requests/{there.number}", {"state_event": "close"})
        at = f"repository/branches/{quote(branch, safe='')}"
        await self._write("DELETE", at, None, may=frozenset({404}))
        return there.model_copy(update={"state": "closed"})

    # ------------------------------------------------------------------ requests

    async def _branch(
        self, branch: str, base: str, files: Mapping[str, str], message: str, execution: str | None
    ) -> None:
        """The branch with its commit; one that is there is taken up where it names this execution or holds the same."""
        held = {path: await self._file(path, base) for path in files}
        if all(held[path] == text for path, text in files.items()):
            message = f"{self._settings.project} holds exactly this already."
            raise Refused(message, next_step="Nothing is left to do.")
        actions: list[Json] = [
            {
                "action": "create" if held[path] is None else "update",
                "file_path": str(inside("", path)),
                "content": text,
            }
            for path, text in sorted(files.items())
        ]
        body: Json = {
            "branch": checked_branch(branch),
            "start_branch": base,
            "commit_message": pull_text.message(message, execution),
            "actions": actions,
        }
        if await self._head(branch) is None:
            answer = await self._write("POST", "repository/commits", body, may=frozenset({400, 409}))
            if answer.status == 201:
                return
        if await self._head(branch) is None:
            told = f"GitLab does not take the branch {branch} in {self._settings.project}, so nothing was done."
            raise ActionFailed(told, next_step=f"See the branch {base}, the rules of the project, and {self._where}.")
        for path, text in files.items():
            if await self._file(path, branch) != text:
                told = f"The branch {branch} of {self._settings.project} is there already and holds something else."
                raise ActionFailed(told, next_step="Look at it; delete or merge it, then press again.")

    async def _open(self, branch: str, base: str, title: str, body: str) -> PullRequest:
        asked: dict[str, Json] = {
            "source_branch": branch,
            "target_branch": base,
            "title": title,
            "description": body,
            "remove_source_branch": True,
        }
        asked |= {"labels": ",".join(self._settings.labels)} if self._settings.labels else {}
        asked |= {"reviewer_ids": list(self._settings.reviewers)} if self._settings.reviewers else {}
        answer = await self._write("POST", "merge_requests", asked, may=frozenset({409}))
        if answer.status == 201:
            return _merge_request(answer.json())
        there = await self.proposed(branch)  # "Another open merge request already exists"
        if there is None:
            message = f"The branch {branch} is there, but GitLab takes no merge request from it into {base}."
            raise ActionFailed(message, next_step="Open it by hand from the branch.")
        return there

    async def _head(self, branch: str) -> str | None:
        answer = await self._read(f"repository/branches/{quote(branch, safe='')}", {})
        return None if answer.status == 404 else text_of(answer.json(), "commit", "id") or None

    async def _file(self, path: str, ref: str) -> str | None:
        found = await self._raw_file(path, ref)
        return None if found is None else decoded(found, path, self._settings.project)

    async def _raw_file(self, path: str, ref: str) -> Json:
        at = f"repository/files/{quote(str(inside('', path)), safe='')}"
        answer = await self._read(at, {"ref": ref})
        return None if answer.status == 404 else answer.json()

    async def _read(self, path: str, params: Mapping[str, str]) -> ControlAnswer:
        """GET; 404 is for the caller, who asked for what need not be there."""
        answer = await self._http.read("GET", self._path(path), params=params, headers=self._headers, accept=_JUDGED)
        if answer.status == 404 and path == "merge_requests":
            message = f"GitLab shows us no project {self._settings.project} (404)."
            raise ActionFailed(message, next_step=f"See {self._where}.project and its token (scope api).")
        return self._judged(answer, frozenset({404}))

    async def _write(self, method: str, path: str, body: Json, may: frozenset[int] = frozenset()) -> ControlAnswer:
        answer = await self._http.write(method, self._path(path), json=body, headers=self._headers, accept=_JUDGED)
        return self._judged(answer, may)

    def _path(self, path: str) -> str:
        return f"projects/{quote(self._settings.project, safe='')}/{path}"

    def _judged(self, answer: ControlAnswer, may: frozenset[int]) -> ControlAnswer:
        status = answer.status
        if status // 100 == 2 or status in may:
            return answer
        if status in {401, 403, 404}:
            message = f"GitLab refused our credentials for {self._settings.project} ({status})."
            raise ActionFailed(
                message, next_step=f"Its token needs the scope api and the role Developer; see {self._where}."
            )
        if status == 429 and "retry-after" in answer.headers:
            message = "GitLab limits how often it may be asked, and did not do this."
            raise ActionFailed(message, next_step="Press again in a minute.")
        if status == 429:
            raise OutcomeUnknown("GitLab answered 429, so nobody knows whether it was done.", next_step="Check.")
        message = f"GitLab did not take what it was sent ({status}), so nothing was done."
        raise ActionFailed(message, next_step=f"See {self._where} and the rules of the project.")


gitlab = control_plane("gitlab", settings=GitLabSettings)(GitLab)


def _merge_request(row: Any) -> PullRequest:
    state = text_of(row, "state")
    who, when = text_of(row, "closed_by", "username"), text_of(row, "closed_at")[:16].replace("T", " ")
    closed = (f" by {who}" if who else "") + (f" on {when} UTC" if when else "")
    return PullRequest(
        number=number_of(row, "iid"),
        url=text_of(row, "web_url"),
        state="merged" if state == "merged" else "closed" if state == "closed" else "open",
        branch=text_of(row, "source_branch"),
        commit=text_of(row, "sha"),
        body=text_of(row, "description"),
        note=closed if state == "closed" else "",
    )
