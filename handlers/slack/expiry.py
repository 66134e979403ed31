"""What a button of the question before a mitigation's end is about."""

from bot.errors import Refused
from handlers.slack.where import incident_id


def subject(value: str) -> tuple[str, str]:
    """Incident and execution of ``INC-42|ex_1a2b``. Refused for anything else: the value comes from the client."""
    incident, _, execution = value.partition("|")
    found = incident_id(incident)
    if found is None or not execution or len(execution) > 40:
        raise Refused("This button names no mitigation.", next_step="`/pullcord mitigations` lists what is in force.")
    return found, execution
