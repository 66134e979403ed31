"""What a person does to the app: press, pick, submit, cancel, command, shortcut.

Each is delivered once and its end is kept.
"""

from dataclasses import dataclass, field
from typing import Any

from sandbox.slack import payloads
from sandbox.slack.backend import Backend
from sandbox.slack.choices import choose, complaint, elements, initial_values, is_empty, stateful
from sandbox.slack.delivery import Answer, Retry
from sandbox.slack.errors import DriveError, SlackError
from sandbox.slack.model import Channel, Json, Message, View
from sandbox.slack.people import Person
from sandbox.slack.workspace import new_id

NOT_RETRIED = Retry()


@dataclass
class Interaction:
    """One thing a person did and what they saw of it.

    `shown` is the error that Slack's client shows, None when all went well.
    """

    id: str
    kind: str
    user: str
    what: str
    at: float
    acked: bool = False
    timed_out: bool = False
    error: str | None = None
    shown: str | None = None
    ms: float = 0.0
    response: Json | None = None
    errors: dict[str, str] = field(default_factory=dict)
    confirm: Json | None = None

    def wire(self) -> Json:
        """As the driving API shows it."""
        return dict(vars(self)) | {"ms": round(self.ms, 2)}


class Interactions:
    """Delivers what people do; the last thousand are kept for `interactions()`."""

    def __init__(self, slack: Backend) -> None:
        self._slack = slack
        self.made: list[Interaction] = []

    def _begin(self, kind: str, person: Person, what: str) -> Interaction:
        made = Interaction(new_id("I"), kind, person.id, what, self._slack.now())
        self.made.append(made)
        del self.made[:-1000]
        return made

    def _end(self, made: Interaction, answer: Answer, shown: str) -> None:
        made.acked, made.timed_out, made.error, made.ms = answer.acked, answer.timed_out, answer.error, answer.ms
        made.response = answer.payload
        if not answer.acked:
            made.shown = shown
        self._slack.feed.changed()

    async def click(
        self, person: Person, channel: Channel, message: Message, block: Json, element: Json, value: Any
    ) -> Interaction:
        """Press a button or pick a value in a message."""
        slack = self._slack
        made = self._begin("block_actions", person, element["action_id"])
        made.confirm = element.get("confirm")
        state = _picked(element, value)
        if stateful(element):
            message.chosen[person.id, block["block_id"], element["action_id"]] = state
        values = initial_values(message.blocks)
        for (who, block_id, action_id), chosen in message.chosen.items():
            if who == person.id and action_id in values.get(block_id, {}):
                values[block_id][action_id] = chosen
        payload = payloads.block_actions_on_message(
            person,
            channel,
            message,
            payloads.action(block, element, state, slack.workspace.stamps.next()),
            values=values,
            trigger=slack.triggers.issue(person.id),
            response_url=slack.responses.issue(channel.id, person.id, message),
        )
        answer = await slack.route().send("interactive", payload, NOT_RETRIED, wants_answer=False)
        self._end(made, answer, "This app didn’t respond. The button may not have worked.")
        return made

    async def click_in_view(
        self, person: Person, view: View, block: Json, element: Json, value: Any, typed: Json | None = None
    ) -> Interaction:
        """Press a button or pick a value in a modal or home tab.

        An input without `dispatch_action` only takes the value. `typed` is what stands in the other fields: Slack sends
        it along, also what was not submitted yet, and checks none of it.
        """
        slack = self._slack
        if view.body["type"] == "modal" and slack.views.top(person.id) is not view:
            raise DriveError(f"{view.id} is not the view that @{person.name} sees; it is closed or below another")
        made = self._begin("block_actions", person, element["action_id"])
        made.confirm = element.get("confirm")
        state = _picked(element, value)
        if typed:
            _fill(view, typed)
        if stateful(element):
            view.values.setdefault(block["block_id"], {})[element["action_id"]] = state
        if block["type"] == "input" and not block.get("dispatch_action"):
            made.acked = True
            return made
        one = payloads.action(block, element, state, slack.workspace.stamps.next())
        payload = payloads.block_actions_on_view(person, view, one, trigger=slack.triggers.issue(person.id))
        answer = await slack.route().send("interactive", payload, NOT_RETRIED, wants_answer=False)
        self._end(made, answer, "This app didn’t respond.")
        return made

    async def submit(self, person: Person, view: View, given: Json) -> Interaction:
        """Fill in and submit a modal; Slack's own checks come first and, where they fail, the app hears nothing."""
        slack = self._slack
        if slack.views.top(person.id) is not view:
            raise DriveError(f"{view.id} is not the view that @{person.name} sees; it is closed or below another")
        made = self._begin("view_submission", person, str(view.body.get("callback_id") or view.id))
        made.errors = view.errors = _fill(view, given)
        if view.errors:
            slack.feed.changed()
            return made
        payload = payloads.view_submission(person, view, trigger=slack.triggers.issue(person.id))
        answer = await slack.route().send("interactive", payload, NOT_RETRIED, wants_answer=True)
        self._end(made, answer, "We had some trouble connecting. Try again?")
        if answer.acked:
            self._respond(made, view, answer.payload or {})
        return made

    def _respond(self, made: Interaction, view: View, response: Json) -> None:
        views = self._slack.views
        action = response.get("response_action")
        try:
            if action == "errors":
                made.errors = view.errors = _field_errors(view, response.get("errors"))
                self._slack.feed.changed()
            elif action == "update":
                views.update(view, response.get("view") or {})
            elif action == "push":
                views.push(view.user, response.get("view") or {})
            elif action == "clear":
                views.clear(view.user)
            elif action is None:
                views.close(view)
            else:
                raise SlackError("invalid_response_action")
        except SlackError as refusal:
            made.error = refusal.error
            made.shown = "We had some trouble connecting. Try again?"
            made.response = response | {"refused": refusal.body()}

    async def close(self, person: Person, view: View, *, clear: bool) -> Interaction | None:
        """Cancel a modal (or the whole stack); the app hears of it only if the view asked to notify."""
        slack = self._slack
        closed = slack.views.clear(person.id) if clear else [view]
        if not clear:
            slack.views.close(view)
        last: Interaction | None = None
        for one in reversed(closed):
            if one.body.get("notify_on_close"):
                last = self._begin("view_closed", person, str(one.body.get("callback_id") or one.id))
                payload = payloads.view_closed(person, one, cleared=clear)
                answer = await slack.route().send("interactive", payload, NOT_RETRIED, wants_answer=False)
                self._end(last, answer, "")
        return last

    async def slash(self, person: Person, channel: Channel, name: str, text: str) -> Interaction:
        """Run a slash command in a channel."""
        slack = self._slack
        made = self._begin("slash_command", person, f"{name} {text}".strip())
        known = slack.registration.commands
        if "commands" not in slack.registration.scopes or (known and name not in known):
            made.error, made.shown = "invalid_command", f"{name} is not a valid command."
            return made
        payload = payloads.command(
            person,
            channel,
            name,
            text,
            trigger=slack.triggers.issue(person.id),
            response_url=slack.responses.issue(channel.id, person.id, None),
        )
        answer = await slack.route().send("slash_commands", payload, NOT_RETRIED, wants_answer=True)
        self._end(made, answer, f"{name} failed with the error “{answer.error}”")
        if answer.payload and (answer.payload.get("text") or answer.payload.get("blocks")):
            try:
                slack.responses.answer(channel.id, person.id, None, answer.payload)
            except SlackError as refusal:
                made.error, made.shown = refusal.error, f"{name} failed with the error “invalid_command_response”"
        return made

    async def shortcut(
        self, person: Person, callback_id: str, channel: Channel | None, message: Message | None
    ) -> Interaction:
        """Run a shortcut: a global one, or one on a message."""
        slack = self._slack
        made = self._begin("shortcut" if message is None else "message_action", person, callback_id)
        trigger, ts = slack.triggers.issue(person.id), slack.workspace.stamps.next()
        if message is None or channel is None:
            payload = payloads.shortcut(person, callback_id, trigger=trigger, ts=ts)
        else:
            url = slack.responses.issue(channel.id, person.id, None)
            payload = payloads.message_action(
                person, channel, message, callback_id, trigger=trigger, ts=ts, response_url=url
            )
        answer = await slack.route().send("interactive", payload, NOT_RETRIED, wants_answer=False)
        self._end(made, answer, "This shortcut didn’t work: the app didn’t respond.")
        return made


