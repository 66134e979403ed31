"""The generic HTTP control plane: what may be declared, where a fault is, and what foreign text can do (nothing)."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain.action import Restraint, Verified
from bot.engine.planning import ControlPlanes
from bot.errors import ActionFailed, Misconfigured, OutcomeUnknown, Refused
from bot.plugin_faults import plugin_faults
from bot.ports import AgentControl, Clock, ControlPlane, ModelControl, ToolControl
from bot.registry import discover
from bot.settings import load_settings
from tests.support.clock import ManualClock
from tests.support.trace_stores import Asked, LoopbackStore, Told, loopback_store, told

WHY = Restraint(incident="INC-1", by="@dana", why='a "quoted" \r\nX-Evil: 1 {key} why')
PIN = """\
controls:
  gate:
    type: http
    url: {url}
    token: ${{GATE_TOKEN}}
    idempotency_header: Idempotency-Key
    verbs:
      pin_model:
        read: {{path: "/agents/{{agent}}", value: data.model}}
        apply:
          method: PUT
          path: "/agents/{{agent}}/model"
          query: {{reason: "{{incident}}"}}
          headers: {{X-Why: "{{why}}"}}
          body: {{model: "{{model}}", note: "{{incident}}: {{why}}", deep: [{{a: "{{value}}"}}, 1, null]}}
          expect: [200]
        undo: {{method: DELETE, path: "/agents/{{agent}}/model"}}
"""


@pytest.fixture
async def gate() -> AsyncIterator[LoopbackStore]:
    """An endpoint that holds a model."""
    held: dict[str, Any] = {"model": "", "status": 200}

    def answer(asked: Asked) -> Told:
        if asked.method == "PUT":
            held["model"] = json.loads(asked.body)["model"]
            return told({}, held["status"])
        return told({"data": {"model": held["model"]}})

    async with loopback_store(answer) as store:
        store.held = held  # type: ignore[attr-defined] # the tests set what it answers
        yield store


def plane(folder: Path, text: str) -> Any:
    """The control plane of a configuration."""
    path = folder / "pullcord.yaml"
    path.write_text(text, encoding="utf-8")
    settings = load_settings({"GATE_TOKEN": "gate-t0ken"}, path, plugin_faults)
    return ControlPlanes(discover(["runbooks"]), settings, {Clock: ManualClock()}).plane("gate")


def faults(folder: Path, verbs: str, more: str = "") -> list[str]:
    """What the start says of verbs that are declared so."""
    path = folder / "pullcord.yaml"
    head = f"controls:\n  gate:\n    type: http\n    url: https://gate.example\n{more}    verbs:\n"
    path.write_text(head + verbs, encoding="utf-8")
    with pytest.raises(Misconfigured) as raised:
        load_settings({}, path, plugin_faults)
    return [str(fault).removeprefix(f"{folder}/") for fault in raised.value.faults]


async def test_only_what_is_declared_can_be_done(tmp_path: Path, gate: LoopbackStore) -> None:
    """Verbs that the endpoint has no request for are hidden, since it does not meet their port."""
    made = plane(tmp_path, PIN.format(url=gate.url))
    assert isinstance(made, ControlPlane)
    assert isinstance(made, ModelControl)
    assert not isinstance(made, ToolControl)
    assert not isinstance(made, AgentControl)


async def test_foreign_text_stays_in_its_place(tmp_path: Path, gate: LoopbackStore) -> None:
    """A model's name that looks like JSON is a string in it; a reason with a line break is no header of its own."""
    made = plane(tmp_path, PIN.format(url=gate.url))
    model = '", "admin": true, "x": "{key}'
    change = await made.pin_model("team/bot é", model, None)
    await made.apply(change, "ex_1", WHY)
    put = gate.asked[-1]
    assert (put.method, put.path) == ("PUT", "/agents/team%2Fbot%20%C3%A9/model")
    assert json.loads(put.body) == {
        "model": model,
        "note": f"INC-1: {WHY.why}",
        "deep": [{"a": model}, 1, None],
    }
    assert put.query == {"reason": ["INC-1"]}
    assert put.headers["idempotency-key"] == "ex_1"
    assert put.headers["authorization"] == "Bearer gate-t0ken"
    assert "x-evil" not in put.headers
    assert put.headers["x-why"] == "a %22quoted%22 %0D%0AX-Evil: 1 %7Bkey%7D why"


async def test_without_a_verify_it_is_never_green(tmp_path: Path, gate: LoopbackStore) -> None:
    """Pending, with the setting that would show more; what reads back otherwise is still told."""
    made = plane(tmp_path, PIN.format(url=gate.url))
    change = await made.pin_model("refund-bot", "gpt-x-1", None)
    applied = await made.apply(change, "ex_1", WHY)
    found = await made.verify(change, applied)
    assert found.verified is Verified.PENDING
    assert "controls.gate.verbs.pin_model.verify" in found.detail
    gate.held["model"] = "gpt-x-2"  # type: ignore[attr-defined] # see the fixture
    assert (await made.verify(change, applied)).verified is Verified.MISMATCH


