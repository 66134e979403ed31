"""The small modals with one or two text fields: resolve, note, mark, declare. Verbs' own modals are in ``modal``."""

from typing import Final

from bot.domain.incident import Incident
from bot.views import limits, words
from bot.views.blocks import Block, modal_view, plain_text
from bot.views.modal import VALUE
from bot.views.text import cut

RESOLVE_SUBMIT: Final = "pullcord_resolve_submit"
NOTE_SUBMIT: Final = "pullcord_note_submit"
MARK_SUBMIT: Final = "pullcord_mark_submit"
REJECT_SUBMIT: Final = "pullcord_reject_submit"
GLASS_SUBMIT: Final = "pullcord_glass_submit"
DECLARE_SUBMIT: Final = "pullcord_declare_submit"
_LONGEST = 2000


def resolve_modal(incident: Incident) -> Block:
    """Asks why the incident is over. What is in force stays so, and the modal says what that is."""
    still = [cut(words.what(execution), 80) for execution in words.in_force(incident)[:5]]
    left = f" Still in force after this: {'; '.join(still)}." if still else ""
    hint = f"Stands on the timeline under your name.{left}"
    return modal_view(
        RESOLVE_SUBMIT, f"Resolve {incident.id}", "Resolve", incident.id, [_ask("reason", "Why is it over?", hint)]
    )


def note_modal(incident: Incident) -> Block:
    """Asks for a note."""
    hint = "Goes on the timeline under your name and cannot be changed later."
    return modal_view(NOTE_SUBMIT, f"Note on {incident.id}", "Add note", incident.id, [_ask("text", "Note", hint)])


def mark_modal(incident: Incident, execution_id: str, *, done: bool) -> Block:
    """Asks how the person knows that an unknown execution was done, or was not."""
    word = "done" if done else "not done"
    execution = incident.execution(execution_id)
    about = f"{cut(words.what(execution), 120)}: look" if execution is not None else "Look"
    hint = f"{about} at the target first. This stands on the timeline under your name."
    metadata = f"{incident.id}|{execution_id}|{'done' if done else 'not_done'}"
    field = _ask("reason", f"How do you know that it was {word}?", hint)
    return modal_view(MARK_SUBMIT, f"Mark {word}", f"Mark {word}", metadata, [field])


def reject_modal(incident: Incident, execution_id: str, *, own: bool) -> Block:
    """Asks why a request is rejected; of whoever asked (``own``) whether it is taken back."""
    execution = incident.execution(execution_id)
    what = cut(words.what(execution), 200) if execution is not None else "this request"
    hint = f"{what}. Stands on the timeline under your name; whoever asked is told."
    title, label = ("Take it back", "Why do you take it back?") if own else ("Reject", "Why not?")
    field = _ask("reason", label, hint, optional=own)
    return modal_view(REJECT_SUBMIT, title, title, f"{incident.id}|{execution_id}", [field])


def glass_modal(incident: Incident, execution_id: str) -> Block:
    """Asks why this cannot wait for a second person."""
    execution = incident.execution(execution_id)
    what = cut(words.what(execution), 200) if execution is not None else "this"
    hint = f"{what}: done at once, on your word alone. Every commander is told now, and it stands out on the timeline."
    field = _ask("reason", "Why can this not wait?", hint)
    return modal_view(GLASS_SUBMIT, "Break glass", "Break glass", f"{incident.id}|{execution_id}", [field])


def declare_modal(channel: str | None) -> Block:
    """Asks what went wrong, and with which agent."""
    fields = [
        _ask("summary", "What went wrong?", "One sentence; it becomes the title."),
        _ask("agent", "Agent", "Its name in the configuration, if you know it.", optional=True, multiline=False),
    ]
    return modal_view(DECLARE_SUBMIT, "Declare an incident", "Declare", channel or "", fields)


def _ask(block_id: str, label: str, hint: str, *, optional: bool = False, multiline: bool = True) -> Block:
    element = {"type": "plain_text_input", "action_id": VALUE, "multiline": multiline, "max_length": _LONGEST}
    return {
        "type": "input",
        "block_id": block_id,
        "optional": optional,
        "label": plain_text(label, limits.INPUT_LABEL),
        "hint": plain_text(hint, limits.INPUT_LABEL),
        "element": element,
    }
