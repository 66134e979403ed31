"""A configuration file in a repository as a control plane: one value at a path, by a commit or a pull request.

What agents do with the file is not seen from here: a change that stands on the branch is ``pending`` until whatever
deploys it has, unless the setting ``live`` says that agents read the branch itself. Who set a value is not known
either: commits are about files, so the value alone says whether it is still ours.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, Field, StringConstraints

from bot.domain.action import Applied, Change, Restraint, Snapshot, Target, Verification, Verified
from bot.domain.base import Json
from bot.domain.desired import FALLBACK_MODEL, MODEL, PAUSED, PROMPT_SUFFIX, TOOLS_DENIED
from bot.errors import Refused
from bot.ports import Clock, PullRequest
from bot.settings_types import Branch
from runbooks.controls import pull_text
from runbooks.controls.eval_files import inside
from runbooks.controls.kept_values import held_by, with_change

_Template = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class ConfigFileSettings(BaseModel):
    """Where the values stand: ``file`` on ``branch``, each agent's ``below`` a path of its own (``agents.{agent}``).

    ``mode``: a commit on the branch itself, or a pull request (on a plain git remote: a branch). ``live``: agents read
    the branch as it is, so what stands on it is in force.
    """

    file: _Template
    branch: Branch = "main"
    below: Annotated[str, StringConstraints(max_length=300)] = ""
    mode: Literal["commit", "pull_request"] = "pull_request"
    live: bool = Field(default=False)


class ConfigHost(Protocol):
    """A repository: GitHub, GitLab, or a git remote."""

    async def read_at(self, path: str, branch: str) -> tuple[str | None, str]:
        """The text of a file, and the commit that it was read at."""
        ...

    async def commit_file(self, path: str, text: str, branch: str, on: str, message: str) -> str:
        """One commit, only while the branch is at ``on`` (else Refused)."""
        ...

    async def propose(
        self, branch: str, base: str, files: Mapping[str, str], title: str, body: str, message: str
    ) -> PullRequest:
        """See ``CodeHost``."""
        ...

    async def proposed(self, branch: str) -> PullRequest | None:
        """See ``CodeHost``."""
        ...

    async def close(self, branch: str) -> PullRequest | None:
        """Close the open pull request of the branch, and delete the branch."""
        ...


class ConfigFile:
    """Meets ModelControl, FallbackControl, ToolControl, AgentControl and PromptControl."""

    def __init__(self, name: str, settings: ConfigFileSettings, host: ConfigHost, clock: Clock) -> None:
        """``host`` holds the file, ``clock`` dates what was read."""
        self.name = name
        self._file = settings
        self._host = host
        self._clock = clock

    # ------------------------------------------------------------------ plans

    async def pin_model(self, agent: str, model: str, expires_in: timedelta | None) -> Change:
        """Plan to set ``model``."""
        return await self._plan(agent, MODEL, None, model, f"pinned {agent} to {model}", expires_in, "model")

    async def route_fallback(self, agent: str, model: str, expires_in: timedelta | None) -> Change:
        """Plan to set ``fallback_model``."""
        words = f"routed {agent} to its fallback {model}"
        return await self._plan(agent, FALLBACK_MODEL, None, model, words, expires_in, "model")

    async def revoke_tool(self, agent: str, tool: str, expires_in: timedelta | None) -> Change:
        """Plan to put one tool into the list ``tools.denied``."""
        return await self._plan(agent, TOOLS_DENIED, tool, True, f"revoked {tool} from {agent}", expires_in, "tool")

    async def restore_tool(self, agent: str, tool: str) -> Change:
        """Plan to take one tool out of the list."""
        return await self._plan(agent, TOOLS_DENIED, tool, None, f"restored {tool} to {agent}", None, "tool")

    async def pause_agent(self, agent: str, expires_in: timedelta | None) -> Change:
        """Plan to set ``paused``."""
        return await self._plan(agent, PAUSED, None, True, f"paused {agent}", expires_in, None)

    async def resume_agent(self, agent: str) -> Change:
        """Plan to take ``paused`` out."""
        return await self._plan(agent, PAUSED, None, None, f"resumed {agent}", None, None)

    async def patch_prompt(self, agent: str, text: str, expires_in: timedelta | None) -> Change:
        """Plan to set ``prompt.suffix``."""
        words = f"added a sentence to the prompt of {agent}"
        return await self._plan(agent, PROMPT_SUFFIX, None, text, words, expires_in, "text")

    async def _plan(
        self,
        agent: str,
        setting: str,
        element: str | None,
        desired: Json,
        summary: str,
        expires_in: timedelta | None,
        field: str | None,
    ) -> Change:
        target = Target(control=self.name, subject=agent, setting=setting, element=element)
        change = Change(target=target, desired=desired, summary=summary, expires_in=expires_in)
        text, _ = await self._read(target)
        before = self._held(text, change)
        if before == desired:
            message = f"{self._path(target)} says so already: {target} holds {_shown(before)}."
            raise Refused(message, field=field, next_step="Nothing needs to be changed.")
        with_change(text, self._path(target), change, self._below(target))  # raises where it cannot be edited
        return change.model_copy(update={"before": before})

    # ------------------------------------------------------------------ what is there

    async def current(self, target: Target) -> Snapshot:
        """What the file on the branch holds. By whom is not known."""
        text, _ = await self._read(target)
        held = self._held(text, Change(target=target, desired=None, summary=""))
        return Snapshot(value=held, anonymous=True, at=self._clock.now())

    async def verify(self, change: Change, applied: Applied) -> Verification:
        """The file on the branch, read back; else the pull request that is to bring it there."""
        now, path = self._clock.now(), self._path(change.target)
        held = (await self.current(change.target)).value
        on = f"{path} on {self._file.branch}"
        if held == change.desired:
            if self._file.live:
                return Verification(verified=Verified.IN_FORCE, detail=f"{on} holds {_shown(held)}", at=now)
            detail = f"{on} holds {_shown(held)}; in force once that is deployed, which cannot be seen from here"
            return Verification(verified=Verified.PENDING, detail=detail, at=now)
        made = None
        if self._file.mode == "pull_request" and applied.key:
            made = await self._host.proposed(_branch(change.target, applied.key))
        if made is None or made.state != "open":
            told = "" if made is None else f"; {_named(made)} was {made.state}"
            detail = f"{on} holds {_shown(held)}, not {_shown(change.desired)}{told}"
            return Verification(verified=Verified.MISMATCH, detail=detail, at=now)
        detail = f"{_named(made)} waits to be merged; until then {on} holds {_shown(held)}"
        return Verification(verified=Verified.PENDING, detail=detail, at=now)

    # ------------------------------------------------------------------ writing

    async def apply(self, change: Change, key: str, restraint: Restraint | None) -> Applied:
        """One commit on the branch, or one pull request. The same key again finds it."""
        return await self._write(change, key, restraint)

    async def restore(self, change: Change, applied: Applied, before: Snapshot, key: str) -> Applied:
        """Close the pull request that is open; else put back what was there, while the file still holds ours."""
        held = (await self.current(change.target)).value
        if self._file.mode == "pull_request" and applied.key and held != change.desired:
            branch = _branch(change.target, applied.key)
            made = await self._host.proposed(branch)
            if made is not None and made.state in {"open", "closed"} and held == before.value:
                await self._host.close(branch)
                return Applied(value=held, already=made.state == "closed", key=key)
        if held != change.desired:
            message = f"{change.target} is no longer what this action set; it holds {_shown(held)}."
            raise Refused(message, next_step="Look at who changed it before you change it again.")
        back = change.model_copy(update={"desired": before.value, "summary": f"took back: {change.summary}"})
        return await self._write(back, key, None)

    async def _write(self, change: Change, key: str, restraint: Restraint | None) -> Applied:
        text, on = await self._read(change.target)
        if self._held(text, change) == change.desired:
            return Applied(value=change.desired, already=True, key=key)
        path = self._path(change.target)
        after = with_change(text, path, change, self._below(change.target))
        reason = "" if restraint is None else f"{restraint.incident}, by {restraint.by}: {restraint.why}"
        words = pull_text.marked(f"{change.summary[:1].upper()}{change.summary[1:]}\n\n{reason}", key)
        if self._file.mode == "commit":
            await self._host.commit_file(path, after, self._file.branch, on, pull_text.message(words, key))
            return Applied(value=change.desired, key=key)
        branch = _branch(change.target, key)
        already = await self._host.proposed(branch) is not None
        await self._host.propose(branch, self._file.branch, {path: after}, words.partition("\n")[0], words, words)
        return Applied(value=change.desired, already=already, key=key)

    # ------------------------------------------------------------------ the file

    async def _read(self, target: Target) -> tuple[str, str]:
        path = self._path(target)
        text, on = await self._host.read_at(path, self._file.branch)
        if text is None:
            message = f"There is no {path} on {self._file.branch}."
            raise Refused(message, next_step=f"See controls.{self.name}.file.")
        return text, on

    def _held(self, text: str, change: Change) -> Json:
        return held_by(text, self._path(change.target), change, self._below(change.target))

    def _path(self, target: Target) -> str:
        if "/" in target.subject or not target.subject.strip(". "):
            raise Refused(f"{target.subject!r} is no name that could stand in a path.", field="agent")
        return str(inside("", self._file.file.replace("{agent}", target.subject)))

    def _below(self, target: Target) -> tuple[str, ...]:
        parts = [part for part in self._file.below.split(".") if part]
        return tuple(target.subject if part == "{agent}" else part for part in parts)


def _branch(target: Target, key: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", target.subject.lower()).strip("-")[:40] or "agent"
    return f"pullcord/config-{name}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"


def _named(made: PullRequest) -> str:
    return f"pull request #{made.number} ({made.url})" if made.number else f"the branch {made.branch}"


def _shown(value: Json) -> str:
    return "nothing" if value is None or value == "" else repr(value)[:200]
