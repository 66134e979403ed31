"""A GitHub that is stricter than an emulator: one repository whose REST API refuses what the documentation refuses.

Missing and unknown fields get 422, a stale hash 409 or 422, a branch or pull request that is there 422, credentials
that do not fit 401, missing permissions 403. Tests bend single answers with ``next_answers`` and ``after``.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN = "ghp_made-up"
Json = dict[str, Any]
PERMISSIONS = ("contents", "pull_requests", "issues")


def _sha(value: object) -> str:
    return hashlib.sha1(json.dumps(value, sort_keys=True).encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Call:
    """What handlers look at of a request. Names of headers in lower case."""

    method: str
    query_params: dict[str, str]
    headers: dict[str, str]


@dataclass
class GitHubPeer:
    """``acme/evals`` with a ``main`` branch. ``writes`` are the requests that changed something, in order."""

    repository: str = "acme/evals"
    public_key: str = ""
    permissions: dict[str, str] = field(default_factory=lambda: dict.fromkeys(PERMISSIONS, "write"))
    files: dict[str, str] = field(default_factory=lambda: {"README.md": "ours\n"})
    trees: dict[str, dict[str, str]] = field(default_factory=dict)
    commits: dict[str, Json] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    pulls: list[Json] = field(default_factory=list)
    issued: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    next_answers: dict[str, list[Response]] = field(default_factory=dict)
    """By ``POST pulls``: answered instead, and nothing is done."""
    after: dict[str, list[Response]] = field(default_factory=dict)
    """By ``POST pulls``: done, and then answered so."""
    tokens: set[str] = field(default_factory=lambda: {TOKEN})
    expires_at: str = "2026-11-23T13:00:00Z"

    def __post_init__(self) -> None:
        """The first commit."""
        tree = self._tree(self.files)
        self.refs["main"] = self._commit({"message": "first", "tree": tree, "parents": []})

    def app(self) -> Starlette:
        """The API. ``/api/v3`` stands for an Enterprise server's prefix."""
        return Starlette(
            routes=[Route("/{path:path}", self._answer, methods=["GET", "POST", "PATCH", "PUT", "DELETE"])]
        )

    # ------------------------------------------------------------------ what tests do by hand

    def merge(self, number: int) -> None:
        """A person merges."""
        pull = self.pulls[number - 1]
        pull |= {"state": "closed", "merged_at": "2026-11-23T12:30:00Z", "closed_by": "dana"}
        self.refs["main"] = self.refs[pull["head"]]

    def close(self, number: int, *, delete: bool = False) -> None:
        """A person closes, and may delete the branch."""
        pull = self.pulls[number - 1]
        pull |= {"state": "closed", "closed_at": "2026-11-23T12:31:07Z", "closed_by": "dana"}
        if delete:
            del self.refs[pull["head"]]

    def text(self, branch: str, path: str) -> str | None:
        """A file on a branch."""
        return self.trees[self.commits[self.refs[branch]]["tree"]].get(path)

    def commit_on(self, branch: str, path: str, text: str, message: str = "by hand") -> str:
        """A person commits."""
        on = self.refs.get(branch, self.refs["main"])
        tree = self._tree({**self.trees[self.commits[on]["tree"]], path: text})
        self.refs[branch] = self._commit({"message": message, "tree": tree, "parents": [on]})
        return self.refs[branch]

    # ------------------------------------------------------------------ the API

    async def _answer(self, request: Request) -> Response:
        body = await request.json() if await request.body() else {}
        call = Call(request.method, dict(request.query_params), dict(request.headers))
        return self.handle(call, request.path_params["path"].removeprefix("api/v3/"), body)

    def handle(self, request: Call, path: str, body: Json) -> Response:
        """Serve one request, below the base of the API."""
        short = path.removeprefix(f"repos/{self.repository}/")
        called = f"{request.method} {short}"
        self.asked.append(called)
        if held := self.next_answers.get(called):
            return held.pop(0)
        answer = self._of_app(request, path, body) or self._judged(request, path, short, body)
        if request.method != "GET" and answer.status_code < 300:
            self.writes.append(called)
        return self.after[called].pop(0) if self.after.get(called) else answer

    def _judged(self, request: Call, path: str, short: str, body: Json) -> Response:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if given not in self.tokens:
            return _said(401, "Bad credentials")
        if short == path or "application/vnd.github+json" not in request.headers["accept"]:
            return _said(404, "Not Found")
        for pattern, method, permission, handle in _ROUTES:
            if method == request.method and (found := re.fullmatch(pattern, short)):
                if method != "GET" and self.permissions.get(permission) != "write":
                    return _said(403, "Resource not accessible by integration")
                return handle(self, found, request, body)
        return _said(404, "Not Found")

    def _of_app(self, request: Call, path: str, body: Json) -> Response | None:
        """The two requests that a JWT signs."""
        if path not in {f"repos/{self.repository}/installation", "app/installations/77/access_tokens"}:
            return None
        try:
            signed = request.headers.get("authorization", "").removeprefix("Bearer ")
            claims = jwt.decode(
                signed, self.public_key, algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False}
            )
        except jwt.PyJWTError:
            return _said(401, "A JSON web token could not be decoded")
        if claims["iss"] != "12345" or not 0 < claims["exp"] - claims["iat"] <= 660:
            return _said(401, "'Expiration time' claim ('exp') is too far in the future")
        if path.endswith("/installation"):
            return JSONResponse({"id": 77, "account": {"login": "acme"}})
        asked = body.get("permissions", {})
        if body.get("repositories") != ["evals"] or any(
            self.permissions.get(name) != held for name, held in asked.items()
        ):
            return _said(422, "The permissions requested are not granted to this installation.")
        self.issued.append(f"ghs_{len(self.issued)}")
        self.tokens.add(self.issued[-1])
        return JSONResponse({"token": self.issued[-1], "expires_at": self.expires_at}, 201)

    def _get_ref(self, found: re.Match[str], request: Call, body: Json) -> Response:
        name = found[1]
        if name not in self.refs:
            return _said(404, "Not Found")
        return JSONResponse({"ref": f"refs/heads/{name}", "object": {"type": "commit", "sha": self.refs[name]}})

    def _post_ref(self, found: re.Match[str], request: Call, body: Json) -> Response:
        name = body.get("ref", "").removeprefix("refs/heads/")
        if set(body) != {"ref", "sha"} or not body["ref"].startswith("refs/heads/"):
            return _said(422, "Reference name must start with refs/heads/")
        if body["sha"] not in self.commits:
            return _said(422, "Object does not exist")
        if name in self.refs:
            return _said(422, "Reference already exists")
        self.refs[name] = body["sha"]
        return JSONResponse({"ref": body["ref"], "object": {"sha": body["sha"]}}, 201)

    def _patch_ref(self, found: re.Match[str], request: Call, body: Json) -> Response:
        name = found[1]
        if name not in self.refs or body.get("sha") not in self.commits:
            return _said(422, "Reference does not exist")
        if body.get("force") is not False or self.refs[name] not in self.commits[body["sha"]]["parents"]:
            return _said(422, "Update is not a fast forward")
        self.refs[name] = body["sha"]
        return JSONResponse({"object": {"sha": body["sha"]}})

    def _delete_ref(self, found: re.Match[str], request: Call, body: Json) -> Response:
        if self.refs.pop(found[1], None) is None:
            return _said(422, "Reference does not exist")
        return Response(status_code=204)

    def _get_commit(self, found: re.Match[str], request: Call, body: Json) -> Response:
        if found[1] not in self.commits:
            return _said(404, "Not Found")
        commit = self.commits[found[1]]
        return JSONResponse({"sha": found[1], "message": commit["message"], "tree": {"sha": commit["tree"]}})

    def _post_tree(self, found: re.Match[str], request: Call, body: Json) -> Response:
        if body.get("base_tree") not in self.trees or not body.get("tree"):
            return _said(422, "base_tree is not a tree")
        files = dict(self.trees[body["base_tree"]])
        for entry in body["tree"]:
            if (
                set(entry) != {"path", "mode", "type", "content"}
                or entry["mode"] != "100644"
                or entry["type"] != "blob"
            ):
                return _said(422, "tree.sha or tree.content, mode and type must be supplied")
            files[entry["path"]] = entry["content"]
        return JSONResponse({"sha": self._tree(files)}, 201)

    def _post_commit(self, found: re.Match[str], request: Call, body: Json) -> Response:
        known = set(body) == {"message", "tree", "parents"} and body["tree"] in self.trees
        if not known or any(parent not in self.commits for parent in body["parents"]):
            return _said(422, "Tree SHA does not exist")
        return JSONResponse({"sha": self._commit(body)}, 201)

    def _contents(self, found: re.Match[str], request: Call, body: Json) -> Response:
        ref = request.query_params.get("ref", "refs/heads/main").removeprefix("refs/heads/")
        commit = self.refs.get(ref, ref if ref in self.commits else None)
        text = None if commit is None else self.trees[self.commits[commit]["tree"]].get(found[1])
        if text is None:
            return _said(404, "Not Found")
        content = base64.encodebytes(text.encode()).decode()
        return JSONResponse({"type": "file", "encoding": "base64", "content": content, "sha": _sha(text)})

    def _get_pulls(self, found: re.Match[str], request: Call, body: Json) -> Response:
        owner, _, head = request.query_params.get("head", "").partition(":")
        state = request.query_params.get("state", "open")
        rows = [p for p in self.pulls if owner == "acme" and p["head"] == head and state in {"all", p["state"]}]
        return JSONResponse([self._shown(pull) for pull in rows])

    def _post_pull(self, found: re.Match[str], request: Call, body: Json) -> Response:
        if not {"title", "head", "base"} <= set(body) <= {"title", "head", "base", "body", "draft"}:
            return _said(422, "Validation Failed")
        if body["head"] not in self.refs or body["base"] not in self.refs:
            return _said(422, "Validation Failed: head invalid")
        if self.refs[body["head"]] == self.refs[body["base"]]:
            return _said(422, f"No commits between {body['base']} and {body['head']}")
        if any(p["head"] == body["head"] and p["state"] == "open" for p in self.pulls):
            return _said(422, f"A pull request already exists for acme:{body['head']}.")
        self.pulls.append({**body, "number": len(self.pulls) + 1, "state": "open", "labels": [], "reviewers": []})
        return JSONResponse(self._shown(self.pulls[-1]), 201)

    def _patch_pull(self, found: re.Match[str], request: Call, body: Json) -> Response:
        if body != {"state": "closed"}:
            return _said(422, "Validation Failed")
        self.pulls[int(found[1]) - 1] |= {"state": "closed", "closed_by": "pullcord[bot]"}
        return JSONResponse(self._shown(self.pulls[int(found[1]) - 1]))

    def _issue(self, found: re.Match[str], request: Call, body: Json) -> Response:
        pull = self.pulls[int(found[1]) - 1]
        who = {"login": pull["closed_by"]} if "closed_by" in pull else None
        return JSONResponse({"number": pull["number"], "closed_by": who, "closed_at": pull.get("closed_at")})

    def _labels(self, found: re.Match[str], request: Call, body: Json) -> Response:
        self.pulls[int(found[1]) - 1]["labels"] += body["labels"]
        return JSONResponse([{"name": name} for name in body["labels"]])

    def _reviewers(self, found: re.Match[str], request: Call, body: Json) -> Response:
        if not set(body) <= {"reviewers", "team_reviewers"} or "nobody" in body.get("reviewers", []):
            return _said(422, "Reviews may only be requested from collaborators.")
        self.pulls[int(found[1]) - 1]["reviewers"] += body.get("reviewers", []) + body.get("team_reviewers", [])
        return JSONResponse({}, 201)

    def _shown(self, pull: Json) -> Json:
        head = {"ref": pull["head"], "sha": self.refs.get(pull["head"], "0" * 40)}
        page = f"https://github.example/{self.repository}/pull/{pull['number']}"
        return {
            **{name: pull.get(name) for name in ("number", "state", "title", "body", "merged_at")},
            "head": head,
            "html_url": page,
        }

    def _tree(self, files: dict[str, str]) -> str:
        sha = _sha(files)
        self.trees[sha] = files
        return sha

    def _commit(self, commit: Json) -> str:
        sha = _sha([commit, len(self.commits)])
        self.commits[sha] = commit
        return sha


