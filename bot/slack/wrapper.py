"""The one wrapper round every interaction: it never raises, bounds the write, and always ends in something visible.

Why so strict: bolt loses the acknowledgement of a listener that raises soon after it (measured), and a click whose
outcome nobody is told is pressed again by a tired person. What may not run twice is kept from it by the operation id
(``Click.key``) of the one durable write that a handler makes; the list of recent keys here only spares the work of a
second delivery.
"""

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import structlog

from bot.errors import Busy, OutcomeUnknown, PullcordError, Refused
from bot.plugin import (
    FieldErrors,
    Interaction,
    Kind,
    OpenModal,
    Quiet,
    Reading,
    Registry,
    Reply,
    Say,
    Services,
    ShowHome,
    UpdateModal,
)
from bot.slack import texts
from bot.slack.answers import Answer, Answers
from bot.slack.clicks import Incoming
from bot.slack.client import SlackClient
from bot.slack.homes import Homes
from bot.slack.identity import Identity
from bot.slack.metrics import CLICK_SECONDS, CLICKS
from bot.slack.safe import defang
from bot.slack.surfaces import Surfaces

_LOG = structlog.get_logger(__name__)
WRITE_SECONDS = 0.4
"""A handler reads, and makes one write bounded at 0.2 s; the clicker sees something within 500 ms."""
_LATE_SECONDS = 5.0
_NOT_CONFIRMED = texts.NOT_CONFIRMED.partition(";")[0]
_REMEMBERED = 2000


@dataclass(frozen=True, slots=True)
class Ack:
    """What Slack is answered at once: the acknowledgement's body, or (``again``) none, so that it delivers again."""

    payload: dict[str, Any] = field(default_factory=dict)
    again: bool = False


