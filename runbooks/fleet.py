"""Which agents a verb touches that may act on a whole team: this agent, or each agent of its team by name."""

from collections.abc import Sequence
from typing import Final, Protocol

from bot.plugin import ActionContext, Choice
from runbooks.choices import paused_here

AGENT: Final = "agent"
TEAM: Final = "team"
_NAMED: Final = 6


class Scoped(Protocol):
    """Parameters that say how far they reach."""

    @property
    def scope(self) -> str:
        """``agent`` or ``team``."""
        ...


def scopes(ctx: ActionContext) -> Sequence[Choice]:
    """This agent alone, or its team: each agent is named, since a team's name says nothing at 3 a.m."""
    alone = Choice(AGENT, f"Only {ctx.agent.name}"[:75])
    others = [name for name in ctx.agent.team_agents if name != ctx.agent.name]
    if not others:
        return (alone,)
    count = len(ctx.agent.team_agents)
    label = f"All {count} agents of {ctx.agent.team}: {_listed(ctx.agent.team_agents)}"
    return (alone, Choice(TEAM, label if len(label) <= 75 else label[:74] + "…"))


def of_team(ctx: ActionContext, params: Scoped, *, paused: bool) -> Sequence[str]:
    """The agents that are meant: those of the team that are not (or are) paused in this incident already."""
    if params.scope != TEAM:
        return (ctx.agent.name,)
    meant = tuple(a for a in ctx.agent.team_agents if paused_here(ctx, a) is paused)
    return meant or (ctx.agent.name,)


def named(ctx: ActionContext) -> str:
    """``support (refund-bot, mail-bot)``, for a consequence; empty for an agent without a team of several."""
    if len(ctx.agent.team_agents) < 2:
        return ""
    return f"{ctx.agent.team} ({_listed(ctx.agent.team_agents)})"


def _listed(agents: Sequence[str]) -> str:
    more = f" and {len(agents) - _NAMED} more" if len(agents) > _NAMED else ""
    return ", ".join(agents[:_NAMED]) + more
