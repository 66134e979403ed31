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
    logging.getLogger("some.library").warning("body: %s", secret)
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
