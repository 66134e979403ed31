"""The Bolt app: generic listeners that turn every payload into a Click and hand it to the one wrapper.

``process_before_response=True``: the answer goes out when the listener ends. With listeners that do one durable write
and return it is both faster and more honest than bolt's polling (measured).
"""

import logging
import re
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse

from bot.plugin import Kind, Registry
from bot.slack import clicks
from bot.slack.client import SlackClient
from bot.slack.identity import Identity
from bot.slack.wrapper import Ack, Wrapper

_ANY = re.compile(r".*", re.DOTALL)


def make_bolt(  # noqa: C901 - one listener per kind of payload, each two lines
    wrapper: Wrapper,
    registry: Registry,
    client: SlackClient,
    identity: Identity,
    *,
    signing_secret: str | None = None,
) -> AsyncApp:
    """The app. ``signing_secret`` for HTTP mode; without it only Socket Mode's connection may dispatch to it."""

    async def authorize(**_context: Any) -> AuthorizeResult:
        # Bolt's own would call auth.test inside the first click; ours is known from the connection's start.
        known = identity.known
        return AuthorizeResult(
            enterprise_id=None,
            team_id=known.team if known else None,
            bot_token=client.web.token,
            bot_id=known.bot if known else None,
            bot_user_id=known.user if known else None,
        )

    app = AsyncApp(
        name="pullcord",
        logger=bolt_logger(),
        client=client.web,
        authorize=authorize,
        signing_secret=signing_secret or "",
        request_verification_enabled=signing_secret is not None,
        process_before_response=True,
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )

    async def on_buttons(ack: AsyncAck, body: dict[str, Any]) -> None:
        for incoming in clicks.buttons(body):
            await wrapper.handle(incoming)
        await ack()

    async def on_submission(ack: AsyncAck, body: dict[str, Any]) -> None:
        await _acknowledge(ack, await wrapper.handle(clicks.submission(body)))

    async def on_command(ack: AsyncAck, body: dict[str, Any]) -> None:
        await _acknowledge(ack, await wrapper.handle(clicks.command(body)))

    async def on_shortcut(ack: AsyncAck, body: dict[str, Any]) -> None:
        await wrapper.handle(clicks.shortcut(body))
        await ack()

    async def on_event(ack: AsyncAck, body: dict[str, Any]) -> BoltResponse | None:
        answer = await wrapper.handle(clicks.event(body))
        if answer.again:
            return BoltResponse(status=503, body="")  # not acknowledged: Slack delivers it again
        await ack()
        return None

    app.action(_ANY)(on_buttons)
    app.view(_ANY)(on_submission)
    app.command(clicks.COMMAND)(on_command)
    app.shortcut(_ANY)(on_shortcut)
    for kind, name in registry.interactions:
        if kind is Kind.EVENT:
            app.event(name)(on_event)
    return app


async def _acknowledge(ack: AsyncAck, answer: Ack) -> None:
    await ack(**answer.payload) if answer.payload else await ack()


class _Calm(logging.Filter):
    """Bolt and the SDK log every lost connection as an error with a traceback; here it is a warning in one line."""

    def filter(self, record: logging.LogRecord) -> bool:
        if "will be ignored" in record.getMessage():  # token and authorize are given both, on purpose
            return False
        if record.levelno >= logging.ERROR:
            record.levelno, record.levelname = logging.WARNING, "WARNING"
            record.exc_info = record.exc_text = None
        return True


def bolt_logger(name: str = "bot.slack.bolt") -> logging.Logger:
    """The logger for Bolt and the socket client: never DEBUG (it logs whole payloads), nothing louder than WARNING."""
    logger = logging.getLogger(name)
    logger.setLevel(logging.INFO)
    if not any(isinstance(f, _Calm) for f in logger.filters):
        logger.addFilter(_Calm())
    return logger
