import fcntl
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from runbooks.evals.promptfoo import Promptfoo
from tests.peers.place import told
from tests.runbooks.evals.cases import BAD, HOSTILE, RIGHT, case

pytestmark = [pytest.mark.peers, pytest.mark.timeout(900)]

_VERSION = "0.121.20"
"""The last that runs on Node 20; what it needs in turn is what npm chooses."""
_DATABASE = "0.5.29"
"""Of libsql: its program for this machine is an optional package, and all the optional ones are over a gigabyte."""
_SECONDS = 600.0
_STUB = """\
export default class Stub {
  id() { return 'stub'; }
  constructor(options) { this.file = options.config.answer; }
  async callApi(prompt) {
    const { readFileSync, writeFileSync } = await import('node:fs');
    writeFileSync(this.file + '.asked', prompt);
    return { output: JSON.parse(readFileSync(this.file, 'utf8')) };
  }
}
"""


@pytest.fixture(scope="module")
def promptfoo() -> Path:
    """The program, installed by npm into the cache that the other peers use. No script of any package is run."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("promptfoo is not installed: there is no node and npm here (Node 20 or later)")
    machine = subprocess.run(
        [node, "-p", "`${parseInt(process.versions.node)} ${process.platform}-${process.arch}`"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    version, where = machine.stdout.split()
    if int(version) < 20:
        pytest.skip(f"promptfoo is not installed: it needs Node 20 or later, this is {version}")
    built = f"@libsql/{where}{'-gnu' if where.startswith('linux') else ''}@{_DATABASE}"
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pullcord" / "peers"
    folder = home / f"promptfoo-{_VERSION}-node{version}-{where}"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "promptfoo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            _install(npm, folder, f"promptfoo@{_VERSION}", built)
            (folder / "ready").touch()
            for old in home.glob("promptfoo-*"):
                if old != folder:
                    shutil.rmtree(old, ignore_errors=True)
    return folder / "node_modules" / ".bin" / "promptfoo"


def _install(npm: str, folder: Path, *packages: str) -> None:
    seconds = float(os.environ.get("PEERS_INSTALL_SECONDS") or _SECONDS)
    before = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = ["nice", "-n", "15", npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund"]
    command += ["--ignore-scripts", "--omit=optional", "--save-exact", *packages]
    child = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        said, _ = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, 9)
        child.communicate()
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"promptfoo is not installed: it took over {seconds:g} s (PEERS_INSTALL_SECONDS)")
    if child.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        last = next((line for line in said.splitlines() if "error" in line.lower()), "no reason was given")
        pytest.skip(f"promptfoo is not installed: {last[:300]}")
    told("promptfoo installed", f"{time.monotonic() - before:.0f} s")


class Team:
    """A team's repository with promptfoo, cases of ours and a provider that answers what a test wants."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._answer = folder / "answer.json"
        configuration = {
            "prompts": ["{{incident.question}}"],
            "providers": [{"id": "file://stub.mjs", "config": {"answer": str(self._answer)}}],
            "tests": "file://cases/*.yaml",
        }
        (folder / "promptfooconfig.yaml").write_text(json.dumps(configuration))
        (folder / "stub.mjs").write_text(_STUB)

    def add(self, made: Any) -> None:
        """Merge the branch with the case."""
        for name, text in Promptfoo().render(made).items():
            (self._folder / name).parent.mkdir(exist_ok=True)
            (self._folder / name).write_text(text, encoding="utf-8")

    def run(self, answer: object) -> tuple[int, list[dict[str, Any]]]:
        """``promptfoo eval`` with an agent that answers so: its exit code and its results."""
        self._answer.write_text(json.dumps(answer))
        names = ("TELEMETRY", "UPDATE", "SHARING", "REMOTE_GENERATION")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            "PROMPTFOO_CONFIG_DIR": str(self._folder / "state"),
            **{f"PROMPTFOO_DISABLE_{name}": "1" for name in names},
        }
        flags = ["--no-cache", "--no-write", "--no-progress-bar", "--no-table", "-o", "out.json"]
        done = subprocess.run(
            ["nice", "-n", "15", str(self._program), "eval", "-c", "promptfooconfig.yaml", *flags],
            cwd=self._folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        out = self._folder / "out.json"
        assert out.exists(), f"{done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        results = json.loads(out.read_text())["results"]["results"]
        out.unlink()
        told("promptfoo eval", {"code": done.returncode, "success": [r["success"] for r in results]})
        return done.returncode, results

    @property
    def asked(self) -> str:
        """The prompt that the agent was given last."""
        return (self._folder / "answer.json.asked").read_text(encoding="utf-8")


@pytest.fixture
def team(promptfoo: Path, tmp_path: Path) -> Team:
    """Nothing of ours but the rendered files."""
    return Team(promptfoo, tmp_path)


def call_of(tool: str, arguments: object) -> dict[str, Any]:
    """As promptfoo's OpenAI providers give it."""
    return {"id": "1", "type": "function", "function": {"name": tool, "arguments": json.dumps(arguments)}}


def test_promptfoo_fails_the_recorded_behaviour_and_passes_the_expected_one(team: Team) -> None:
    """By its exit code, which is what a CI sees: 100 when an assertion failed, 0 when none did."""
    team.add(case(right=RIGHT))
    code, (result,) = team.run([call_of("issue_refund", BAD)])
    assert code == 100
    assert "called issue_refund with" in result["gradingResult"]["reason"]
    assert team.asked == "Where is my refund?"
    code, (result,) = team.run([call_of("look_up_order", {}), call_of("issue_refund", RIGHT)])
    assert (code, result["success"]) == (0, True)
    assert result["testCase"]["metadata"]["incident"] == "INC-7"
    code, (result,) = team.run("I am sorry.")
    assert code == 100, "doing nothing is not right either"
    assert "did not call issue_refund" in result["gradingResult"]["reason"]


def test_promptfoo_takes_hostile_texts_for_texts(team: Team) -> None:
    """The agent is asked exactly what was asked; no template, file or script in it is acted on."""
    team.add(case(tool=HOSTILE, bad={HOSTILE: [HOSTILE]}, question=HOSTILE, expected=HOSTILE))
    code, (result,) = team.run([call_of(HOSTILE, {HOSTILE: [HOSTILE]})])
    assert code == 100
    assert "called" in result["gradingResult"]["reason"]
    assert team.asked == HOSTILE
    assert team.run([call_of(HOSTILE, {HOSTILE: []})])[0] == 0


def test_promptfoo_loads_no_file_that_a_text_names(team: Team, tmp_path: Path) -> None:
    """``file://`` at the start of a text is how a test case says "read it from there"."""
    (tmp_path / "held.txt").write_text("HELD")
    link = f"file://{tmp_path}/held.txt"
    team.add(case(question=link, expected=link, agent=link, provenance={"agent": link}))
    code, (result,) = team.run([call_of("issue_refund", RIGHT)])
    assert code == 0
    assert team.asked == link
    assert "HELD" not in json.dumps(result)
