"""The verb ``open_eval_case``."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Final, NoReturn

from pydantic import Field

from bot.domain.action import OnceResult, Risk, Verified
from bot.domain.base import Json
from bot.domain.effect import Effect, ranked
from bot.errors import ActionFailed, OutcomeUnknown, Refused
from bot.plugin import (
    ActionContext,
    Choice,
    Choices,
    EvalFormats,
    Hidden,
    Multiline,
    Offered,
    Once,
    Params,
    Prefill,
    action,
)
from bot.ports import DatasetItem, EvalDataset, EvalDatasets, EvalRepository, EvidenceReader, Progress, PushedCase
from runbooks.controls import pull_text
from runbooks.evals import fitness
from runbooks.evals.from_runs import Cases, Rendered, Wrong, part_of
from runbooks.proposals import closed, undo_words

_REPOSITORY: Final = "repository"
_CONFIGURED: Final = "configured"
_THIS, _EACH = "this", "each"
_CHUNK = 10
"""So many items go into a data set at once; between them a person may stop it."""


def _changing(ctx: ActionContext) -> list[Effect]:
    return [effect for effect in ranked(ctx.incident.effects) if effect.changes]


def _calls(ctx: ActionContext) -> Sequence[Choice]:
    return [Choice(e.id, f"{e.order}. {e.tool} {_short(e.arguments)}") for e in _changing(ctx)][:100]


def _short(arguments: Json) -> str:
    text = json.dumps(arguments, ensure_ascii=False, sort_keys=True) if arguments is not None else ""
    return text if len(text) <= 60 else text[:59] + "…"  # an option of Slack holds 75 characters


def _worst(ctx: ActionContext) -> str | None:
    return ctx.worst.id if ctx.worst is not None else None


def _recorded_arguments(ctx: ActionContext) -> str | None:
    worst = ctx.worst
    if worst is None or not isinstance(worst.arguments, dict):
        return None
    text = json.dumps(worst.arguments, ensure_ascii=False, indent=2)
    return text if len(text) <= 3000 else None  # a text input of Slack holds 3,000 characters


def _scopes(ctx: ActionContext) -> Sequence[Choice]:
    count = len({run.summary.trace_id for run in ctx.incident.runs})
    each = [Choice(_EACH, f"Each of the {count} runs of this incident that made such a call")] if count > 1 else []
    return [Choice(_THIS, "Only the run of this call"), *each]


def _places(ctx: ActionContext) -> Sequence[Choice]:
    evals = ctx.agent.evals
    here = [Choice(_REPOSITORY, f"{evals.repository}: a branch to review")] if evals.repository is not None else []
    return [*here, *(Choice(name, f"Data set: {name}") for name in evals.datasets)]


def _first_place(ctx: ActionContext) -> str | None:
    return next((choice.value for choice in _places(ctx)), None)


def _formats(ctx: ActionContext) -> Sequence[Choice]:
    evals = ctx.agent.evals
    others = [Choice(name, name) for name in evals.formats if name != evals.format]
    return [Choice(_CONFIGURED, f"{evals.format or 'the format'} (as configured)"), *others]


class OpenEvalCase(Params):
    """What went wrong, and what should have happened instead. Only a person knows the second."""

    call: Annotated[str, Choices(_calls), Prefill(_worst)] = Field(
        min_length=1,
        title="The call that was wrong",
        description="The case fails when the agent makes this call again.",
    )
    expected: Annotated[str, Multiline()] = Field(
        min_length=3,
        max_length=2000,
        title="What should have happened instead",
    )
    arguments: Annotated[str, Multiline(), Prefill(_recorded_arguments)] = Field(
        default="",
        max_length=3000,
        title="The right arguments of that call",
        description="JSON; change what was wrong. Leave it empty when the call should not be made at all.",
    )
    runs: Annotated[str, Choices(_scopes)] = Field(
        default=_THIS,
        title="Cases of",
        description="The cases of other runs forbid the call as it was made there.",
    )
    where: Annotated[str, Choices(_places), Prefill(_first_place)] = Field(default=_REPOSITORY, title="Where")
    format: Annotated[str, Choices(_formats)] = Field(
        default=_CONFIGURED, title="Format", description="Of the file in a repository; a data set has its own."
    )


def _offer(ctx: ActionContext) -> Offered | Hidden:
    if not ctx.incident.runs:
        return Hidden("no run was read yet")
    if not _changing(ctx):
        return Hidden("the run changed nothing, so no call can be named")
    if not _places(ctx):
        return Hidden("nowhere to put it is configured (evals.remote, evals.repository or evals.datasets)")
    return Offered(label="Open eval case…", rank=31, always_ask=True)


class _Nowhere:
    """Stands for a port that need not be there: a team has a repository, data sets, or both."""

    def __getattr__(self, name: str) -> NoReturn:
        message = "This place for eval cases is not configured (evals.remote, evals.repository, evals.datasets)."
        raise Refused(message, field="where", next_step="Choose another place.")


_NOWHERE: Any = _Nowhere()


async def _take_back(
    ctx: ActionContext, params: OpenEvalCase, result: OnceResult, repository: EvalRepository = _NOWHERE
) -> Once:
    del ctx, params
    return await closed(repository, result)


@action(
    "open_eval_case",
    title="Open eval case",
    tightens=True,
    risk=Risk.LOW,
    role="responder",
    offer=_offer,
    take_back=_take_back,
)
async def open_eval_case(
    ctx: ActionContext,
    params: OpenEvalCase,
    evidence: EvidenceReader,
    formats: EvalFormats,
    progress: Progress,
    repository: EvalRepository = _NOWHERE,
    datasets: EvalDatasets = _NOWHERE,
) -> Once:
    """Add this failure to the eval set, on a branch: proven to fail on the record and to pass on what you expect."""
    effect = next((e for e in ctx.incident.effects if e.id == params.call), None)
    if effect is None:
        message = "This call is not in the incident any more."
        raise Refused(message, field="call", next_step="Choose one of the list.")
    cases = Cases(ctx, evidence, formats.named(None if params.format == _CONFIGURED else params.format))
    made = [await cases.of(effect, Wrong(params.expected, params.arguments))]
    left: list[str] = []
    if params.runs == _EACH:
        others, left = await cases.of_other_runs(effect, params.expected)
        made += others
    if params.where != _REPOSITORY:
        return await _into_dataset(ctx, params.where, datasets.dataset(params.where), made, left, progress)
    return await _onto_branch(ctx, params, effect, repository, made, left)


# ---------------------------------------------------------------------- a branch, or a pull request


async def _onto_branch(
    ctx: ActionContext,
    params: OpenEvalCase,
    effect: Effect,
    repository: EvalRepository,
    made: Sequence[Rendered],
    left: Sequence[str],
) -> Once:
    branch = f"pullcord/{ctx.incident.id.lower()}-eval-{part_of(effect)}"
    files = {name: text for one in made for name, text in one.files.items()}
    count = _counted(made)
    title = f"{count.capitalize()} for {ctx.incident.id}: {effect.tool} of {ctx.agent.name}"
    body = "\n".join([title, "", *_quoted(params.expected), "", *_proofs(made, left)])
    undo = undo_words(repository)
    there = await repository.find(branch)
    if there is not None and pull_text.execution_in(there.message) != ctx.execution_id:
        message = f"This call has an eval case already: {there.note or f'the branch {branch}'}."
        raise Refused(message, field="call", next_step=f"See {there.url or 'it'}; or choose another call.")

    async def run_it(key: str) -> OnceResult:
        pushed = await repository.push(branch, files, pull_text.marked(body, key))
        try:
            seen = await repository.find(branch)
        except (ActionFailed, OutcomeUnknown) as error:
            return _result(count, pushed, made, Verified.UNREACHABLE, undo, f"reading it back failed: {error.message} ")
        shown = seen is not None and seen.commit == pushed.commit
        return _result(count, pushed, made, Verified.IN_FORCE if shown else Verified.MISMATCH, undo)

    async def probe() -> OnceResult | None:
        found = await repository.find(branch)
        ours = found is not None and pull_text.execution_in(found.message) == ctx.execution_id
        return _result(count, found, made, Verified.IN_FORCE, undo) if found is not None and ours else None

    names = ", ".join(list(files)[:4]) + (f" and {len(files) - 4} more" if len(files) > 4 else "")
    preview = f"Pushes {names} to the branch {branch}, which is not there yet. " + " ".join(_proofs(made, left))
    return Once(summary=f"opened {count} on {branch}", run=run_it, probe=probe, preview=preview)


def _result(
    count: str, pushed: PushedCase, made: Sequence[Rendered], verified: Verified, undo: str, trouble: str = ""
) -> OnceResult:
    on = f"branch {pushed.branch} is on the remote at {pushed.commit[:10]}" + (
        f"; {pushed.note}" if pushed.note else ""
    )
    return OnceResult(
        summary=f"opened {count} on {pushed.branch}",
        ref=f"{pushed.branch}@{pushed.commit}",
        url=pushed.url,
        verified=verified,
        detail=f"{trouble}{on}. {made[0].proof.detail}",
        undo=undo,
    )


# ---------------------------------------------------------------------- a data set


async def _into_dataset(
    ctx: ActionContext,
    name: str,
    dataset: EvalDataset,
    made: Sequence[Rendered],
    left: Sequence[str],
    progress: Progress,
) -> Once:
    items = [_item(one) for one in made]
    keys = [item.key for item in items]
    count = _counted(made)
    held = set(await dataset.holds(keys))

    async def run_it(key: str) -> OnceResult:
        del key  # each item has its own: adding one again changes nothing
        shown = ""
        for at in range(0, len(items), _CHUNK):
            if len(items) > 1:
                await progress.step(at, len(items), f"cases in {name}")
            shown = await dataset.add(items[at : at + _CHUNK])
        there = await dataset.holds(keys)
        verified = Verified.IN_FORCE if len(there) == len(keys) else Verified.PENDING
        return _added(count, name, shown, verified, f"{len(there)} of {len(keys)} read back")

    async def probe() -> OnceResult | None:
        there = await dataset.holds(keys)
        if len(there) < len(keys):
            return None
        return _added(count, name, f"data set {name}", Verified.IN_FORCE, "it is there")

    old = f" {len(held)} of them {'is' if len(held) == 1 else 'are'} there and will be written again." if held else ""
    preview = f"Adds {count} to the data set {name}.{old} " + " ".join(_proofs(made, left))
    return Once(summary=f"added {count} to the data set {name}", run=run_it, probe=probe, preview=preview)


def _item(one: Rendered) -> DatasetItem:
    case = fitness.fit(one.case)
    calls: dict[str, Json] = {"must_not_call": [*case.must_not_call], "must_call": [*case.must_call]}
    return DatasetItem(
        key=f"pullcord-{case.stem}",
        input={"question": case.question, "agent": case.agent},
        expected={"answer": case.expected, **calls},
        metadata=case.provenance,
    )


def _added(count: str, name: str, shown: str, verified: Verified, detail: str) -> OnceResult:
    url = shown if shown.startswith(("https://", "http://")) else None
    summary = f"added {count} to the data set {name}"
    return OnceResult(summary=summary, ref=f"{name}", url=url, verified=verified, detail=f"{shown}: {detail}")


# ---------------------------------------------------------------------- words


def _counted(made: Sequence[Rendered]) -> str:
    return "an eval case" if len(made) == 1 else f"{len(made)} eval cases"


def _quoted(text: str) -> list[str]:
    return [f"> {line}" for line in text.splitlines()]


def _proofs(made: Sequence[Rendered], left: Sequence[str]) -> list[str]:
    first = f"Proof: {made[0].proof.detail}"
    more = f"{len(made) - 1} further cases were proven alike." if len(made) > 1 else ""
    without = (
        f"No case of: {'; '.join(left[:5])}{f'; and {len(left) - 5} more' if len(left) > 5 else ''}." if left else ""
    )
    return [text for text in (first, more, without) if text]
