"""The interactions without Slack and without the store: what each asks for, and what it answers."""

# ruff: noqa: D102 - the methods are those of the two protocols
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.base import Json
from bot.domain.events import Actor, ActorKind
from bot.domain.incident import AlertState, Incident, IncidentRow, IncidentState
from bot.domain.mitigation import MitigationRow, rows_of
from bot.domain.run import Run
from bot.domain.waiting import WaitingApproval
from bot.errors import Refused
from bot.plugin import (
    Click,
    FieldErrors,
    Kind,
    OfferView,
    OpenModal,
    Quiet,
    Reading,
    Registry,
    Reply,
    Say,
    Services,
)
from bot.registry import discover
from bot.views import card_buttons, forms, run_modal
from handlers.slack.help import LINES
from handlers.slack.where import incident_id

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DANA = Actor(kind=ActorKind.PERSON, id="U0DANA", team="T1")


def an_incident(number: int = 1, **more: Any) -> Incident:
    """An open incident of refund-bot."""
    fields: dict[str, Any] = {
        "id": f"INC-{number}",
        "number": number,
        "seq": 1,
        "head": "a",
        "state": IncidentState.OPEN,
        "alert_state": AlertState.FIRING,
        "severity": "SEV2",
        "agent": "refund-bot",
        "name": "RefundTooHigh",
        "opened_at": AT,
        "opened_by": "alertmanager",
        **more,
    }
    return Incident(**fields)


def an_offer(offer_id: str, action: str = "revoke_tool", **more: Any) -> OfferView:
    """A button as it was shown."""
    fields: dict[str, Any] = {"incident": "INC-1", "params": {}, "label": "Revoke issue_refund…", "asks": False, **more}
    return OfferView(id=offer_id, action=action, **fields)


