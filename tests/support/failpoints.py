"""``kill -9`` at the numbered steps of ARCHITECTURE.md, from outside: production code knows nothing of it.

Run as a program (``python -m tests.support.failpoints serve``) it is ``pullcord`` with one function wrapped: when that
is reached for the first time, the process notes it in ``FAILPOINT_MARK`` and kills itself as the kernel would. A start
that finds the mark is not armed again. ``FAILPOINT`` names a point of ``POINTS``. ``FAILPOINT_QUICK`` shortens the time
after which a dead worker's leases are taken over, so that all points are tested in minutes; the real time has a test
of their own.
"""

import functools
import importlib
import inspect
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Called = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Point:
    """Where to die: before or after a function, when its arguments (by name) are those meant."""

    where: str
    after: bool
    when: Called = lambda _arguments: True


def _op(prefix: str) -> Called:
    return lambda given: str(given["op"]).startswith(prefix)


def _call(method: str, key: str = "") -> Called:
    """A call of Slack's Web API; of a message, the one whose dedupe key ends (or, with ``*``, goes on) so."""

    def meant(given: Mapping[str, Any]) -> bool:
        if given["method"] != method:
            return False
        metadata = given.get("arguments", {}).get("metadata") or {}
        found = str(metadata.get("event_payload", {}).get("dedupe_key", ""))
        return key.strip("*") in found if key.endswith("*") else found.endswith(key)

    return meant


def _pushes(given: Mapping[str, Any]) -> bool:
    return bool(given["arguments"][0] == "push")


def _intent(given: Mapping[str, Any]) -> bool:
    return str(given["state"].intent or "").endswith(":card")


_WRITE = "bot.timeline.timeline:Timeline.write"
_SLACK = "bot.slack.client:SlackClient.call"
_PUT = "bot.timeline.desired:Desired.put"
_GIT = "runbooks.controls.git_remote:GitRepository.git"
_SEND = "tests.support.parcels.send_parcel:send"

POINTS: Mapping[str, Point] = {
    # intake: verify, write, answer, claim or join
    "I1-verified": Point("bot.web.intake:source_accepts", after=True),
    "I2-before": Point("bot.timeline.intake:Intake.accept", after=False),
    "I2-written": Point("bot.timeline.intake:Intake.accept", after=True),
    "I3-answered": Point(
        "starlette.responses:Response.__call__",
        after=True,
        when=lambda given: given["scope"]["path"] == "/alerts/generic",
    ),
    "I4-before": Point("bot.engine.opening:Opening.handle", after=False),
    "I4-number": Point("bot.timeline.timeline:Timeline._append", False, lambda given: given["incident"] is None),
    "I4-opened": Point("bot.timeline.timeline:Timeline.open", after=True),
    "I4-join": Point(_WRITE, False, _op("alert:")),
    "I4-joined": Point(_WRITE, True, _op("alert:")),
    # action: request, authorise, started, apply, verify, end
    "A1-before": Point(_WRITE, False, _op("submit:")),
    "A1-requested": Point(_WRITE, True, _op("submit:")),
    "A2-authorised": Point("bot.engine.execute:decide_again", after=True),
    "A3-before": Point(_WRITE, False, _op("start:")),
    "A3-started": Point(_WRITE, True, _op("start:")),
    "A4-before": Point(_PUT, after=False),
    "A4-applied": Point(_PUT, after=True),
    "A4-push": Point(_GIT, False, _pushes),
    "A4-pushed": Point(_GIT, True, _pushes),
    "A4-send": Point(_SEND, after=False),
    "A4-sent": Point(_SEND, after=True),
    "A5-before": Point("bot.engine.ending:_read_back", after=False),
    "A5-verified": Point("bot.engine.ending:_read_back", after=True),
    "A6-before": Point(_WRITE, False, _op("succeeded:")),
    "A6-ended": Point(_WRITE, True, _op("succeeded:")),
    # a second person: asked for, waits, asked in the thread, decided, alone
    "Q1-before": Point(_WRITE, False, _op("ask:")),
    "Q1-asked": Point(_WRITE, True, _op("ask:")),
    "Q2-before": Point(_WRITE, False, _op("approval:")),
    "Q2-waits": Point(_WRITE, True, _op("approval:")),
    "Q2-posted": Point(_SLACK, True, _call("chat.postMessage", ":approval:*")),
    "Q3-before": Point(_WRITE, False, _op("approve:")),
    "Q3-approved": Point(_WRITE, True, _op("approve:")),
    "Q3-glass": Point(_WRITE, True, _op("glass:")),
    "Q3-paged": Point(_SLACK, True, _call("chat.postMessage", ":glass:*")),
    # post: intend, call, record
    "P0-channel": Point(_SLACK, True, _call("conversations.create")),
    "P1-before": Point("bot.timeline.outbox:Outbox.save_post_state", False, _intent),
    "P1-intended": Point("bot.timeline.outbox:Outbox.save_post_state", True, _intent),
    "P2-before": Point(_SLACK, False, _call("chat.postMessage", ":card")),
    "P2-called": Point(_SLACK, True, _call("chat.postMessage", ":card")),
    "P3-before": Point(_WRITE, False, _op("card:")),
    "P3-recorded": Point(_WRITE, True, _op("card:")),
    "P2-announced": Point(_SLACK, True, _call("chat.postMessage", ":announce")),
    "P2-paged": Point(_SLACK, True, _call("chat.postMessage", ":page:*")),
    "P1-page": Point("bot.timeline.intents:Intents.intend", True, lambda given: ":page:" in given["key"]),
    "P3-paged": Point(_WRITE, True, _op("page:")),
}


