"""Paths of what is written into a repository: below one directory, and nowhere near its ``.git``."""

from base64 import b64decode
from collections.abc import Mapping
from pathlib import PurePosixPath

from bot.domain.base import Json
from bot.errors import ActionFailed, Refused


def inside(directory: str, name: str) -> PurePosixPath:
    """The path of a file below the directory. Raises Refused for one that would leave it, or is git's own."""
    path = PurePosixPath(directory) / name
    parts = {part.lower() for part in path.parts}
    if path.is_absolute() or not path.parts or ".." in parts or ".git" in parts or not str(path).isprintable():
        message = f"{name!r} does not lie in the directory that it is to be written to."
        raise Refused(message, field="path")
    return path


def case_path(files: Mapping[str, str]) -> str:
    """Which of the files is the case itself, not what ships beside it."""
    return next((name for name in files if name.endswith((".yaml", ".jsonl", ".json"))), next(iter(files)))


def decoded(found: Json, path: str, repository: str) -> str:
    """The text of a file as the APIs of GitHub and GitLab answer it (base64, at most 1 MB). Raises ActionFailed."""
    held = found if isinstance(found, dict) else {}
    try:
        if held.get("encoding") != "base64":
            raise ValueError
        return b64decode(str(held.get("content"))).decode("utf-8", "strict")
    except ValueError:
        message = f"{path} of {repository} is no text file of up to 1 MB."
        raise ActionFailed(message, next_step="Correct the path in the configuration.") from None
