"""The last known state: read at most once per ``max_age``, kept in memory and on disk, and never lost to an outage."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from .ofrep import Answer, OfrepReader, Unreachable
from .state import ControlState
from .state_file import StateFile, StateUnreadable

WhenUnknown = Literal["pause", "proceed"]

_CONFIRM_EVERY: Final = timedelta(seconds=60)
"""An unchanged state is written again this often, so that the file tells a new process how old the knowledge is."""

_log = logging.getLogger("pullcord.guard")


@dataclass(frozen=True, slots=True)
class Reading:
    """A state and how much it is worth. ``stale_since`` and ``problem`` are as in ``Restraints``."""

    state: ControlState
    stale_since: datetime | None = None
    problem: str | None = None


def utc_now() -> datetime:
    """The clock where none is injected."""
    return datetime.now(UTC)


class LastKnownState:
    """Thread-safe; one reader at a time. Who comes while another reads gets the state as it is, and does not wait.

    Only the very first read is waited for: before it, this process knows no more than the file of an earlier one.
    """

    def __init__(
        self,
        *,
        agent: str,
        reader: OfrepReader,
        file: StateFile,
        max_age: float,
        when_unknown: WhenUnknown,
        now: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``max_age`` in seconds. ``when_unknown`` decides for a state file that is there and cannot be read."""
        self._agent = agent
        self._reader = reader
        self._file = file
        self._max_age = max_age
        self._when_unknown = when_unknown
        self._now = now
        self._monotonic = monotonic
        self._turn = threading.Lock()
        self._closed = False
        self._tried_at: float | None = None
        self._etag: str | None = None
        self._on_change: list[Callable[[Reading, Reading], None]] = []
        self._reading = self._from_disk()
        self._saved = self._reading.state if self._reading.problem is None else None

    def on_change(self, listener: Callable[[Reading, Reading], None]) -> None:
        """Call ``listener(before, after)``, on the reading thread, after a read that changed flags or staleness."""
        self._on_change.append(listener)

    def current(self) -> Reading:
        """The state, read anew when it is older than ``max_age``. Blocks for one read at most; never raises."""
        if not self._due() or not self._turn.acquire(blocking=self._tried_at is None):
            return self._reading
        before = self._reading
        try:
            if not self._due():
                return self._reading
            started = self._monotonic()
            try:
                self._reading = self._read()
            finally:
                self._tried_at = started
            after = self._reading
        finally:
            self._turn.release()
        if after.state.flags != before.state.flags or (after.stale_since is None) != (before.stale_since is None):
            for listener in self._on_change:
                listener(before, after)
        return after

    async def current_async(self) -> Reading:
        """As ``current``, without blocking the event loop."""
        return await asyncio.to_thread(self.current) if self._due() else self._reading

    def close(self) -> None:
        """Close the connection to Pullcord. The last known state stays readable, on disk too."""
        with self._turn:
            self._closed = True
            self._reader.close()

    def _due(self) -> bool:
        if self._closed:
            return False
        return self._tried_at is None or self._monotonic() - self._tried_at >= self._max_age

    def _from_disk(self) -> Reading:
        try:
            state = self._file.load()
        except StateUnreadable as error:
            _log.error("%s", error)
            why = f"its last known state is unreadable and Pullcord has not answered yet. {error}"
            held = self._when_unknown == "pause"
            state = ControlState.held(self._agent, why) if held else ControlState.neutral(self._agent)
            return Reading(state, stale_since=self._now(), problem=str(error))
        return Reading(state or ControlState.neutral(self._agent), stale_since=state.read_at if state else None)

    def _read(self) -> Reading:
        try:
            answer = self._reader.read(self._etag)
        except Unreachable as error:
            return self._lost(str(error))
        if answer is None:
            return self._got(Answer(flags=self._reading.state.flags, problems=(), etag=self._etag))
        return self._got(answer)

    def _got(self, answer: Answer) -> Reading:
        """Take what is readable; a flag that is not keeps its last known value, and the state stays stale."""
        before = self._reading
        flags = {**before.state.flags, **answer.flags}
        if answer.problems:
            state = before.state.model_copy(update={"flags": flags})
            reading = self._stale(state, "; ".join(answer.problems))
        else:
            state = before.state.model_copy(update={"flags": flags, "read_at": self._now()})
            reading = Reading(state)
        self._etag = answer.etag
        older, newer = before.state.revision, state.revision
        if older is not None and newer is not None and newer < older:
            _log.warning("Pullcord's revision for %s went back from %d to %d; obeying it.", self._agent, older, newer)
        return self._keep(reading)

    def _lost(self, problem: str) -> Reading:
        """Pullcord cannot be read: the last known state stands, be it ours or one a sibling process saved later."""
        state = self._reading.state
        try:
            shared = self._file.load()
        except StateUnreadable:
            shared = None  # said at start; what this process knows is better
        if shared and shared.read_at and (state.read_at is None or shared.read_at > state.read_at):
            state = self._saved = shared
            self._etag = None  # it is of our own last answer, not of what the sibling read
        return self._stale(state, problem)

    def _stale(self, state: ControlState, problem: str) -> Reading:
        before = self._reading
        if before.problem is None:
            _log.warning("%s keeps its last known state: %s.", self._agent, problem)
        return Reading(state, stale_since=state.read_at or before.stale_since or self._now(), problem=problem)

    def _keep(self, reading: Reading) -> Reading:
        saved, state = self._saved, reading.state
        if saved and saved.flags == state.flags and saved.read_at and state.read_at:  # noqa: SIM102 - reads as two questions
            if state.read_at - saved.read_at < _CONFIRM_EVERY:
                return reading
        try:
            self._file.save(state)
        except OSError as error:
            problem = (
                f"The state file {self._file.path} cannot be written: {error.strerror}; a restart forgets the state."
            )
            _log.error("%s", problem)
            return Reading(state, reading.stale_since, f"{reading.problem}; {problem}" if reading.problem else problem)
        self._saved = state
        return reading
