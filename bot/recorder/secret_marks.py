"""Putting marks where secrets were: how each kind of rule is run over a text."""

import re
from collections.abc import Callable
from typing import Final

from bot.recorder.secret_shape import SecretPattern

ALREADY: Final = "[redacted"
"""How every mark begins: what begins so is not looked at again."""


def folded_alike(text: str) -> str:
    """Lower case of the same length, so that positions stay comparable (a few letters grow when lowered)."""
    folded = text.lower()
    if len(folded) != len(text):
        folded = "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)
    return folded


def key_start(text: str, hit: int) -> int:
    """Where the word starts in which a stem was found; at most 60 characters before it."""
    start = hit
    while start > max(0, hit - 60) and (text[start - 1].isalnum() or text[start - 1] in "_.-"):
        start -= 1
    if start < hit and text[start] in "nrt" and text[max(0, start - 1)] == "\\":
        start += 1  # an escaped line end inside JSON text, not a letter of the name
    return start


def without_tokens(word: re.Match[str], tokens: list[SecretPattern], marks: list[str]) -> str:
    """One long word without what the rules take out of it."""
    held, before = word[0], ""
    if held[0] in "nrt" and word.string[word.start() - 1 : word.start()] == "\\":
        before, held = held[0], held[1:]  # an escaped line end inside JSON text
    for secret in tokens:
        if secret.may_be_in(held):
            held = secret.pattern.sub(mark_of(secret, marks), held)
    return before + held


def where_begun(text: str, folded: str, secret: SecretPattern, marks: list[str]) -> str:
    """The text without what the rule takes out of it, tried only where one of its anchors stands in ``folded``."""
    hits: list[int] = []
    for anchor in secret.anchors:
        hit = folded.find(anchor)
        while hit >= 0:
            hits.append(hit)
            hit = folded.find(anchor, hit + len(anchor))
    pieces: list[str] = []
    done = 0
    put_mark = mark_of(secret, marks)
    for hit in sorted(hits):
        match = secret.pattern.match(text, hit) if hit >= done else None
        if match is not None:
            pieces += [text[done:hit], put_mark(match)]
            done = match.end()
    return "".join([*pieces, text[done:]]) if pieces else text


def mark_of(secret: SecretPattern, marks: list[str]) -> Callable[[re.Match[str]], str]:
    """What a match of the rule becomes: itself with a mark where the secret was; its name goes into ``marks``."""
    part = "secret" if "secret" in secret.pattern.groupindex else 0

    def put_mark(match: re.Match[str]) -> str:
        held = match[part]
        if held is None or held.startswith(ALREADY) or match.string.startswith(ALREADY, match.end(part)):
            return match[0]
        if secret.takes is not None and not secret.takes(match):
            return match[0]
        marks.append(secret.name)
        start, end = match.span(part)
        offset = match.start()
        shown = f", ends in {held[-secret.shows :]}" if secret.shows else ""
        return f"{match[0][: start - offset]}[redacted: {secret.name}{shown}]{match[0][end - offset :]}"

    return put_mark


def own_mark_of(name: str, marks: list[str]) -> Callable[[re.Match[str]], str]:
    """The same for a configured pattern: all that it matches is secret."""

    def put_mark(match: re.Match[str]) -> str:
        if not match[0]:
            return ""
        marks.append(name)
        return f"[redacted: {name}]"

    return put_mark


def spellings(name: str) -> tuple[str, ...]:
    """How a field name may be written: ``card_number``, ``card-number``, ``card number``, ``cardnumber``."""
    words = re.split(r"[_\-. ]+", name.strip("_-. ").lower())
    return tuple(dict.fromkeys(separator.join(words) for separator in ("_", "-", ".", " ", "")))
