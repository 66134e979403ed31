"""Log lines: one JSON object each, with secrets taken out of messages, fields and tracebacks."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from bot.logs import configure
from bot.recorder.redact import Redactor


@pytest.fixture
def quiet_root() -> Iterator[None]:
    """Put logging back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_no_secret_reaches_the_log(capsys: pytest.CaptureFixture[str], quiet_root: None) -> None:
    """In the text, in a field, in a foreign library's line, and in an exception's own words."""
    secret = "xoxb-" + "123456789012-" + "a1B2" * 6
    configure(Redactor().text, pretty=False)
    log = structlog.get_logger("bot.test")
    told = f"token {secret}"
    log.info(told, field=f"again {secret}", nested={"deep": secret})
    logging.getLogger("other.package").warning("body: %s", secret)
    try:
        raise RuntimeError(f"failed with {secret}")
    except RuntimeError:
        log.exception("broke")
    written = capsys.readouterr().err
    assert secret not in written
    lines = [json.loads(line) for line in written.splitlines()]
    assert len(lines) == 3
    assert all("redacted" in json.dumps(line) for line in lines)
    assert {line["level"] for line in lines} == {"info", "warning", "error"}


def test_a_secret_at_the_cut_of_a_long_value_is_taken_out_too(
    capsys: pytest.CaptureFixture[str], quiet_root: None
) -> None:
    """Values are cut after the redaction: a rule does not know half a secret."""
    secret = "xoxb-" + "123456789012-" + "a1B2" * 6
    configure(Redactor().text, pretty=False)
    structlog.get_logger("bot.test").info("long", value=["a" * 1_979, secret])
    assert "xoxb-" not in capsys.readouterr().err


def test_foreign_text_does_not_steer_a_terminal(capsys: pytest.CaptureFixture[str], quiet_root: None) -> None:
    """An agent's name with an escape sequence stays text."""
    configure(Redactor().text, pretty=True)
    structlog.get_logger("bot.test").info("seen", agent="refund\x1b]0;owned\x07\x1b[2J")
    written = capsys.readouterr().err
    assert "owned" in written
    assert "\x1b]0" not in written
    assert "\x07" not in written
    assert "\x1b[2J" not in written
