"""The verb ``open_fix``: a lasting fix of a prompt, a tool's description or a configuration file, as a pull request."""

import difflib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Final

from pydantic import Field

from bot.domain.action import Execution, ExecutionState, OnceResult, Risk, Verified
from bot.domain.desired import PROMPT_SUFFIX
from bot.errors import ActionFailed, OutcomeUnknown, Refused
from bot.plugin import (
    ActionContext,
    Choice,
    Choices,
    Hidden,
    Multiline,
    Offered,
    Once,
    Params,
    Prefill,
    action,
)
from bot.ports import CodeHost, FilePlace, PullRequest
from runbooks.controls import pull_text
from runbooks.controls.kept_values import place_of, with_change
from runbooks.proposals import closed, undo_words

_PROMPT, _TOOL, _CONFIGURATION = "prompt", "tool description", "configuration"
_NONE: Final = "none"
_PLAIN = frozenset({"", ".md", ".txt", ".prompt", ".markdown", ".rst"})
"""Files whose whole text is what the agent reads; of any other the passage to replace must be named."""
_DIFF = 1500
"""Characters of the diff in the preview: a section of Slack holds 3,000."""


def _kinds(ctx: ActionContext) -> Sequence[Choice]:
    place = ctx.agent.fixes or FilePlace()
    there = {_PROMPT: place.prompt, _TOOL: bool(place.tools), _CONFIGURATION: place.config}
    return [Choice(kind, kind.capitalize()) for kind, here in there.items() if here]


def _first_kind(ctx: ActionContext) -> str | None:
    return next((choice.value for choice in _kinds(ctx)), None)


def _tools(ctx: ActionContext) -> Sequence[Choice]:
    place = ctx.agent.fixes or FilePlace()
    return [Choice(_NONE, "No tool"), *(Choice(tool, tool) for tool in place.tools)]


def _mitigations(ctx: ActionContext) -> Sequence[Choice]:
    kept = [e for e in ctx.incident.executions if _keepable(e)]
    return [Choice(_NONE, "Nothing: as written below"), *(Choice(e.id, (e.summary or e.title)[:75]) for e in kept)]


def _keepable(execution: Execution) -> bool:
    return (
        execution.change is not None
        and execution.undo_of is None
        and execution.undone_by is None
        and execution.state is ExecutionState.SUCCEEDED
    )


class OpenFix(Params):
    """What is to be changed for good, and where. What a mitigation set may be kept instead of a text."""

    kind: Annotated[str, Choices(_kinds), Prefill(_first_kind)] = Field(default=_PROMPT, title="What is changed")
    execution: Annotated[str, Choices(_mitigations)] = Field(
        default=_NONE, title="Keep what this set", description="Its value is written where the agent's own file is."
    )
    tool: Annotated[str, Choices(_tools)] = Field(default=_NONE, title="Tool", description="For a tool description.")
    passage: Annotated[str, Multiline()] = Field(
        default="",
        max_length=3000,
        title="The passage to replace",
        description="Exactly as in the file. Empty: the text goes to a prompt's end, or is a tool's whole description.",
    )
    text: Annotated[str, Multiline()] = Field(default="", max_length=3000, title="The new text")


@dataclass(frozen=True, slots=True)
class _Fix:
    """One file, its text before and after, and what the change is called."""

    path: str
    before: str
    after: str
    words: str

    @property
    def diff(self) -> str:
        """The unified diff with two lines around each change, cut; its line ends can be seen where lines are joined."""
        lines = difflib.unified_diff(self.before.splitlines(), self.after.splitlines(), lineterm="", n=2)
        text = " ⏎\n".join(list(lines)[2:])
        return text if len(text) <= _DIFF else f"{text[:_DIFF]}\n… and more"


def _offer(ctx: ActionContext) -> Offered | Hidden:
    if not _kinds(ctx):
        name = ctx.agent.name or "<agent>"
        return Hidden(f"no file of {name} is configured (fixes.{name}.prompt, .tools or .config)")
    return Offered(label="Open fix…", rank=45, always_ask=True)


async def _take_back(ctx: ActionContext, params: OpenFix, result: OnceResult, host: CodeHost) -> Once:
    del ctx, params
    return await closed(host, result)


@action(
    "open_fix",
    title="Open fix",
    tightens=True,
    risk=Risk.LOW,
    role="responder",
    offer=_offer,
    take_back=_take_back,
)
async def open_fix(ctx: ActionContext, params: OpenFix, host: CodeHost) -> Once:
    """Change a prompt, a tool's description or a configuration file for good by a pull request. Nothing changes yet."""
    place = ctx.agent.fixes
    if place is None:
        raise Refused(f"No repository is configured for {ctx.agent.name} (fixes.{ctx.agent.name}).")
    base = place.branch
    path = _path(ctx, params, place)
    fix = _fixed(ctx, params, path, await _text(host, path, base))
    chosen = [path, params.kind, params.execution, params.tool, params.passage, params.text]
    identity = "\0".join(chosen)
    digest = hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()[:6]
    branch = f"pullcord/{ctx.incident.id.lower()}-fix-{digest}"
    title = f"{ctx.incident.id}: {fix.words}"
    there = await host.proposed(branch)
    if there is not None and pull_text.execution_in(there.body) != ctx.execution_id:
        message = f"This fix was proposed already: {_named(there)}."
        raise Refused(message, next_step="See that one; or change something else.")

    async def run_it(key: str) -> OnceResult:
        if await _text(host, path, base) != fix.before:
            message = f"{path} was changed on {base} meanwhile, so nothing was opened."
            raise ActionFailed(message, next_step="Press again and read the new preview.")
        body = pull_text.marked(f"{title}\n\nFor {ctx.agent.name}.", key)
        made = await host.propose(branch, base, {path: fix.after}, title, body, body)
        try:
            shown = await host.read_file(path, branch) == fix.after
        except (ActionFailed, OutcomeUnknown):
            return _result(fix, made, Verified.UNREACHABLE, undo_words(host))
        return _result(fix, made, Verified.IN_FORCE if shown else Verified.MISMATCH, undo_words(host))

    async def probe() -> OnceResult | None:
        found = await host.proposed(branch)
        ours = found is not None and pull_text.execution_in(found.body) == ctx.execution_id
        return _result(fix, found, Verified.IN_FORCE, undo_words(host)) if found is not None and ours else None

    preview = (
        f"Proposes on the branch {branch} of {path}, for {base}; the agent changes only once it is merged.\n{fix.diff}"
    )
    return Once(summary=f"proposed a fix: {fix.words}", run=run_it, probe=probe, preview=preview)


