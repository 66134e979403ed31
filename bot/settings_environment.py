"""The environment variables of the public contract (PRODUCT.md), as one frozen model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from bot.domain.address import http_url

DEFAULT_CONFIG = "pullcord.yaml"
DEFAULT_DATA_DIR = ".pullcord"
DEFAULT_PORT = 8080
REDIS_SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")


def _api_url(value: str) -> str:
    """Slack's SDK joins the method's name to its base by URL rules, so the base ends with a slash."""
    return f"{http_url(value)}/"


def _redis_url(value: SecretStr) -> SecretStr:
    scheme, found, rest = value.get_secret_value().partition("://")
    if scheme not in REDIS_SCHEMES or not found or not rest:
        message = f"should start with one of {', '.join(f'{s}://' for s in REDIS_SCHEMES)}"
        raise ValueError(message)
    return value


def _strong(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < 16:
        message = "is too short to protect anything; give at least 16 characters, such as `openssl rand -hex 32` prints"
        raise ValueError(message)
    return value


class Environment(BaseSettings):
    """What the environment said. An empty variable counts as not set.

    ``config`` is None when ``PULLCORD_CONFIG`` is not set; ``redis_url`` None means the embedded store.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        case_sensitive=True,
        env_ignore_empty=True,
        str_strip_whitespace=True,
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    slack_bot_token: SecretStr | None = Field(None, validation_alias="SLACK_BOT_TOKEN")
    slack_app_token: SecretStr | None = Field(None, validation_alias="SLACK_APP_TOKEN")
    slack_signing_secret: SecretStr | None = Field(None, validation_alias="SLACK_SIGNING_SECRET")
    slack_api_url: Annotated[str, AfterValidator(_api_url)] = Field(
        "https://slack.com/api/", validation_alias="SLACK_API_URL"
    )
    config: Path | None = Field(None, validation_alias="PULLCORD_CONFIG")
    redis_url: Annotated[SecretStr, AfterValidator(_redis_url)] | None = Field(
        None, validation_alias="PULLCORD_REDIS_URL"
    )
    data_dir: Path = Field(Path(DEFAULT_DATA_DIR), validation_alias="PULLCORD_DATA_DIR")
    host: str = Field("127.0.0.1", validation_alias="PULLCORD_HOST")
    port: int = Field(DEFAULT_PORT, ge=0, le=65535, validation_alias="PULLCORD_PORT")
    chain_key: Annotated[SecretStr, AfterValidator(_strong)] | None = Field(None, validation_alias="PULLCORD_CHAIN_KEY")
    api_token: SecretStr | None = Field(None, validation_alias="PULLCORD_API_TOKEN")
    otlp_token: SecretStr | None = Field(None, validation_alias="PULLCORD_OTLP_TOKEN")
    github_token: SecretStr | None = Field(None, validation_alias="PULLCORD_GITHUB_TOKEN")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 (the signature is pydantic-settings')
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is handed in counts, so that nothing of the process leaks into a check of another environment."""
        return (init_settings,)

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> Self:
        """Read the contract's variables from a mapping such as ``os.environ``; others are not looked at.

        Raises ``pydantic.ValidationError`` whose locations are the names of the variables.
        """
        source = EnvSettingsSource(cls, case_sensitive=True, env_ignore_empty=True)
        source.env_vars = {name: value for name, value in variables.items() if value.strip()}
        found: dict[str, Any] = source()
        return cls(**found)

    @property
    def slack_signing_secrets(self) -> tuple[str, ...]:
        """The signing secrets, any of which is good: one, or while it is rotated two, with a comma between them."""
        given = self.slack_signing_secret.get_secret_value() if self.slack_signing_secret is not None else ""
        return tuple(one.strip() for one in given.split(",") if one.strip())

    @property
    def slack_mode(self) -> Literal["socket", "http"] | None:
        """How Slack reaches us by what is given: Socket Mode with an app token, else HTTP; None without a bot token.

        ``Settings.slack_mode`` is what holds: ``slack.mode`` decides where both are given.
        """
        if self.slack_bot_token is None:
            return None
        return "socket" if self.slack_app_token is not None else "http"


VARIABLES: dict[str, str] = {str(field.validation_alias): name for name, field in Environment.model_fields.items()}
"""Each variable of the contract and the field it becomes."""
