"""What a person types, as Slack stores it: escaped, with @names and #channels turned into their ids."""

import re

from sandbox.slack.workspace import Workspace

NAME = re.compile(r"(?<![\w@])@([a-z0-9._-]+)")
CHANNEL = re.compile(r"(?<![\w#])#([a-z0-9_-]+)")
LINK = re.compile(r"https?://[^\s<>]+")


def stored(workspace: Workspace, text: str) -> str:
    """The message text for what was typed."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    def person(match: re.Match[str]) -> str:
        name = match.group(1)
        if name in ("channel", "here", "everyone"):
            return f"<!{name}>"
        found = workspace.find_person(name.rstrip("."))
        return match.group(0) if found is None else f"<@{found.id}>" + ("." if name.endswith(".") else "")

    def channel(match: re.Match[str]) -> str:
        found = workspace.find_channel(match.group(1))
        return match.group(0) if found is None else f"<#{found.id}|{found.name}>"

    parts = LINK.split(escaped)
    links = [f"<{link}>" for link in LINK.findall(escaped)]
    said = [CHANNEL.sub(channel, NAME.sub(person, part)) for part in parts]
    return "".join(text + link for text, link in zip(said, [*links, ""], strict=True))
