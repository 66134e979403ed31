"""The commands that start nothing: check-config, manifest, verify, export, as a person runs them."""

import asyncio
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.domain import events as ev
from bot.domain.action import Verified
from bot.open_store import open_store
from bot.settings import load_settings
from bot.timeline.timeline import Write
from tests.support.sample_mitigations import execution

NOW = datetime(2026, 6, 9, 3, 3, tzinfo=UTC)
DANA = ev.Actor(kind=ev.ActorKind.PERSON, id="U0DANA")


def pullcord(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in an environment that says nothing but what is given."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PULLCORD_", "SLACK_"))}
    environment = {**kept, "PULLCORD_DATA_DIR": str(folder / "data"), "PYTHONPATH": str(Path.cwd()), **variables}
    command = [sys.executable, "-m", "bot", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=25, check=False)


async def _an_incident(folder: Path) -> str:
    """One incident with a note, written as the bot writes; the head of its chain."""
    async with open_store(load_settings({"PULLCORD_DATA_DIR": str(folder / "data")})) as store:

        def make(number: int) -> tuple[ev.IncidentOpened, Write]:
            opened = ev.IncidentOpened(at=NOW, by=DANA, number=number, agent="bot", name="A", severity="SEV3")
            return opened, Write(events=())

        result = await store.incidents.open("op-1", make, None)
        note = Write(events=(ev.NoteAdded(at=NOW, by=DANA, text="seen"),))
        written = await store.incidents.write(result.incident_id, "op-2", lambda _incident: note)
        return f"{written.incident.seq}:{written.incident.head}"


def test_check_config_names_every_fault_with_its_line_and_a_hint(tmp_path: Path) -> None:
    """Those of the file and those that only plug-ins can find, in one go; exit status 2, nothing started."""
    text = "agents:\n  bot: {control: nowhere}\nsourcs: {}\nsources:\n  alertmanager: {}\n"
    (tmp_path / "pullcord.yaml").write_text(text)
    done = pullcord(tmp_path, "check-config")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    for words in ("pullcord.yaml:3", "sources", "alertmanager", "allow_unauthenticated"):
        assert words in done.stderr
    (tmp_path / "pullcord.yaml").write_text("agents:\n  bot: {control: nowhere}\n")
    done = pullcord(tmp_path, "check-config")
    assert "pullcord.yaml:2" in done.stderr
    assert "known: embedded" in done.stderr  # those that keep eval cases or tool classes restrain nobody
    assert not (tmp_path / "data").exists()


def test_the_manifest_is_json_that_slack_can_take(tmp_path: Path) -> None:
    """Needs no configuration at all."""
    done = pullcord(tmp_path, "manifest")
    assert done.returncode == 0, done.stderr
    assert "chat:write" in json.loads(done.stdout)["oauth_config"]["scopes"]["bot"]


async def test_verify_and_export_work_while_no_bot_runs(tmp_path: Path) -> None:
    """The chain fits, the right head is held, a head that never was is not; the export is whole."""
    head = await _an_incident(tmp_path)
    good = pullcord(tmp_path, "verify", "INC-1", "--head", head)
    assert good.returncode == 0, good.stderr
    assert "2 entries fit and holds the head that was given" in good.stdout
    longer = pullcord(tmp_path, "verify", "INC-1", "--head", f"9:{head.partition(':')[2]}")
    assert longer.returncode == 1
    assert "Do not rely on it" in longer.stdout
    out = tmp_path / "out.json"
    assert pullcord(tmp_path, "export", "INC-1", "-o", str(out)).returncode == 0
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["entry"]["type"] for line in lines if "entry" in line] == ["incident_opened", "note_added"]
    assert out.stat().st_mode & 0o077 == 0, "prompts are in it"
    checked = pullcord(tmp_path, "verify", str(out))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "INC-1, 2 entries and 0 runs: every part fits, and Pullcord wrote it." in checked.stdout
    piped = pullcord(tmp_path, "export", "INC-1")
    assert piped.stdout == out.read_text()


async def test_a_bundle_is_checked_where_there_is_no_store_and_no_key(tmp_path: Path) -> None:
    """On the reviewer's laptop: what could not be checked is said; a changed byte is found all the same."""
    await _an_incident(tmp_path)
    out, elsewhere = tmp_path / "out.jsonl", tmp_path / "laptop"
    elsewhere.mkdir()
    assert pullcord(tmp_path, "export", "INC-1", "-o", str(out)).returncode == 0
    checked = pullcord(elsewhere, "verify", str(out))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "Not checked: whether Pullcord wrote it: the chain key is not here" in checked.stdout
    assert not (elsewhere / "data").exists()
    out.write_bytes(out.read_bytes().replace(b'"seen"', b'"sean"'))
    checked = pullcord(elsewhere, "verify", str(out))
    assert checked.returncode == 1
    assert "part “timeline” does not fit" in checked.stdout
    absent = pullcord(elsewhere, "verify", "none.jsonl")
    assert absent.returncode == 1
    assert "none.jsonl cannot be read" in absent.stderr


