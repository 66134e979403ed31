"""``python -m sandbox.agent``: refund-bot as a process.

Tokens may come from the environment instead of the command line, which others on the machine can read.
"""

import argparse
import logging
import os
import socket
from pathlib import Path

import uvicorn

from examples.guard import Guard

from .bot import AGENT, RefundBot
from .model import ScriptedModel
from .server import app
from .shop import Shop
from .tracing import tracer_provider
from .watcher import Watcher


def main() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    options = _options()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    listening = socket.create_server((options.host, options.port))
    address = f"http://{options.host}:{listening.getsockname()[1]}"
    shop = Shop(options.shop)
    guard = Guard(options.pullcord, agent=AGENT, token=options.control_token, state_file=options.state, max_age=0.9)
    traces = tracer_provider(options.pullcord, agent=AGENT, token=options.otlp_token)
    model = ScriptedModel(pace=options.pace)
    bot = RefundBot(guard=guard, shop=shop, model=model, tracer=traces.get_tracer("refund-bot"))
    watcher = None
    if options.alert_token:
        watcher = Watcher(shop, pullcord=options.pullcord, token=options.alert_token, agent=AGENT, page=address)
    else:
        logging.getLogger("refund_bot").warning("No --alert-token: what goes wrong in the shop raises no alert.")
    print(f"refund-bot listens on {address}", flush=True)
    served = app(bot=bot, model=model, guard=guard, shop=shop, traces=traces, watcher=watcher)
    server = uvicorn.Server(uvicorn.Config(served, log_level="warning", timeout_graceful_shutdown=5))
    server.run(sockets=[listening])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.agent", description="A small real agent that can go wrong."
    )
    parser.add_argument("--pullcord", required=True, help="Pullcord's address, such as http://127.0.0.1:8080")
    for name, what in (
        ("otlp-token", "sends traces"),
        ("control-token", "reads what restrains this agent"),
        ("alert-token", "sends alerts to /alerts/alertmanager; without it none are sent"),
    ):
        variable = f"REFUND_BOT_{name.upper().replace('-', '_')}"
        known = os.environ.get(variable)
        needed = known is None and name != "alert-token"
        parser.add_argument(f"--{name}", default=known, required=needed, help=f"{what} (or {variable})")
    parser.add_argument("--state", required=True, type=Path, help="the guard's state file")
    parser.add_argument("--shop", required=True, type=Path, help="the shop's SQLite file")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default=0, type=int, help="0 takes a free one")
    parser.add_argument("--pace", default=0.2, type=float, help="seconds that one turn of the model takes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
