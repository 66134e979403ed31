"""The Web API, one file per family of methods. May import anything of `sandbox.slack` but the page and the driver."""

from sandbox.slack.webapi import auth, channels, chat, history, marks, modals, people
from sandbox.slack.webapi.registry import METHODS

__all__ = ["METHODS", "auth", "channels", "chat", "history", "marks", "modals", "people"]
