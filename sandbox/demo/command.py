"""The command: start the world, then show it to a person or check it step by step."""

import argparse
import asyncio
import signal
import sys
import tempfile
import threading
from pathlib import Path

import httpx
from rich.console import Console

from sandbox.demo.check import check
from sandbox.demo.past import RUNS, live_through_it
from sandbox.demo.world import World, build

QUESTION = "Order 88123 came with a broken jug. My money back!"
CUSTOMER = "cus_81Kd"


def main(arguments: list[str]) -> int:
    """Run the demo. Exit status 0 when everything that was checked held, or when the person ended it."""
    options = _options(arguments)
    console = Console() if sys.stdout.isatty() else Console(width=200)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # a stopped demo leaves no processes behind
    with tempfile.TemporaryDirectory(prefix="pullcord-demo-") as scratch:
        folder = Path(options.keep) if options.keep else Path(scratch)
        console.print("Starting the stand-in Slack, the bot with its embedded store, and refund-bot …")
        try:
            pace = 0.02 if options.check else 0.2
            world = build(
                folder, port=options.port, slack_port=options.slack_port, agent_port=options.agent_port, pace=pace
            )
        except (RuntimeError, OSError) as error:
            console.print(str(error), style="red", markup=False)
            return 1
        try:
            console.print(
                f"refund-bot answers {RUNS} customers; then its provider serves another model by the same name …"
            )
            live_through_it(world)
            if options.check:
                return asyncio.run(check(world, console))
            return _show(world, console)
        except (RuntimeError, httpx.HTTPError) as error:
            console.print(str(error), style="red", markup=False)
            return 1
        finally:
            world.stop()


def _show(world: World, console: Console) -> int:
    """Let the agent go wrong, say where to look and what to press, and wait."""
    answer = httpx.post(
        f"{world.agent.origin}/run", json={"customer": CUSTOMER, "message": QUESTION}, timeout=60, trust_env=False
    )
    asked = answer.json().get("answer", "")
    console.print(
        f"\nA customer wrote: [italic]{QUESTION}[/]\nrefund-bot answered: [italic]{asked}[/]\n", highlight=False
    )
    console.print("It went wrong, its alert fired, and someone is being woken. Open this in a browser:\n")
    console.print(f"   [bold]{world.slack.origin}/[/]        Slack: you act as any of its people\n", highlight=False)
    console.print(f"   {world.agent.origin}/        the shop: what refund-bot really did", highlight=False)
    console.print(f"   {world.bot.origin}/incidents   the page (open it from Slack: Timeline)\n", highlight=False)
    console.print("What to press (you act as @dana; @lee is the one who was woken, switch to see it):")
    for number, step in enumerate(
        (
            "#incidents tells of INC-1; open its channel: the card has what the run did, what cannot be undone first",
            "what changed since the good runs is there too (after some seconds); Show run opens the steps",
            "Acknowledge, then Revoke issue_refund: in force as soon as refund-bot itself has read it (a second)",
            f"run the agent again (below): it obeys, and {world.agent.origin}/ shows no new refund",
            "Undo the revocation, Pin model… to gpt-x-2026-03-12, ask for the other order: it refunds what is owed",
            "Open eval case…; Timeline page; Resolve…",
        ),
        1,
    ):
        console.print(f"   {number}. {step}", highlight=False)
    console.print("\nRun the agent again, for the same order and for another one:", style="bold")
    for customer, question in ((CUSTOMER, QUESTION), ("cus_4TbQ", "Order 88140: the gloves are torn. My money back!")):
        body = f'{{"customer": "{customer}", "message": "{question}"}}'
        command = f"curl -s -X POST {world.agent.origin}/run -H 'content-type: application/json' -d '{body}'"
        console.print(f"   {command}", soft_wrap=True, markup=False, highlight=False)
    console.print("\nCtrl-C ends it and removes everything.", style="dim")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        console.print("Stopping …")
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="pullcord demo", description="Pullcord on this machine, with nothing to set up."
    )
    parser.add_argument("--check", action="store_true", help="do all of it headless; exit 0 only if each step held")
    parser.add_argument("--keep", metavar="DIR", help="keep logs, configuration and store there")
    parser.add_argument("--port", type=int, default=0, help="of the bot; 0 takes a free one")
    parser.add_argument("--slack-port", type=int, default=0)
    parser.add_argument("--agent-port", type=int, default=0)
    return parser.parse_args(arguments)