class Wrapper:
    """Runs interactions. ``run`` owns the tasks and must be running before the first click."""

    def __init__(
        self,
        registry: Registry,
        services: Services,
        client: SlackClient,
        identity: Identity,
        *,
        write_seconds: float = WRITE_SECONDS,
    ) -> None:
        """``write_seconds``: how long a handler may take before the clicker is told that it is not confirmed."""
        self._registry = registry
        self._services = services
        self._client = client
        self._identity = identity
        self._write_seconds = write_seconds
        self.answers = Answers(client)
        self._surfaces = Surfaces(client)
        self._homes = Homes(self._show_home)
        self._group: asyncio.TaskGroup | None = None
        self._recent: OrderedDict[str, None] = OrderedDict()

    async def run(self) -> None:
        """Own the answers and the handlers that outlive their acknowledgement, until cancelled."""
        async with asyncio.TaskGroup() as outer:
            outer.create_task(self.answers.run())
            try:
                async with asyncio.TaskGroup() as group:
                    self._group = group
                    await asyncio.Event().wait()
            finally:
                self._group = None

    async def handle(self, incoming: Incoming) -> Ack:
        """Answer one interaction within 3 s, whatever happens."""
        started = time.monotonic()
        try:
            outcome, ack = await self._handle(incoming, started)
        except Exception:  # noqa: BLE001 - a listener must never raise
            outcome, ack = "failed", self._broken(incoming)
        CLICKS.labels(incoming.kind.value, outcome).inc()
        CLICK_SECONDS.observe(time.monotonic() - started)
        return ack

    async def _handle(self, incoming: Incoming, started: float) -> tuple[str, Ack]:  # noqa: PLR0911 - one per outcome
        if incoming.link and self._find(incoming) is None:
            return "link", Ack()
        refusal = self._refusal(incoming)
        if refusal is not None:
            return "refused", self._refuse(incoming, refusal)
        interaction = self._find(incoming)
        if interaction is None:
            return "unknown", self._unknown(incoming)
        if self._seen(incoming):
            return "repeat", Ack()
        group = self._group
        if group is None:
            return "stopping", self._not_confirmed(incoming)
        task = group.create_task(self._reply(interaction, incoming))
        if self._homes.touched(incoming):
            group.create_task(self._homes.follow(incoming))
        done, _ = await asyncio.wait({task}, timeout=self._write_seconds)
        if not done:
            group.create_task(self._late(task, incoming, started))
            return "late", Ack() if interaction.reads else self._not_confirmed(incoming)
        reply = None if task.cancelled() else task.result()
        if isinstance(reply, Reading):
            group.create_task(self._late(task, incoming, started))
            return "reading", Ack()
        if reply is None:
            self._recent.pop(incoming.click.key, None)
            return "not_confirmed", self._not_confirmed(incoming)
        return "answered", await self._deliver(incoming, reply, started)

    async def _reply(self, interaction: Interaction, incoming: Incoming) -> Reply | None:
        return await self._bounded(incoming, lambda: interaction.run(incoming.click, self._services))

    async def _bounded(self, incoming: Incoming, answer: Callable[[], Awaitable[Reply]]) -> Reply | None:
        """The handler's reply; None when its write was not confirmed. Never raises."""
        try:
            async with asyncio.timeout(_LATE_SECONDS):
                return await answer()
        except (OutcomeUnknown, TimeoutError):
            return None
        except Refused as error:
            return _refused(incoming, error)
        except Busy as error:
            return Say(defang(f"{error} Try again in {error.retry_after} s."))
        except PullcordError as error:
            return Say(defang(str(error)))
        except Exception:  # noqa: BLE001 - our own fault; the clicker still gets an answer
            reference = secrets.token_hex(4)
            _LOG.exception("interaction failed", interaction=incoming.click.id, reference=reference)
            return Say(texts.broken(reference))

    async def _late(self, task: "asyncio.Task[Reply | None]", incoming: Incoming, started: float) -> None:
        """A handler that outlived its bound: what it says in the end is still told."""
        reply = await task
        if isinstance(reply, Reading):
            reply = await self._bounded(incoming, reply.read) or Say(texts.MODAL_LATE)
        if reply is None:
            self._recent.pop(incoming.click.key, None)
            return
        quiet = incoming.kind is Kind.EVENT and not isinstance(reply, ShowHome)
        if quiet or (isinstance(reply, Say) and reply.text.startswith(_NOT_CONFIRMED)):
            return
        if isinstance(reply, Quiet | Reading):
            reply = Say(texts.CONFIRMED_NOW)
        if isinstance(reply, OpenModal | UpdateModal | ShowHome):
            await self._show(incoming, reply, started)
        else:
            self._say(incoming, _told(reply) if isinstance(reply, FieldErrors) else reply)

    async def _deliver(self, incoming: Incoming, reply: Reply, started: float) -> Ack:
        if isinstance(reply, FieldErrors):
            if incoming.kind is Kind.VIEW:
                return Ack({"response_action": "errors", "errors": dict(reply.errors)})
            reply = _told(reply)
        if isinstance(reply, OpenModal | UpdateModal) and incoming.kind is Kind.VIEW:
            return Ack({"response_action": "update", "view": dict(reply.view)})
        if isinstance(reply, OpenModal | UpdateModal | ShowHome):
            await self._show(incoming, reply, started)
            return Ack()
        if isinstance(reply, Quiet | Reading):
            return Ack()
        if incoming.kind is Kind.BUTTON and incoming.click.surface == "modal" and not reply.blocks:
            unseen = await self._surfaces.note(incoming, reply.text, started)
            return Ack() if unseen is None else self._tell(incoming, reply)
        return self._tell(incoming, reply)

    async def _show_home(self, incoming: Incoming) -> None:
        """The Home tab as it is now, as if it had been opened; quietly, since nobody asked."""
        interaction = self._find(incoming)
        reply = await self._reply(interaction, incoming) if interaction is not None else None
        try:
            if isinstance(reply, ShowHome):
                await self._surfaces.publish(incoming, reply.blocks)
        except Exception:  # noqa: BLE001 - it runs in the group of all handlers
            _LOG.exception("home tab not made again")

    async def _show(self, incoming: Incoming, reply: OpenModal | UpdateModal | ShowHome, started: float) -> None:
        """Show a modal or a Home tab; where that fails, say so."""
        if isinstance(reply, ShowHome):
            problem = await self._surfaces.publish(incoming, reply.blocks)
        elif isinstance(reply, UpdateModal) and incoming.click.surface == "modal":
            problem = await self._surfaces.update(incoming, reply.view, started)
        else:
            problem = await self._surfaces.open(incoming, reply.view, started)
        if problem is not None:
            self._say(incoming, Say(problem))

    def _tell(self, incoming: Incoming, reply: Say) -> Ack:
        """A command is answered in its acknowledgement; anything else after it."""
        if incoming.kind is Kind.COMMAND:
            payload: dict[str, Any] = {"response_type": "ephemeral", "text": reply.text[:3000] or "Done."}
            if reply.blocks:
                payload["blocks"] = [dict(block) for block in reply.blocks]
            return Ack(payload)
        self._say(incoming, reply)
        return Ack()

    def _say(self, incoming: Incoming, reply: Say) -> None:
        click, text, blocks = incoming.click, reply.text, reply.blocks
        self.answers.say(Answer(click.by.id, text, blocks, click.channel, click.thread_ts, incoming.response_url))

    def _not_confirmed(self, incoming: Incoming) -> Ack:
        if incoming.kind is Kind.EVENT:
            return Ack(again=True)
        if incoming.kind is Kind.VIEW and incoming.first_input is not None:
            # the modal stays open; sent again it has the same key, so it cannot run twice
            return Ack({"response_action": "errors", "errors": {incoming.first_input: texts.NOT_CONFIRMED}})
        command = incoming.kind is Kind.COMMAND
        return self._tell(incoming, Say(texts.NOT_CONFIRMED_COMMAND if command else texts.NOT_CONFIRMED))

    def _broken(self, incoming: Incoming) -> Ack:
        reference = secrets.token_hex(4)
        _LOG.exception("interaction wrapper failed", interaction=incoming.click.id, reference=reference)
        return Ack() if incoming.kind is Kind.EVENT else self._tell(incoming, Say(texts.broken(reference)))

    def _unknown(self, incoming: Incoming) -> Ack:
        if incoming.kind is Kind.EVENT:
            return Ack()
        name = incoming.click.id
        known = texts.unknown_word(name) if incoming.kind is Kind.COMMAND else texts.unknown_click(name)
        return self._tell(incoming, Say(known))

    def _refusal(self, incoming: Incoming) -> Say | None:
        """Refuse what comes through or from a workspace or app that is not ours, before anything is read."""
        if not self._identity.is_app(incoming.app):
            return Say(texts.OTHER_APP)
        serves = self._identity.serves(incoming.team)
        if serves is None:
            return Say(texts.STARTING)
        if not serves:
            return Say(texts.OTHER_WORKSPACE)
        return None if incoming.click.by.id else Say(texts.NO_PERSON)

    def _refuse(self, incoming: Incoming, refusal: Say) -> Ack:
        """A person is told; an event has nobody to tell, and comes again while we do not know who we are."""
        if incoming.kind is Kind.EVENT:
            return Ack(again=refusal.text == texts.STARTING)
        if incoming.kind is Kind.VIEW and incoming.first_input is not None:
            return Ack({"response_action": "errors", "errors": {incoming.first_input: refusal.text}})
        return self._tell(incoming, refusal)

    def _find(self, incoming: Incoming) -> Interaction | None:
        name = incoming.click.id
        found = self._registry.interactions.get((incoming.kind, name))
        return found or self._registry.interactions.get((incoming.kind, name.partition(":")[0]))

    def _seen(self, incoming: Incoming) -> bool:
        """True for a second delivery of one interaction. A view may come again: its first answer may have been lost."""
        if incoming.kind is Kind.VIEW:
            return False
        key = incoming.click.key
        if key in self._recent:
            self._recent.move_to_end(key)
            return True
        self._recent[key] = None
        if len(self._recent) > _REMEMBERED:
            self._recent.popitem(last=False)
        return False


def _told(errors: FieldErrors) -> Say:
    return Say(defang("; ".join(errors.errors.values())))


def _refused(incoming: Incoming, error: Refused) -> Reply:
    text = defang(f"{error} {error.who_may or ''}".strip())
    values = incoming.click.values
    if incoming.kind is Kind.VIEW and error.field is not None and error.field in values:
        return FieldErrors({error.field: text})
    return Say(text)
