"""Opening and changing modals and home tabs (https://docs.slack.dev/reference/methods?family=views)."""

from typing import Any

from sandbox.slack.backend import Backend
from sandbox.slack.errors import SlackError
from sandbox.slack.model import Json
from sandbox.slack.webapi.registry import Args, method, person_of


def _view(args: Args) -> Any:
    view = args.json("view", "invalid_arguments")
    if not isinstance(view, dict):
        raise SlackError("invalid_arguments", response_metadata={"messages": ["[ERROR] missing required field: view"]})
    return view


def _trigger(slack: Backend, args: Args) -> str:
    if not args.text("trigger_id"):
        raise SlackError(
            "invalid_arguments", response_metadata={"messages": ["[ERROR] missing required field: trigger_id"]}
        )
    return slack.triggers.exchange(args.text("trigger_id"))


@method("views.open")
async def views_open(slack: Backend, args: Args) -> Json:
    """Show a modal to the person whose trigger id this is."""
    view = _view(args)
    return {"view": slack.views.open(_trigger(slack, args), view).wire()}


@method("views.push")
async def views_push(slack: Backend, args: Args) -> Json:
    """Put a modal on the open one; three at most."""
    view = _view(args)
    return {"view": slack.views.push(_trigger(slack, args), view).wire()}


@method("views.update")
async def views_update(slack: Backend, args: Args) -> Json:
    """Change an open modal, found by `view_id` or `external_id`."""
    body = _view(args)
    view_id, external_id = args.text("view_id"), args.text("external_id")
    if not view_id and not external_id:
        raise SlackError("invalid_arguments")
    view = slack.views.find(view_id) if view_id else slack.views.by_external_id(external_id)
    if view is None:
        raise SlackError("not_found")
    return {"view": slack.views.update(view, body, args.text("hash") or None).wire()}


@method("views.publish")
async def views_publish(slack: Backend, args: Args) -> Json:
    """Set a person's home tab."""
    if not args.text("user_id"):
        missing = {"messages": ["[ERROR] missing required field: user_id"]}
        raise SlackError("invalid_arguments", response_metadata=missing)
    person = person_of(slack, args.text("user_id"), "invalid_arguments")
    view = _view(args)
    if not slack.registration.home_tab:
        raise SlackError("not_enabled")
    given = args.text("hash") if args.has("hash") else None
    return {"view": slack.views.publish(person.id, view, given).wire()}