def _picked(element: Json, value: Any) -> Json:
    if element["type"] in ("button", "workflow_button"):
        return {"type": element["type"]}
    return choose(element, value)


def _fill(view: View, given: Json) -> dict[str, str]:
    """Put what was typed into the view; `given` is by action id or by block id and action id.

    Returns field errors by block.
    """
    unknown = set(given)
    errors: dict[str, str] = {}
    for block, element in elements(view.body["blocks"]):
        if not stateful(element):
            continue
        block_id, action_id = block["block_id"], element["action_id"]
        by_block = given.get(block_id)
        if isinstance(by_block, dict) and action_id in by_block:
            value, found = by_block[action_id], block_id
        elif action_id in given:
            value, found = given[action_id], action_id
        else:
            value, found = None, None
        states = view.values.setdefault(block_id, {})
        if found is not None:
            unknown.discard(found)
            states[action_id] = choose(element, value)
        if block["type"] == "input":
            error = complaint(element, states[action_id])
            if error is None and not block.get("optional") and is_empty(states[action_id]):
                error = "Please complete this required field."
            if error:
                errors[block_id] = error
    if unknown:
        fields = ", ".join(repr(one["action_id"]) for _, one in elements(view.body["blocks"]) if stateful(one))
        raise DriveError(f"the view has no field {sorted(unknown)}; it has {fields or 'none'}")
    return errors


def _field_errors(view: View, errors: Any) -> dict[str, str]:
    """The errors an app gave, which must name input blocks of the view, else Slack shows a general failure."""
    inputs = {block["block_id"] for block in view.body["blocks"] if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
        raise SlackError("invalid_errors", input_blocks=sorted(inputs))
    return {str(block): str(text) for block, text in errors.items()}
