"""Who may move the end of a temporary mitigation: whoever may run the verb again, with the same parameters."""

from datetime import timedelta
from typing import Final

from pydantic import TypeAdapter

from bot.domain.action import Execution
from bot.domain.events import Actor
from bot.domain.incident import Incident
from bot.engine.authorise import NeedsSecond, No, asked_of, decide
from bot.engine.membership import ASK_SECONDS
from bot.engine.parts import Parts
from bot.errors import Refused

LIFE: Final = "expires_in"
"""The parameter of verbs that says for how long."""


async def may_extend(
    parts: Parts,
    incident: Incident,
    execution: Execution,
    by: Actor,
    more: timedelta,
    *,
    seconds: float = ASK_SECONDS,
) -> None:
    """Raise Refused with ``who_may`` unless ``by`` may run the verb of this execution again, until ``more`` later.

    Permissions may bound how long: it counts from now to the new end, as if it were run now.

    Where that needs two persons, whoever ran it is the first: another who holds the role extends it, never the same.
    """
    verb = parts.registry.action(execution.action)
    params = dict(execution.params)
    if LIFE in verb.params.model_fields and execution.expires_at is not None:
        length = execution.expires_at + more - parts.now()
        params[LIFE] = TypeAdapter(timedelta).dump_python(length, mode="json")
    asked = asked_of(parts, incident, verb, by, params)
    decision = await decide(parts, incident, asked, by, seconds=seconds)
    if isinstance(decision, No):
        raise decision.refused()
    if isinstance(decision, NeedsSecond) and by.id == execution.by:
        message = f"Extending this needs a second person ({decision.why}), and you ran it yourself."
        raise Refused(message, who_may=f"{decision.role}, not you", next_step=f"Ask another {decision.role}.")