def _path(ctx: ActionContext, params: OpenFix, place: FilePlace) -> str:
    """Which file. Raises Refused at the field that does not fit the configuration."""
    where = f"fixes.{ctx.agent.name}"
    if params.execution != _NONE:
        kept = _kept(ctx, params)
        if place.config is None and not (kept.change is not None and _suffix(kept) and place.prompt):
            message = f"There is no file that could hold it ({where}.config)."
            raise Refused(message, field="execution", next_step="Set it in the configuration.")
        return place.config or place.prompt or ""
    if params.kind == _CONFIGURATION:
        raise Refused("A configuration file keeps what a mitigation set.", field="execution", next_step="Choose one.")
    if params.kind == _TOOL:
        if params.tool not in place.tools:
            message = f"There is no file with the description of {params.tool} ({where}.tools)."
            raise Refused(message, field="tool", next_step="Choose one of the list.")
        return place.tools[params.tool]
    if params.kind != _PROMPT or place.prompt is None:
        message = f"There is no file with the {params.kind} ({where}.prompt)."
        raise Refused(message, field="kind", next_step="Choose another, or set it in the configuration.")
    return place.prompt


async def _text(host: CodeHost, path: str, base: str) -> str:
    text = await host.read_file(path, base)
    if text is None:
        message = f"There is no {path} on the branch {base}."
        raise Refused(message, next_step="Correct the path in `fixes`.")
    return text


def _fixed(ctx: ActionContext, params: OpenFix, path: str, before: str) -> _Fix:
    if params.execution != _NONE:
        kept = _kept(ctx, params)
        words = f"keep: {kept.summary or kept.title}"
        if kept.change is not None and _suffix(kept) and path == (ctx.agent.fixes or FilePlace()).prompt:
            return _changed(path, before, _appended(path, before, str(kept.change.desired)), words)
        if kept.change is None:
            raise Refused("That sets nothing that a file could keep.", field="execution")
        words += f" (at {'.'.join(place_of(kept.change))})"
        return _changed(path, before, with_change(before, path, kept.change), words)
    if not params.text.strip() and not params.passage:
        raise Refused("Nothing is to be changed.", field="text", next_step="Write the new text.")
    what = f"the description of {params.tool}" if params.kind == _TOOL else f"the prompt of {ctx.agent.name}"
    if not params.passage:
        whole = params.text.strip() + "\n" if params.kind == _TOOL else None
        return _changed(path, before, _appended(path, before, params.text, whole), f"change {what}")
    count = before.count(params.passage)
    if count != 1:
        message = f"The passage stands {count} times in {path}, and it must stand there once."
        raise Refused(message, field="passage", next_step="Copy it exactly, with enough around it.")
    return _changed(path, before, before.replace(params.passage, params.text), f"change {what}")


def _appended(path: str, before: str, text: str, whole: str | None = None) -> str:
    if PurePosixPath(path).suffix.lower() not in _PLAIN:
        message = f"{path} is no plain text, so it cannot be said where in it the text belongs."
        raise Refused(message, field="passage", next_step="Write the passage that is to be replaced.")
    return whole if whole is not None else f"{before.rstrip()}\n\n{text.strip()}\n"


def _changed(path: str, before: str, after: str, words: str) -> _Fix:
    if before == after:
        raise Refused(f"{path} says exactly this already.", next_step="Nothing is left to do.")
    return _Fix(path, before, after, words)


def _kept(ctx: ActionContext, params: OpenFix) -> Execution:
    found = ctx.incident.execution(params.execution)
    if found is None or found.change is None or found.undo_of is not None:
        message = "There is no such mitigation in this incident."
        raise Refused(message, field="execution", next_step="Choose one of the list.")
    return found


def _suffix(execution: Execution) -> bool:
    change = execution.change
    return change is not None and change.target.setting == PROMPT_SUFFIX and isinstance(change.desired, str)


def _named(made: PullRequest) -> str:
    if not made.number:
        return f"the branch {made.branch}"
    return f"pull request #{made.number} ({made.url}), which is {made.state}"


def _result(fix: _Fix, made: PullRequest, verified: Verified, undo: str) -> OnceResult:
    shown = f"{_named(made)} changes {fix.path} at {made.commit[:10]}"
    later = "it takes effect once it is merged and deployed"
    return OnceResult(
        summary=f"proposed a fix: {fix.words}",
        ref=f"{made.branch}@{made.commit}",
        url=made.url or None,
        verified=verified,
        detail="; ".join(filter(None, (shown, made.note, later))),
        undo=undo,
    )
