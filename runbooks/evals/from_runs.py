"""From an incident's runs to eval cases: the run that a person named, and others that made the same kind of call."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.domain.base import Json
from bot.domain.effect import Effect
from bot.domain.incident import Incident
from bot.domain.run import Run
from bot.errors import ActionFailed, PullcordError, Refused
from bot.plugin import ActionContext, EvalCase, EvalFormat, EvalProof
from bot.ports import EvidenceReader

MOST_CASES: Final = 20
"""Of one press: a pull request that nobody reads through helps nobody."""
_NOT_CUT = "no span that was received"
"""The end of the only note on a run that is not about something missing (bot/recorder/logs.py)."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A case that was rendered and proven to tell right from wrong."""

    case: EvalCase
    files: Mapping[str, str]
    proof: EvalProof


@dataclass(frozen=True, slots=True)
class Wrong:
    """What a person said of one call: what should have happened, and the right arguments where there are any."""

    expected: str
    arguments: str = ""


class Cases:
    """Makes the cases of one incident in one format."""

    def __init__(self, ctx: ActionContext, evidence: EvidenceReader, form: EvalFormat) -> None:
        """``ctx`` names incident and agent; ``evidence`` reads the frozen runs."""
        self._incident, self._agent = ctx.incident, ctx.agent.name
        self._evidence = evidence
        self._form = form

    async def of(self, effect: Effect, wrong: Wrong) -> Rendered:
        """The case of this call. Raises Refused or ActionFailed with the reason why there can be none."""
        run = await self._evidence.run(self._incident, effect.trace_id)
        return self._rendered(_case(self._incident, self._agent, effect, run, wrong))

    async def of_other_runs(self, effect: Effect, expected: str) -> tuple[list[Rendered], list[str]]:
        """Cases of the other runs of the incident that made one call of the same tool, and why others have none.

        What would have been right in them nobody said: their cases only forbid the call that was recorded.
        """
        made: list[Rendered] = []
        left: list[str] = []
        for trace_id in dict.fromkeys(run.summary.trace_id for run in self._incident.runs):
            if trace_id == effect.trace_id:
                continue
            calls = [
                e for e in self._incident.effects if e.trace_id == trace_id and e.tool == effect.tool and e.changes
            ]
            if len(calls) != 1:
                times = (
                    "did not call it" if not calls else f"called it {len(calls)} times, and nobody said which is wrong"
                )
                left.append(f"run {trace_id[:8]} {times}")
            elif len(made) + 1 >= MOST_CASES:
                left.append(f"run {trace_id[:8]} is beyond the {MOST_CASES} of one pull request")
            else:
                try:
                    made.append(await self.of(calls[0], Wrong(expected)))
                except PullcordError as error:
                    left.append(f"run {trace_id[:8]}: {error.message}")
        return made, left

    def _rendered(self, case: EvalCase) -> Rendered:
        files = self._form.render(case)
        proof = self._form.prove(case, files)
        if not proof.ok:
            message = f"The case does not tell right from wrong: {proof.detail}"
            raise Refused(message, field="arguments", next_step="Change an argument, or leave the field empty.")
        return Rendered(case, files, proof)


def part_of(effect: Effect) -> str:
    """What tells the case of this call apart from others of the incident, also in file and branch names."""
    slug = re.sub(r"[^a-z0-9]+", "-", effect.tool.lower()).strip("-")[:40] or "call"
    return f"{slug}-{hashlib.sha256(effect.id.encode()).hexdigest()[:6]}"


def call_of(tool: str, arguments: Json) -> dict[str, Json]:
    """A call as cases hold it."""
    return {"tool": tool, "arguments": arguments}


def _case(incident: Incident, agent: str, effect: Effect, run: Run, wrong: Wrong) -> EvalCase:
    named = next((c for c in run.tool_calls if c.order == effect.order and c.name == effect.tool), None)
    arguments = named.arguments if named is not None else effect.arguments
    bad = call_of(effect.tool, arguments if isinstance(arguments, dict) else {})
    right = _right_arguments(wrong.arguments)
    if right is not None and right == bad["arguments"]:
        message = "These are the arguments that were recorded; the case would forbid what it demands."
        raise Refused(message, field="arguments", next_step="Correct them, or leave the field empty.")
    attached = incident.run(effect.trace_id)
    part = part_of(effect)
    return EvalCase(
        incident=incident.id,
        name=f"{incident.id.lower()}-{part}",
        agent=agent,
        question=_question(run),
        recorded_calls=tuple(_recorded(run)),
        must_not_call=(bad,),
        must_call=() if right is None else (call_of(effect.tool, right),),
        expected=wrong.expected,
        provenance={
            "incident": incident.id,
            "agent": agent,
            "trace_id": run.trace_id,
            "evidence_sha256": attached.evidence if attached is not None else "",
            "model_requested": run.model_requested,
            "model_served": run.model_served,
            "parameters": run.parameters,
            "completeness": run.completeness.value,
        },
        truncated=tuple(note for note in run.notes if not note.endswith(_NOT_CUT)),
        part=part,
    )


def _recorded(run: Run) -> Sequence[dict[str, Json]]:
    return [call_of(call.name, call.arguments) for call in run.tool_calls]


def _right_arguments(text: str) -> dict[str, Json] | None:
    if not text.strip():
        return None
    example = 'Write an object, such as {"amount_cents": 4200}.'
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"The right arguments are not JSON: {str(error)[:200]}."
        raise Refused(message, field="arguments", next_step=example) from error
    if not isinstance(found, Mapping):
        message = "The right arguments must be a JSON object."
        raise Refused(message, field="arguments", next_step=example)
    return dict(found)


def _question(run: Run) -> str:
    """The first thing a user said in the run; the case is of no use without it."""
    asked = [call.input for call in run.model_calls] + [exchange.input for exchange in run.exchanges]
    for messages in asked:
        for message in messages:
            if message.role == "user" and message.text:
                return message.text
    problem = "The prompt of this run was not recorded, so there is nothing to ask the agent again."
    raise ActionFailed(problem, next_step="Turn on content capture (see 'not recorded' on the incident page).")
