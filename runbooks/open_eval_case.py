"""The verb ``open_eval_case``."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from bot.domain.action import OnceResult, Risk, Verified
from bot.domain.base import Json
from bot.domain.effect import Effect, ranked
from bot.domain.run import Run
from bot.errors import ActionFailed, Refused
from bot.plugin import (
    ActionContext,
    Choice,
    Choices,
    EvalCase,
    EvalFormat,
    Hidden,
    Multiline,
    Offered,
    Once,
    Params,
    Prefill,
    action,
)
from bot.ports import EvalRepository, EvidenceReader, PushedCase

_TRAILER = "Pullcord-Execution:"
"""The line of the commit's message that names the execution: a branch of another one proves nothing."""


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


def _offer(ctx: ActionContext) -> Offered | Hidden:
    if not ctx.incident.runs:
        return Hidden("no run was read yet")
    if not _changing(ctx):
        return Hidden("the run changed nothing, so no call can be named")
    return Offered(label="Open eval case…", rank=35, always_ask=True)


@action("open_eval_case", title="Open eval case", tightens=True, risk=Risk.LOW, role="responder", offer=_offer)
async def open_eval_case(
    ctx: ActionContext,
    params: OpenEvalCase,
    evidence: EvidenceReader,
    evals: EvalFormat,
    repository: EvalRepository,
) -> Once:
    """Add this failure to the eval set, on a branch: proven to fail on the record and to pass on what you expect."""
    effect = next((e for e in ctx.incident.effects if e.id == params.call), None)
    if effect is None:
        message = "This call is not in the incident any more."
        raise Refused(message, field="call", next_step="Choose one of the list.")
    attached = ctx.incident.run(effect.trace_id)
    run = await evidence.run(ctx.incident, effect.trace_id)
    case = _case(ctx, params, effect, run, "" if attached is None else attached.evidence)
    files = evals.render(case)
    proof = evals.prove(case, files)
    if not proof.ok:
        message = f"The case does not tell right from wrong: {proof.detail}"
        raise Refused(message, field="arguments", next_step="Change an argument, or leave the field empty.")
    branch = f"pullcord/{ctx.incident.id.lower()}-eval"
    title = f"Eval case for {ctx.incident.id}: {effect.tool} of {ctx.agent.name}"
    body = f"{title}\n\n{params.expected}\n\nProof: {proof.detail}\n"

    async def run_it(key: str) -> OnceResult:
        return _result(await repository.push(branch, files, body + f"\n{_TRAILER} {key}\n"), proof.detail)

    async def probe() -> OnceResult | None:
        found = await repository.find(branch)
        ours = found is not None and f"{_TRAILER} {ctx.execution_id}" in found.message.splitlines()
        return _result(found, proof.detail) if found is not None and ours else None

    first = next(iter(files))
    preview = f"Pushes {first} to the branch {branch}. {proof.detail}"
    return Once(summary=f"opened an eval case on {branch}", run=run_it, probe=probe, preview=preview)


def _case(ctx: ActionContext, params: OpenEvalCase, effect: Effect, run: Run, evidence: str) -> EvalCase:
    recorded = [_call(c.name, c.arguments) for c in run.tool_calls]
    wrong = next((c for c in run.tool_calls if c.order == effect.order and c.name == effect.tool), None)
    arguments = wrong.arguments if wrong is not None else effect.arguments
    bad = _call(effect.tool, arguments if isinstance(arguments, dict) else {})
    right = _right_arguments(params.arguments)
    if right is not None and right == bad["arguments"]:
        message = "These are the arguments that were recorded; the case would forbid what it demands."
        raise Refused(message, field="arguments", next_step="Correct them, or leave the field empty.")
    return EvalCase(
        incident=ctx.incident.id,
        name=f"{ctx.incident.id.lower()}-{effect.tool}",
        agent=ctx.agent.name,
        question=_question(run),
        recorded_calls=tuple(recorded),
        must_not_call=(bad,),
        must_call=() if right is None else (_call(effect.tool, right),),
        expected=params.expected,
        provenance={
            "incident": ctx.incident.id,
            "agent": ctx.agent.name,
            "trace_id": run.trace_id,
            "evidence_sha256": evidence,
            "model_requested": run.model_requested,
            "model_served": run.model_served,
            "parameters": run.parameters,
        },
    )


def _call(tool: str, arguments: Json) -> dict[str, Json]:
    return {"tool": tool, "arguments": arguments}


def _right_arguments(text: str) -> dict[str, Json] | None:
    if not text.strip():
        return None
    try:
        found: Any = json.loads(text)
    except ValueError as error:
        message = f"The right arguments are not JSON: {error}."
        raise Refused(
            message, field="arguments", next_step='Write an object, such as {"amount_cents": 4200}.'
        ) from error
    if not isinstance(found, Mapping):
        message = "The right arguments must be a JSON object."
        raise Refused(message, field="arguments", next_step='Write an object, such as {"amount_cents": 4200}.')
    return dict(found)


def _question(run: Run) -> str:
    """The first thing a user said in the run; the case is of no use without it."""
    for call in run.model_calls:
        for message in call.input:
            if message.role == "user" and message.text:
                return message.text
    problem = "The prompt of this run was not recorded, so there is nothing to ask the agent again."
    raise ActionFailed(problem, next_step="Turn on content capture (see 'not recorded' on the incident page).")


def _result(pushed: PushedCase, proof: str) -> OnceResult:
    return OnceResult(
        summary=f"opened an eval case on {pushed.branch}",
        ref=f"{pushed.branch}@{pushed.commit}",
        url=pushed.url,
        verified=Verified.IN_FORCE,
        detail=f"branch {pushed.branch} is on the remote at {pushed.commit[:10]}. {proof}",
    )
