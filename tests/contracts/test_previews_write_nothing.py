"""Every verb of the registry previews and drills without a write, before control planes that fail on any.

HTTP peers answer 500 to whatever is no read and note it, the store of desired states raises when it is told to change
something, and a git remote cannot be written to. What is asked is what the modal asks, and what a drill carries out.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.action import Execution, ExecutionState
from bot.domain.base import Json
from bot.domain.events import ActionRequested, ApprovalAsked, ApprovalGiven
from bot.domain.work import Work, WorkItem
from bot.engine.drilling import open_drill
from bot.engine.engine import Engine
from bot.engine.evidence import FrozenRuns
from bot.engine.names import point_id
from bot.engine.planning import ControlPlanes, read_params
from bot.engine.previewing import Preview, preview_press
from bot.plugin import Params
from bot.ports import CatalogueTarget, Clock, DesiredState, EvalTarget, EvidenceReader
from bot.settings import Settings, load_settings
from bot.timeline.timeline import Write
from tests.contracts.planes.bench import setup
from tests.contracts.planes.case import AGENT, HERE, Deed, PlaneCase, cases, registry
from tests.contracts.planes.peer import SECRET, Asked, HttpPeer, Peer, Setup, Told, no
from tests.support.engine import DANA, KIM, LEE, Slack
from tests.support.store import clock, connections, raw, store, valkey

__all__ = ["clock", "connections", "raw", "setup", "store", "valkey"]

WITHOUT_TARGET = frozenset({"open_eval_case", "open_fix", "wait_and_watch"})
"""Verbs that hold no target state: previewed below, each before what it would write to."""


def _params(verb: str, deed: Deed) -> dict[str, Json]:
    """What the verb's model takes, from what the suite of control planes calls its port with."""
    known: dict[str, Json] = {
        "tool": deed.args.tool,
        "model": deed.args.model,
        "version": deed.args.version,
        "argument": deed.args.argument,
        "kind": "maximum",
        "value": "50",
        "text": deed.args.text,
        "reversibility": "read_only",
        "why": "a preview that must not write",
    }
    fields = registry().actions[verb].params.model_fields
    return {name: value for name, value in known.items() if name in fields}


class Unwritable:
    """A store of desired states that raises on any call that is no read."""

    def __init__(self, whole: Any) -> None:
        self._whole = whole
        self.tried: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name in {"state", "reads", "restraints", "agents"}:
            return getattr(self._whole, name)

        async def write(*given: object, **named: object) -> None:
            self.tried.append(name)
            raise AssertionError(f"a preview called {name}")

        return write


@dataclass
class Guarded:
    """An engine before a control plane that takes no write."""

    engine: Engine
    settings: Settings
    peer: Peer
    desired: Unwritable
    refused: list[str]
    setup: Setup

    async def opened(self) -> str:
        """A drill about the agent."""
        return await open_drill(self.setup.store, self.settings, self.setup.clock, KIM, AGENT, "once")

    async def previewed(self, verb: str, params: Params) -> Preview:
        """What the modal shows."""
        incident = await self.setup.store.incidents.read(await self.opened())
        action = registry().actions[verb]
        return await preview_press(self.engine._parts, incident, action, params, DANA, seconds=5.0)

    async def drilled(self, verb: str, params: Mapping[str, Json]) -> Execution:
        """The execution of a drill, carried out by the worker."""
        name, now = await self.opened(), self.setup.clock.now()
        execution = point_id(verb, None, None)
        asked = ActionRequested(
            at=now, by=KIM, execution=execution, action=verb, title=verb, params=dict(params), offer="of_1"
        )
        waits = ApprovalAsked(
            at=now, by=KIM, execution=execution, role="commander", deadline=now + timedelta(hours=1), why="a test"
        )
        given = ApprovalGiven(at=now, by=LEE, execution=execution)
        await self.setup.store.incidents.write(name, "ask", lambda _: Write(events=(asked, waits, given)))
        item = WorkItem(kind=Work.EXECUTE, incident=name, payload={"execution": execution, "team": KIM.team})
        await self.engine.handlers[Work.EXECUTE](item)
        found = (await self.setup.store.incidents.read(name)).execution(execution)
        assert found is not None
        return found


async def _guarded(case: PlaneCase, deed: Deed | None, setup: Setup, peer: Peer, **more: Any) -> Guarded:
    if deed is not None and deed.before is not None:
        done = deed.before(peer)
        if isinstance(done, Awaitable):
            await done
    options = {"timeout": case.timeout, **case.options(peer)}
    if "timeout" not in registry().control_planes[case.type].settings.model_fields:
        del options["timeout"]
    name = case.name if case.name == HERE else case.type
    written = {
        "roles": {"responder": ["U0DANA"], "commander": ["U0KIM", "U0LEE"]},
        "controls": {name: {"type": case.type, **options}} if case.name == HERE else {},
        "agents": {
            AGENT: {
                "control": name if case.type != "catalogue" else "embedded",
                "tools": ["issue_refund", "send_email"],
                "models": ["gpt-x-2026-03-12", "gpt-x-2026-05-01"],
                "fallback_model": "gpt-x-2026-03-12",
            }
        },
        **more,
    }
    path = setup.folder / "guarded.yaml"
    path.write_text(json.dumps(written), encoding="utf-8")
    settings = load_settings({"PEER_SECRET": SECRET}, path)
    desired, refused = Unwritable(setup.store.desired), list[str]()
    if isinstance(peer, HttpPeer):
        reads: Callable[[Asked], Told] = peer.answer

        def answer(asked: Asked) -> Told:
            if not peer.writes_with(asked):
                return reads(asked)
            refused.append(f"{asked.method} {asked.path}")
            return no(500)

        peer.answer = answer  # type: ignore[method-assign]
    services: dict[type, object] = {
        **peer.services(),
        Clock: setup.clock,
        DesiredState: desired,
        EvidenceReader: FrozenRuns(setup.store.evidence),
    }
    services.setdefault(CatalogueTarget, CatalogueTarget(remote=None, branch="main", file="tools.yaml"))
    evals = settings.evals
    services[EvalTarget] = EvalTarget(remote=evals.remote, branch=evals.branch, directory=evals.directory)
    planes = ControlPlanes(registry(), settings, services)
    engine = Engine(
        setup.store, registry(), settings, planes, Slack(members={"U0KIM": True, "U0LEE": True}), setup.clock
    )
    return Guarded(engine, settings, peer, desired, refused, setup)


