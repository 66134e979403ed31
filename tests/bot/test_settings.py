"""What a correct environment and file become."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from bot.errors import Misconfigured
from bot.settings import Settings, Token, load_settings

ROOT = Path(__file__).parents[2]


def write(tmp_path: Path, text: str) -> Path:
    """A configuration file with this text."""
    path = tmp_path / "pullcord.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_and_without_variables_the_defaults_apply(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first start needs no configuration at all."""
    monkeypatch.chdir(tmp_path)
    settings = load_settings({})
    assert settings.config_path is None
    assert settings.plugins == ("handlers", "runbooks")
    assert settings.base_url == "http://127.0.0.1:8080"
    assert settings.data_dir == tmp_path / ".pullcord"
    assert settings.environment.slack_mode is None
    assert settings.environment.redis_url is None
    assert settings.environment.slack_api_url == "https://slack.com/api/"


def test_the_file_in_the_working_directory_is_read_when_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PULLCORD_CONFIG need not be set for ./pullcord.yaml."""
    write(tmp_path, "severity: {many_runs: 3}")
    monkeypatch.chdir(tmp_path)
    assert load_settings({}).severity.many_runs == 3


def test_pullcord_config_names_another_file(tmp_path: Path) -> None:
    """The variable wins over the working directory."""
    path = write(tmp_path, "slack: {channel_prefix: fire}")
    settings = load_settings({"PULLCORD_CONFIG": str(path)})
    assert settings.slack.channel_prefix == "fire"
    assert settings.config_path == path


def test_a_file_that_pullcord_config_names_must_exist(tmp_path: Path) -> None:
    """Starting on defaults although a file was named would page nobody."""
    missing = tmp_path / "nothing.yaml"
    with pytest.raises(Misconfigured) as caught:
        load_settings({"PULLCORD_CONFIG": str(missing)})
    assert [fault.where for fault in caught.value.faults] == [str(missing)]
    assert "No such file" in caught.value.faults[0].reason


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n", "agents:\nroles:\n"])
def test_an_empty_file_or_section_means_the_defaults(tmp_path: Path, text: str) -> None:
    """A section whose lines are all commented out is how people switch it off."""
    assert load_settings({}, write(tmp_path, text)).agents == {}


def test_an_agent_that_is_not_named_is_paged_as_default_agent_says(tmp_path: Path) -> None:
    """Nobody should be left unpaged because the config does not know the agent yet."""
    path = write(
        tmp_path,
        """
        agents: {refund-bot: {on_call: [U0DANA], repage_after: PT90S, models: [gpt-x-2026-05-01]}}
        default_agent: {on_call: [U0LEE], fallback: [U0DANA], repage_after: 30s}
        """,
    )
    settings = load_settings({}, path)
    assert settings.agent("refund-bot").repage_after == timedelta(seconds=90)
    assert settings.agent("refund-bot").models == ("gpt-x-2026-05-01",)
    for name in ("someone-else", None):
        assert settings.agent(name).on_call == ("U0LEE",)
        assert settings.agent(name).repage_after == timedelta(seconds=30)
        assert settings.agent(name).control.all == ("embedded",)


def test_words_stay_words(tmp_path: Path) -> None:
    """Dates, yes, no, on and clock times are names of models and tools, not values of another type."""
    path = write(tmp_path, "agents: {a: {models: [2026-05-01, 12:30, yes, no, on, 0x10, 1_000], tools: [null_tool]}}")
    assert load_settings({}, path).agents["a"].models == ("2026-05-01", "12:30", "yes", "no", "on", "0x10", "1_000")


def test_anchors_may_be_used(tmp_path: Path) -> None:
    """An alias repeats a value; only its explosion is refused."""
    path = write(tmp_path, "roles: {responder: &people [U0DANA, U0LEE], commander: *people}")
    assert load_settings({}, path).roles.commander == ("U0DANA", "U0LEE")


def test_the_catalogue_keeps_the_order_of_the_file(tmp_path: Path) -> None:
    """The first entry that fits wins, so order is meaning."""
    path = write(
        tmp_path,
        """
        tools:
          - {name: issue_refund, reversibility: irreversible, when: {arguments.amount_cents: {gt: 0}}, undo_window: 24h}
          - {pattern: "get_*", reversibility: read_only}
        """,
    )
    rules = load_settings({}, path).catalogue.rules
    assert [rule.name or rule.pattern for rule in rules] == ["issue_refund", "get_*"]
    assert rules[0].undo_window == timedelta(hours=24)


@pytest.mark.parametrize(
    ("variables", "mode"),
    [
        ({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}, "socket"),
        ({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s"}, "http"),
        ({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "SLACK_SIGNING_SECRET": "s"}, "socket"),
        ({"SLACK_BOT_TOKEN": "  "}, None),
    ],
)
def test_slack_is_reached_by_socket_mode_wherever_an_app_token_is_given(
    variables: dict[str, str], mode: str | None, tmp_path: Path
) -> None:
    """Socket Mode needs no public address, so it wins; a blank variable counts as not set."""
    assert load_settings(variables, write(tmp_path, "")).environment.slack_mode == mode


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("0.0.0.0", "http://localhost:9000"),  # noqa: S104
        ("::", "http://localhost:9000"),
        ("::1", "http://[::1]:9000"),
        ("10.0.0.7", "http://10.0.0.7:9000"),
    ],
)
def test_links_start_at_the_address_that_we_listen_on(host: str, base: str, tmp_path: Path) -> None:
    """Without public_url a link must at least work on the same machine."""
    variables = {"PULLCORD_HOST": host, "PULLCORD_PORT": "9000"}
    assert load_settings(variables, write(tmp_path, "")).base_url == base


def test_public_url_and_slack_api_url_are_brought_to_one_form(tmp_path: Path) -> None:
    """One without and one with a slash at the end, whatever was written."""
    path = write(tmp_path, "public_url: https://pullcord.example/x/")
    settings = load_settings({"SLACK_API_URL": "http://127.0.0.1:9/api"}, path)
    assert settings.base_url == "https://pullcord.example/x"
    assert settings.environment.slack_api_url == "http://127.0.0.1:9/api/"


def test_settings_are_frozen() -> None:
    """What was checked stays what it was."""
    settings = Settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.public_url = "https://elsewhere.example"  # type: ignore[misc]


class Options(BaseModel):
    """A source's own settings, as a plug-in declares them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: str = "x"
    key: Token | None = None


