"""The one message in the thread that says how far a long action is: edited in place, with Stop while it runs."""

from typing import Final

from bot.domain.action import Execution, ExecutionState
from bot.domain.incident import Incident
from bot.domain.progress import ProgressState
from bot.views import blocks as b
from bot.views import words
from bot.views.blocks import Card
from bot.views.text import foreign, person

STOP: Final = "pullcord_stop"
_BAR: Final = 12


def progress(incident: Incident, execution: Execution, state: ProgressState) -> Card:
    """How far it is, or how it ended. What it says of itself is foreign text."""
    what = foreign(words.what(execution), 140)
    far = _far(state)
    if execution.state is not ExecutionState.STARTED:
        text = f"{what}: {_end(execution)} Last said: {far}."
        return Card(text, (b.section(f"*{what}*\n{_end(execution)}"), b.context(f"last said: {far}")))
    doing = f" · {foreign(state.words, 200)}" if state.words else ""
    text = f"{what}: {far}{doing}"
    shown = [b.section(f"⏳ *{what}*\n{_bar(state)}{far}{doing}")]
    if execution.stopped_by is not None:
        shown.append(b.context(f"{person(execution.stopped_by)} asked to stop; it ends at its next step."))
    else:
        shown.append(b.actions("progress", [_stop(incident, execution)]))
    return Card(text, tuple(shown))


def _stop(incident: Incident, execution: Execution) -> b.Block:
    question = "What was done until then stays as it is; the timeline says how far it came."
    ask = b.confirm("Stop it at its next step?", question, "Stop", danger=True)
    return b.button(STOP, "Stop", f"{incident.id}|{execution.id}", style="danger", ask=ask)


def _far(state: ProgressState) -> str:
    if not state.total:
        return f"{state.done:,} done" if state.done else "begun"
    return f"{min(state.done, state.total):,} of {state.total:,} ({min(100, 100 * state.done // state.total)} %)"


def _bar(state: ProgressState) -> str:
    if not state.total:
        return ""
    full = _BAR * min(state.done, state.total) // state.total
    return f"{'▰' * full}{'▱' * (_BAR - full)} "


def _end(execution: Execution) -> str:
    match execution.state:
        case ExecutionState.SUCCEEDED:
            return "Done."
        case ExecutionState.UNKNOWN:
            return "Nobody knows how far it came: its end was not seen. Press Check on the card."
        case _:
            by = f" {person(execution.stopped_by)} asked for it." if execution.stopped_by is not None else ""
            return f"Ended: {foreign(execution.reason or execution.state.value, 300)}{by}"
