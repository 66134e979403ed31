"""Slack's payloads as Clicks: pure functions, tolerant of what they do not know.

Payload shapes: Slack's references "Interaction payloads", "Slash commands" and "Events API". Everything in them except
who sent it is the client's word and proves nothing.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.domain.base import Json
from bot.domain.events import Actor, ActorKind
from bot.plugin import Click, Kind

_MAX_TEXT = 3000
_SINGLE = (
    "value",
    "selected_date",
    "selected_time",
    "selected_user",
    "selected_channel",
    "selected_conversation",
)
COMMAND = "/pullcord"
HOME_OPENED = "app_home_opened"
NO_WORD = "tray"
"""The command interaction that answers ``/pullcord`` without words."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A Click with what only the wrapper needs: how to answer it.

    ``team`` is the workspace that it came through, ``app`` the app that it is for, ``first_input`` the block id of a
    submitted view's first field, ``view`` the view that it happened in, as Slack sent it.
    """

    kind: Kind
    click: Click
    team: str | None
    trigger_id: str | None = None
    response_url: str | None = None
    first_input: str | None = None
    link: bool = False
    app: str | None = None
    view: Mapping[str, Any] = field(default_factory=dict)


def buttons(body: Mapping[str, Any]) -> Iterator[Incoming]:
    """``block_actions``: one Click for each action (mostly one)."""
    container = _map(body.get("container"))
    message = _map(body.get("message"))
    view = _map(body.get("view"))
    state = _map(_map(body.get("state")) or _map(view.get("state")))
    ts = _text(container.get("message_ts")) or _text(message.get("ts"))
    by = _person(body)
    for raw in _list(body.get("actions")):
        action = _map(raw)
        action_id = _text(action.get("action_id"))
        place = ts or _text(container.get("view_id")) or _text(view.get("id"))
        click = Click(
            key=_key("click", place, action_id, _text(action.get("action_ts")), by.id),
            id=action_id,
            by=by,
            channel=_text(container.get("channel_id")) or _text(_map(body.get("channel")).get("id")) or None,
            message_ts=ts or None,
            thread_ts=_text(container.get("thread_ts")) or _text(message.get("thread_ts")) or None,
            value=_chosen(action),
            values=_values(state),
            metadata=_text(view.get("private_metadata")),
            view=_text(view.get("id")),
            surface=_text(view.get("type")),
        )
        yield Incoming(
            kind=Kind.BUTTON,
            click=click,
            team=_team(body),
            app=_app(body),
            view=view,
            trigger_id=_text(body.get("trigger_id")) or None,
            response_url=_text(body.get("response_url")) or None,
            link=bool(action.get("url")),
        )


def submission(body: Mapping[str, Any]) -> Incoming:
    """``view_submission``. Its key is the view's id: the same modal sent twice is one request."""
    view = _map(body.get("view"))
    by = _person(body)
    inputs = (b for b in _list(view.get("blocks")) if isinstance(b, Mapping) and b.get("type") == "input")
    click = Click(
        key=_key("view", _text(view.get("id")), _text(view.get("callback_id")), by.id),
        id=_text(view.get("callback_id")),
        by=by,
        values=_values(_map(view.get("state"))),
        metadata=_text(view.get("private_metadata")),
        view=_text(view.get("id")),
        surface=_text(view.get("type")),
    )
    return Incoming(
        kind=Kind.VIEW,
        click=click,
        team=_team(body),
        app=_app(body),
        view=view,
        trigger_id=_text(body.get("trigger_id")) or None,
        first_input=next((_text(b.get("block_id")) for b in inputs), None),
    )


def command(body: Mapping[str, Any]) -> Incoming:
    """A slash command. The interaction is named by its first word, ``args`` are the rest."""
    words = _text(body.get("text")).strip()
    word, _, rest = words.partition(" ")
    by = Actor(kind=ActorKind.PERSON, id=_text(body.get("user_id")), team=_team(body))
    click = Click(
        key=_key("command", _text(body.get("trigger_id")), by.id),
        id=word.lower()[:40] or NO_WORD,
        by=by,
        channel=_text(body.get("channel_id")) or None,
        args=rest.strip(),
    )
    return Incoming(
        kind=Kind.COMMAND,
        click=click,
        team=_team(body),
        app=_app(body),
        trigger_id=_text(body.get("trigger_id")) or None,
        response_url=_text(body.get("response_url")) or None,
    )


