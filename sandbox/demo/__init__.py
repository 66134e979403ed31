"""``pullcord demo``: the store, the bot, a stand-in Slack and a small agent on this machine, each its own process.

Uses Pullcord only from outside: its command line, its HTTP interfaces, its Slack app.
"""

from sandbox.demo.command import main

__all__ = ["main"]
