"""A configuration file behind a git remote: a commit on its branch, or a branch that somebody merges."""

from typing import Annotated

from pydantic import StringConstraints

from bot.plugin import ControlName, ControlSettings, control_plane
from bot.ports import Clock
from runbooks.controls.config_file import ConfigFile, ConfigFileSettings
from runbooks.controls.git_branches import GitHost


class GitConfigSettings(ConfigFileSettings, ControlSettings):
    """``remote`` is a path or an address; credentials are git's own business (helper, key or token in its config)."""

    remote: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^-]")]


class GitConfig(ConfigFile):
    """Meets what ``ConfigFile`` meets."""

    def __init__(self, settings: GitConfigSettings, name: ControlName, clock: Clock) -> None:
        """``clock`` dates what was read."""
        host = GitHost(settings.remote, f"the repository of controls.{name}", f"controls.{name}.remote")
        super().__init__(str(name), settings, host, clock)


git_config = control_plane("git_config", settings=GitConfigSettings)(GitConfig)
