"""A configuration file on GitHub: a commit on its branch, or a pull request."""

from bot.plugin import ControlHttp, ControlName, control_plane
from bot.ports import Clock
from runbooks.controls.config_file import ConfigFile, ConfigFileSettings
from runbooks.controls.github import GitHub
from runbooks.controls.github_auth import GitHubSettings


class GitHubConfigSettings(ConfigFileSettings, GitHubSettings):
    """Those of ``github``, and where the values stand."""


class GitHubConfig(ConfigFile):
    """Meets what ``ConfigFile`` meets."""

    def __init__(self, settings: GitHubConfigSettings, http: ControlHttp, name: ControlName, clock: Clock) -> None:
        """``http`` is bound to GitHub's API."""
        super().__init__(str(name), settings, GitHub(settings, http, name, clock), clock)


github_config = control_plane("github_config", settings=GitHubConfigSettings)(GitHubConfig)