@dataclass
class Desk:
    """Both protocols in memory; ``asked`` is what was requested."""

    incidents: dict[str, Incident]
    channels: dict[str, str] = field(default_factory=dict)
    messages: dict[tuple[str, str], str] = field(default_factory=dict)
    stored: list[OfferView] = field(default_factory=list)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    answer: Reply = field(default_factory=Quiet)
    runs: dict[str, Run] = field(default_factory=dict)

    async def get(self, incident_id: str) -> Incident:
        if incident_id not in self.incidents:
            raise Refused(f"There is no incident {incident_id}.")
        return self.incidents[incident_id]

    async def in_channel(self, channel: str) -> str | None:
        return self.channels.get(channel)

    async def of_message(self, channel: str, ts: str) -> str | None:
        return self.messages.get((channel, ts))

    async def open_ids(self, limit: int) -> Sequence[str]:
        return [i.id for i in self.incidents.values() if i.open][:limit]

    async def run(self, incident: Incident, trace_id: str) -> Run | None:
        return self.runs.get(trace_id)

    async def lifecycle(
        self, incident_id: str, what: str, by: Actor, *, key: str, text: str = "", **extra: Json
    ) -> None:
        self.asked.append((what, incident_id, by.id, key, text, *(str(v) for v in extra.values())))

    async def declare(self, by: Actor, *, key: str, agent: str | None, summary: str, channel: str | None) -> None:
        self.asked.append(("declare", by.id, key, str(agent), summary, str(channel)))

    async def offers(self, incident: Incident) -> Sequence[OfferView]:
        return self.stored

    async def offer(self, offer_id: str) -> OfferView:
        found = next((o for o in self.stored if o.id == offer_id), None)
        if found is None:
            raise Refused("This button is too old.")
        return found

    async def modal(self, offer: OfferView, by: Actor) -> Mapping[str, Json]:
        return {"type": "modal", "private_metadata": offer.id}

    async def preview(self, offer_id: str, by: Actor, values: Mapping[str, Json]) -> Reply:
        self.asked.append(("preview", offer_id, by.id, str(dict(values))))
        return Quiet()

    async def preview_text(self, offer: OfferView, by: Actor) -> str:
        return f"{offer.id} for {by.id}: now <!channel>, then yes"

    async def drill(self, by: Actor, *, agent: str | None, key: str) -> Reply:
        self.asked.append(("drill", by.id, str(agent), key))
        return Say("INC-9 is a drill.")

    async def stop(self, incident_id: str, execution_id: str, by: Actor, *, key: str) -> Reply:
        self.asked.append(("stop", incident_id, execution_id, by.id, key))
        return Quiet()

    async def submit(self, offer_id: str, by: Actor, values: Mapping[str, Json], *, key: str) -> Reply:
        self.asked.append(("submit", offer_id, by.id, key, str(dict(values))))
        return self.answer

    async def mark(self, incident_id: str, execution_id: str, by: Actor, *, done: bool, reason: str, key: str) -> Reply:
        self.asked.append(("mark", incident_id, execution_id, str(done), reason))
        return self.answer

    async def check(self, incident_id: str, execution_id: str, by: Actor, *, key: str) -> Reply:
        self.asked.append(("check", incident_id, execution_id))
        return self.answer

    async def mine(self, by: Actor, limit: int) -> Sequence[IncidentRow]:
        return []

    async def waiting_for(self, by: Actor) -> Sequence[WaitingApproval]:
        return []

    async def mitigations(self, limit: int) -> Sequence[MitigationRow]:
        return [row for incident in self.incidents.values() for row in rows_of(incident)][:limit]

    async def approve(self, incident_id: str, execution_id: str, by: Actor, *, key: str) -> Reply:
        self.asked.append(("approve", incident_id, execution_id))
        return self.answer

    async def reject(self, incident_id: str, execution_id: str, by: Actor, *, reason: str, key: str) -> Reply:
        self.asked.append(("reject", incident_id, execution_id, reason))
        return self.answer

    async def ask(self, incident_id: str, execution_id: str, by: Actor, *, key: str) -> Reply:
        self.asked.append(("ask", incident_id, execution_id))
        return self.answer

    async def break_glass(self, incident_id: str, execution_id: str, by: Actor, *, reason: str, key: str) -> Reply:
        self.asked.append(("break_glass", incident_id, execution_id, reason))
        return self.answer

    async def extend(self, incident_id: str, execution_id: str, length: str, by: Actor, *, key: str) -> Reply:
        self.asked.append(("extend", incident_id, execution_id, length))
        return self.answer

    async def permanent(self, incident_id: str, execution_id: str, by: Actor, *, key: str) -> Reply:
        self.asked.append(("permanent", incident_id, execution_id))
        return self.answer

    async def lapse(self, incident_id: str, execution_id: str, by: Actor, *, key: str) -> Reply:
        self.asked.append(("lapse", incident_id, execution_id))
        return self.answer

    async def may_look(self, by: Actor) -> None:
        if by.id == "U0GUEST":
            raise Refused("Only full members may look.")

    async def may_ask(self, what: str, by: Actor, incident_id: str | None = None) -> None:
        if by.id == "U0GUEST":
            raise Refused(f"You may not {what}.")

    async def page_link(self, incident_id: str, by: Actor) -> str:
        return f"https://pullcord.example/open/{incident_id}-once"

    async def say_later(self, channel: str, by: Actor, text: str, *, key: str) -> None:
        self.asked.append(("say", channel, text))


@pytest.fixture(scope="module")
def registry() -> Registry:
    """The built-in interactions."""
    return discover(["handlers"])


@pytest.fixture
def desk() -> Desk:
    """One open incident with a channel of its own."""
    return Desk({"INC-1": an_incident()}, channels={"C1": "INC-1"})


async def run(registry: Registry, desk: Desk, kind: Kind, name: str, **click: Any) -> Reply:
    """What the interaction answers to Dana's click in the incident's channel, read to its end."""
    made = Click(**{"key": "k", "id": name, "by": DANA, "channel": "C1", **click})
    services = Services(desk, desk, lambda: AT + timedelta(seconds=12))
    reply = await registry.interactions[kind, name].run(made, services)
    return await reply.read() if isinstance(reply, Reading) else reply


def test_every_button_and_modal_that_views_make_has_an_interaction(registry: Registry) -> None:
    """A button that does nothing is the worst button."""
    ids = ("ACK", "TAKE", "RESOLVE", "NOTE", "TIMELINE", "TRAY", "DECLARE", "RUN", "MORE", "CHECK")
    buttons = {
        getattr(card_buttons, name) for name in (*ids, "MARK_DONE", "MARK_NOT_DONE", "SHOW_RUN", "SIMILAR", "OFFERED")
    }
    views = {forms.RESOLVE_SUBMIT, forms.NOTE_SUBMIT, forms.MARK_SUBMIT, forms.DECLARE_SUBMIT, "pullcord_submit"}
    views |= {run_modal.SIMILAR_SUBMIT, run_modal.OFFERED_SUBMIT}
    assert buttons <= {name for kind, name in registry.interactions if kind is Kind.BUTTON}
    assert views <= {name for kind, name in registry.interactions if kind is Kind.VIEW}


