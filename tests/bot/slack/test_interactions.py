"""The front door: a person presses something in the workspace, Bolt hears it over Socket Mode, the engine stores it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

import pytest_asyncio
from redis import Redis

from bot.domain.events import IncidentResolved, NoteAdded
from bot.domain.work import Work
from bot.engine.engine import Engine
from bot.engine.planning import ControlPlanes
from bot.paging.paging import Paging, first_page
from bot.plugin import Services
from bot.ports import Clock, DesiredState
from bot.registry import discover
from bot.settings import Environment, RoleSettings, Settings
from bot.slack.start import SlackParts, start_slack
from bot.slack.texts import NOT_CONFIRMED
from bot.timeline.store import Store
from bot.timeline.timeline import Write
from bot.work.consumer import Consumer
from sandbox.slack.server import SlackSandbox
from tests.bot.slack.incidents import AT, DANA, open_one
from tests.bot.slack.workspace import announce_channel, settings_for
from tests.support.clock import WallClock
from tests.support.waiting import wait_until


@dataclass
class House:
    """Everything a process has between Slack and the store."""

    slack: SlackSandbox
    store: Store
    settings: Settings
    parts: SlackParts
    channel: str

    async def opened(self) -> tuple[str, str, str]:
        """A paged incident with its card: id, channel, ts."""
        found = await open_one(self.store, work=(first_page("INC-1"),))

        async def posted() -> bool:
            incident = await self.store.incidents.read(found.incident_id)
            return incident.root_ts is not None and incident.announced_ts is not None

        await wait_until(posted)
        incident = await self.store.incidents.read(found.incident_id)
        return found.incident_id, str(incident.channel), str(incident.root_ts)


@pytest_asyncio.fixture
async def house(slack: SlackSandbox, store: Store, clock: WallClock) -> AsyncIterator[House]:
    """The real engine, consumer, socket, poster and paging against the stand-in workspace."""
    channel = await announce_channel(slack)
    environment = Environment.of(
        {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token, "SLACK_API_URL": slack.base_url}
    )
    roles = RoleSettings(responder=("U0DANA", "U0LEE"), commander=("U0LEE",))
    settings = settings_for(channel).model_copy(update={"environment": environment, "roles": roles})
    registry = discover(["handlers", "runbooks"])
    async with start_slack(store, registry, settings, clock) as parts:
        planes = ControlPlanes(registry, settings, {DesiredState: store.desired, Clock: clock})
        engine = Engine(store, registry, settings, planes, parts.chat, clock)
        parts.connect(Services(engine.incidents, engine.requests, clock.now), engine.offers)
        paging = Paging(store, parts.chat, settings, clock)
        consumer = Consumer(store, {**engine.handlers, Work.PAGE: paging.handle}, clock, name="test")
        tasks = [asyncio.create_task(loop()) for loop in (*parts.loops().values(), consumer.run)]
        try:
            await slack.wait_connected()
            yield House(slack, store, settings, parts, channel)
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task


async def test_an_incident_is_announced_with_a_mention_and_dana_gets_a_direct_message(house: House) -> None:
    """Step 0: a mention in the fixed channel, a direct message with Acknowledge, and both on the timeline."""
    incident_id, _, _ = await house.opened()
    called = await house.slack.mentions("U0DANA")
    assert any(m["channel"] == house.channel for m in called)
    assert any(m["channel"].startswith("D") for m in called)
    pages = (await house.store.incidents.read(incident_id)).pages
    assert {(p.user, p.how, p.delivered) for p in pages} == {
        ("U0DANA", "mention", True),
        ("U0DANA", "direct_message", True),
    }


async def test_acknowledging_stops_the_escalation_and_the_second_person_is_told_who_was_first(house: House) -> None:
    """The due time of the next step is gone with the same write."""
    incident_id, channel, ts = await house.opened()
    assert await house.store.work.due_at(f"page:{incident_id}:1") is not None
    first = await house.slack.click("dana", channel, ts, "pullcord_ack")
    assert first["acked"]
    await wait_until(lambda: _acknowledged(house, incident_id))
    assert await house.store.work.due_at(f"page:{incident_id}:1") is None
    second = await house.slack.click("lee", channel, ts, "pullcord_ack", stale=True)
    assert second["acked"]
    await wait_until(lambda: _told(house, "lee", channel, "already acknowledged by <@U0DANA>"))


async def test_the_button_in_the_direct_message_acknowledges_too(house: House) -> None:
    """On a phone at night the direct message is all that is open."""
    incident_id, _, _ = await house.opened()
    direct = next(m for m in await house.slack.mentions("U0DANA") if m["channel"].startswith("D"))
    await house.slack.click("dana", direct["channel"], direct["ts"], "pullcord_ack")
    await wait_until(lambda: _acknowledged(house, incident_id))


async def test_the_direct_message_is_corrected_when_somebody_has_it_and_when_it_is_over(house: House) -> None:
    """Whoever was woken sees who has it, no Acknowledge that is stale, and where the channel is."""
    incident_id, channel, ts = await house.opened()
    direct = next(m for m in await house.slack.mentions("U0DANA") if m["channel"].startswith("D"))

    async def shows(*parts: str, absent: str) -> bool:
        message = await house.slack.find_message(direct["channel"], ts=direct["ts"])
        body = json.dumps((message or {}).get("blocks"))
        return all(part in body for part in parts) and absent not in body

    await wait_until(lambda: shows("You are on call.", "pullcord_ack", f"<#{channel}>", absent="has it."))
    await house.slack.click("lee", channel, ts, "pullcord_ack")
    await wait_until(lambda: shows("*<@U0LEE> has it.*", "Acknowledged", absent="pullcord_ack"))
    done = IncidentResolved(at=AT, by=DANA, reason="over")
    await house.store.incidents.write(incident_id, "over", lambda _i: Write(events=(done,)))
    await wait_until(lambda: shows("*Resolved by <@U0DANA>.*", absent="pullcord_ack"))


async def test_resolving_asks_for_a_reason_in_a_modal(house: House) -> None:
    """The modal opens within its three seconds; the reason lands on the timeline."""
    incident_id, channel, ts = await house.opened()
    await house.slack.click("dana", channel, ts, "pullcord_resolve")
    await wait_until(lambda: house.slack.views("dana"))
    view = (await house.slack.views("dana"))[-1]
    done = await house.slack.submit_view("dana", view["id"], {"reason": {"value": "all refunds were stopped"}})
    assert done["acked"]
    await wait_until(lambda: _resolved(house, incident_id))
    assert (await house.store.incidents.read(incident_id)).resolution == "all refunds were stopped"


async def test_a_slash_command_is_answered_in_its_acknowledgement(house: House) -> None:
    """Help, an unknown word, a note, the state: always something visible for the asker alone."""
    _, channel, _ = await house.opened()
    for text, expected in (
        ("help", "What /pullcord can do"),
        ("frobnicate", "is not a command"),
        ("status", "INC-1"),
        ("who", "has it"),
        ("effects", "Effects are unknown, not zero"),
        ("timeline", "good once"),
        ("", "What can be done about"),
        ("run nonsense", "offers"),
        ("contain", "does not track"),
        ("note look at <!channel> this", "goes on the timeline"),
    ):
        await house.slack.slash("dana", channel, "/pullcord", text)
        await wait_until(lambda expected=expected: _told(house, "dana", channel, expected), 5, f"{text!r}: {expected}")  # type: ignore[misc]
    await wait_until(lambda: _notes(house, "INC-1", 1))


async def test_a_person_declares_an_incident(house: House) -> None:
    """It is opened by the worker and its card comes."""
    await house.slack.slash("lee", house.channel, "/pullcord", "declare refund-bot pays everybody")
    await wait_until(house.store.incidents.open_ids)


async def test_a_pushpin_puts_the_message_on_the_timeline(house: House) -> None:
    """With its author and text; the event repeated under the same id changes nothing."""
    incident_id, channel, _ = await house.opened()
    await house.slack.join("lee", channel)
    said = await house.slack.post("lee", channel, "the customer called at noon")
    await house.slack.react("lee", channel, said["ts"], "pushpin")
    await wait_until(lambda: _notes(house, incident_id, 1))
    event = next(e for e in await house.slack.events() if e["event"]["type"] == "reaction_added")
    await house.slack.repeat_event(event["event_id"])
    await asyncio.sleep(0.3)
    assert (await house.store.incidents.read(incident_id)).notes == 1


async def test_somebody_from_another_workspace_is_refused_visibly(house: House) -> None:
    """A stranger over Slack Connect may not acknowledge."""
    incident_id, channel, ts = await house.opened()
    await house.slack.join("eve", channel)
    await house.slack.click("eve", channel, ts, "pullcord_ack")
    await wait_until(lambda: house.slack.ephemerals("eve", channel))
    assert (await house.store.incidents.read(incident_id)).acknowledged_by is None


async def test_a_click_while_the_store_is_stalled_is_answered_within_half_a_second(house: House, raw: Redis) -> None:
    """Visible, says that pressing again is safe, and the socket's acknowledgement is in time."""
    _, channel, ts = await house.opened()
    raw.execute_command("CLIENT", "PAUSE", "1500", "ALL")  # type: ignore[no-untyped-call]
    started = time.monotonic()
    done = await house.slack.click("dana", channel, ts, "pullcord_ack")
    assert done["acked"]
    await wait_until(lambda: _told(house, "dana", channel, NOT_CONFIRMED.partition(";")[0]), 2)
    assert time.monotonic() - started < 1.0
    await asyncio.sleep(1.6 - (time.monotonic() - started))


