"""Modals and home tabs: stacks of at most three, hashes against lost updates, values that survive an update."""

import json
import secrets
from dataclasses import dataclass, field

from sandbox.slack import blockkit
from sandbox.slack.choices import initial_values
from sandbox.slack.clock import Stamps
from sandbox.slack.errors import SlackError
from sandbox.slack.feed import Feed
from sandbox.slack.model import Json, View
from sandbox.slack.normal import normalised
from sandbox.slack.workspace import new_id

MOST_STACKED = 3
MOST_BYTES = 250_000
KNOWN_KEYS = frozenset(
    {"type", "title", "blocks", "close", "submit", "private_metadata", "callback_id", "clear_on_close"}
    | {"notify_on_close", "external_id", "submit_disabled"}
)


@dataclass
class Views:
    """What is open on each person's screen (bottom of the stack first), and the published home tabs."""

    feed: Feed
    stamps: Stamps
    stacks: dict[str, list[View]] = field(default_factory=dict)
    homes: dict[str, View] = field(default_factory=dict)

    def find(self, view_id: str) -> View | None:
        """An open view by its id."""
        return next((one for stack in self.stacks.values() for one in stack if one.id == view_id), None)

    def top(self, user: str) -> View | None:
        """What the person sees."""
        stack = self.stacks.get(user)
        return stack[-1] if stack else None

    def open(self, user: str, body: Json) -> View:
        """Show a modal; it takes the place of any stack that was open."""
        view = self._make(user, body, kinds=("modal",))
        self.stacks[user] = [view]
        self.feed.changed()
        return view

    def push(self, user: str, body: Json) -> View:
        """Put a modal on top of the open one."""
        stack = self.stacks.setdefault(user, [])
        if len(stack) >= MOST_STACKED:
            raise SlackError("push_limit_reached")
        view = self._make(user, body, kinds=("modal",))
        if stack:
            view.previous, view.stack = stack[-1].id, stack[0].id
        stack.append(view)
        self.feed.changed()
        return view

    def update(self, view: View, body: Json, given_hash: str | None = None) -> View:
        """Change an open view in place; what was typed stays where block and action ids stay.

        Raises:
            SlackError: `hash_conflict` when the view changed since the app read `given_hash`.
        """
        if given_hash and given_hash != view.hash:
            raise SlackError("hash_conflict")
        fresh = self._make(view.user, body, kinds=(view.body["type"],), replaces=view)
        typed = view.values
        for block_id, actions in fresh.values.items():
            for action_id, state in actions.items():
                before = typed.get(block_id, {}).get(action_id)
                if before is not None and before["type"] == state["type"]:
                    actions[action_id] = before
        view.body, view.values, view.hash, view.errors = fresh.body, fresh.values, fresh.hash, {}
        view.external_id = fresh.external_id
        self.feed.changed()
        return view

    def publish(self, user: str, body: Json, given_hash: str | None = None) -> View:
        """Set a person's home tab; it keeps its id.

        Raises:
            SlackError: `hash_conflict` when the tab changed since the app read `given_hash`.
        """
        before = self.homes.get(user)
        if given_hash is not None and (before is None or given_hash != before.hash):
            raise SlackError("hash_conflict")
        view = self._make(user, body, kinds=("home",), replaces=before)
        self.homes[user] = view
        self.feed.changed()
        return view

    def close(self, view: View) -> None:
        """Take the view off its stack."""
        self.stacks[view.user] = [one for one in self.stacks.get(view.user, []) if one is not view]
        self.feed.changed()

    def clear(self, user: str) -> list[View]:
        """Close everything; returns what was open."""
        closed = self.stacks.pop(user, [])
        self.feed.changed()
        return closed

    def by_external_id(self, external_id: str) -> View | None:
        """An open view by the app's own name for it."""
        every = [one for stack in self.stacks.values() for one in stack]
        return next((one for one in every if one.external_id == external_id), None)

    def _make(self, user: str, body: Json, kinds: tuple[str, ...], replaces: View | None = None) -> View:
        if len(json.dumps(body).encode()) > MOST_BYTES:
            raise SlackError("view_too_large")
        blockkit.refuse_view(body, kinds)
        external = str(body.get("external_id") or "")
        holder = self.by_external_id(external) if external else None
        if holder is not None and holder is not replaces:
            raise SlackError("duplicate_external_id")
        kept = {key: value for key, value in body.items() if key in KNOWN_KEYS and key != "external_id"}
        kept["blocks"] = normalised(body["blocks"])
        view_id = replaces.id if replaces else new_id("V")
        made = View(view_id, user, kept, f"{self.stamps.next()}.{secrets.token_hex(4)}", view_id, external_id=external)
        made.values = initial_values(kept["blocks"])
        return made
