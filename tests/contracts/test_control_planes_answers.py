"""Answers that a control plane would never give: each member of each answer replaced by something of another type.

The real answers of the peer are taken down once; then every one is given again, with one member exchanged at a time.
"""

import contextlib
import copy
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import pytest

from bot.engine.control_http import ControlClient
from bot.errors import PullcordError
from bot.plugin.controls import ControlAnswer
from tests.contracts.planes.bench import WHY, Bench, bench, deeds, once, setup
from tests.contracts.planes.case import Deed, PlaneCase
from tests.contracts.planes.peer import HttpPeer
from tests.support.store import clock, connections, raw, store, valkey

__all__ = ["bench", "clock", "connections", "raw", "setup", "store", "valkey"]

JUNK: tuple[Any, ...] = (None, True, 0, -1, 1.5, 10**30, "", "9999-12-31T23:59:59Z", [], [[]], [None], {}, {"a": {}})
RAW = (b"", b"null", b"[]", b"7", b'"x"', b"{", b"\xff\xfe", b"NaN", b'{"a": Infinity}', b'["\\ud800"]', b"[" * 9000)
Send = Callable[..., Awaitable[ControlAnswer]]


def _places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    below = node.items() if isinstance(node, Mapping) else enumerate(node) if isinstance(node, list) else ()
    for name, inner in below:
        yield from _places(inner, (*path, name))


def _exchanged(node: Any, path: tuple[Any, ...], junk: Any) -> Any:
    if not path:
        return junk
    made = copy.copy(node)
    made[path[0]] = _exchanged(node[path[0]], path[1:], junk)
    return made


def _bodies(body: bytes) -> Iterator[bytes]:
    yield from RAW
    try:
        read = json.loads(body)
    except ValueError:
        return
    for path in _places(read):
        for junk in JUNK:
            yield json.dumps(_exchanged(read, path, junk)).encode()
        if path and isinstance(path[-1], str):
            yield json.dumps(_exchanged(read, path, "\ud800")).encode()  # half of a pair, as an escape


class _Tape:
    """What was answered to each request, in their order; played again with one answer exchanged."""

    def __init__(self) -> None:
        self.answers: list[tuple[tuple[str, str], ControlAnswer]] = []
        self.at = 0
        self.exchange: tuple[int, bytes] | None = None

    def record(self, real: Send) -> Send:
        async def send(client: ControlClient, method: str, path: str, *rest: Any, **more: Any) -> ControlAnswer:
            answer = await real(client, method, path, *rest, **more)
            self.answers.append(((method, path), answer))
            return answer

        return send

    def play(self) -> Send:
        async def send(_client: ControlClient, method: str, path: str, *_rest: Any, **_more: Any) -> ControlAnswer:
            at, self.at = self.at, self.at + 1
            alike = [n for n, (asked, _) in enumerate(self.answers) if asked == (method, path)]
            if not alike:
                return ControlAnswer(200, {}, b"{}")
            at = at if at in alike else min(alike, key=lambda n: abs(n - at))
            answer = self.answers[at][1]
            if self.exchange is not None and self.exchange[0] == at:
                return ControlAnswer(answer.status, answer.headers, self.exchange[1])
            return answer

        return send


async def _hold(monkeypatch: pytest.MonkeyPatch, call: Callable[[], Awaitable[object]]) -> None:
    """Whatever is answered: a value that can be kept, or an error of ours."""
    tape = _Tape()
    with monkeypatch.context() as patch:
        patch.setattr(ControlClient, "_send", tape.record(ControlClient._send))
        with contextlib.suppress(PullcordError):
            await call()
    with monkeypatch.context() as patch:
        patch.setattr(ControlClient, "_send", tape.play())
        broke: dict[str, str] = {}
        for at, (asked, answer) in enumerate(tape.answers):
            for body in _bodies(answer.body):
                tape.at, tape.exchange = 0, (at, body)
                try:
                    try:
                        _kept(await call())
                    except PullcordError as error:
                        str(error).encode()
                except Exception as error:  # noqa: BLE001 - what breaks is what is looked for
                    broke.setdefault(f"{type(error).__name__}: {error}"[:160], f"{asked} {body[:300]!r}")
    assert not broke


def _kept(value: Any) -> None:
    """The timeline takes it: JSON, and UTF-8."""
    made = value.model_dump_json() if hasattr(value, "model_dump_json") else json.dumps(value, default=str)
    made.encode()


@deeds("base")
async def test_no_answer_of_another_type_breaks_a_control_plane(
    case: PlaneCase, deed: Deed, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plan, read, write, read back and undo end with a value that the timeline takes, or with an error of ours."""
    if not isinstance(bench.peer, HttpPeer):
        pytest.skip("is not asked over HTTP")
    change, before = await bench.planned()
    await _hold(monkeypatch, lambda: deed.plan(bench.plane))
    await _hold(monkeypatch, lambda: bench.plane.current(change.target))
    await _hold(monkeypatch, lambda: bench.plane.apply(change, "ex_1", WHY))
    applied = await bench.plane.apply(change, "ex_1", WHY)
    await _hold(monkeypatch, lambda: bench.plane.verify(change, applied))
    for offered in ("models", "tools", "prompt_versions"):
        if hasattr(bench.plane, offered):
            await _hold(monkeypatch, lambda name=offered: getattr(bench.plane, name)(deed.args.agent))  # type: ignore[misc]
    await _hold(monkeypatch, lambda: bench.plane.restore(change, applied, before, "ex_2"))


@once("base")
async def test_no_answer_of_another_type_breaks_a_code_host_or_data_set(
    case: PlaneCase, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What writes once and what looks for it."""
    if not isinstance(bench.peer, HttpPeer):
        pytest.skip("is not asked over HTTP")
    for call in (case.once, case.look):
        assert call is not None
        await _hold(monkeypatch, lambda asked=call: asked(bench.plane))  # type: ignore[misc]
