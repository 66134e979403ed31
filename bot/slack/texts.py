"""Every sentence that the Slack front says by itself, in one place."""

NOT_CONFIRMED = "Not confirmed; press again, it cannot run twice."
NOT_CONFIRMED_COMMAND = "Not confirmed. Look at the thread; if it is not there, send the command again."
CONFIRMED_NOW = "It is confirmed now; there is no need to press again."
OTHER_WORKSPACE = "This Pullcord does not serve your workspace. Its operator names the workspaces in `slack.team_ids`."
OTHER_APP = "This came from another Slack app than the one Pullcord runs as. Its operator gives it one app's secrets."
STARTING = "Pullcord is still starting and does not know its workspace yet. Press again in a few seconds."
MODAL_LATE = "The dialog could not be opened in time. Press again."
MODAL_CLOSED = "The dialog was closed before this could be shown in it."
HOME_LATE = "Slack did not take the Home tab in time. Open it again."
NO_PERSON = "Slack did not say who pressed this, so nothing was done. Press again."


def unknown_click(name: str) -> str:
    """A button or dialog that no handler answers, mostly of an older version."""
    return f"This Pullcord does not know `{_plain(name)}` any more. Use a button of the newest card."


def unknown_word(word: str) -> str:
    """A word after ``/pullcord`` that means nothing."""
    return f"`/pullcord {_plain(word)}` is not a command. `/pullcord help` lists what there is."


def broken(reference: str) -> str:
    """Our own fault; the reference finds it in the log."""
    return f"Pullcord failed on this click; nothing is confirmed. It is in the log as {reference}. Press again."


def view_refused(error: str) -> str:
    """Slack did not take the modal or the Home tab."""
    return f"Slack did not show this ({_plain(error)}). Nothing was done."


def _plain(text: str) -> str:
    """Client text inside a code span: no backticks, no markup, short."""
    return "".join(c for c in text if c.isalnum() or c in "_-:. ")[:60]
