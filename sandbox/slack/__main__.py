"""`python -m sandbox.slack`: the workspace as its own process."""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from uvicorn import Server

from sandbox.slack.backend import Backend
from sandbox.slack.driving import Driving
from sandbox.slack.people import Person, default_people
from sandbox.slack.registration import Registration
from sandbox.slack.server import application, configuration, listening


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.slack", description="A stand-in Slack workspace.")
    parser.add_argument("--port", type=int, default=8090, help="0 picks a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--manifest", type=Path, help="JSON app manifest: grants exactly what it asks for")
    parser.add_argument("--users", type=Path, help="JSON list of people: id, name, real_name, email and the is_ flags")
    parser.add_argument(
        "--deliver-to",
        metavar="URL",
        nargs="+",
        help="HTTP mode: signed requests to this URL (or to several in turn) instead of sockets",
    )
    parser.add_argument("--limits", action="store_true", help="Slack's rate limits from the start")
    return parser.parse_args(given)


async def serve(options: argparse.Namespace) -> None:
    """Serve until interrupted; prints the address first."""
    people = default_people()
    if options.users:
        people = [Person(**one) for one in json.loads(options.users.read_text())] + people[-1:]
    registration = Registration()
    if options.manifest:
        registration = Registration.from_manifest(json.loads(options.manifest.read_text()))
    slack = Backend(registration=registration, people=people)
    slack.limits.on = options.limits
    bound = listening(options.host, options.port)
    slack.use(f"http://{options.host}:{bound.getsockname()[1]}")
    driving = Driving(slack)
    # not verified: the app that is started next needs this workspace first
    await driving.do("deliver_to", {"url": options.deliver_to, "verify": False})
    print(f"Slack sandbox: {slack.origin}/  (Web API {slack.origin}/api/)", flush=True)
    server = Server(configuration(application(slack, driving)))
    try:
        await server.serve(sockets=[bound])
    finally:
        await slack.close()


def main() -> int:
    """Entry point."""
    try:
        asyncio.run(serve(arguments()))
    except KeyboardInterrupt:
        return 130
    except (OSError, ValueError, TypeError) as error:
        print(f"the Slack sandbox cannot start: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
