"""Pull requests on the GitHub of the npm package ``emulate``: by the adapter, by an App, and by a whole Pullcord."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr

from bot.domain.action import Restraint, Verified
from bot.engine.control_http import ControlClient
from bot.engine.planning import SILENT
from bot.errors import Refused
from bot.plugin import ControlName, EvalFormats, EvalPlaces, Once
from bot.ports import EvalTarget
from runbooks.controls.github import GitHub
from runbooks.controls.github_auth import GitHubSettings
from runbooks.controls.github_config import GitHubConfig, GitHubConfigSettings
from runbooks.evals.inspect_ai import InspectAI
from runbooks.evals.promptfoo import Promptfoo
from runbooks.open_eval_case import OpenEvalCase, open_eval_case
from sandbox.slack.client import SandboxClient
from tests.peers.agent_run import REFUND
from tests.peers.hands import at_the_card
from tests.peers.node_programs import npm_installed
from tests.peers.place import build, free_port, told
from tests.peers.programs import Program, running
from tests.peers.test_inspect import evaluated, python
from tests.peers.test_promptfoo import Team, call_of, promptfoo
from tests.runbooks.evals.cases import BAD, RIGHT
from tests.runbooks.test_open_eval_case import Evidence, context, effect_of
from tests.support.clock import WallClock

__all__ = ["promptfoo", "python"]
pytestmark = [pytest.mark.peers, pytest.mark.timeout(900)]

_TOKEN = "ghp_made-up-for-tests"
_FORMATS = EvalFormats("promptfoo", {"promptfoo": Promptfoo(), "inspect": InspectAI()})


@pytest.fixture(scope="module")
def key() -> str:
    """The App's private key."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()


@pytest.fixture
def github(tmp_path: Path, key: str) -> Iterator[Program]:
    """``acme/evals`` with a token and an App, fresh for each test. It answers under ``localhost`` only."""
    program = npm_installed("emulate", node=20) / "emulate"
    permissions = {"contents": "write", "pull_requests": "write", "issues": "write", "metadata": "read"}
    app = {
        "app_id": 12345,
        "slug": "pullcord",
        "name": "Pullcord",
        "private_key": key,
        "permissions": permissions,
        "events": [],
        "installations": [{"installation_id": 77, "account": "acme", "repository_selection": "all"}],
    }
    seed = {
        "tokens": {_TOKEN: {"login": "acme", "scopes": ["repo"]}},
        "github": {
            "users": [{"login": "acme", "name": "Acme"}, {"login": "lee", "name": "Lee"}],
            "repos": [{"owner": "acme", "name": "evals", "auto_init": True}],
            "apps": [app],
        },
    }
    (tmp_path / "seed.json").write_text(json.dumps(seed), encoding="utf-8")
    port = free_port()
    command = [str(program), "start", "--service", "github", "--port", str(port), "--seed", str(tmp_path / "seed.json")]
    with running("emulate", command, {}, tmp_path / "emulate", f"http://localhost:{port}", "/repos/acme/evals") as one:
        yield one


def _api(github: Program, path: str) -> Any:
    answer = httpx.get(
        f"{github.url}/repos/acme/evals/{path}", headers={"authorization": f"Bearer {_TOKEN}"}, trust_env=False
    )
    answer.raise_for_status()
    return answer.json()


def _close(github: Program, number: int) -> None:
    url, headers = f"{github.url}/repos/acme/evals/pulls/{number}", {"authorization": f"Bearer {_TOKEN}"}
    httpx.patch(url, json={"state": "closed"}, headers=headers, trust_env=False).raise_for_status()


def _adapter(github: Program, **changes: Any) -> GitHub:
    given: dict[str, Any] = {"token": SecretStr(_TOKEN), **changes}
    settings = GitHubSettings.model_validate({"url": github.url, "repository": "acme/evals", **given})
    target = EvalTarget(branch="main", directory="evals/pullcord")
    return GitHub(settings, ControlClient("github", settings), ControlName("github"), WallClock(), target)


async def _planned(github: GitHub, execution: str = "ex_1", form: str = "configured") -> Once:
    effects = (effect_of(),)
    ctx = context(effects, (effects[0].trace_id,), EvalPlaces("github"), execution)
    params = OpenEvalCase(
        call="ef_1", expected="Refund what is owed @acme. Fixes #1", arguments=json.dumps(RIGHT), format=form
    )
    plan = await open_eval_case.plan(ctx, params, Evidence(effects), _FORMATS, SILENT, github)  # type: ignore[misc]
    assert isinstance(plan, Once)
    return plan


async def test_run_twice_is_one_pull_request(github: Program) -> None:
    """The verb opens it, the emulator shows it, a redelivery finds it, and a second press is told."""
    adapter = _adapter(github, labels=["eval"])
    plan = await _planned(adapter)
    assert _api(github, "pulls?state=all") == []
    result = await plan.run("ex_1")
    assert result.verified is Verified.IN_FORCE
    again = await plan.run("ex_1")
    assert again.ref == result.ref
    (pull,) = _api(github, "pulls?state=all")
    told("pull request", {name: pull[name] for name in ("number", "title", "html_url", "state")})
    assert result.url == pull["html_url"]
    assert [label["name"] for label in pull["labels"]] == ["eval"]
    assert "could not be set" not in result.detail
    branch = result.ref.partition("@")[0]
    assert _api(github, f"git/ref/heads/{branch}")["object"]["sha"] == pull["head"]["sha"]
    message = _api(github, f"git/commits/{pull['head']['sha']}")["message"]
    assert message.rstrip().endswith("Pullcord-Execution: ex_1")
    assert "@acme" not in pull["body"]
    with pytest.raises(Refused, match="has an eval case already"):
        await _planned(adapter, "ex_2")
    assert await plan.probe() is not None