@pytest.mark.parametrize("command", ["verify", "export"])
def test_an_incident_that_is_not_there_is_a_sentence(tmp_path: Path, command: str) -> None:
    """Exit status 1, no stack trace."""
    done = pullcord(tmp_path, command, "INC-7")
    assert done.returncode == 1
    assert "INC-7" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_manifest_of_http_mode_names_the_address_and_no_socket(tmp_path: Path) -> None:
    """README: in HTTP mode the app is pointed at ``POST /slack/events``."""
    url = "https://pullcord.example/slack/events"
    printed = pullcord(tmp_path, "manifest", "--url", url)
    assert printed.returncode == 0, printed.stderr
    made = json.loads(printed.stdout)
    assert made["settings"]["socket_mode_enabled"] is False
    assert made["settings"]["interactivity"]["request_url"] == url
    assert made["features"]["slash_commands"][0]["url"] == url


def test_the_manifest_has_the_scopes_of_configured_plug_ins(tmp_path: Path) -> None:
    """A package that answers an event whose scope nobody knows is named, without a stack trace."""
    folder = tmp_path / "acme_slack"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "joined.py").write_text(
        "from bot.plugin import Click, Kind, Quiet, Reply, Services, interaction\n"
        '@interaction("team_join", Kind.EVENT)\n'
        "async def joined(click: Click, services: Services) -> Reply:\n"
        '    """Nothing."""\n'
        "    return Quiet()\n"
    )
    (tmp_path / "pullcord.yaml").write_text("plugins: [handlers, runbooks, acme_slack]\n")
    path = os.pathsep.join((str(Path.cwd()), str(tmp_path)))
    printed = pullcord(tmp_path, "manifest", "--config", "pullcord.yaml", PYTHONPATH=path)
    assert printed.returncode == 2
    assert "team_join" in printed.stderr
    assert "Traceback" not in printed.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("agents: {bot: {control: git}}", "git cannot restrain an agent (known: embedded)"),
        ("agents: {bot: {control: catalogue}}", "catalogue cannot restrain an agent (known: embedded)"),
        ("agents: {bot: {control: nosuch}}", "nosuch is no control plane here (known: embedded)"),
        ("agents: {bot: {control: unleash}}", "unleash is not configured (write controls.unleash with url, token"),
        ("agents: {bot: {control: {tools: [embedded, contextforge]}}}", "contextforge is not configured (write"),
        ("evals: {branch: a..b}", "should be a name that git takes for a branch"),
        ("evals: {branch: main.lock}", "should be a name that git takes for a branch"),
    ],
)
def test_what_could_only_fail_at_the_first_click_is_a_fault(tmp_path: Path, text: str, said: str) -> None:
    """The configuration was called good, and then the buttons were missing or refused."""
    (tmp_path / "pullcord.yaml").write_text(text + "\n")
    done = pullcord(tmp_path, "check-config")
    assert done.returncode == 2
    assert said in done.stderr


def test_mitigations_lists_what_is_in_force_and_says_when_there_is_nothing(tmp_path: Path) -> None:
    """Beside a running bot or without one; for programs as JSON. A terminal is not told foreign control characters."""
    nowhere = pullcord(tmp_path, "mitigations", PULLCORD_DATA_DIR=str(tmp_path / "elsewhere"))
    assert nowhere.returncode == 2
    assert "There is no store in" in nowhere.stderr
    assert not (tmp_path / "elsewhere").exists(), "looking makes no store"
    (tmp_path / "data").mkdir(exist_ok=True)
    done = pullcord(tmp_path, "mitigations")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Nothing is in force: no agent is restrained by Pullcord (the store in ")
    asyncio.run(_a_pin(tmp_path))
    done = pullcord(tmp_path, "mitigations")
    assert "1 mitigation is in force or may be." in done.stdout
    assert "ok  refund-bot: pinned refund-bot to gpt-x-2026-01-01" in done.stdout
    assert "agent.model of refund-bot at embedded: nothing -> gpt-x-2026-01-01" in done.stdout
    assert "from INC-1, execution ex_pin" in done.stdout
    assert "\x1b" not in done.stdout
    row = json.loads(pullcord(tmp_path, "mitigations", "--format", "json").stdout)
    assert (row["agent"], row["incident"], row["in_force"], row["drifted"]) == ("refund-bot", "INC-1", True, False)


async def _a_pin(folder: Path) -> None:
    """What one agent is pinned to, as the bot writes it."""
    await _an_incident(folder)
    one = execution("pin", summary="pinned refund-bot to gpt-x-2026-01-01\x1b[31m")
    told = (
        ev.ActionRequested(
            at=NOW, by=DANA, execution=one.id, action=one.action, title=one.title, params={}, offer="of_pin"
        ),
        ev.ActionStarted(
            at=NOW,
            by=DANA,
            execution=one.id,
            key=one.id,
            change=one.change,
            snapshot=one.snapshot,
            summary=str(one.summary),
        ),
        ev.ActionSucceeded(at=NOW, by=DANA, execution=one.id, verified=Verified.IN_FORCE, detail="read"),
    )
    async with open_store(load_settings({"PULLCORD_DATA_DIR": str(folder / "data")})) as store:
        await store.incidents.write("INC-1", "act", lambda _incident: Write(events=told))
