"""A file of flags that agents read through OpenFeature's flagd provider, or that a flagd daemon watches.

The file is replaced at once (written beside, then renamed), under a lock against a second Pullcord, and what others
wrote in it is kept. flagd finds a new file by itself; until ``poll`` after it was written that is pending.
"""

import asyncio
import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, TypeVar

from pydantic import Field, StringConstraints

from bot.domain.action import Applied, Change, Restraint, Snapshot, Target, Verification, Verified
from bot.domain.base import Json, same_json
from bot.domain.catalogue import Duration
from bot.errors import ActionFailed, Refused
from bot.plugin import ControlName, ControlSettings, control_plane
from bot.ports import Clock
from runbooks.controls.flagd_document import Document, Note

_MOST_BYTES: Final = 8_000_000
_LOCK_SECONDS: Final = 3.0
_T = TypeVar("_T")

FlagKey = Annotated[str, StringConstraints(pattern=r"^[^{}]*\{agent\}[^{}]*$", max_length=200)]


class FlagdFileSettings(ControlSettings):
    """``file`` is a JSON file of flagd; the rest is how each agent's flags are called in it (``{agent}`` its name).

    ``poll`` is how long its readers may take to find a new file.
    """

    file: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    poll: Annotated[Duration, Field(ge=timedelta(0), le=timedelta(hours=1))] = timedelta(seconds=5)
    model: FlagKey = "{agent}.model"
    fallback_model: FlagKey = "{agent}.fallback_model"
    paused: FlagKey = "{agent}.paused"
    tools_denied: FlagKey = "{agent}.tools.denied"
    prompt_suffix: FlagKey = "{agent}.prompt.suffix"


_NEUTRAL: Final[dict[str, Json]] = {
    "model": "",
    "fallback_model": "",
    "paused": False,
    "tools_denied": {"tools": []},
    "prompt_suffix": "",
}


