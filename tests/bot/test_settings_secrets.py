"""Secrets come from the environment or from files, and are shown nowhere."""

import traceback
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from bot.errors import Misconfigured
from bot.settings import AgentSettings, Settings, load_settings

SECRET = "s3cr3t-of-the-test"


def load(tmp_path: Path, text: str, **variables: str) -> Settings:
    """Settings of a file with this text."""
    path = tmp_path / "pullcord.yaml"
    path.write_text(text, encoding="utf-8")
    return load_settings(variables, path)


def reason_of(tmp_path: Path, text: str, **variables: str) -> str:
    """The reason of the only fault."""
    with pytest.raises(Misconfigured) as caught:
        load(tmp_path, text, **variables)
    (fault,) = caught.value.faults
    return fault.reason


def test_a_secret_is_taken_from_the_environment(tmp_path: Path) -> None:
    """``${NAME}`` is the whole value; blanks around the variable's text are dropped."""
    settings = load(tmp_path, "agents: {a: {token: '${T}'}}", T=f" {SECRET}\n")
    token = settings.agents["a"].token
    assert token is not None
    assert token.get_secret_value() == SECRET


def test_a_secret_is_taken_from_a_file_beside_the_configuration(tmp_path: Path) -> None:
    """A relative path starts at the configuration's directory, as mounted secrets do."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "token").write_text(f"{SECRET}\n", encoding="utf-8")
    settings = load(tmp_path, "sources: {a: {bearer_file: secrets/token}}")
    assert [token.get_secret_value() for token in settings.sources["a"].bearer] == [SECRET]


def test_a_list_of_credentials_serves_rotation(tmp_path: Path) -> None:
    """While a token is exchanged both are good, of either kind."""
    text = "sources: {a: {bearer: ['${OLD}', '${NEW}'], basic: [{username: u, password: '${P}'}]}}"
    source = load(tmp_path, text, OLD="old", NEW="new", P="with blanks é").sources["a"]
    assert [token.get_secret_value() for token in source.bearer] == ["old", "new"]
    assert source.basic[0].password.get_secret_value() == "with blanks é"
    assert source.has_credentials


def test_several_files_serve_rotation(tmp_path: Path) -> None:
    """A list of paths under the one key."""
    for name in ("old", "new"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    source = load(tmp_path, "sources: {a: {bearer_file: [old, new]}}").sources["a"]
    assert [token.get_secret_value() for token in source.bearer] == ["old", "new"]


def test_code_may_hand_over_a_secret() -> None:
    """Tests and tools make settings by hand; only a file must not hold secrets."""
    assert AgentSettings(token=SecretStr(SECRET)).token == SecretStr(SECRET)
    with pytest.raises(ValidationError, match="must not be written"):
        AgentSettings.model_validate({"token": SECRET})


@pytest.mark.parametrize("value", [SECRET, f"Bearer {SECRET}", "x${T}", "${T}x", "$T", "${}", "42", "[]", "{}", "true"])
def test_a_secret_written_out_is_a_fault_that_does_not_repeat_it(tmp_path: Path, value: str) -> None:
    """A configuration is committed and pasted into tickets; so is its report."""
    with pytest.raises(Misconfigured) as caught:
        load(tmp_path, f"agents: {{a: {{token: {value!r}}}}}", T=SECRET)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert caught.value.faults[0].reason == "`agents.a.token`: a secret must not be written here"


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("an unknown setting", f"agents: {{a: {{api_key: {SECRET}}}}}"),
        ("a setting of another kind", f"agents: {{a: {{on_call: [{SECRET}], repage_after: {SECRET}}}}}"),
        ("a number", f"severity: {{many_runs: {SECRET}}}"),
        ("a choice", f"slack: {{incident_channel: {SECRET}}}"),
        ("an address", f"public_url: https://u:{SECRET}@x"),
        ("a source", f"sources: {{a: {{bearer: [{SECRET}]}}}}"),
    ],
)
def test_a_misplaced_secret_is_not_repeated_in_the_report(tmp_path: Path, where: str, text: str) -> None:
    """Reports show places and names of settings, never values."""
    with pytest.raises(Misconfigured) as caught:
        load(tmp_path, text)
    assert SECRET not in "".join(traceback.format_exception(caught.value)), where


def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    """An empty one counts as not set."""
    for variables in ({}, {"T": ""}, {"T": "  "}):
        reason = reason_of(tmp_path, "agents: {a: {token: '${T}'}}", **variables)
        assert reason == "`agents.a.token`: the environment variable T is not set"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"\xff\xfe", "it is not UTF-8 text"),
        (b"x" * 70_000, "it is over 64 kB"),
        (None, "No such file or directory"),
    ],
)
def test_a_secret_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes | None, reason: str) -> None:
    """The report names the path and the setting as written, with ``_file``."""
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    said = reason_of(tmp_path, "agents: {a: {token_file: token}}")
    assert said == f"`agents.a.token_file`: the secret file {file} cannot be used: {reason}"


@pytest.mark.parametrize("token", ["two words", "tökén", "nul\x00", "line\nbreak"])
def test_a_bearer_token_that_no_header_can_carry_is_refused(tmp_path: Path, token: str) -> None:
    """It would fail at the first call, at night, instead of at the start."""
    (tmp_path / "token").write_text(token, encoding="utf-8")
    assert "visible ASCII" in reason_of(tmp_path, "agents: {a: {token_file: token}}")


def test_settings_never_show_a_secret(tmp_path: Path) -> None:
    """Neither printed nor dumped."""
    variables = {"T": SECRET, "SLACK_BOT_TOKEN": f"xoxb-{SECRET}", "SLACK_SIGNING_SECRET": SECRET}
    text = "agents: {a: {token: '${T}'}}\nsources: {s: {basic: {username: u, password: '${T}'}, extra: '${T}'}}"
    settings = load(tmp_path, text, **variables, PULLCORD_CHAIN_KEY=SECRET)
    for shown in (repr(settings), str(settings), str(settings.model_dump())):
        assert SECRET not in shown
