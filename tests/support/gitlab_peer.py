"""A GitLab that refuses what its documentation refuses: one project, its branches, files and merge requests."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.support.github_peer import Call

TOKEN = "glpat-made-up"
Json = dict[str, Any]


def _sha(value: object) -> str:
    return hashlib.sha1(json.dumps(value, sort_keys=True).encode(), usedforsecurity=False).hexdigest()


@dataclass
class GitLabPeer:
    """``acme/team/evals`` with a ``main`` branch."""

    project: str = "acme/team/evals"
    token: str = TOKEN
    files: dict[str, str] = field(default_factory=lambda: {"README.md": "ours\n"})
    commits: dict[str, Json] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    requests: list[Json] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    after: dict[str, list[Response]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """The first commit."""
        self.refs["main"] = self._commit({"message": "first", "files": self.files, "parent": None})

    def app(self) -> Starlette:
        """The API below ``/api/v4``."""
        return Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "POST", "PUT", "DELETE"])])

    def text(self, branch: str, path: str) -> str | None:
        """A file on a branch."""
        found: str | None = self.commits[self.refs[branch]]["files"].get(path)
        return found

    def commit_on(self, branch: str, path: str, text: str) -> None:
        """A person commits."""
        on = self.refs.get(branch, self.refs["main"])
        files = {**self.commits[on]["files"], path: text}
        self.refs[branch] = self._commit({"message": "by hand", "files": files, "parent": on})

    def end(self, number: int, state: str) -> None:
        """A person merges or closes."""
        self.requests[number - 1] |= {
            "state": state,
            "closed_by": {"username": "dana"},
            "closed_at": "2026-11-23T12:31:07.000Z",
        }

    async def _answer(self, request: Request) -> Response:
        body = await request.json() if await request.body() else {}
        call = Call(request.method, dict(request.query_params), dict(request.headers))
        raw = request.scope["raw_path"].decode().removeprefix("/api/v4/")
        return self.handle(call, raw, body)

    def handle(self, call: Call, path: str, body: Json) -> Response:
        """Serve one request; ``path`` is below the base, still encoded."""
        if call.headers.get("private-token") != self.token:
            return _said(401, "401 Unauthorized")
        _, _, rest = path.partition("/")
        project, _, short = rest.partition("/")
        if not path.startswith("projects/") or unquote(project) != self.project:
            return _said(404, "404 Project Not Found")
        for pattern, method, handle in _ROUTES:
            if method == call.method and (found := re.fullmatch(pattern, short)):
                answer = handle(self, [unquote(part) for part in found.groups()], call, body)
                called = f"{method} {short}"
                if method != "GET" and answer.status_code < 300:
                    self.writes.append(called)
                return self.after[called].pop(0) if self.after.get(called) else answer
        return _said(404, "404 Not Found")

    def _branch(self, named: list[str], call: Call, body: Json) -> Response:
        if named[0] not in self.refs:
            return _said(404, "404 Branch Not Found")
        return JSONResponse({"name": named[0], "commit": {"id": self.refs[named[0]]}})

    def _delete(self, named: list[str], call: Call, body: Json) -> Response:
        if self.refs.pop(named[0], None) is None:
            return _said(404, "404 Branch Not Found")
        return Response(status_code=204)

    def _file(self, named: list[str], call: Call, body: Json) -> Response:
        ref = call.query_params.get("ref", "")
        commit: str = self.refs.get(ref, ref)
        text = self.commits.get(commit, {"files": {}})["files"].get(named[0])
        if text is None:
            return _said(404, "404 File Not Found")
        content = base64.b64encode(text.encode()).decode()
        last = self._last(commit, named[0])
        return JSONResponse({"encoding": "base64", "content": content, "last_commit_id": last})

    def _last(self, commit: str, path: str) -> str:
        while (parent := self.commits[commit]["parent"]) is not None:
            if self.commits[parent]["files"].get(path) != self.commits[commit]["files"].get(path):
                break
            commit = parent
        return commit

    def _post_commit(self, named: list[str], call: Call, body: Json) -> Response:
        if (
            not {"branch", "commit_message", "actions"}
            <= set(body)
            <= {"branch", "commit_message", "actions", "start_branch"}
        ):
            return _said(400, "unknown or missing parameters")
        if "start_branch" in body and (body["branch"] in self.refs or body["start_branch"] not in self.refs):
            return _said(400, "A branch called that already exists, or start_branch does not")
        if "start_branch" not in body and body["branch"] not in self.refs:
            return _said(400, "You can only create or edit files when you are on a branch")
        on = self.refs[str(body.get("start_branch", body["branch"]))]
        files = dict(self.commits[on]["files"])
        for action in body["actions"]:
            path = action["file_path"]
            if (action["action"] == "create") is (path in files) or action["action"] not in {"create", "update"}:
                return _said(400, "A file with this name already exists, or does not")
            if "last_commit_id" in action and action["last_commit_id"] != self._last(on, path):
                return _said(400, "You are attempting to update a file that has changed since you started editing it.")
            files[path] = action["content"]
        self.refs[body["branch"]] = self._commit({"message": body["commit_message"], "files": files, "parent": on})
        return JSONResponse({"id": self.refs[body["branch"]]}, 201)

    def _list(self, named: list[str], call: Call, body: Json) -> Response:
        if call.query_params.get("state") != "all":
            return _said(400, "state does not have a valid value")
        branch = call.query_params.get("source_branch")
        return JSONResponse([r for r in self.requests if r["source_branch"] == branch])

    def _open(self, named: list[str], call: Call, body: Json) -> Response:
        known = {
            "source_branch",
            "target_branch",
            "title",
            "description",
            "remove_source_branch",
            "labels",
            "reviewer_ids",
        }
        if (
            not {"source_branch", "target_branch", "title"} <= set(body) <= known
            or body["source_branch"] not in self.refs
        ):
            return _said(400, "source_branch is missing")
        if any(r["source_branch"] == body["source_branch"] and r["state"] == "opened" for r in self.requests):
            return _said(409, "Another open merge request already exists for this source branch: !1")
        number = len(self.requests) + 1
        url = f"https://gitlab.example/{self.project}/-/merge_requests/{number}"
        made = {**body, "iid": number, "state": "opened", "web_url": url, "sha": self.refs[body["source_branch"]]}
        self.requests.append(made)
        return JSONResponse(made, 201)

    def _edit(self, named: list[str], call: Call, body: Json) -> Response:
        if body != {"state_event": "close"}:
            return _said(400, "nothing to change")
        self.requests[int(named[0]) - 1]["state"] = "closed"
        return JSONResponse(self.requests[int(named[0]) - 1])

    def _commit(self, commit: Json) -> str:
        sha = _sha([commit, len(self.commits)])
        self.commits[sha] = commit
        return sha


def _said(status: int, message: str) -> JSONResponse:
    return JSONResponse({"message": message}, status)


_ROUTES: tuple[tuple[str, str, Callable[[GitLabPeer, list[str], Call, Json], Response]], ...] = (
    (r"repository/branches/([^/]+)", "GET", GitLabPeer._branch),
    (r"repository/branches/([^/]+)", "DELETE", GitLabPeer._delete),
    (r"repository/files/([^/]+)", "GET", GitLabPeer._file),
    (r"repository/commits", "POST", GitLabPeer._post_commit),
    (r"merge_requests", "GET", GitLabPeer._list),
    (r"merge_requests", "POST", GitLabPeer._open),
    (r"merge_requests/(\d+)", "PUT", GitLabPeer._edit),
)
