"""Argument values that are specific enough to be traced: addresses, accounts, links, paths, amounts. Pure, bounded."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote_plus, urlsplit

from bot.domain.base import Json
from bot.effects.reading import name_words

_URL = re.compile(r"https?://[^\s\"'<>()\[\]{}|\\^`]{3,2000}", re.IGNORECASE)
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")
_ACCOUNT = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{2,4}){3,8}\b|(?<![\w.])\+?\d(?:[ -]?\d){8,18}(?![\w.])")
_CHAIN = re.compile(r"\b0x[0-9a-fA-F]{40,64}\b|\b(?:bc1|[13])[a-zA-HJ-NP-Z0-9]{25,60}\b")
_PATH = re.compile(r"(?<![\w:/])(?:~|\.{1,2})?/(?:[\w.@+-]{1,80}/){1,20}[\w.@+-]{1,80}|\b[A-Z]:\\[\w\\.-]{3,200}")
_DATE = re.compile(r"[\d:./TZ+ -]{4,30}|\d{1,2} \w{3,9} \d{4}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}|\d{1,2}[:.]\d{2}|\d{1,2}/\d{1,2}/\d{2,4}|\d{1,2}\.\d{1,2}\.\d{2,4}")
_PARTY = frozenset(
    """
    account address beneficiary bcc cc channel contact customer destination email name owner payee phone receiver
    recipient recipients target to user username
    """.split()  # noqa: SIM905
)
_SUMS = frozenset(["amount", "sum", "total", "price", "cents", "payment", "limit", "balance", "fee", "value"])
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")
_SPELT = re.compile(r"\s?[\[({]\s?(at|dot)\s?[\])}]\s?", re.IGNORECASE)
_WORDS = re.compile(rb"[a-z0-9]+")
_LONG = 200
_MOST_TEXT = 20_000
_MOST_DEPTH = 8
MOST_VALUES = 400


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value at a dotted path of the arguments.

    ``forms`` are how it may be written, ``compact`` its letters and digits where spaces and hyphens do not matter
    (accounts, phones), ``shown`` the value as it stands in the call. ``host`` marks the host of an address whose rest
    may have been made up by the agent.
    """

    path: str
    shown: str
    forms: tuple[bytes, ...]
    compact: bytes | None = None
    host: bool = False


def plain(text: str) -> bytes:
    """A text as it is compared: case, runs of spaces, URL and HTML escapes and unseen characters do not matter."""
    if "%" in text:
        text = f"{text} {unquote_plus(text)}"
    if "&" in text:
        text = html.unescape(text)
    if not text.isascii():
        text = _UNSEEN.sub("", text)
    if "[" in text or "(" in text or "{" in text:
        text = _SPELT.sub(lambda m: "@" if m[1].lower() == "at" else ".", text)
    return " ".join(text.casefold().split()).encode("utf-8", "replace")


def packed(text: bytes) -> bytes:
    """Only its letters and digits: people put spaces, hyphens and brackets into numbers."""
    return b"".join(_WORDS.findall(text))


def candidates(arguments: Json) -> list[Candidate]:
    """The values of the arguments that are worth looking for, at most 400, in their order; each path and value once."""
    found: dict[tuple[str, str, bool], Candidate] = {}
    for path, key, value in _leaves(arguments, "arguments", "", 0):
        for one in _of_text(path, key, value) if isinstance(value, str) else _of_number(path, key, value):
            found.setdefault((one.path, one.shown, one.host), one)
            if len(found) >= MOST_VALUES:
                return list(found.values())
    return list(found.values())


def urls_in(value: str) -> list[str]:
    """The addresses in a text, without the punctuation that follows them."""
    return [match.rstrip(".,;:!?") for match in _URL.findall(value[:_MOST_TEXT])]


def host_of(address: str) -> str | None:
    """The host of an address in lower case, or None."""
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _leaves(value: Json, path: str, key: str, depth: int) -> Iterator[tuple[str, str, str | int | float]]:
    if depth > _MOST_DEPTH or value is None or isinstance(value, bool):
        return
    if isinstance(value, dict):
        for name, held in value.items():
            yield from _leaves(held, f"{path}.{str(name)[:80]}", str(name), depth + 1)
    elif isinstance(value, list):
        for index, held in enumerate(value[:200]):
            yield from _leaves(held, f"{path}.{index}", key, depth + 1)
    else:
        yield path, key, value


def _of_text(path: str, key: str, value: str) -> Iterator[Candidate]:
    text = value.strip()[:_MOST_TEXT]
    whole = text if len(text) <= _LONG and _specific(text, key) else ""
    if whole and not urls_in(whole):
        yield _candidate(path, whole)
    for address in urls_in(text):
        yield _candidate(path, address)
        host = host_of(address)
        if host and "." in host and len(host) >= 5:
            yield Candidate(path=path, shown=address, forms=(plain(host),), host=True)
    for pattern in (_EMAIL, _ACCOUNT, _CHAIN, _PATH):
        for match in pattern.finditer(_URL.sub(" ", text)):
            held = match[0].strip()
            if held != whole and not _is_date(held):
                yield _candidate(path, held)


def _candidate(path: str, value: str) -> Candidate:
    form = plain(value)
    forms = {form, form.rstrip(b"/")}
    if form.startswith((b"http://", b"https://")):
        forms.add(form.split(b"://", 1)[1].rstrip(b"/"))
    bare = packed(form)
    digits = sum(48 <= byte <= 57 for byte in bare)
    numeric = digits >= 6 and digits * 2 >= len(bare) >= 8 and b"@" not in form and b"/" not in form
    return Candidate(
        path=path, shown=value, forms=tuple(sorted(f for f in forms if f)), compact=bare if numeric else None
    )


def _of_number(path: str, key: str, value: float) -> Iterator[Candidate]:
    words = set(name_words(key))
    if not words & _SUMS or not 100 <= abs(value) < 10**15:
        return
    amounts = [float(value)] + ([value / 100] if words & {"cents", "minor"} and value >= 10_000 else [])
    forms = {plain(form) for amount in amounts for form in _written(amount)}
    shown = f"{value:g}" if not float(value).is_integer() else str(int(value))
    yield Candidate(path=path, shown=shown, forms=tuple(sorted(forms)))


def _written(amount: float) -> Iterator[str]:
    """How people write an amount: with commas, points, spaces or nothing between the thousands."""
    for form in (f"{amount:,.2f}", f"{amount:,.1f}", *([f"{amount:,.0f}"] if amount.is_integer() else [])):
        whole, _, part = form.partition(".")
        for gap, point in ((",", "."), ("", "."), (" ", "."), (".", ","), (" ", ","), ("'", ".")):
            yield whole.replace(",", gap) + (point + part if part else "")


def _specific(text: str, key: str) -> bool:
    """Whether a short text says something that is not said by chance."""
    if len(text) < 5 or _is_date(text):
        return False
    digits = sum(char.isdigit() for char in text)
    if "@" in text or "://" in text or digits >= 4 or (digits and len(text) >= 6 and " " not in text):
        return True
    if _PATH.fullmatch(text) or ("." in text and " " not in text and len(text) >= 8):
        return True
    words = text.split()
    named = 2 <= len(words) <= 5 and len(text) >= 8 and all(word[0].isupper() for word in words)
    return named and bool(_PARTY.intersection(name_words(key)))


def _is_date(text: str) -> bool:
    return _DATE.fullmatch(text) is not None and _DAY.search(text) is not None
