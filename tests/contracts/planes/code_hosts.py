"""What the cases of code hosts have in common: GitHub and GitLab behind the suite's troubles, and a file of agents."""

import json
from collections.abc import Callable
from typing import Any

import yaml

from bot.domain.action import Verified
from runbooks.controls import pull_text
from tests.contracts.planes.case import AGENT, Args, Deed
from tests.contracts.planes.peer import SECRET, Asked, HttpPeer, Setup, Told
from tests.support.github_peer import Call, GitHubPeer
from tests.support.gitlab_peer import GitLabPeer

FILE = "agents.yaml"
BELOW = "agents.{agent}"
TEXT = "# ours\nagents:\n  refund-bot: {team: refunds}\n  other-bot: {team: mail}\n"
BRANCH = "pullcord/inc-1-eval"
_ARGS = Args()


class CodeHostPeer(HttpPeer):
    """One of the two strict hosts; ``state`` is all that it holds."""

    held: tuple[str, ...]

    def __init__(self, setup: Setup, host: Any) -> None:
        super().__init__(setup)
        self.host = host
        self.state = {name: getattr(host, name) for name in self.held}

    def answer(self, asked: Asked) -> Told:
        """Serve one request from what ``state`` holds."""
        for name in self.held:
            setattr(self.host, name, self.state[name])
        call = Call(asked.method, dict(asked.query), dict(asked.headers))
        answer = self.host.handle(call, asked.path.lstrip("/"), asked.json or {})
        return Told(answer.status_code, bytes(answer.body))

    def by_hand(self, text: str) -> None:
        """Somebody commits the file."""
        for name in self.held:
            setattr(self.host, name, self.state[name])
        self.host.commit_on("main", FILE, text)

    def text(self) -> str:
        """The file as it stands on main."""
        for name in self.held:
            setattr(self.host, name, self.state[name])
        return str(self.host.text("main", FILE))


class GitHubHere(CodeHostPeer):
    """GitHub; the branch or the pull request is what makes a change."""

    held = ("trees", "commits", "refs", "pulls")

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup, GitHubPeer(files={FILE: TEXT}, tokens={SECRET}))

    def decisive(self, asked: Asked) -> bool:
        """Trees and commits are there for nobody."""
        return asked.path.endswith("/pulls") or asked.method == "PATCH"


class GitLabHere(CodeHostPeer):
    """GitLab."""

    held = ("commits", "refs", "requests")

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup, GitLabPeer(files={FILE: TEXT}, token=SECRET))


def pushed(plane: Any) -> Any:
    """The same case each time."""
    return plane.push(BRANCH, {"case.yaml": "a: 1\n"}, pull_text.marked("A case\n\nIt went wrong.", "ex_1"))


def found(plane: Any) -> Any:
    """Looks for it."""
    return plane.find(BRANCH)


def _with(text: str, setting: tuple[str, ...], value: object) -> str:
    held = yaml.safe_load(text)
    place = held["agents"][AGENT]
    for step in setting[:-1]:
        place = place.setdefault(step, {})
    place[setting[-1]] = value
    return json.dumps(held)  # every JSON is YAML


def _set(*setting: str, value: object) -> Callable[[Any], None]:
    return lambda peer: peer.by_hand(_with(peer.text(), setting, value))


def file_deeds(settled: Verified = Verified.PENDING) -> list[Deed]:
    """Every verb on the file, by commits."""
    denied = ("tools", "denied")
    some: dict[str, Any] = {"first": settled, "settled": settled}
    return [
        Deed("pin_model", _set("model", value="theirs"), **some),
        Deed("route_fallback", _set("fallback_model", value="theirs"), **some),
        Deed("revoke_tool", _set(*denied, value=[]), **some),
        Deed("restore_tool", _set(*denied, value=[_ARGS.tool]), before=_set(*denied, value=[_ARGS.tool]), **some),
        Deed("pause_agent", _set("paused", value=False), **some),
        Deed("resume_agent", _set("paused", value=True), before=_set("paused", value=True), **some),
        Deed("patch_prompt", _set("prompt", "suffix", value="theirs"), **some),
    ]
