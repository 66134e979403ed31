"""The form of one rule about secrets, and how to write one: shared by the tables of shapes, tokens and prose."""

import re
from collections.abc import Callable
from dataclasses import dataclass

Takes = Callable[[re.Match[str]], bool]


@dataclass(frozen=True, slots=True)
class SecretPattern:
    """``anchors`` are literals of which one is in every match (lower case when ``folded``, then matched so).

    ``also`` is a literal that must be there too: looked for before the pattern runs, since anchors may be everywhere.
    ``token``: a match lies within one long word, so only those are looked at. ``begins``: a match begins with its
    anchor, so only there it is tried. ``takes`` has the last say about a match; of what is taken the last ``shows``
    characters stay (the digits by which people tell cards apart).
    """

    name: str
    anchors: tuple[str, ...]
    pattern: re.Pattern[str]
    folded: bool = False
    also: str = ""
    token: bool = False
    begins: bool = False
    takes: Takes | None = None
    shows: int = 0

    def may_be_in(self, text: str) -> bool:
        """The quick look at one text: whether the pattern needs to run at all."""
        if self.also not in text:
            return False
        looked_at = text.lower() if self.folded else text
        return any(anchor in looked_at for anchor in self.anchors)


_DIGIT, _LETTER = re.compile(r"\d"), re.compile(r"[^\W\d_]")


def is_mixed(text: str) -> bool:
    """Whether there are letters and digits in it."""
    return _DIGIT.search(text) is not None and _LETTER.search(text) is not None


# Unlike \b it also holds after an underscore, and after an escaped line end inside JSON text (\n is a letter there).
START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"


def secret(name: str, anchors: str, pattern: str, *, folded: bool = False, also: str = "") -> SecretPattern:
    """A rule for a shape that may hold blanks. ``anchors`` are parted by blanks."""
    compiled = re.compile(pattern, re.IGNORECASE if folded else 0)
    return SecretPattern(name, tuple(anchors.split()), compiled, folded, also)


def begun(
    name: str, anchors: tuple[str, ...], pattern: str, takes: Takes | None = None, *, also: str = ""
) -> SecretPattern:
    """A rule in any case whose every match begins with an anchor (lower case): quick however often that stands."""
    compiled = re.compile(pattern, re.IGNORECASE)
    return SecretPattern(name, anchors, compiled, folded=True, also=also, begins=True, takes=takes)


def token(name: str, anchors: str, pattern: str) -> SecretPattern:
    """A rule for a token with a prefix of its maker's: one word of at least 16 characters, begun by an anchor."""
    return SecretPattern(name, tuple(anchors.split()), re.compile(START + f"(?:{pattern})"), token=True)