def test_help_lists_every_command_and_no_other(registry: Registry) -> None:
    """Except those that answer what comes later, and the tray, which has no word."""
    words = {name for kind, name in registry.interactions if kind is Kind.COMMAND}
    assert {line.split()[0].rstrip(":") for line in LINES} == words - {"tray", "help", "contain"}
    helps = {i.help for i in registry.interactions.values() if i.kind is Kind.COMMAND}
    assert set(LINES) <= helps


@pytest.mark.parametrize(
    ("word", "found"),
    [("INC-42", "INC-42"), ("inc-042", "INC-42"), ("42", "INC-42"), ("", None), ("INC-x", None), ("9" * 20, None)],
)
def test_an_incident_is_named_by_its_id_or_number(word: str, found: str | None) -> None:
    """As people type it."""
    assert incident_id(word) == found


@pytest.mark.parametrize(("name", "what"), [("pullcord_ack", "acknowledge"), ("pullcord_take", "take")])
async def test_a_lifecycle_button_is_one_request_with_the_clicks_key(
    registry: Registry, desk: Desk, name: str, what: str
) -> None:
    """The card shows the outcome, so there is nothing to say."""
    assert await run(registry, desk, Kind.BUTTON, name, value="INC-1") == Quiet()
    assert desk.asked == [(what, "INC-1", "U0DANA", "k", "", "C1")]


async def test_the_second_acknowledgement_says_who_was_first_and_writes_nothing(registry: Registry, desk: Desk) -> None:
    """With how long ago."""
    desk.incidents["INC-1"] = an_incident(acknowledged_by="U0LEE", acknowledged_at=AT)
    reply = await run(registry, desk, Kind.BUTTON, "pullcord_ack", value="INC-1")
    assert isinstance(reply, Say)
    assert "already acknowledged by <@U0LEE>, 12 s ago" in reply.text
    assert desk.asked == []


async def test_without_a_place_several_open_incidents_are_asked_about(registry: Registry, desk: Desk) -> None:
    """Never a guess."""
    desk.incidents["INC-2"] = an_incident(2)
    with pytest.raises(Refused, match="INC-1, INC-2"):
        await run(registry, desk, Kind.COMMAND, "ack", channel="C9")
    await run(registry, desk, Kind.COMMAND, "ack", channel="C9", args="INC-2")
    assert desk.asked[0][:2] == ("acknowledge", "INC-2")


async def test_a_thread_in_a_fixed_channel_finds_its_incident(registry: Registry, desk: Desk) -> None:
    """By the root message, since the channel holds many."""
    desk.messages["C9", "1.1"] = "INC-1"
    await run(registry, desk, Kind.BUTTON, "pullcord_take", channel="C9", thread_ts="1.1", message_ts="2.2")
    assert desk.asked[0][:2] == ("take", "INC-1")


async def test_an_offer_that_asks_opens_its_modal_and_another_is_requested_at_once(
    registry: Registry, desk: Desk
) -> None:
    """The button carries the opaque id only."""
    desk.stored = [an_offer("of_1"), an_offer("of_2", asks=True)]
    assert await run(registry, desk, Kind.BUTTON, "pullcord_run", value="of_1") == Quiet()
    assert desk.asked == [("submit", "of_1", "U0DANA", "k", "{}")]
    opened = await run(registry, desk, Kind.BUTTON, "pullcord_more", value="of_2")
    assert isinstance(opened, OpenModal)
    with pytest.raises(Refused, match="too old"):
        await run(registry, desk, Kind.BUTTON, "pullcord_run", value="forged")


async def test_the_overflow_menu_leads_to_the_tray_and_the_timeline(registry: Registry, desk: Desk) -> None:
    """Both for the clicker alone."""
    tray = await run(registry, desk, Kind.BUTTON, "pullcord_more", value="tray:INC-1")
    assert isinstance(tray, Say)
    assert tray.blocks
    link = await run(registry, desk, Kind.BUTTON, "pullcord_more", value="link:INC-1")
    assert isinstance(link, Say)
    assert "INC-1-once" in link.text


