"""``/pullcord help``, what comes in later versions, and an answer to being mentioned."""

from bot.plugin import Click, Kind, Reply, Say, Services, interaction
from bot.views.tray import help_card

LINES = (
    "declare [what happened]: opens an incident",
    "ack [INC-42]: you have it; paging stops",
    "take [INC-42]: you lead it; acknowledges too",
    "run [INC-42] <action>: runs one of the actions on the card",
    "undo [INC-42] [execution]: takes an action back",
    "note [INC-42] <text>: puts a note on the timeline",
    "effects [INC-42]: what the run changed, the worst first",
    "steps [INC-42] [trace]: the steps of a run",
    "timeline [INC-42]: a link to its page, for you alone",
    "status [INC-42]: where it stands; without one, all that is open",
    "who [INC-42]: who was woken, who has it, who leads",
    "mitigations: what is in force, until when, and what was changed",
    "resolve [INC-42] <reason>: it is over",
    "drill [agent]: opens an incident to practise on",
)
"""The command words with their help; a test ties them to the interactions there are."""


@interaction("help", Kind.COMMAND, help_text="help: this list")
async def help_command(click: Click, services: Services) -> Reply:
    """The list of commands."""
    made = help_card(LINES)
    return Say(made.text, blocks=made.blocks)


@interaction("contain", Kind.COMMAND, help_text="contain: what containment looks like today")
async def contain_command(click: Click, services: Services) -> Reply:
    """Containment as a state of its own is not tracked yet; says what there is."""
    return Say(
        "This version does not track containment as a state yet. What contains an agent now: the buttons on the card, "
        "or `/pullcord run <action>`; `/pullcord status` shows what is in force."
    )


@interaction("app_mention", Kind.EVENT)
async def mentioned(click: Click, services: Services) -> Reply:
    """People talk to bots; point to what works."""
    return Say("Use the buttons on the card, or `/pullcord` (`/pullcord help` lists everything).")
