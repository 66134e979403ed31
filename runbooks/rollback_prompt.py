"""The verb ``rollback_prompt``."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from bot.domain.action import Change, Risk
from bot.domain.profile import ChangeKind
from bot.plugin import ActionContext, Choice, Choices, Hidden, Live, Offered, Params, action
from bot.ports import PromptVersion, PromptVersionControl


async def _versions(ctx: ActionContext, plane: PromptVersionControl) -> Sequence[Choice]:
    """The newest earlier version first; the one in use is no choice."""
    versions = list(await plane.prompt_versions(ctx.agent.name))
    current = next((place for place, version in enumerate(versions) if version.current), -1)
    earlier, later = versions[current + 1 :], versions[: max(current, 0)]
    return [Choice(version.id, _label(version)) for version in (*earlier, *reversed(later))]


def _label(version: PromptVersion) -> str:
    made = f" of {version.at:%Y-%m-%d %H:%M} UTC" if version.at is not None else ""
    begins = " ".join(version.beginning.split())
    text = f"{version.id}{made}" + (f": {begins}" if begins else "")
    return text if len(text) <= 75 else text[:74] + "…"


class RollbackPrompt(Params):
    """Which version of the prompt, and until when."""

    version: Annotated[str, Choices(lambda _ctx: (), live=Live(PromptVersionControl, _versions), open=True)] = Field(
        min_length=1,
        max_length=150,
        title="Version",
        description="The newest earlier one stands first.",
    )
    expires_in: timedelta | None = Field(
        default=None,
        gt=timedelta(0),
        le=timedelta(days=90),
        title="Until",
        description="At the end the label points at what it pointed at before.",
    )
    why: str = Field(default="", max_length=300, title="Why", description="Goes on the timeline.")


def _offer(ctx: ActionContext) -> Offered | Hidden:
    changed = any(c.kind is ChangeKind.PROMPT for compared in ctx.incident.compared for c in compared.changes)
    consequence = (
        f"{ctx.agent.name[:60]} reads an earlier version of its prompt by its label, as soon as its own cache of the "
        "prompt ends; no version is deleted. Undo points the label back, while nobody else moved it."
    )
    return Offered(label="Roll back prompt…", rank=16 if changed else 44, always_ask=True, consequence=consequence)


@action("rollback_prompt", title="Roll back prompt", tightens=True, risk=Risk.MEDIUM, role="responder", offer=_offer)
async def rollback_prompt(ctx: ActionContext, params: RollbackPrompt, prompts: PromptVersionControl) -> Change:
    """Let this agent's prompt label point at an earlier version.

    Use it when the behaviour changed with the prompt. Undo points it back.
    """
    change = await prompts.rollback_prompt(ctx.agent.name, params.version, params.expires_in)
    return change.model_copy(update={"why": params.why})