def shortcut(body: Mapping[str, Any]) -> Incoming:
    """A shortcut on a message (``message_action``) or a global one (``shortcut``)."""
    message = _map(body.get("message"))
    by = _person(body)
    click = Click(
        key=_key("shortcut", _text(body.get("trigger_id")) or _text(body.get("action_ts")), by.id),
        id=_text(body.get("callback_id")),
        by=by,
        channel=_text(_map(body.get("channel")).get("id")) or None,
        message_ts=_text(message.get("ts")) or _text(body.get("message_ts")) or None,
        thread_ts=_text(message.get("thread_ts")) or None,
        value=_text(message.get("text"))[:_MAX_TEXT],
        event={"user": _text(message.get("user")) or _text(message.get("bot_id"))},
    )
    return Incoming(
        kind=Kind.SHORTCUT,
        click=click,
        team=_team(body),
        app=_app(body),
        trigger_id=_text(body.get("trigger_id")) or None,
        response_url=_text(body.get("response_url")) or None,
    )


def event(body: Mapping[str, Any]) -> Incoming:
    """An event of the Events API. Its key is the event id: Slack delivers at least once."""
    inner = _map(body.get("event"))
    item = _map(inner.get("item"))
    by = Actor(kind=ActorKind.PERSON, id=_text(inner.get("user")), team=_text(inner.get("user_team")) or _team(body))
    scalars: dict[str, Json] = {k: v for k, v in inner.items() if isinstance(v, str | int | bool)}
    click = Click(
        key=_key("event", _text(body.get("event_id"))),
        id=_text(inner.get("type")),
        by=by,
        channel=_text(item.get("channel")) or _text(inner.get("channel")) or None,
        message_ts=_text(item.get("ts")) or _text(inner.get("ts")) or None,
        thread_ts=_text(inner.get("thread_ts")) or None,
        value=_text(inner.get("text"))[:_MAX_TEXT],
        event={k: v[:_MAX_TEXT] if isinstance(v, str) else v for k, v in scalars.items()},
    )
    return Incoming(kind=Kind.EVENT, click=click, team=_team(body), app=_app(body))


def _key(*parts: str) -> str:
    return f"{parts[0]}_" + hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:32]


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _team(body: Mapping[str, Any]) -> str | None:
    team = body.get("team")
    return _text(_map(team).get("id")) or _text(body.get("team_id")) or None


def _app(body: Mapping[str, Any]) -> str | None:
    return _text(body.get("api_app_id")) or None


def _person(body: Mapping[str, Any]) -> Actor:
    """Who: with the person's own workspace, which is not ours for a guest over Slack Connect."""
    user = _map(body.get("user"))
    return Actor(kind=ActorKind.PERSON, id=_text(user.get("id")), team=_text(user.get("team_id")) or _team(body))


def _chosen(element: Mapping[str, Any]) -> str:
    """What a button carries, or what was chosen in a menu."""
    option = _map(element.get("selected_option"))
    return _text(element.get("value")) or _text(option.get("value"))


def _values(state: Mapping[str, Any]) -> dict[str, Json]:
    """A view's fields by block id; an empty field is None, several choices a list."""
    found: dict[str, Json] = {}
    for block_id, elements in _map(state.get("values")).items():
        for element in _map(elements).values():
            found[str(block_id)] = _field(_map(element))
    return found


def _field(element: Mapping[str, Any]) -> Json:
    many = element.get("selected_options")
    if isinstance(many, list):
        return [_text(_map(option).get("value")) for option in many]
    for name in _SINGLE:
        if isinstance(element.get(name), str):
            return str(element[name])
    option = _map(element.get("selected_option"))
    if option:
        return _text(option.get("value"))
    for name in ("selected_users", "selected_channels", "selected_conversations"):
        chosen = element.get(name)
        if isinstance(chosen, list):
            return [_text(one) for one in chosen]
    stamp = element.get("selected_date_time")
    return stamp if isinstance(stamp, int) and not isinstance(stamp, bool) else None
