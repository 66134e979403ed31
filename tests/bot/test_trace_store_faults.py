"""What is wrong with configured trace stores is found before anything starts: with its line, and what to write."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from bot.doctor import examine
from bot.engine.stores import TraceStores
from bot.errors import Fault, Misconfigured
from bot.plugin_faults import plugin_faults, registry_of
from bot.settings import Settings, load_settings
from tests.support.trace_stores import Asked, Told, hanging, loopback_store, peer, told

NO_ADDRESS = "should be a base address such as https://pullcord.example, without a user, a query or blanks"
KEY = "phoenix-key-never-shown-0123456789"


def settings_of(tmp_path: Path, text: str) -> Settings:
    """The settings of a file with this text, without looking for faults that plug-ins find."""
    path = tmp_path / "pullcord.yaml"
    path.write_text(text, encoding="utf-8")
    return load_settings({"KEY": KEY, "PULLCORD_DATA_DIR": str(tmp_path / "data")}, path)


def faults_of(tmp_path: Path, text: str) -> list[tuple[str, str, str]]:
    """Line, reason and hint of each fault that plug-ins find."""
    found: list[Fault] = plugin_faults(settings_of(tmp_path, text))
    return [(f.where.rpartition(":")[2], f.reason, f.hint) for f in found]


def test_every_fault_of_trace_stores_is_reported_at_once(tmp_path: Path) -> None:
    """Types nobody has, options that are wrong, secrets written out, and stores that agents name in vain."""
    text = """\
agents:
  refund-bot:
    traces: [phoenix, tmpo]
trace_stores:
  phoenix: {url: "http://phoenix.example", projets: [a]}
  ours:
    type: fenix
    url: http://x.example
  mystery: {url: "http://x.example"}
  other:
    type: phoenix
    url: ftp://x.example
    deadline: 10 minutes
  third:
    type: phoenix
    url: http://x.example
    deadline: 90s
    api_key: written-out
"""
    faults = faults_of(tmp_path, text)
    assert [(line, reason) for line, reason, _ in faults] == [
        ("5", "`trace_stores.phoenix.projets` is not a setting"),
        ("7", "fenix is no type of trace store here"),
        ("9", "mystery is no type of trace store here"),
        ("12", f"`trace_stores.other.url` {NO_ADDRESS}"),
        ("13", "`trace_stores.other.deadline` should be a duration"),
        ("17", "`trace_stores.third.deadline` should be longer than nothing and at most 45 seconds"),
        ("18", "`trace_stores.third.api_key`: a secret must not be written here"),
        ("3", "tmpo is no trace store here"),
    ]
    hints = {reason: hint for _, reason, hint in faults}
    assert "phoenix" in hints["fenix is no type of trace store here"]
    assert hints["mystery is no type of trace store here"].startswith("write type:")
    assert hints["tmpo is no trace store here"].startswith("name one of trace_stores: ")


def test_a_store_that_cannot_be_used_stops_the_engine(tmp_path: Path) -> None:
    """Should anybody start it without looking for faults first."""
    settings = settings_of(tmp_path, "trace_stores: {fenix: {url: 'http://x.example'}}")
    with pytest.raises(Misconfigured, match="fenix is no trace store here"):
        TraceStores(registry_of(settings), settings)


def test_which_stores_serve_an_agent(tmp_path: Path) -> None:
    """Those it names in its order, then those that nobody names; an alert without an agent may be about any."""
    text = """\
agents: {a: {traces: [s2, s1]}, b: {traces: [s3]}, c: {}}
trace_stores:
  s1: {type: phoenix, url: "http://x.example"}
  s2: {type: phoenix, url: "http://x.example"}
  s3: {type: phoenix, url: "http://x.example"}
  s4: {type: phoenix, url: "http://x.example"}
"""
    settings = settings_of(tmp_path, text)
    stores = TraceStores(registry_of(settings), settings)
    assert stores.of("a") == ("s2", "s1", "s4")
    assert stores.of("b") == ("s3", "s4")
    assert stores.of("c") == stores.of("unknown") == ("s4",)
    assert stores.of(None) == ("s1", "s2", "s3", "s4")


async def test_doctor_asks_each_store_and_says_what_to_do_where_one_fails(tmp_path: Path) -> None:
    """Good, wrong key, redirect, hanging: all in one go, and no key in what is printed."""

    def answer(asked: Asked) -> Told:
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return told({}, 401)
        return told({"data": [{"name": "refunds", "id": "P1"}], "next_cursor": None})

    redirecting = Told(302, b"", {"location": "https://login.example/?next=x"})
    async with loopback_store(answer) as good, loopback_store(lambda _: redirecting) as moved, peer(hanging) as slow:
        text = f"""\
agents: {{refund-bot: {{traces: [good]}}}}
trace_stores:
  good: {{type: phoenix, url: "{good.url}", api_key: "${{KEY}}"}}
  shut: {{type: phoenix, url: "{good.url}"}}
  moved: {{type: phoenix, url: "{moved.url}", api_key: "${{KEY}}"}}
  slow: {{type: phoenix, url: "{slow}", api_key: "${{KEY}}", deadline: PT0.3S}}
"""
        console = Console(width=250, record=True, file=io.StringIO())
        await examine(settings_of(tmp_path, text), console)
    printed = {
        line.split("trace store ")[1].split()[0]: line
        for line in console.export_text().splitlines()
        if "trace store " in line
    }
    assert "1 project seen; asked for runs of refund-bot" in printed["good"]
    assert "shut refused our credentials (401)" in printed["shut"]
    assert "See the credentials of trace_stores.shut." in printed["shut"]
    assert "redirect to login.example (302)" in printed["moved"]
    assert "Set trace_stores.moved.url" in printed["moved"]
    assert "did not answer within 0.3 s" in printed["slow"]
    assert KEY not in "".join(printed.values())
