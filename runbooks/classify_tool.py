"""The verb ``classify_tool``."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from bot.domain.action import Change, Risk
from bot.domain.effect import Effect, Reversibility, Suggestion, ranked
from bot.plugin import ActionContext, Choice, Choices, Hidden, Offered, Params, Prefill, action
from bot.ports import ToolClassControl

_CLASSES = (
    Choice("read_only", "Read only: changes nothing outside the run"),
    Choice("reversible", "Reversible: the old state can be put back"),
    Choice("compensable", "Compensable: a counter-action exists"),
    Choice("irreversible", "Irreversible: nothing takes it back"),
)


def _doubtful(ctx: ActionContext) -> list[Effect]:
    """One effect of each tool whose class nobody has said: unclassified ones first, then reads by guess."""
    used = frozenset(ctx.tools_used)  # once: it ranks all effects
    effects = [e for e in ctx.incident.effects if e.tool in used]
    found = [e for e in effects if e.guessed or e.reversibility is Reversibility.UNCLASSIFIED]
    return list({e.tool: e for e in reversed(ranked(found))}.values())[::-1]


def _tools(ctx: ActionContext) -> Sequence[Choice]:
    doubtful = {e.tool: e for e in _doubtful(ctx)}
    used = frozenset(ctx.tools_used)
    others = {e.tool: e for e in ctx.incident.effects if e.tool in used and e.tool not in doubtful}
    return [Choice(tool, f"{tool} ({_now(effect)})") for tool, effect in (doubtful | others).items()]


def _now(effect: Effect) -> str:
    words = effect.reversibility.value.replace("_", " ")
    return f"{words}, guessed" if effect.guessed else words


def _first(ctx: ActionContext) -> str | None:
    doubtful = _doubtful(ctx)
    return doubtful[0].tool if doubtful else None


class ClassifyTool(Params):
    """Which tool, and how reversible it is."""

    tool: Annotated[str, Choices(_tools), Prefill(_first)] = Field(min_length=1, max_length=200, title="Tool")
    reversibility: Annotated[str, Choices(lambda _ctx: _CLASSES)] = Field(
        pattern="^(read_only|reversible|compensable|irreversible)$",
        title="What it does",
        description="For this agent, from now on. Where catalogue_repository is configured, a branch with the rule is "
        "pushed; else write it into tools: of the configuration to keep it for good.",
    )
    why: str = Field(default="", max_length=300, title="Why")


_SHOWN = 36
_ONE_CLICK = 3
"""So many tools have a button of their own; the others are in the modal."""


def _consequence(ctx: ActionContext, tool: str, suggestion: Suggestion) -> str:
    """What the press does, and why this class is suggested. Slack takes 300 characters."""
    alone = "" if suggestion.reversibility is not Reversibility.READ_ONLY else " Needs a second person."
    return (
        f"{tool[:50]} of {ctx.agent.name[:40]} counts as {_class(suggestion)} from now on, in this incident's runs and "
        f"every later one.{alone} Undo takes it back. With catalogue_repository set, a branch is pushed. "
        f"Suggested: {suggestion.reason[:75]}"
    )


def _named(tool: str) -> str:
    """A tool on its button: only the name is cut, so that the class always stands there too."""
    return tool if len(tool) <= _SHOWN else tool[: _SHOWN - 1] + "…"


def _class(suggestion: Suggestion) -> str:
    return suggestion.reversibility.value.replace("_", " ")


def _one_click(ctx: ActionContext, effect: Effect) -> Offered | None:
    suggestion = effect.suggestion
    if suggestion is None or effect.reversibility is not Reversibility.UNCLASSIFIED:
        return None
    return Offered(
        label=f"Classify {_named(effect.tool)} as {_class(suggestion)}",
        params={"tool": effect.tool, "reversibility": suggestion.reversibility.value},
        rank=37,
        consequence=_consequence(ctx, effect.tool, suggestion),
    )


def _loosens(ctx: ActionContext, params: ClassifyTool) -> str | None:
    """Why a class needs a second person: what it calls harmless counts as an effect now, or did, by what was said."""
    wanted = Reversibility(params.reversibility)
    known = {e.reversibility for e in ctx.incident.effects if e.tool == params.tool}
    if wanted is Reversibility.READ_ONLY and known != {Reversibility.READ_ONLY}:
        now = ", ".join(sorted(c.value.replace("_", " ") for c in known)) or "not known here"
        return f"{params.tool} is {now}, and as read only none of its calls would count as a change any more"
    if Reversibility.IRREVERSIBLE in known and wanted is not Reversibility.IRREVERSIBLE:
        return f"{params.tool} is irreversible by the catalogue, and its calls would no longer count so"
    return None


def _offer(ctx: ActionContext) -> Offered | Hidden:
    doubtful = _doubtful(ctx)
    if not doubtful:
        return Hidden("every tool of this incident is classified")
    unclassified = doubtful[0].reversibility is Reversibility.UNCLASSIFIED
    label = f"Classify {doubtful[0].tool}…" if unclassified else "Correct a guess…"
    found = [made for effect in doubtful[:_ONE_CLICK] if (made := _one_click(ctx, effect)) is not None]
    consequence = (
        f"The class holds for {ctx.agent.name[:50]} from now on, in this incident's runs and every later one. Calling "
        "something read only needs a second person. Undo takes it back."
    )
    return Offered(
        label=label,
        rank=38 if unclassified else 60,
        always_ask=True,
        consequence=consequence,
        beside=tuple(found),
    )


@action(
    "classify_tool",
    title="Classify tool",
    tightens=True,
    risk=Risk.LOW,
    role="responder",
    offer=_offer,
    second=_loosens,
)
async def classify_tool(ctx: ActionContext, params: ClassifyTool, classes: ToolClassControl) -> Change:
    """Say how reversible a tool of this agent is.

    Takes effect now: the incident's runs are read again with it, and so is every later run. Where a repository is
    configured for the catalogue, a branch with the rule is pushed, so that the class is kept for good.
    """
    change = await classes.classify_tool(ctx.agent.name, params.tool, Reversibility(params.reversibility))
    return change.model_copy(update={"why": params.why})