def test_a_source_reads_its_options_with_its_own_model_and_secrets(tmp_path: Path) -> None:
    """What the common part does not know belongs to the source, with lines and secrets as everywhere."""
    path = write(tmp_path, "sources:\n  acme:\n    bearer: ${T}\n    field: y\n    key: ${KEY}\n")
    settings = load_settings({"T": "t0ken", "KEY": "k3y"}, path)
    options = settings.options("acme", Options)
    assert options.field == "y"
    assert options.key is not None
    assert options.key.get_secret_value() == "k3y"
    assert settings.options("not-configured", Options) == Options()


def test_faulty_options_of_a_source_are_reported_with_their_lines(tmp_path: Path) -> None:
    """A plug-in gets the same reports without doing anything for them."""
    path = write(tmp_path, "sources:\n  acme:\n    bearer: ${T}\n    feild: y\n    key: ${NOPE}\n")
    settings = load_settings({"T": "t0ken"}, path)
    with pytest.raises(Misconfigured) as caught:
        settings.options("acme", Options)
    assert [(fault.where, fault.reason, fault.hint) for fault in caught.value.faults] == [
        (f"{path}:4", "`sources.acme.feild` is not a setting", "did you mean `field`?"),
        (
            f"{path}:5",
            "`sources.acme.key`: the environment variable NOPE is not set",
            "set it, or take the setting out",
        ),
    ]