async def test_a_submitted_modal_is_one_request_with_its_values(registry: Registry, desk: Desk) -> None:
    """Validated by the engine, whose field errors keep the modal open."""
    desk.answer = FieldErrors({"model": "Choose one."})
    reply = await run(registry, desk, Kind.VIEW, "pullcord_submit", metadata="of_1", values={"model": "m"})
    assert reply == desk.answer
    assert desk.asked == [("submit", "of_1", "U0DANA", "k", "{'model': 'm'}")]


async def test_run_and_undo_show_buttons_instead_of_loosening_by_a_typed_word(registry: Registry, desk: Desk) -> None:
    """Each button asks before it acts; a verb with a modal opens it at once."""
    desk.stored = [an_offer("of_1"), an_offer("of_2", "pin_model", asks=True), an_offer("of_3", undo_of="ex_1")]
    assert isinstance(await run(registry, desk, Kind.COMMAND, "run", args="pin_model"), OpenModal)
    for word, args in (("run", "revoke_tool"), ("undo", ""), ("undo", "ex_1")):
        reply = await run(registry, desk, Kind.COMMAND, word, args=args)
        assert isinstance(reply, Say)
        assert reply.blocks
    listed = await run(registry, desk, Kind.COMMAND, "run", args="<!channel>")
    assert isinstance(listed, Say)
    assert "pin_model" in listed.text
    assert "<!" not in listed.text
    nothing = await run(registry, desk, Kind.COMMAND, "undo", args="ex_9")
    assert isinstance(nothing, Say)
    assert "nothing" in nothing.text
    assert desk.asked == []


@pytest.mark.parametrize(
    ("name", "metadata", "block"),
    [
        ("pullcord_resolve_submit", "INC-1", "reason"),
        ("pullcord_note_submit", "INC-1", "text"),
        ("pullcord_mark_submit", "INC-1|ex_1|done", "reason"),
        ("pullcord_declare_submit", "C1", "summary"),
    ],
)
async def test_an_empty_field_keeps_the_modal_open(
    registry: Registry, desk: Desk, name: str, metadata: str, block: str
) -> None:
    """With an error at the field; nothing is requested."""
    reply = await run(registry, desk, Kind.VIEW, name, metadata=metadata, values={block: "  "})
    assert isinstance(reply, FieldErrors)
    assert set(reply.errors) == {block}
    assert desk.asked == []


async def test_an_unknown_execution_is_checked_or_marked_with_a_reason(registry: Registry, desk: Desk) -> None:
    """Only a person knows; the reason stands on the timeline."""
    await run(registry, desk, Kind.BUTTON, "pullcord_check", value="INC-1|ex_1")
    assert isinstance(await run(registry, desk, Kind.BUTTON, "pullcord_mark_not_done", value="INC-1|ex_1"), OpenModal)
    for word, done in (("done", "True"), ("not_done", "False")):
        metadata = f"INC-1|ex_1|{word}"
        await run(registry, desk, Kind.VIEW, "pullcord_mark_submit", metadata=metadata, values={"reason": "I looked"})
        assert desk.asked[-1] == ("mark", "INC-1", "ex_1", done, "I looked")
    with pytest.raises(Refused):
        await run(registry, desk, Kind.BUTTON, "pullcord_check", value="forged")


async def test_only_a_pin_on_a_message_of_an_incident_goes_on_the_timeline(registry: Registry, desk: Desk) -> None:
    """The text is fetched by the worker, not in the listener."""
    for reaction, channel in (("eyes", "C1"), ("pushpin", "C9")):
        event = {"reaction": reaction}
        await run(registry, desk, Kind.EVENT, "reaction_added", event=event, channel=channel, message_ts="3.3")
    assert desk.asked == []
    await run(registry, desk, Kind.EVENT, "reaction_added", event={"reaction": "pushpin"}, message_ts="3.3")
    assert desk.asked == [("pin", "INC-1", "U0DANA", "k", "", "C1", "3.3")]


async def test_the_tray_without_an_incident_offers_to_declare_one(registry: Registry) -> None:
    """And names those that are open."""
    reply = await run(registry, Desk({}), Kind.COMMAND, "tray")
    assert isinstance(reply, Say)
    assert "pullcord_declare" in str(reply.blocks)


async def test_hostile_names_stay_text_in_what_a_person_asks_for(registry: Registry) -> None:
    """Names of agents and alerts come from outside."""
    hostile = "<!channel> <https://evil.example|x> *b*"
    desk = Desk({"INC-1": an_incident(name=hostile, agent=hostile)}, channels={"C1": "INC-1"})
    for word in ("status", "who", "effects", "tray"):
        reply = await run(registry, desk, Kind.COMMAND, word)
        assert isinstance(reply, Say)
        assert "<!channel>" not in f"{reply.text}{reply.blocks}"
        assert "<https://evil" not in f"{reply.text}{reply.blocks}"


