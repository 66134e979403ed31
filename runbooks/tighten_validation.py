"""The verb ``tighten_validation``."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from bot.domain.action import Change, Risk
from bot.domain.argument_path import at, path_of, paths, written
from bot.domain.base import Json
from bot.domain.effect import Effect, ranked
from bot.errors import Refused
from bot.plugin import ActionContext, Choice, Choices, Hidden, Multiline, Offered, Params, Prefill, action
from bot.ports import ValidationControl
from runbooks.bounds import ALLOW, MAXIMUM, MINIMUM, PATTERN, SCHEMA, Tried, bound, in_words, stricter, tried
from runbooks.choices import LIVE_TOOLS, tools_of_agent, worst_tool

_KINDS = (
    Choice(MAXIMUM, "At most this number"),
    Choice(MINIMUM, "At least this number"),
    Choice(ALLOW, "Only these values, one on each line"),
    Choice(PATTERN, "Only text that fits a pattern, as a whole"),
    Choice(SCHEMA, "A JSON Schema"),
)
_NAMED = 3
_MOST_OPTIONS = 60


def _calls(ctx: ActionContext, tool: str) -> list[Effect]:
    return [e for e in ranked(ctx.incident.effects) if e.tool == tool]


def _recorded(calls: Sequence[Effect], steps: Sequence[str | None]) -> list[Json]:
    return [value for call in calls for value in at(call.arguments, steps)]


def _arguments(ctx: ActionContext) -> Sequence[Choice]:
    """Arguments as they were recorded, those of the worst effect's tool first; what the call held stands beside."""
    tools = list(dict.fromkeys([worst_tool(ctx), *ctx.tools_used]))
    found: dict[str, str] = {}
    for tool in tools:
        for call in _calls(ctx, tool or "")[:1]:
            for steps, value in _ordered(call):
                found.setdefault(written(steps), f"{written(steps)} ({tool}: {_short(value)})")
    return [Choice(path, label) for path, label in list(found.items())[:_MOST_OPTIONS] if len(path) <= 150]


def _ordered(call: Effect) -> list[tuple[tuple[str | None, ...], Json]]:
    """What likely went wrong first: what came from untrusted content, then the money, then the other numbers."""
    foreign = {origin.argument for origin in call.origins}
    amount = None if call.money is None else call.money.amount

    def place(leaf: tuple[tuple[str | None, ...], Json]) -> int:
        steps, value = leaf
        if written(steps) in foreign or ".".join(filter(None, steps)) in foreign:
            return 0
        if isinstance(value, bool) or not isinstance(value, int | float):
            return 3
        return 1 if amount is not None and amount in {value, round(value * 100)} else 2

    return sorted(paths(call.arguments), key=place)


def _argument(ctx: ActionContext) -> str | None:
    return next((choice.value for choice in _arguments(ctx)), None)


def _kind(ctx: ActionContext) -> str | None:
    """A maximum for what was recorded as a number, else a list of allowed values."""
    worst = ctx.worst
    if worst is None:
        return None
    value = next((value for _, value in _ordered(worst)), None)
    return MAXIMUM if isinstance(value, int | float) and not isinstance(value, bool) else ALLOW


class TightenValidation(Params):
    """Which argument of which tool, and what it must satisfy from now on."""

    tool: Annotated[str, Choices(tools_of_agent, live=LIVE_TOOLS), Prefill(worst_tool)] = Field(
        min_length=1, max_length=200, title="Tool"
    )
    argument: Annotated[str, Choices(_arguments, open=True), Prefill(_argument)] = Field(
        min_length=1,
        max_length=150,
        title="Argument",
        description="As it was recorded. Dots lead into objects, * means each element of a list.",
    )
    kind: Annotated[str, Choices(lambda _ctx: _KINDS), Prefill(_kind)] = Field(
        pattern=f"^({MAXIMUM}|{MINIMUM}|{ALLOW}|{PATTERN}|{SCHEMA})$", title="It must be"
    )
    value: Annotated[str, Multiline()] = Field(
        min_length=1,
        max_length=3000,
        title="Bound",
        description="In the argument's own unit (5000 where 42000 was recorded). Values: one on each line.",
    )
    expires_in: timedelta | None = Field(default=None, gt=timedelta(0), le=timedelta(days=90), title="Until")
    why: str = Field(default="", max_length=300, title="Why", description="The agent reads it in each refusal.")


