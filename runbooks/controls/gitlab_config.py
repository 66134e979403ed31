"""A configuration file on GitLab: a commit on its branch, or a merge request."""

from bot.plugin import ControlHttp, ControlName, control_plane
from bot.ports import Clock
from runbooks.controls.config_file import ConfigFile, ConfigFileSettings
from runbooks.controls.gitlab import GitLab, GitLabSettings


class GitLabConfigSettings(ConfigFileSettings, GitLabSettings):
    """Those of ``gitlab``, and where the values stand."""


class GitLabConfig(ConfigFile):
    """Meets what ``ConfigFile`` meets."""

    def __init__(self, settings: GitLabConfigSettings, http: ControlHttp, name: ControlName, clock: Clock) -> None:
        """``http`` is bound to GitLab's API."""
        super().__init__(str(name), settings, GitLab(settings, http, name), clock)


gitlab_config = control_plane("gitlab_config", settings=GitLabConfigSettings)(GitLabConfig)