def _said(status: int, message: str) -> JSONResponse:
    return JSONResponse({"message": message}, status)


_Handler = Callable[[GitHubPeer, "re.Match[str]", Call, Json], Response]
_ROUTES: tuple[tuple[str, str, str, _Handler], ...] = (
    (r"git/ref/heads/(.+)", "GET", "contents", GitHubPeer._get_ref),
    (r"git/refs", "POST", "contents", GitHubPeer._post_ref),
    (r"git/refs/heads/(.+)", "PATCH", "contents", GitHubPeer._patch_ref),
    (r"git/refs/heads/(.+)", "DELETE", "contents", GitHubPeer._delete_ref),
    (r"git/commits/([0-9a-f]{40})", "GET", "contents", GitHubPeer._get_commit),
    (r"git/trees", "POST", "contents", GitHubPeer._post_tree),
    (r"git/commits", "POST", "contents", GitHubPeer._post_commit),
    (r"contents/(.+)", "GET", "contents", GitHubPeer._contents),
    (r"pulls", "GET", "pull_requests", GitHubPeer._get_pulls),
    (r"pulls", "POST", "pull_requests", GitHubPeer._post_pull),
    (r"pulls/(\d+)", "PATCH", "pull_requests", GitHubPeer._patch_pull),
    (r"issues/(\d+)", "GET", "issues", GitHubPeer._issue),
    (r"issues/(\d+)/labels", "POST", "issues", GitHubPeer._labels),
    (r"pulls/(\d+)/requested_reviewers", "POST", "pull_requests", GitHubPeer._reviewers),
)