def _offer(ctx: ActionContext) -> Offered | Hidden:
    if not ctx.tools_used:
        return Hidden("no tool of this agent is known yet")
    tool = worst_tool(ctx) or "the tool"
    consequence = (
        f"Calls of {tool[:60]} by {ctx.agent.name[:50]} outside the bound are refused with the reason, from its next "
        "read of its settings on; other calls go on. Bounds set before stay. Undo needs a commander."
    )
    label = f"Bound {tool if len(tool) <= 40 else tool[:39] + '…'}…" if ctx.worst is not None else "Bound a tool…"
    return Offered(label=label, rank=34, always_ask=True, consequence=consequence)


@action("tighten_validation", title="Bound an argument", tightens=True, risk=Risk.LOW, role="responder", offer=_offer)
async def tighten_validation(ctx: ActionContext, params: TightenValidation, values: ValidationControl) -> Change:
    """Bound an argument of one tool: a maximum, allowed values, a pattern, or a JSON Schema.

    Use it when the tool is needed and only some calls of it do damage. It never loosens a bound that is there.
    """
    steps = _steps(params.argument)
    calls = _calls(ctx, params.tool)
    recorded = _recorded(calls, steps)
    if not recorded and (known := list(dict.fromkeys(written(s) for call in calls for s, _ in paths(call.arguments)))):
        message = f"No recorded call of {params.tool} has {params.argument}, so a bound on it may hold nothing."
        raise Refused(message, field="argument", next_step=f"It has: {', '.join(known[:8])}.")
    schema = bound(params.kind, params.value, recorded)
    plan = values.tighten_validation
    change = await plan(ctx.agent.name, params.tool, params.argument, schema, params.expires_in)
    wanted = stricter(change.before, schema)
    if wanted != schema:
        change = await plan(ctx.agent.name, params.tool, params.argument, wanted, params.expires_in)
    found = tried(wanted, steps, [call for call in calls if call.happened])
    words = in_words(params.kind, schema)
    return change.model_copy(
        update={
            "why": params.why,
            "note": _said(params.tool, steps, found),
            "summary": f"bound {params.argument} of {params.tool} to {words} for {ctx.agent.name}"[:300],
        }
    )


def _steps(argument: str) -> tuple[str | None, ...]:
    try:
        return path_of(argument)
    except ValueError as error:
        hint = "Write names with dots between them, such as order.amount."
        raise Refused(f"{error}.", field="argument", next_step=hint) from error


def _said(tool: str, steps: Sequence[str | None], found: Tried) -> str:
    """What the bound says of the recorded calls, in words; a person then knows whether it would have helped."""
    if not found.calls:
        return f"No call of {tool} was recorded, so it could not be tried on one."
    doubt = f" {found.untried} could not be tried: redacted, cut, or too long." if found.untried else ""
    if not found.refused:
        return f"It would have refused none of the {found.calls} recorded calls of {tool}.{doubt}"
    named = ", ".join(f"{tool} {_value(call, steps)}" for call in found.refused[:_NAMED])
    more = f" and {len(found.refused) - _NAMED} more" if len(found.refused) > _NAMED else ""
    of = f" ({len(found.refused)} of {found.calls} recorded calls)"
    return f"It would have refused {named}{more}{of}.{doubt}"


def _value(call: Effect, steps: Sequence[str | None]) -> str:
    value = _short(next(iter(at(call.arguments, steps)), None))
    return f"{value} ({call.money})" if call.money is not None else value


def _short(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:39] + "…"
