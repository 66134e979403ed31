"""The suite itself: an adapter that breaks one of its rules fails the test that is there for it."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from bot.domain.action import Applied, Change, Restraint, Snapshot, Verification, Verified
from bot.errors import ActionFailed, OutcomeUnknown
from tests.contracts import test_control_planes as suite
from tests.contracts import test_control_planes_trouble as trouble
from tests.contracts.planes.bench import Bench, bench, setup
from tests.contracts.planes.case import Deed, PlaneCase, cases
from tests.contracts.planes.peer import SECRET, Trouble
from tests.support.store import clock, connections, raw, store, valkey

__all__ = ["bench", "clock", "connections", "raw", "setup", "store", "valkey"]

CASE = cases()["http"]
PIN = next(deed for deed in CASE.deeds if deed.verb == "pin_model")
Broken = Callable[[Any], None]


def previews_with_a_write(plane: Any) -> None:
    """The plan tries it out."""
    plan = plane.plan

    async def planned(*arguments: Any, **named: Any) -> Change:
        change: Change = await plan(*arguments, **named)
        await plane._set(change.target, change.desired, "ex_try", None)
        return change

    plane.plan = planned


def writes_each_time(plane: Any) -> None:
    """It never looks first."""

    async def apply(change: Change, key: str, restraint: Restraint | None) -> Applied:
        written: Applied = await plane._set(change.target, change.desired, key, restraint)
        return written

    plane.apply = apply


def believes_what_it_wrote(plane: Any) -> None:
    """Green without a look."""

    async def verify(change: Change, applied: Applied) -> Verification:
        return Verification(verified=Verified.IN_FORCE, detail="it was written", at=plane._clock.now())

    plane.verify = verify


def undoes_whatever_is_there(plane: Any) -> None:
    """No conflict is seen."""

    async def restore(change: Change, applied: Applied, before: Snapshot, key: str) -> Applied:
        written: Applied = await plane._set(change.target, before.value, key, before.restraint)
        return written

    plane.restore = restore


def takes_silence_for_success(plane: Any) -> None:
    """A timeout is done."""
    apply = plane.apply

    async def hopeful(change: Change, key: str, restraint: Restraint | None) -> Applied:
        try:
            written: Applied = await apply(change, key, restraint)
        except OutcomeUnknown:
            return Applied(value=change.desired, key=key)
        return written

    plane.apply = hopeful


def tells_the_secret(plane: Any) -> None:
    """The error quotes what was sent."""
    read = plane._http.read

    async def quoting(*arguments: Any, **named: Any) -> Any:
        try:
            return await read(*arguments, **named)
        except ActionFailed as error:
            raise ActionFailed(f"{error} It was sent {SECRET}.") from None

    plane._http.read = quoting


def puts_names_into_paths_as_they_are(plane: Any) -> None:
    """No segment is encoded, and the base is not watched."""
    client = plane._http
    read, url = client.read, client._settings.url

    async def anywhere(method: str, path: str, **named: Any) -> Any:
        client._url = lambda _path: httpx.URL(f"{url}/{path.lstrip('/')}")
        return await read(method, path.replace("%2F", "/"), **named)

    client.read = anywhere


@pytest.mark.parametrize("case", [CASE], ids=["http"])
@pytest.mark.parametrize("deed", [PIN], ids=["pin_model"])
@pytest.mark.parametrize(
    ("broken", "test", "more"),
    [
        (previews_with_a_write, suite.test_a_plan_and_a_look_write_nothing, {}),
        (writes_each_time, suite.test_the_same_key_twice_writes_once, {}),
        (believes_what_it_wrote, suite.test_what_was_never_written_is_a_mismatch, {}),
        (believes_what_it_wrote, suite.test_something_else_on_the_target_is_a_mismatch, {}),
        (believes_what_it_wrote, suite.test_a_success_that_did_nothing_is_not_believed, {}),
        (believes_what_it_wrote, suite.test_no_answer_is_unreachable, {"trouble": Trouble.DROP}),
        (undoes_whatever_is_there, suite.test_restoring_over_somebody_elses_change_is_refused, {}),
        (takes_silence_for_success, trouble.test_no_answer_in_time_is_an_unknown_outcome, {}),
        (takes_silence_for_success, trouble.test_a_500_after_it_was_done_is_unknown_and_then_found_out, {}),
        (tells_the_secret, trouble.test_wrong_credentials_name_the_setting_and_never_the_secret, {"caplog": None}),
        (puts_names_into_paths_as_they_are, trouble.test_hostile_names_never_leave_the_base, {}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_a_broken_adapter_is_found(
    case: PlaneCase,
    deed: Deed,
    broken: Broken,
    test: Callable[..., Awaitable[None]],
    more: dict[str, Any],
    bench: Bench,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And the same test passes as soon as the adapter is whole (it runs for it in the suite)."""
    broken(bench.plane)
    given = {name: caplog for name in more if name == "caplog"} or more
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        await test(case=case, deed=deed, bench=bench, **given)
