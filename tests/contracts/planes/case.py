"""What the suite needs to know of one control plane: how it is made, what it can do, and what cannot happen to it."""

import importlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from bot.domain.action import Change, Verified
from bot.domain.effect import Reversibility
from bot.engine.planning import ControlPlanes
from bot.plugin import Registry
from bot.ports import Clock, DesiredState
from bot.registry import discover
from bot.settings import load_settings
from tests.contracts.planes.peer import SECRET, Peer, Setup

AGENT = "refund-bot"
HERE = "peer-here"
"""The name of the instance in ``controls``."""


@dataclass(frozen=True)
class Args:
    """What the verbs are called with."""

    agent: str = AGENT
    tool: str = "issue_refund"
    other_tool: str = "send_email"
    model: str = "gpt-x-2026-03-12"
    other_model: str = "gpt-x-2026-05-01"
    version: str = "1"
    argument: str = "amount"
    text: str = "Refund only with an approved RMA."


_SCHEMA: dict[str, Any] = {"type": "number", "maximum": 50}
_LATER = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
_METHODS = {"wait_and_watch": "watch"}

VERBS: Mapping[str, Callable[[Any, Args], Awaitable[Change]]] = {
    "pin_model": lambda plane, a: plane.pin_model(a.agent, a.model, None),
    "route_fallback": lambda plane, a: plane.route_fallback(a.agent, a.model, None),
    "revoke_tool": lambda plane, a: plane.revoke_tool(a.agent, a.tool, None),
    "restore_tool": lambda plane, a: plane.restore_tool(a.agent, a.tool),
    "pause_agent": lambda plane, a: plane.pause_agent(a.agent, None),
    "resume_agent": lambda plane, a: plane.resume_agent(a.agent),
    "tighten_validation": lambda plane, a: plane.tighten_validation(a.agent, a.tool, a.argument, _SCHEMA, None),
    "patch_prompt": lambda plane, a: plane.patch_prompt(a.agent, a.text, None),
    "rollback_prompt": lambda plane, a: plane.rollback_prompt(a.agent, a.version, None),
    "patch_tool_description": lambda plane, a: plane.patch_tool_description(a.agent, a.tool, a.text, None),
    "classify_tool": lambda plane, a: plane.classify_tool(a.agent, a.tool, Reversibility.READ_ONLY),
    "wait_and_watch": lambda plane, a: plane.watch(a.agent, "ex_1", _LATER),
}
"""How each verb's plan is asked for; a control plane that has the method must have a deed for it."""

HOSTILE_NAMES = (
    "../../admin",
    "..",
    ".",
    "a/../../b",
    "%2e%2e%2fadmin",
    "..%2f..",
    "a?b=c",
    "a#b",
    "a b\\..",
    "http://evil.example/x",
    "//evil.example",
    "a\r\nHost: evil",
    "\x00",
    "böse-Agentin…",
    "\u202eexe",
    '"},{"',
    "{agent}",
    "x" * 3000,
    "",
)

ASPECTS = ("preview", "apply", "verify", "undo")
"""The columns of the page."""
CAN_LACK = frozenset(
    {"already", "drop", "hang", "fail_after", "nothing", "credentials", "verify", "undo", "conflict", "base"}
)
"""Of what a case may say that it cannot happen to it, or that it cannot do it."""


@dataclass(frozen=True)
class Deed:
    """One verb on one control plane. ``before`` and ``outside`` may be async."""

    verb: str
    outside: Callable[[Any], object]
    before: Callable[[Any], object] | None = None
    args: Args = field(default_factory=Args)
    first: Verified = Verified.IN_FORCE
    settled: Verified = Verified.IN_FORCE

    def plan(self, plane: Any, args: Args | None = None) -> Awaitable[Change]:
        """The verb's plan."""
        return VERBS[self.verb](plane, args or self.args)


@dataclass(frozen=True)
class PlaneCase:
    """One control plane. See README.md here."""

    type: str
    peer: Callable[[Setup], Peer]
    options: Callable[[Any], Mapping[str, Any]]
    deeds: Sequence[Deed] = ()
    once: Callable[[Any], Awaitable[object]] | None = None
    look: Callable[[Any], Awaitable[object]] | None = None
    lacks: Mapping[str, str] = field(default_factory=dict)
    real: str | None = None
    name: str = HERE
    note: str = ""
    more: str = ""
    """Further Markdown for its section of the page."""
    timeout: str = "1s"


def can(plane: Any) -> set[str]:
    """The verbs whose plan it has."""
    return {verb for verb in VERBS if hasattr(plane, _METHODS.get(verb, verb))}


@cache
def cases() -> Mapping[str, PlaneCase]:
    """Every ``CASE`` of this folder, by the type of its control plane."""
    found: dict[str, PlaneCase] = {}
    for file in sorted(Path(__file__).parent.glob("*.py")):
        one = getattr(importlib.import_module(f"tests.contracts.planes.{file.stem}"), "CASE", None)
        if isinstance(one, PlaneCase):
            assert one.type not in found, f"two cases for {one.type}"
            found[one.type] = one
    return found


@cache
def registry() -> Registry:
    """What is built in."""
    return discover(["runbooks"])


def made(case: PlaneCase, peer: Peer, setup: Setup) -> Any:
    """The control plane as the kernel makes it from a configuration file."""
    options = dict(case.options(peer))
    if "timeout" in registry().control_planes[case.type].settings.model_fields:
        options = {"timeout": case.timeout, **options}
    written = {"controls": {case.name: {"type": case.type, **options}}} if case.name == HERE else {}
    path = setup.folder / "pullcord.yaml"
    path.write_text(json.dumps(written), encoding="utf-8")  # every JSON is YAML
    settings = load_settings({"PEER_SECRET": SECRET}, path)
    services = {Clock: setup.clock, DesiredState: setup.store.desired, **peer.services()}
    return ControlPlanes(registry(), settings, services).plane(case.name)