def arm(name: str, mark: Path) -> None:
    """Wrap the function of this point. Nothing is armed when the mark is there: it died of it before."""
    if mark.exists():
        return
    point = POINTS[name]
    holder: Any
    module, _, path = point.where.partition(":")
    holder = importlib.import_module(module)
    *parents, attribute = path.split(".")
    for parent in parents:
        holder = getattr(holder, parent)
    setattr(holder, attribute, _wrapped(getattr(holder, attribute), point, name, mark))


def _wrapped(whole: Any, point: Point, name: str, mark: Path) -> Any:
    signature = inspect.signature(whole)

    def meant(given: tuple[Any, ...], named: dict[str, Any]) -> bool:
        return not mark.exists() and point.when(signature.bind(*given, **named).arguments)

    def die() -> None:
        mark.write_text(name, encoding="utf-8")
        os.kill(os.getpid(), signal.SIGKILL)

    @functools.wraps(whole)
    async def awaited(*given: Any, **named: Any) -> Any:
        hit = meant(given, named)
        if hit and not point.after:
            die()
        result = await whole(*given, **named)
        if hit:
            die()
        return result

    @functools.wraps(whole)
    def called(*given: Any, **named: Any) -> Any:
        hit = meant(given, named)
        if hit and not point.after:
            die()
        result = whole(*given, **named)
        if hit:
            die()
        return result

    return awaited if inspect.iscoroutinefunction(whole) else called


def quicken() -> None:
    """Leases of the dead are taken over after about a second instead of ten; many edits a minute."""
    consumer = importlib.import_module("bot.work.consumer")
    for constant, value in {"RENEW_SECONDS": 0.3, "TAKEOVER_SECONDS": 0.2, "IDLE_MS": 1000}.items():
        if not hasattr(consumer, constant):
            raise AttributeError(constant)
        setattr(consumer, constant, value)
    start, poster, budget = (importlib.import_module(f"bot.slack.{name}") for name in ("start", "poster", "budget"))
    roomy = budget.Budget(updates_a_minute=600)  # the stand-in sets no limit to edits unless a test does
    start.Poster = functools.partial(poster.Poster, times=poster.PosterTimes(lease=1.0), budget=roomy)  # type: ignore[attr-defined]


def main() -> None:
    """``pullcord`` with what the environment asks for."""
    if os.environ.get("FAILPOINT_QUICK"):
        quicken()
    if name := os.environ.get("FAILPOINT"):
        arm(name, Path(os.environ["FAILPOINT_MARK"]))
    importlib.import_module("bot.__main__").main()  # after arming: it binds what it imports


if __name__ == "__main__":
    main()
