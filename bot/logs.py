"""Logging of the process: structured lines, with secrets taken out of every text before it is written."""

import logging
import sys
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog

Scrub = Callable[[str], str]


def configure(scrub: Scrub, *, pretty: bool | None = None, level: int = logging.INFO) -> None:
    """Send every log line of the process to stderr: for people on a terminal, else one JSON object a line.

    ``scrub`` takes secrets out of a text (``bot.recorder.redact.Redactor.text``).
    """
    for_people = sys.stderr.isatty() if pretty is None else pretty

    def scrubbed(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        for key, value in event.items():
            if isinstance(value, str):
                event[key] = shown(scrub(value))
            elif not isinstance(value, int | float | bool | type(None)):
                event[key] = shown(scrub(str(value))[:2000])  # cut afterwards: half a secret is none that a rule knows
        return event

    def shown(text: str) -> str:
        """Without what would steer a person's terminal; in JSON it is escaped anyway."""
        return "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text) if for_people else text

    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: Any = structlog.dev.ConsoleRenderer() if for_people else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, scrubbed, renderer],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("apscheduler", "httpx", "httpcore", "slack_bolt", "slack_sdk", "aiohttp"):
        logging.getLogger(name).setLevel(logging.WARNING)
