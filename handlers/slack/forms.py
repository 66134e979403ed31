"""The small modals with one or two text fields. Verbs' own modals come from ``bot.views`` through ``Requests.modal``."""

from collections.abc import Mapping

from bot.domain.base import Json
from bot.domain.incident import Incident


def _plain(text: str) -> dict[str, Json]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _input(
    block_id: str, label: str, *, hint: str = "", optional: bool = False, multiline: bool = True
) -> dict[str, Json]:
    block: dict[str, Json] = {
        "type": "input",
        "block_id": block_id,
        "optional": optional,
        "label": _plain(label),
        "element": {"type": "plain_text_input", "action_id": "value", "multiline": multiline, "max_length": 2000},
    }
    if hint:
        block["hint"] = _plain(hint)
    return block


def _view(callback_id: str, title: str, submit: str, metadata: str, blocks: list[Json]) -> Mapping[str, Json]:
    return {
        "type": "modal",
        "callback_id": callback_id,
        "title": _plain(title[:24]),
        "submit": _plain(submit[:24]),
        "close": _plain("Cancel"),
        "private_metadata": metadata,
        "blocks": blocks,
    }


def resolve_form(incident: Incident) -> Mapping[str, Json]:
    """Asks why the incident is over."""
    hint = "Stands on the timeline under your name. Actions in force stay in force until they are undone or expire."
    field = _input("reason", "Why is it over?", hint=hint)
    return _view("pullcord_resolve_submit", f"Resolve {incident.id}", "Resolve", incident.id, [field])


def note_form(incident: Incident) -> Mapping[str, Json]:
    """Asks for a note."""
    return _view("pullcord_note_submit", f"Note on {incident.id}", "Add note", incident.id, [_input("text", "Note")])


def mark_form(incident: Incident, execution_id: str, *, done: bool) -> Mapping[str, Json]:
    """Asks how the person knows that an unknown execution was done, or was not."""
    word = "done" if done else "not done"
    execution = incident.execution(execution_id)
    label = f"How do you know that it was {word}?"
    hint = f"{execution.title[:100]}: look at the target first. This stands on the timeline." if execution else ""
    metadata = f"{incident.id}|{execution_id}|{'done' if done else 'not_done'}"
    field = _input("reason", label, hint=hint)
    return _view("pullcord_mark_submit", f"Mark {word}", f"Mark {word}", metadata, [field])


def declare_form(channel: str | None) -> Mapping[str, Json]:
    """Asks what went wrong, and with which agent."""
    blocks: list[Json] = [
        _input("summary", "What went wrong?", hint="One sentence; it becomes the title."),
        _input("agent", "Agent", hint="Its name in the configuration, if you know it.", optional=True, multiline=False),
    ]
    return _view("pullcord_declare_submit", "Declare an incident", "Declare", channel or "", blocks)


def field(values: Mapping[str, Json], block_id: str) -> str:
    """A submitted text field without surrounding blanks, empty when missing."""
    value = values.get(block_id)
    return value.strip() if isinstance(value, str) else ""
