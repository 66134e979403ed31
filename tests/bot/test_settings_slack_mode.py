"""One choice of how Slack reaches us: by the secret that is set, or by ``slack.mode`` where both are."""

from pathlib import Path

import pytest

from bot.errors import Misconfigured
from bot.settings import load_settings

BOT = {"SLACK_BOT_TOKEN": "xoxb-1"}
SOCKET, HTTP = {"SLACK_APP_TOKEN": "xapp-1"}, {"SLACK_SIGNING_SECRET": "s3cret"}


def config(tmp_path: Path, text: str) -> Path:
    """A file with this in it."""
    path = tmp_path / "pullcord.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("variables", "written", "mode"),
    [
        (BOT | SOCKET, "", "socket"),
        (BOT | HTTP, "", "http"),
        (BOT | SOCKET | HTTP, "", "socket"),
        (BOT | SOCKET | HTTP, "slack: {mode: http}", "http"),
        (BOT | SOCKET | HTTP, "slack: {mode: socket}", "socket"),
        ({}, "slack: {mode: http}", None),
        ({}, "", None),
    ],
)
def test_the_mode_is_what_is_written_else_what_is_set(
    tmp_path: Path, variables: dict[str, str], written: str, mode: str | None
) -> None:
    """Without a bot token there is no Slack, whatever is written."""
    assert load_settings(variables, config(tmp_path, written)).slack_mode == mode


@pytest.mark.parametrize(
    ("given", "mode", "needed"), [(SOCKET, "http", "SLACK_SIGNING_SECRET"), (HTTP, "socket", "SLACK_APP_TOKEN")]
)
def test_a_mode_without_its_secret_stops_the_start(
    tmp_path: Path, given: dict[str, str], mode: str, needed: str
) -> None:
    """Every button would be dead. Named with its line."""
    with pytest.raises(Misconfigured, match=needed) as caught:
        load_settings(BOT | given, config(tmp_path, f"slack:\n  mode: {mode}\n"))
    (fault,) = caught.value.faults
    assert ":2" in fault.where
    assert "s3cret" not in str(caught.value)


def test_a_mode_that_there_is_not_is_a_fault(tmp_path: Path) -> None:
    """With what there is."""
    with pytest.raises(Misconfigured, match="socket"):
        load_settings(BOT | SOCKET, config(tmp_path, "slack: {mode: carrier-pigeon}"))


@pytest.mark.parametrize(
    ("value", "secrets"),
    [("one", ("one",)), ("new,old", ("new", "old")), (" new , old ,", ("new", "old")), ("", ())],
)
def test_two_signing_secrets_hold_while_one_is_rotated(value: str, secrets: tuple[str, ...], tmp_path: Path) -> None:
    """With a comma between them, and blanks as people leave them."""
    variables = {"SLACK_SIGNING_SECRET": value}
    variables |= BOT | SOCKET
    assert load_settings(variables, config(tmp_path, "")).environment.slack_signing_secrets == secrets


def test_a_signing_secret_of_commas_stops_the_start(tmp_path: Path) -> None:
    """It would be HTTP mode without any secret."""
    with pytest.raises(Misconfigured, match="only commas"):
        load_settings(BOT | {"SLACK_SIGNING_SECRET": " , "}, config(tmp_path, ""))