async def test_what_a_person_closed_is_not_opened_again(github: Program) -> None:
    """Closed by hand, the next run says so."""
    adapter = _adapter(github)
    plan = await _planned(adapter)
    await plan.run("ex_1")
    _close(github, 1)
    with pytest.raises(Refused, match="was closed") as caught:
        await plan.run("ex_1")
    told("the refusal", str(caught.value))
    assert len(_api(github, "pulls?state=all")) == 1


async def test_a_github_app_opens_it(github: Program, key: str) -> None:
    """It signs, finds its installation, gets a token for this repository, and is the author."""
    adapter = _adapter(github, token=None, app_id=12345, private_key=SecretStr(key), labels=["eval"])
    await (await _planned(adapter)).run("ex_1")
    (pull,) = _api(github, "pulls?state=all")
    told("author", pull["user"]["login"])
    assert pull["user"]["login"] == "pullcord[bot]"


async def test_a_value_in_a_file_by_commit_and_by_pull_request(github: Program) -> None:
    """Read back from the branch; the undo is a commit, or closes the pull request."""
    seen = _adapter(github)
    _, on = await seen.read_at("README.md", "main")
    await seen.commit_file("agent.yaml", "model: gpt-x # ours\n", "main", on, "ours")
    for mode in ("commit", "pull_request"):
        settings = GitHubConfigSettings.model_validate(
            {
                "url": github.url,
                "repository": "acme/evals",
                "token": SecretStr(_TOKEN),
                "file": "agent.yaml",
                "mode": mode,
            }
        )
        plane = GitHubConfig(settings, ControlClient("config", settings), ControlName("config"), WallClock())
        change = await plane.pin_model("refund-bot", "gpt-y", None)
        before = await plane.current(change.target)
        applied = await plane.apply(change, f"ex_{mode}", Restraint(incident="INC-7", by="@dana", why="a test"))
        assert (await plane.apply(change, f"ex_{mode}", None)).already
        found = await plane.verify(change, applied)
        told(mode, found.detail)
        assert found.verified is Verified.PENDING
        await plane.restore(change, applied, before, f"ex_back_{mode}")
        assert (await plane.current(change.target)).value == "gpt-x"
    assert [pull["state"] for pull in _api(github, "pulls?state=all")] == ["closed"]


async def test_promptfoo_takes_the_case_as_it_was_pushed(github: Program, promptfoo: Path, tmp_path: Path) -> None:
    """From the branch of the pull request: the recorded behaviour fails, the expected one passes."""
    team = Team(promptfoo, tmp_path)
    for name, text in (await _pushed(github, "promptfoo")).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert team.run([call_of("issue_refund", BAD)])[0] == 100
    assert team.run([call_of("issue_refund", RIGHT)])[0] == 0


async def test_inspect_takes_the_case_as_it_was_pushed(github: Program, python: Path, tmp_path: Path) -> None:
    """Likewise."""
    files = await _pushed(github, "inspect")
    answers = {name: [{"tool": "issue_refund", "arguments": a}] for name, a in (("bad", BAD), ("good", RIGHT))}
    said = evaluated(python, tmp_path, files, answers)
    assert [said[name]["accuracy"] for name in ("bad", "good")] == [0, 1]


async def _pushed(github: Program, form: str) -> dict[str, str]:
    """What lies in the directory of the cases, on the pull request's branch."""
    adapter = _adapter(github)
    result = await (await _planned(adapter, form=form)).run("ex_1")
    branch, _, commit = result.ref.partition("@")
    rows = _api(github, f"git/trees/{commit}?recursive=1")["tree"]
    names = [row["path"] for row in rows if row["type"] == "blob" and row["path"].startswith("evals/pullcord/")]
    texts = {name: await adapter.read_file(name, branch) or "" for name in names}
    told("pushed", sorted(texts))
    return {name.removeprefix("evals/pullcord/"): text for name, text in texts.items()}


_CONFIGURATION = """\
slack: {announce_channel: C0INCIDENTS, incident_channel: new}
roles: {responder: [U0DANA, U0LEE], commander: [U0DANA]}
agents:
  pull-bot: {on_call: [U0LEE]}
sources:
  alertmanager: {bearer: "${ALERT_TOKEN}"}
tools:
  - {name: issue_refund, reversibility: irreversible, target: "{arguments.customer_id}"}
controls:
  code: {type: github, url: "{github}", repository: acme/evals, token: "${PULLCORD_GITHUB_TOKEN}", labels: [eval]}
evals: {repository: code, format: promptfoo}
"""


async def test_a_press_in_slack_becomes_a_pull_request(github: Program, tmp_path: Path) -> None:
    """The whole of Pullcord: alert, card, modal, pull request, and its address on the execution."""
    written = _CONFIGURATION.replace("{github}", github.url)
    place = build(tmp_path / "place", written, variables={"PULLCORD_GITHUB_TOKEN": _TOKEN})
    try:
        assert place.slack is not None
        async with (
            SandboxClient(place.slack.origin) as slack,
            at_the_card(place, slack, "pull-bot") as hands,
        ):
            right = json.dumps({**REFUND, "amount_cents": 4200})
            await hands.choose("U0LEE", "Open eval case", expected="Refund the jug only, 42.00.", arguments=right)
            done = await hands.execution("open_eval_case")
            told("the execution says", done["result"])
        (pull,) = _api(github, "pulls?state=all")
        assert done["result"]["url"] == pull["html_url"]
        assert done["result"]["verified"] == "in_force"
        assert f"Pullcord-Execution: {done['id']}" in pull["body"]
    finally:
        place.stop()