async def test_a_success_that_was_not_expected_is_unknown(tmp_path: Path, gate: LoopbackStore) -> None:
    """202 is not 200: perhaps it was only queued."""
    made = plane(tmp_path, PIN.format(url=gate.url))
    change = await made.pin_model("refund-bot", "gpt-x-1", None)
    gate.held["status"] = 202  # type: ignore[attr-defined] # see the fixture
    with pytest.raises(OutcomeUnknown, match="answered 202"):
        await made.apply(change, "ex_1", WHY)


@pytest.mark.parametrize("agent", ["", "..", ".", "a\\..\\b", "a\nb", "x" * 400, "a/../b"])
async def test_a_name_that_fits_no_address_is_refused(tmp_path: Path, gate: LoopbackStore, agent: str) -> None:
    """Nothing is asked."""
    made = plane(tmp_path, PIN.format(url=gate.url))
    with pytest.raises((Refused, ActionFailed), match=r"cannot stand in an address|does not fit an address"):
        await made.pin_model(agent, "gpt-x-1", None)
    assert not gate.asked


GOOD = '{read: {path: "/a/{agent}"}, apply: {path: "/b"}, undo: {path: "/c"}}'


@pytest.mark.parametrize(
    ("verbs", "where", "says"),
    [
        ("      fly: " + GOOD, "verbs", "fly"),
        ('      pin_model: {read: {path: "/a/{agnt}"}, apply: {path: /b}}', "read.path", "{agnt} is not known here"),
        ('      pin_model: {read: {path: "/a/{agent.__class__}"}, apply: {path: /b}}', "read.path", "has no parts"),
        ('      pin_model: {read: {path: "/a/{1+1}"}, apply: {path: /b}}', "read.path", "no expressions"),
        ('      pin_model: {read: {path: "/a/{agent"}, apply: {path: /b}}', "read.path", "a brace"),
        ('      pin_model: {read: {path: "/a/../b"}, apply: {path: /b}}', "read.path", "a path below url"),
        ('      pin_model: {read: {path: "https://evil.example/a"}, apply: {path: /b}}', "read.path", "below url"),
        ('      pin_model: {read: {path: "/a?b=c"}, apply: {path: /b}}', "read.path", "belong under query"),
        ('      pin_model: {read: {path: /a}, apply: {path: "/b/{tool}"}}', "verbs", "pin_model.apply names {tool}"),
        ('      pin_model: {read: {path: "/a/{model}"}, apply: {path: /b}}', "read", "not known while reading"),
        ("      pin_model: {read: {path: /a}, apply: {path: /b, method: GET}}", "apply.method", "'POST'"),
        ("      pin_model: {read: {path: /a}, apply: {path: /b, expect: [500]}}", "apply.expect", "499"),
        ("      pin_model: {read: {path: /a}, apply: {path: /b, expect: [401]}}", "apply.expect", "is no success"),
        ("      pin_model: {read: {path: /a, value: 'a[0]'}, apply: {path: /b}}", "read.value", ""),
        ("      pin_model: {apply: {path: /b}}", "pin_model", "read"),
        ("      pause_agent: {read: {path: /a}, apply: {path: /b}}", "verbs", "needs an undo"),
        ('      pin_model: {read: {path: /a}, apply: {path: /b, body: {"{key}": 1}}}', "apply.body", "no braces"),
    ],
)
def test_a_wrong_declaration_is_a_fault_with_its_line(tmp_path: Path, verbs: str, where: str, says: str) -> None:
    """At the start, not at three in the morning."""
    told = faults(tmp_path, verbs)
    assert [line for line in told if line.startswith("pullcord.yaml:") and where in line and says in line], told
    assert "pullcord.yaml:6:" in told[0] or "pullcord.yaml:5:" in told[0]


def test_a_secret_under_headers_is_a_fault(tmp_path: Path) -> None:
    """A configuration is committed."""
    told = faults(tmp_path, f"      pin_model: {GOOD}", "    headers: {Authorization: Bearer abc}\n")
    assert "secret_headers" in told[0]
    assert "abc" not in told[0]


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    """Two verbs, two faults."""
    one = '{read: {path: "/a/{agnt}"}, apply: {path: /b}}'
    assert len(faults(tmp_path, f"      pin_model: {one}\n      route_fallback: {one}")) == 2


def test_the_type_is_checked(tmp_path: Path) -> None:
    """Verbs are required: an endpoint with none can do nothing."""
    path = tmp_path / "pullcord.yaml"
    path.write_text("controls: {gate: {type: http, url: 'https://gate.example', verbs: {}}}", encoding="utf-8")
    with pytest.raises(Misconfigured):
        load_settings({}, path, plugin_faults)
