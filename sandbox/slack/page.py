"""What the browser asks: one person's screen, a stream that says when to look again, static files."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from sandbox.slack.backend import Backend
from sandbox.slack.errors import DriveError
from sandbox.slack.live import references
from sandbox.slack.model import Channel, Json, Message
from sandbox.slack.people import BOT_USER, Person

STATIC = Path(__file__).parent / "static"
POLICY = "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
HEADERS = {"content-security-policy": POLICY, "referrer-policy": "no-referrer", "x-content-type-options": "nosniff"}
KEEP_ALIVE = 15.0
MOST_SHOWN = 300
"""Messages of a channel, and answers of a thread, that the page shows: the newest."""


def screen(slack: Backend, viewer: Person, channel: Channel | None) -> Json:
    """All that the page shows to one person: channels with what is new, the open channel, modals."""
    workspace = slack.workspace
    return {
        "revision": slack.feed.revision,
        "me": viewer.id,
        "bot": BOT_USER,
        "connected": len(slack.sockets.live) > 0 or slack.webhook is not None,
        "people": {
            one.id: {
                "name": one.name,
                "real_name": one.real_name,
                "bot": one.is_bot,
                "away": one.deleted,
                "team": one.team,
            }
            for one in workspace.people.values()
        },
        "groups": {one.id: one.handle for one in workspace.groups.values()},
        "names": {one.id: one.name for one in workspace.channels.values() if one.name},
        "channels": [_listed(slack, one, viewer) for one in workspace.channels.values() if _visible(one, viewer)],
        "shortcuts": [vars(one) for one in slack.registration.shortcuts],
        "commands": sorted(slack.registration.commands),
        "home_tab": slack.registration.home_tab,
        "open": _opened(channel, viewer) if channel and _visible(channel, viewer) else None,
        "views": [one.wire() | {"errors": one.errors} for one in slack.views.stacks.get(viewer.id, [])],
        "home": home.wire() if (home := slack.views.homes.get(viewer.id)) else None,
    }


def _visible(channel: Channel, viewer: Person) -> bool:
    return viewer.id in channel.members or channel.kind == "public"


def _listed(slack: Backend, channel: Channel, viewer: Person) -> Json:
    newest = max((one.ts for one in channel.messages.values() if not one.thread_ts or one.broadcast), default="")
    others = [one for one in channel.members if one != viewer.id]
    recent = list(channel.messages.values())[-MOST_SHOWN:]
    called = [one.ts for one in recent if one.user != viewer.id and _calls(slack, one, viewer, channel)]
    return {
        "id": channel.id,
        "name": channel.name,
        "kind": channel.kind,
        "archived": channel.archived,
        "with": others,
        "member": viewer.id in channel.members,
        "newest": newest,
        "mentions": called[-50:],
    }


def _calls(slack: Backend, message: Message, viewer: Person, channel: Channel) -> bool:
    if channel.kind in ("im", "mpim"):
        return True
    live = references(message)
    groups = {one.id for one in slack.workspace.groups.values() if viewer.id in one.users}
    return viewer.id in live["users"] or bool(groups & set(live["groups"])) or bool(live["broadcasts"])


def _opened(channel: Channel, viewer: Person) -> Json:
    replies: dict[str, list[Message]] = {}
    for one in channel.messages.values():
        if one.thread_ts not in (None, one.ts):
            replies.setdefault(str(one.thread_ts), []).append(one)
    roots = [one for one in channel.messages.values() if one.thread_ts in (None, one.ts)]
    shown = []
    for root in roots[-MOST_SHOWN:]:
        answers = replies.get(root.ts, [])
        thread = {
            "replies": len(answers),
            "repliers": list(dict.fromkeys(one.user for one in answers))[:5],
            "last_reply": answers[-1].ts if answers else None,
        }
        shown.append(_shown(root, viewer) | thread)
        shown += [_shown(one, viewer) for one in answers[-MOST_SHOWN:]]
    shown += [_shown(one, viewer) | {"ephemeral": True} for one in channel.ephemerals if one.ephemeral_to == viewer.id]
    return channel.wire(viewer.id) | {
        "kind": channel.kind,
        "members": list(channel.members),
        "bookmarks": list(channel.bookmarks),
        "messages": sorted(shown, key=lambda one: str(one["ts"])),
    }


def _shown(message: Message, viewer: Person) -> Json:
    marks = {"pinned": bool(message.pinned_by), "broadcast": message.broadcast, "chosen": _chosen(message, viewer)}
    return message.wire() | marks


def _chosen(message: Message, viewer: Person) -> Json:
    own = {key: value for key, value in message.chosen.items() if key[0] == viewer.id}
    return {f"{block_id}/{action_id}": value for (_, block_id, action_id), value in own.items()}


def routes(slack: Backend) -> list[BaseRoute]:
    """The page's own routes."""

    async def index(_request: Request) -> Response:
        return FileResponse(STATIC / "index.html", headers=HEADERS | {"cache-control": "no-store"})

    async def look(request: Request) -> Response:
        viewer = slack.workspace.find_person(request.query_params.get("user", ""))
        channel = slack.workspace.find_channel(request.query_params.get("channel", ""))
        if viewer is None or viewer.is_bot:
            raise DriveError("nobody to look as: give ?user= with the id of a person")
        return JSONResponse(screen(slack, viewer, channel), headers={"cache-control": "no-store"})

    async def feed(request: Request) -> Response:
        return StreamingResponse(
            _stream(slack, request), media_type="text/event-stream", headers={"cache-control": "no-store"}
        )

    async def permalink(request: Request) -> Response:
        target = f"/?channel={request.path_params['channel']}&message={request.path_params['message']}"
        return Response(status_code=302, headers={"location": target})

    static: Any = StaticFiles(directory=STATIC)
    return [
        Route("/", index),
        Route("/archives/{channel:str}/{message:str}", permalink),
        Route("/sandbox/screen", look),
        Route("/sandbox/feed", feed),
        Mount("/static", static),
    ]


async def _stream(slack: Backend, request: Request) -> AsyncIterator[str]:
    revision = -1
    while not slack.feed.closed and not await request.is_disconnected():
        now = await slack.feed.after(revision, KEEP_ALIVE)
        yield f"data: {now}\n\n" if now != revision else ": still here\n\n"
        revision = now
        await asyncio.sleep(0.05)
