"""The last known state on disk, so that a restart of the agent during an outage of Pullcord forgets no restraint."""

import os
import secrets
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from .state import NEUTRAL, ControlState, parse_flag

_MOST_BYTES: Final = 1_000_000


class StateUnreadable(Exception):
    """The file is there and does not say what the state is. The message names the file and the reason."""


class StateFile:
    """One agent's state file: JSON, mode 0600, replaced as a whole and flushed to the disk before it counts."""

    def __init__(self, path: Path, agent: str) -> None:
        """``path`` may not exist yet; its folder is made on the first save."""
        self.path = path
        self._agent = agent

    def load(self) -> ControlState | None:
        """The state, or ``None`` when there is no file (no state was ever seen).

        Raises ``StateUnreadable`` when the file cannot be opened, is not what ``save`` writes, or is of another agent.
        """
        try:
            with self.path.open("rb") as file:
                raw = file.read(_MOST_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateUnreadable(self._says(f"cannot be opened: {error.strerror}")) from None
        if len(raw) > _MOST_BYTES:
            raise StateUnreadable(self._says(f"is larger than {_MOST_BYTES} bytes"))
        try:
            state = ControlState.model_validate_json(raw)
            for key in NEUTRAL:
                if key not in state.flags:
                    raise StateUnreadable(self._says(f"lacks the flag {key}"))
                parse_flag(key, state.flags[key].model_dump())
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "file"
            raise StateUnreadable(self._says(f"is corrupt: {where}: {first['msg']}")) from None
        except ValueError as error:
            raise StateUnreadable(self._says(f"is corrupt: {error}")) from None
        if state.agent != self._agent:
            raise StateUnreadable(self._says(f"belongs to the agent {state.agent[:80]!r}, not {self._agent!r}"))
        return state

    def save(self, state: ControlState) -> None:
        """Replace the file atomically. Raises ``OSError`` when the disk refuses; the old file then still stands.

        The name of the temporary file is random: several workers of one agent may share the state file.
        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{self.path.name}.{secrets.token_hex(6)}")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(state.model_dump_json().encode())
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # without it a power cut can bring the old name back
        finally:
            os.close(folder)

    def _says(self, what: str) -> str:
        return f"The state file {self.path} {what}. It is replaced as soon as Pullcord answers."
