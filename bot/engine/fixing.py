"""From a temporary mitigation to its lasting fix: the offer of ``open_fix`` that keeps what is set. Pure."""

from bot.domain.action import Execution
from bot.domain.base import Json
from bot.domain.events import PULLCORD
from bot.domain.incident import Incident
from bot.engine import names
from bot.engine.parts import Parts
from bot.errors import Refused
from bot.plugin import ActionContext, Hidden, OfferView

VERB = "open_fix"
_ABOUT = "execution"
"""The parameter by which the verb is told what is to be kept."""


def fix_offer(parts: Parts, incident: Incident, execution: Execution) -> OfferView:
    """The offer with its parameters frozen. Raises Refused that says what to configure when there is none."""
    agent = execution.agent or incident.agent or "the agent"
    verb = parts.registry.actions.get(VERB)
    where = f"Set fixes.{agent} (repository or remote, and the path of the file) in the configuration."
    if verb is None:
        raise Refused("Nothing here opens fixes: the verb open_fix is not among the plug-ins.", next_step=where)
    profile = parts.planes.profile(incident, execution.agent)
    missing = parts.planes.missing(verb, profile)
    if missing is not None:
        raise Refused(f"This cannot be made permanent from here: {missing}.", next_step=where)
    ctx = ActionContext(incident=incident, agent=profile, by=PULLCORD, now=parts.now())
    offered = verb.offer(ctx)
    if isinstance(offered, Hidden):
        raise Refused(f"This cannot be made permanent from here: {offered.reason}.", next_step=where)
    params: dict[str, Json] = {_ABOUT: execution.id} if _ABOUT in verb.params.model_fields else {}
    attempt = 1
    while (
        incident.execution(names.execution_id(names.offer_id(incident.id, VERB, params, attempt=attempt))) is not None
    ):
        attempt += 1
    return OfferView(
        id=names.offer_id(incident.id, VERB, params, attempt=attempt),
        incident=incident.id,
        action=VERB,
        params=params,
        label=f"Make permanent: {execution.summary or execution.title}"[:70],
        asks=True,  # a lasting change is read by the person who asks for it
        consequence="Opens a pull request; the temporary mitigation ends at its time all the same.",
    )