async def test_the_socket_is_connected_anew_after_slack_cut_it(house: House) -> None:
    """A recycled socket is no outage: the next click works."""
    incident_id, channel, ts = await house.opened()
    await house.slack.disconnect_sockets("refresh_requested")
    await asyncio.sleep(0.1)
    await house.slack.wait_connected()
    await house.slack.click("dana", channel, ts, "pullcord_take")
    await wait_until(lambda: _acknowledged(house, incident_id))


async def test_a_message_shortcut_pins_with_the_authors_words(house: House) -> None:
    """Text, author, time and link are the message's own; the bot reacts."""
    incident_id, channel, _ = await house.opened()
    await house.slack.join("lee", channel)
    said = await house.slack.post("lee", channel, "it began with order 81")
    await house.slack.shortcut("dana", "pullcord_pin", channel, said["ts"])
    await wait_until(lambda: _notes(house, incident_id, 1))
    entries = await house.store.incidents.entries(incident_id)
    note = next(e.event for e in entries if isinstance(e.event, NoteAdded))
    assert (note.text, note.author, note.by.id, note.pinned) == ("it began with order 81", "U0LEE", "U0DANA", True)
    await wait_until(lambda: _reacted(house, channel, said["ts"]))


async def _reacted(house: House, channel: str, ts: str) -> bool:
    found = await house.slack.find_message(channel, ts=ts)
    return any(r["name"] == "white_check_mark" for r in (found or {}).get("reactions", []))


async def _acknowledged(house: House, incident_id: str) -> bool:
    return (await house.store.incidents.read(incident_id)).acknowledged_by is not None


async def _resolved(house: House, incident_id: str) -> bool:
    return not (await house.store.incidents.read(incident_id)).open


async def _notes(house: House, incident_id: str, count: int) -> bool:
    return (await house.store.incidents.read(incident_id)).notes == count


async def _told(house: House, user: str, channel: str, words: str) -> bool:
    said = await house.slack.ephemerals(user, channel)
    shown = [str(i.get("shown") or "") for i in await house.slack.interactions()]
    return any(words in m["text"] or words in str(m.get("blocks")) for m in said) or any(words in s for s in shown)
