"""Every control plane in trouble: no answer, an answer after the deed, wrong credentials, hostile names."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from bot.engine.deed import ApplyChange, Found
from bot.errors import ActionFailed, OutcomeUnknown, PullcordError
from tests.contracts.planes.bench import WHY, Bench, bench, deeds, once, setup
from tests.contracts.planes.case import HERE, HOSTILE_NAMES, Deed, PlaneCase
from tests.contracts.planes.peer import SECRET, HttpPeer, Trouble
from tests.support.store import clock, connections, raw, store, valkey

__all__ = ["bench", "clock", "connections", "raw", "setup", "store", "valkey"]

# ---------------------------------------------------------------------------------------------- trouble with a write


@deeds("hang")
async def test_no_answer_in_time_is_an_unknown_outcome(case: PlaneCase, deed: Deed, bench: Bench) -> None:
    """Nobody knows, and looking afterwards never claims that it was done."""
    change, before = await bench.planned()
    bench.peer.trouble = Trouble.HANG
    restraint = None if change.desired is None else WHY
    with pytest.raises(OutcomeUnknown):
        await bench.plane.apply(change, "ex_1", restraint)
    bench.peer.trouble = None
    finding = await ApplyChange(bench.plane, change, before, "ex_1", restraint).find_out()
    assert finding.found is not Found.DONE


@deeds("fail_after")
async def test_a_500_after_it_was_done_is_unknown_and_then_found_out(case: PlaneCase, deed: Deed, bench: Bench) -> None:
    """Nobody knows at first; looking shows that it was done, and the same key writes nothing more."""
    change, before = await bench.planned()
    bench.peer.trouble = Trouble.FAIL_AFTER
    restraint = None if change.desired is None else WHY
    with pytest.raises(OutcomeUnknown):
        await bench.plane.apply(change, "ex_1", restraint)
    bench.peer.trouble = None
    finding = await ApplyChange(bench.plane, change, before, "ex_1", restraint).find_out()
    assert finding.found is Found.DONE
    mark = await bench.peer.mark()
    assert (await bench.plane.apply(change, "ex_1", restraint)).already
    assert await bench.peer.mark() == mark


@deeds("credentials")
async def test_wrong_credentials_name_the_setting_and_never_the_secret(
    case: PlaneCase, deed: Deed, bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where the other side answers with everything it was sent; whatever asks it says so."""
    assert isinstance(bench.peer, HttpPeer)
    caplog.set_level(logging.DEBUG)
    change, before, applied = await bench.applied()
    bench.peer.trouble = Trouble.CREDENTIALS
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: deed.plan(bench.plane),
        lambda: bench.plane.apply(change, "ex_9", WHY),
        lambda: bench.plane.verify(change, applied),
        lambda: bench.plane.restore(change, applied, before, "ex_9"),
    ]
    failed: list[ActionFailed] = []
    for call in calls:
        asked = len(bench.peer.asked)
        try:
            await call()
        except ActionFailed as error:
            failed.append(error)
        except PullcordError:
            assert len(bench.peer.asked) == asked, "it was refused, and says something else"
        else:
            assert len(bench.peer.asked) == asked, "it was refused, and says nothing"
    assert failed
    assert all(f"controls.{HERE}" in str(error) for error in failed)
    texts = [text for error in failed for text in (str(error), repr(error))]
    texts += [repr(bench.plane), str(bench.plane.__dict__.get("_settings"))]
    assert not [text for text in [*texts, caplog.text] if SECRET in text]


# ---------------------------------------------------------------------------------------------- hostile names

_NAMED = {
    "pin_model": ("model",),
    "route_fallback": ("model",),
    "pause_agent": (),
    "resume_agent": (),
    "patch_prompt": (),
    "rollback_prompt": ("version",),
}
"""What else is a name in a verb's arguments: mostly the tool."""


@deeds("base")
async def test_hostile_names_never_leave_the_base(case: PlaneCase, deed: Deed, bench: Bench) -> None:
    """Names of agents and tools come from runs and people: each ends in a clear no or in its own place."""
    assert isinstance(bench.peer, HttpPeer)
    for name in HOSTILE_NAMES:
        for field in ("agent", *_NAMED.get(deed.verb, ("tool",))):
            with suppress(PullcordError):
                change = await deed.plan(bench.plane, replace(deed.args, **{field: name}))
                await bench.plane.apply(change, f"ex_{len(bench.peer.asked)}", WHY)
    assert bench.peer.strayed == []


# ---------------------------------------------------------------------------------------------- what keeps no target


@once()
async def test_the_same_again_is_added_once(case: PlaneCase, bench: Bench) -> None:
    """What holds cases or code: the same again adds nothing (writes that change nothing are its own affair)."""
    assert case.once is not None
    await case.once(bench.plane)
    held = (
        repr(getattr(bench.peer, "state", None)),
        None if isinstance(bench.peer, HttpPeer) else await bench.peer.mark(),
    )
    await case.once(bench.plane)
    again = (
        repr(getattr(bench.peer, "state", None)),
        None if isinstance(bench.peer, HttpPeer) else await bench.peer.mark(),
    )
    assert again == held


@once("hang")
@pytest.mark.parametrize("trouble", [Trouble.HANG, Trouble.FAIL_AFTER, Trouble.DROP])
async def test_an_addition_without_an_answer_is_unknown(case: PlaneCase, trouble: Trouble, bench: Bench) -> None:
    """Never a failure, never a success."""
    assert case.once is not None
    bench.peer.trouble = trouble
    with pytest.raises(OutcomeUnknown):
        await case.once(bench.plane)


@once("credentials")
async def test_an_addition_with_wrong_credentials_names_the_setting(
    case: PlaneCase, bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """And never the secret; a look likewise."""
    caplog.set_level(logging.DEBUG)
    assert case.once is not None
    bench.peer.trouble = Trouble.CREDENTIALS
    texts = [repr(bench.plane)]
    for call in filter(None, (case.once, case.look)):
        with pytest.raises(ActionFailed, match=f"controls.{HERE}") as raised:
            await call(bench.plane)
        texts += [str(raised.value), repr(raised.value)]
    assert not [text for text in [*texts, caplog.text] if SECRET in text]
