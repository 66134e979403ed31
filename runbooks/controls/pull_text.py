"""Texts of commits and pull requests: foreign words made inert, and the mark that names the execution.

A code host acts on text: it notifies ``@names``, closes ``#1`` on "Fixes #1", loads images, hides HTML comments,
carries out GitLab's quick actions (``/merge``), reads ``[skip ci]`` and trailers. A zero-width space inside each of
these leaves the words readable and nothing for the host to act on. Rules: GitHub Docs, "Autolinked references and URLs"
and "Linking a pull request to an issue"; GitLab Docs, "Quick actions"; GitHub Flavored Markdown 4.6, 6.6 and 6.9.
"""

import re
import unicodedata

_BREAK = "\u200b"
_KEPT = frozenset("\u200c\u200d\n")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_ACTED_ON = re.compile(
    r"""(?<=[@#!~&])(?=[\w#"'{\[])  # mentions, references (@x #1 !1 ~x), and entities that would make one (&#64;)
    | (?<=\bGH)(?=-\d)               # GH-1
    | (?<=:)(?=//) | (?<=\bwww)(?=\.)  # addresses
    | (?<=<)(?=[!/?A-Za-z])          # tags and comments
    | (?<=])(?=[(\[:])               # links and images
    | ^[ \t]*(?:>[ \t]*)*(?=/[A-Za-z])  # quick actions
    | (?<=\[)(?=(?:skip|ci|no)[ -])  # [skip ci]
    | (?<=\bPullcord)(?=-Execution)  # our own mark
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)
_TRAILER = re.compile(r"^([A-Za-z][A-Za-z-]{1,40}-[A-Za-z]+)(?=[ \t]*:)", re.MULTILINE)
_MARK = re.compile(r"^(?:<!-- )?Pullcord-Execution: (\S{1,200})(?: -->)?[ \t]*\r?$", re.MULTILINE)
_TITLE = 200
_BODY = 20_000


def inert(text: str) -> str:
    """The text with nothing in it that a code host acts on. Lines are kept; what cannot be seen is left out."""
    seen = "".join(c for c in text.replace("\r\n", "\n") if unicodedata.category(c) not in _HIDDEN or c in _KEPT)
    broken = _ACTED_ON.sub(lambda found: f"{found[0]}{_BREAK}", seen)
    return _TRAILER.sub(lambda found: f"{found[1]}{_BREAK}", broken)


def title(text: str) -> str:
    """One line of at most 200 characters, inert."""
    line = inert(" ".join(text.split()))
    return line if len(line) <= _TITLE else line[: _TITLE - 1] + "…"


def body(text: str, execution: str | None) -> str:
    """The text of a pull request, inert, with the hidden mark of the execution at its end."""
    words = inert(text)
    words = words if len(words) <= _BODY else words[: _BODY - 1] + "…"
    return f"{words.rstrip()}\n" + (f"\n<!-- Pullcord-Execution: {execution} -->\n" if execution else "")


def message(text: str, execution: str | None) -> str:
    """The message of a commit: its first line a title, the rest inert, and the execution as its trailer."""
    first, _, rest = text.strip().partition("\n")
    words = inert(rest).strip()[:_BODY]
    parts = [title(first), words, f"Pullcord-Execution: {execution}" if execution else ""]
    return "\n\n".join(filter(None, parts)) + "\n"


def marked(text: str, execution: str) -> str:
    """A text that names its execution, as a verb gives it to a code host."""
    return f"{text.rstrip()}\n\nPullcord-Execution: {execution}\n"


def execution_in(text: str) -> str | None:
    """Which execution a commit or a pull request names; its last mark counts, since ours comes last."""
    found: list[str] = _MARK.findall(text)
    return found[-1] if found else None


def without_mark(text: str) -> str:
    """The text without the marks in it."""
    return _MARK.sub("", text).rstrip() + "\n"