@pytest.mark.parametrize("word", ["status", "who", "effects", "tray"])
async def test_guests_are_shown_nothing(registry: Registry, desk: Desk, word: str) -> None:
    """A guest may run a command in a channel of theirs; what an incident holds is for full members."""
    guest = Actor(kind=ActorKind.PERSON, id="U0GUEST", team="T1")
    with pytest.raises(Refused, match="full members"):
        await run(registry, desk, Kind.COMMAND, word, by=guest, args="" if word == "tray" else "INC-1")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Kind.BUTTON, "pullcord_resolve"),
        (Kind.BUTTON, "pullcord_note"),
        (Kind.BUTTON, "pullcord_declare"),
        (Kind.COMMAND, "resolve"),
        (Kind.COMMAND, "note"),
        (Kind.COMMAND, "declare"),
    ],
)
async def test_no_modal_opens_for_somebody_who_may_not_send_it(
    registry: Registry, desk: Desk, kind: Kind, name: str
) -> None:
    """Refused at the button, before anything is typed."""
    assert isinstance(await run(registry, desk, kind, name), OpenModal)
    with pytest.raises(Refused, match="You may not"):
        await run(registry, desk, kind, name, by=Actor(kind=ActorKind.PERSON, id="U0GUEST", team="T1"))


@pytest.mark.parametrize(
    ("word", "args"), [("ack", ""), ("take", ""), ("note", "x"), ("resolve", "x"), ("declare", "x")]
)
async def test_a_command_promises_nothing_that_is_not_checked_yet(
    registry: Registry, desk: Desk, word: str, args: str
) -> None:
    """Whether somebody is a guest is asked later: the answer says that it was asked for, and where to look."""
    reply = await run(registry, desk, Kind.COMMAND, word, args=args)
    assert isinstance(reply, Say)
    assert "asked" in reply.text.lower()
    assert "C1" in desk.asked[0]


async def test_preview_asks_with_what_stands_in_the_modal(registry: Registry, desk: Desk) -> None:
    """The offer's id comes back as the modal's metadata; nothing is asked for."""
    clicked = {"metadata": "of_1", "value": "of_other", "values": {"tool": "x"}, "surface": "modal"}
    assert await run(registry, desk, Kind.BUTTON, "pullcord_preview", **clicked) == Quiet()
    assert desk.asked == [("preview", "of_1", "U0DANA", "{'tool': 'x'}")]
    assert registry.interactions[Kind.BUTTON, "pullcord_preview"].reads


async def test_run_and_undo_of_one_action_say_what_it_would_do(registry: Registry, desk: Desk) -> None:
    """Beside its button, before it is pressed; foreign values are plain text."""
    desk.stored = [an_offer("of_1")]
    shown = await run(registry, desk, Kind.COMMAND, "run", args="revoke_tool")
    assert isinstance(shown, Say)
    told = [block["text"] for block in shown.blocks if block["type"] == "section"]
    assert {"type": "plain_text", "text": "of_1 for U0DANA: now <!channel>, then yes", "emoji": False} in told
    assert desk.asked == []


async def test_stop_names_its_execution_and_a_button_without_one_is_refused(registry: Registry, desk: Desk) -> None:
    """Ids only; what it carries proves nothing."""
    assert await run(registry, desk, Kind.BUTTON, "pullcord_stop", value="INC-1|ex_1") == Quiet()
    assert desk.asked == [("stop", "INC-1", "ex_1", "U0DANA", "k")]
    for value in ("", "INC-1", "nonsense|ex_1"):
        with pytest.raises(Refused):
            await run(registry, desk, Kind.BUTTON, "pullcord_stop", value=value)


async def test_drill_takes_an_agent_or_none(registry: Registry, desk: Desk) -> None:
    """``/pullcord drill`` and ``/pullcord drill refund-bot``."""
    await run(registry, desk, Kind.COMMAND, "drill", args="")
    await run(registry, desk, Kind.COMMAND, "drill", args=" refund-bot ")
    assert desk.asked == [("drill", "U0DANA", "None", "k"), ("drill", "U0DANA", "refund-bot", "k")]
