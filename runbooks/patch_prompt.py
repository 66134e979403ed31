"""The verb ``patch_prompt``."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from bot.domain.action import Change, Risk
from bot.errors import Refused
from bot.plugin import ActionContext, Hidden, Multiline, Offered, Params, Prefill, action
from bot.ports import PromptControl
from runbooks.situation import guarding_sentence

MOST: int = 1000
"""Characters: a guarding sentence, not a new prompt."""


class PatchPrompt(Params):
    """What the agent is told from now on, beside its prompt."""

    text: Annotated[str, Multiline(), Prefill(guarding_sentence)] = Field(
        min_length=10,
        max_length=MOST,
        title="Guarding sentence",
        description="The agent reads it at the end of its system prompt, in each run. Secrets are taken out.",
    )
    expires_in: timedelta | None = Field(
        default=timedelta(days=7),
        gt=timedelta(0),
        le=timedelta(days=90),
        title="Until",
        description="A lasting fix belongs into the prompt's own repository.",
    )
    why: str = Field(default="", max_length=300, title="Why", description="Goes on the timeline and to the agent.")


def _offer(ctx: ActionContext) -> Offered | Hidden:
    if not ctx.incident.runs:
        return Hidden("no run was read yet, so nobody knows what to guard against")
    consequence = (
        f"{ctx.agent.name[:60]} is told this sentence in every new run, from its next read of its settings on. A model "
        "may still not obey it: revoke or bound the tool where it must not happen again. Undo takes it out."
    )
    return Offered(label="Add guarding sentence…", rank=42, always_ask=True, consequence=consequence)


@action("patch_prompt", title="Add guarding sentence", tightens=True, risk=Risk.MEDIUM, role="responder", offer=_offer)
async def patch_prompt(ctx: ActionContext, params: PatchPrompt, prompts: PromptControl) -> Change:
    """Add a guarding sentence to what this agent is told.

    Use it beside a restraint that is enforced: a sentence asks a model, it does not stop it.
    """
    text = params.text.strip()
    odd = next((c for c in text if not c.isprintable() and c not in "\n\t"), None)
    if odd is not None:
        message = f"The sentence holds a character that nobody can see (U+{ord(odd):04X})."
        raise Refused(message, field="text", next_step="Type it anew instead of pasting it.")
    change = await prompts.patch_prompt(ctx.agent.name, text, params.expires_in)
    return change.model_copy(update={"why": params.why})