PAIRS = [pytest.param(case, deed, id=f"{deed.verb}-{case.type}") for case in cases().values() for deed in case.deeds]


@pytest.fixture
async def guarded(case: PlaneCase, deed: Deed, setup: Setup) -> AsyncIterator[Guarded]:
    async with case.peer(setup) as peer:
        yield await _guarded(case, deed, setup, peer)


def test_every_verb_of_the_registry_is_among_them() -> None:
    """A verb without a control plane here, and that is not one of the others, fails this."""
    with_target = {deed.verb for case in cases().values() for deed in case.deeds}
    assert set(registry().actions) <= with_target | WITHOUT_TARGET


def said_by(verb: str) -> tuple[str, ...]:
    """What a preview must say: the value now and after; of a wait, which sets nothing, when it looks again."""
    return ("looks again at ", "nothing is restrained") if verb == "wait_and_watch" else (": now ", ", then ")


@pytest.mark.parametrize(("case", "deed"), PAIRS)
async def test_a_preview_says_now_and_then_and_writes_nothing(case: PlaneCase, deed: Deed, guarded: Guarded) -> None:
    """The target's value now, the value after, and not one write tried."""
    mark = await guarded.peer.mark()
    params = read_params(registry().actions[deed.verb], _params(deed.verb, deed))
    shown = await guarded.previewed(deed.verb, params)
    assert (guarded.refused, guarded.desired.tried) == ([], [])
    assert await guarded.peer.mark() == mark
    assert shown.goes, shown.text
    assert all(word in shown.text for word in said_by(deed.verb)), shown.text


@pytest.mark.parametrize(("case", "deed"), PAIRS)
async def test_a_drill_ends_with_the_preview_and_writes_nothing(case: PlaneCase, deed: Deed, guarded: Guarded) -> None:
    """The worker carries it out up to the write: drilled, and the target is as it was."""
    mark = await guarded.peer.mark()
    ended = await guarded.drilled(deed.verb, _params(deed.verb, deed))
    assert (guarded.refused, guarded.desired.tried) == ([], [])
    assert await guarded.peer.mark() == mark
    assert ended.state is ExecutionState.DRILLED, ended.reason
    assert said_by(deed.verb)[-1] in (ended.summary or "")
    assert (ended.change, ended.applied, ended.verified, ended.drill) == (None, None, None, True)


# ---------------------------------------------------------------------------------------------- without a target state


@pytest.fixture
async def remote(tmp_path: Path) -> Path:
    """A git remote with a prompt in it, that takes no push: each try is noted in ``pushed`` and refused."""
    work, bare = tmp_path / "work", tmp_path / "remote.git"
    (work / "prompts").mkdir(parents=True)
    (work / "prompts" / "refund.txt").write_text("You refund broken things.\n", encoding="utf-8")
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"]
    for words in (
        ["init", "-q", "-b", "main", str(work)],
        ["-C", str(work), "add", "."],
        ["-C", str(work), *identity, "commit", "-q", "-m", "first"],
        ["clone", "-q", "--bare", str(work), str(bare)],
    ):
        done = await asyncio.create_subprocess_exec("git", *words)
        assert await done.wait() == 0
    hook = bare / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\necho pushed >> {tmp_path}/pushed\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    return bare


ONCE: Mapping[str, Mapping[str, Json]] = {
    "open_eval_case": {"call": "", "expected": "Refund only the broken jug."},
    "open_fix": {"kind": "prompt", "text": "Never refund more than was paid."},
}


@pytest.mark.parametrize("verb", sorted(ONCE))
async def test_a_one_off_previews_and_drills_without_a_push(verb: str, setup: Setup, remote: Path) -> None:
    """A pull request or a branch is only described, in the modal and at the end of a drill."""
    case = cases()["embedded"]
    kept: dict[str, Any] = {
        "evals": {"remote": str(remote), "branch": "main", "directory": "evals"},
        "fixes": {AGENT: {"remote": str(remote), "branch": "main", "prompt": "prompts/refund.txt"}},
        "tools": [{"name": "issue_refund", "reversibility": "irreversible"}],
    }
    async with case.peer(setup) as peer:
        guarded = await _guarded(case, None, setup, peer, **kept)
        name = await guarded.opened()
        await guarded.engine.handlers[Work.DRILL](WorkItem(kind=Work.DRILL, incident=name))
        effects = (await setup.store.incidents.read(name)).effects
        worst = next(e.id for e in effects if e.tool == "issue_refund")
        values = {key: worst if key == "call" else value for key, value in ONCE[verb].items()}
        shown = await guarded.previewed(verb, read_params(registry().actions[verb], values))
        assert shown.goes, shown.text
        ended = await guarded.drilled(verb, values)
        assert ended.state is ExecutionState.DRILLED, ended.reason
        assert ended.summary == shown.text
        assert ended.result is None
    assert not (remote.parent / "pushed").exists()
    assert guarded.desired.tried == []