class FlagdFile:
    """Meets ModelControl, FallbackControl, ToolControl, AgentControl and PromptControl."""

    def __init__(self, settings: FlagdFileSettings, name: ControlName, clock: Clock) -> None:
        """Nothing is read yet."""
        self.name = str(name)
        self._settings = settings
        self._clock = clock

    # ------------------------------------------------------------------ plans

    async def pin_model(self, agent: str, model: str, expires_in: timedelta | None) -> Change:
        """Plan to serve the model to everybody who reads the agent's flag."""
        return await self._plan(agent, "model", model, f"pinned {agent} to {model}", expires_in)

    async def route_fallback(self, agent: str, model: str, expires_in: timedelta | None) -> Change:
        """Plan to serve the fallback model likewise."""
        return await self._plan(agent, "fallback_model", model, f"routed {agent} to its fallback {model}", expires_in)

    async def revoke_tool(self, agent: str, tool: str, expires_in: timedelta | None) -> Change:
        """Plan to put one tool on the list of denied ones."""
        return await self._plan(agent, "tools_denied", True, f"revoked {tool} from {agent}", expires_in, tool)

    async def restore_tool(self, agent: str, tool: str) -> Change:
        """Plan to take it off the list."""
        return await self._plan(agent, "tools_denied", None, f"restored {tool} to {agent}", None, tool)

    async def pause_agent(self, agent: str, expires_in: timedelta | None) -> Change:
        """Plan to serve true."""
        return await self._plan(agent, "paused", True, f"paused {agent}", expires_in)

    async def resume_agent(self, agent: str) -> Change:
        """Plan to serve what was served before."""
        return await self._plan(agent, "paused", None, f"resumed {agent}", None)

    async def patch_prompt(self, agent: str, text: str, expires_in: timedelta | None) -> Change:
        """Plan to serve this text, which agents add to their prompt."""
        summary = f"added a guarding sentence to the prompt of {agent}"
        return await self._plan(agent, "prompt_suffix", text, summary, expires_in)

    async def _plan(
        self, agent: str, setting: str, desired: Json, said: str, lasts: timedelta | None, tool: str | None = None
    ) -> Change:
        if not agent or (tool is not None and not tool):
            raise Refused("A name is missing.", field="tool" if agent else None, next_step="Choose one.")
        target = Target(control=self.name, subject=agent, setting=setting, element=tool)
        before = (await self.current(target)).value
        if same_json(before, desired):
            message = f"{self._key(target)} serves that already."
            raise Refused(message, field="tool" if tool else None, next_step="Nothing needs to be changed.")
        return Change(target=target, desired=desired, before=before, summary=said, expires_in=lasts)

    # ------------------------------------------------------------------ the control plane's four calls

    async def current(self, target: Target) -> Snapshot:
        """What everybody is served, None for the neutral value; whose it is where our note still fits."""
        document, _ = await self._bounded(self._read)
        held, note = self._held(document, target)
        now = self._clock.now()
        if note is None:
            return Snapshot(value=held, anonymous=True, at=now)
        return Snapshot(value=held, restraint=note.restraint, owner=note.key, at=now)

    async def apply(self, change: Change, key: str, restraint: Restraint | None) -> Applied:
        """Replace the file, unless it serves that already by this key."""
        return await self._bounded(lambda: self._write(change.target, change.desired, key, restraint, None))

    async def verify(self, change: Change, applied: Applied) -> Verification:
        """What the file says, and whether its readers had the time to find it."""
        del applied
        document, written = await self._bounded(self._read)
        held, note = self._held(document, change.target)
        now, key = self._clock.now(), self._key(change.target)
        if not same_json(held, change.desired):
            detail = f"{key} in the file serves {_shown(held)}, not {_shown(change.desired)}"
            return Verification(verified=Verified.MISMATCH, detail=detail, at=now)
        known = min(written if note is None else note.at, now) + self._settings.poll
        if known > now:
            detail = f"{key} is in the file; its readers look every {self._settings.poll.total_seconds():g} s"
            return Verification(verified=Verified.PENDING, detail=detail, at=now, known_at=known)
        detail = f"{key} is in the file for longer than its readers take to look (poll)"
        return Verification(verified=Verified.IN_FORCE, detail=detail, at=now)

    async def restore(self, change: Change, applied: Applied, before: Snapshot, key: str) -> Applied:
        """Put back what was served, only while it is what ``change`` set."""

        def guarded(held: Json, note: Note | None) -> None:
            if not same_json(held, change.desired) or (note is not None and applied.key not in {None, note.key}):
                message = f"{self._key(change.target)} serves {_shown(held)} now; it is no longer what this action set."
                raise Refused(message, next_step="Look at who changed the file before you change it again.")

        owner = before.owner or key
        return await self._bounded(
            lambda: self._write(change.target, before.value, owner, before.restraint, guarded, applied_as=key)
        )

    # ------------------------------------------------------------------ values

    def _key(self, target: Target) -> str:
        template: str = getattr(self._settings, target.setting)
        return template.replace("{agent}", target.subject)

    def _held(self, document: Document, target: Target) -> tuple[Json, Note | None]:
        key = self._key(target)
        served, note = document.served(key), document.note(key, target.element)
        if target.element is not None:
            served = True if target.element in _tools(served) else None
        elif same_json(served, _NEUTRAL[target.setting]):
            served = None
        return served, note if note is not None and same_json(note.value, served) else None

    # ------------------------------------------------------------------ the file, in a thread

    async def _bounded(self, work: Callable[[], _T]) -> _T:
        return await asyncio.to_thread(work)

    def _read(self) -> tuple[Document, datetime]:
        path = Path(self._settings.file)
        try:
            with path.open("rb") as file:
                text = file.read(_MOST_BYTES + 1)
                written = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
        except OSError as error:
            raise self._no("cannot be read", error) from error
        if len(text) > _MOST_BYTES:
            raise ActionFailed(f"The file of {self.name} is over {_MOST_BYTES // 10**6} MB.", next_step=self._where)
        return Document(self.name, text), written

    def _write(
        self,
        target: Target,
        desired: Json,
        key: str,
        restraint: Restraint | None,
        guarded: Callable[[Json, Note | None], None] | None,
        applied_as: str | None = None,
    ) -> Applied:
        asked = applied_as or key
        try:
            with self._locked():
                document, _ = self._read()
                held, note = self._held(document, target)
                if guarded is not None:
                    guarded(held, note)
                elif same_json(held, desired) and (note is None or note.key == key):
                    return Applied(value=held, already=True, key=asked)
                made = Note(key=key, restraint=restraint, at=self._clock.now(), value=desired)
                flag, neutral = self._key(target), _NEUTRAL[target.setting]
                value = neutral if desired is None else desired
                if target.element is not None:
                    others = [tool for tool in _tools(document.served(flag)) if tool != target.element]
                    now: list[Json] = [*sorted([*others, target.element] if desired is True else others)]
                    value = {"tools": now}
                document.serve(flag, value, neutral, made, target.element)
                self._replace(document)
        except OSError as error:
            raise self._no("cannot be written", error) from error
        return Applied(value=desired, key=asked)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time among those that take the lock (``<file>.lock``)."""
        until = time.monotonic() + _LOCK_SECONDS
        place = Path(self._settings.file).resolve()
        with place.with_name(place.name + ".lock").open("a") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > until:
                        message = f"Somebody else is writing the file of {self.name}; nothing was changed."
                        raise Refused(message, next_step="Press again in a moment.") from None
                    time.sleep(0.02)
            yield

    def _replace(self, document: Document) -> None:
        """Written beside, then renamed: a reader sees the old file or the new one. A link is followed."""
        place, text = Path(self._settings.file).resolve(), document.text()
        number, beside = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(beside).chmod(place.stat().st_mode & 0o777)
            if place.read_bytes() != document.raw:  # by somebody who takes no lock
                message = f"Somebody else changed the file of {self.name} just now; nothing was changed."
                raise Refused(message, next_step="Press again.")
            Path(beside).replace(place)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise

    def _no(self, what: str, error: OSError) -> ActionFailed:
        return ActionFailed(f"The file of {self.name} {what} ({error.strerror}).", next_step=self._where)

    @property
    def _where(self) -> str:
        return f"See controls.{self.name}.file."


flagd = control_plane("flagd", settings=FlagdFileSettings)(FlagdFile)


def _tools(served: Json) -> list[str]:
    tools = served.get("tools") if isinstance(served, dict) else None
    return [tool for tool in tools if isinstance(tool, str)] if isinstance(tools, list) else []


def _shown(value: Json) -> str:
    return "nothing" if value is None else repr(value)[:200]
