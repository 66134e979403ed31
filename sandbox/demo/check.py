"""``pullcord demo --check``: does all of it headless, clicking through the stand-in Slack, and says what was seen."""

import time

import httpx
from rich.console import Console

from sandbox.demo.journey import Journey
from sandbox.demo.looking import NotSeen
from sandbox.demo.world import World
from sandbox.slack.client import SandboxClient
from sandbox.slack.driver import DriveError

STEPS = (
    Journey.the_agent_goes_wrong,
    Journey.an_incident_opens,
    Journey.one_card_stands,
    Journey.it_says_what_changed,
    Journey.lee_acknowledges,
    Journey.remember_the_revoke_button,
    Journey.a_teammate_may_not,
    Journey.the_tool_is_revoked,
    Journey.a_second_click_is_told,
    Journey.the_model_is_pinned,
    Journey.an_undo_needs_a_second_person,
    Journey.undo_gives_it_back,
    Journey.a_pause_ends_by_itself,
    Journey.nothing_else_is_in_force,
    Journey.an_eval_case_lies_on_a_branch,
    Journey.a_pinned_message_is_kept,
    Journey.the_page_opens_once,
    Journey.it_is_resolved,
    Journey.the_chain_holds,
    Journey.nothing_was_missed,
)


async def check(world: World, console: Console) -> int:
    """Run every step in order; 0 when each was seen to hold. The first that does not ends it, with the logs' ends."""
    async with (
        SandboxClient(world.slack.origin) as slack,
        httpx.AsyncClient(timeout=15, trust_env=False) as http,
    ):
        journey = Journey(world, slack, http)
        for number, step in enumerate(STEPS, 1):
            name = step.__name__.replace("_", " ")
            began = time.monotonic()
            try:
                seen = await step(journey)
            except (NotSeen, DriveError, httpx.HTTPError) as error:
                console.print(f"✗ {number:2} {name}: {error}", style="red", markup=False)
                for process in world.processes:
                    console.print(f"--- the end of {process.log.name}\n{process.tail()}", markup=False)
                console.print(f"{number - 1} passed, 1 failed")
                return 1
            console.print(
                f"✓ {number:2} {name} ({time.monotonic() - began:.1f} s): {seen}", markup=False, highlight=False
            )
        console.print(f"{len(STEPS)} passed, 0 failed")
    return 0
