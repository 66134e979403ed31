"""Redaction: secrets leave every text before it is stored, logged or shown. A visible mark stays.

``Redactor(settings).text("...")`` for texts, ``.value(obj)`` for JSON values. Pure and quick: a value is first looked
at as a whole with literal searches, and only the patterns run whose literal was found. Money and ids stay: they are
what the responder needs. What is taken out, what stays and why stands in docs/evidence.md.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from pydantic import Field, field_validator
from pydantic_core import from_json, to_json

from bot.domain.base import Value
from bot.domain.safe_pattern import check_pattern
from bot.recorder.secret_marks import (
    ALREADY,
    folded_alike,
    key_start,
    mark_of,
    own_mark_of,
    spellings,
    where_begun,
    without_tokens,
)
from bot.recorder.secret_numbers import CARD, could_be_card, is_called_otherwise
from bot.recorder.secret_patterns import (
    KEY_SHAPE,
    KEY_STEMS,
    KEYED_TEXT,
    PATTERNS,
    PLAIN_TOKENS,
    SCHEMA_VALUES,
    SCHEMA_WORDS,
    SECRET_KEY_ENDINGS,
    SECRET_KEYS,
)
from bot.recorder.secret_prose import SPOKEN
from bot.recorder.secret_shape import SecretPattern, is_mixed
from bot.recorder.secret_wrapped import could_be_wrapped, unwrapped

_MAX_DEPTH = 64
_SEPARATORS = str.maketrans("", "", "_-. ")
_KNOWN_WORDS = frozenset({"none", "null", "true", "false", "undefined", "bearer", "basic", "digest", "token"})
_LONG_TOKEN = 16
_DIGITS = "0123456789"
_LIKELY = "x1" * _LONG_TOKEN  # what any rule takes for a secret under a secret name
_LONG_WORDS = re.compile(r"(?<![A-Za-z0-9_.+/=~:-])[A-Za-z0-9_.+/=~:-]{16,}+")
_PAIRED = re.compile(r"\\{0,7}[\"']value\\{0,7}[\"'][ \t]{0,4}:")


class RedactionSettings(Value):
    """What to redact beyond the maintained set: field names (any spelling) and named patterns."""

    fields: tuple[str, ...] = ()
    patterns: dict[str, str] = Field(default_factory=dict)

    @field_validator("fields")
    @classmethod
    def _named(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not _plain(name):
                raise ValueError(f"{name!r} is no field name")
        return value

    @field_validator("patterns")
    @classmethod
    def _safe(cls, value: dict[str, str]) -> dict[str, str]:
        for name, pattern in value.items():
            check_pattern(name, pattern)
        return value


@dataclass(frozen=True, slots=True)
class _Look:
    """What the first look found worth a second one."""

    patterns: tuple[SecretPattern, ...]
    stems: tuple[str, ...]
    cards: bool
    wrapped: bool

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to look for."""
        return not (self.patterns or self.stems or self.cards or self.wrapped)


class Redactor:
    """Replaces secrets by ``[redacted: name]``. Holds no state between calls; safe to share between threads."""

    def __init__(self, settings: RedactionSettings | None = None) -> None:
        """Compile the configured patterns; the maintained ones are compiled once per process."""
        self.settings = settings or RedactionSettings()
        self._fields = frozenset(_plain(name) for name in self.settings.fields)
        self._stems = (*KEY_STEMS, *(stem for name in self.settings.fields for stem in spellings(name)))
        self._own = tuple((name, re.compile(pattern)) for name, pattern in self.settings.patterns.items())

    def text(self, text: str) -> str:
        """The text without secrets."""
        return self.marked_text(text)[0]

    def value(self, value: Any) -> Any:
        """The JSON value without secrets; a secret field name takes its whole value."""
        return self.marked_value(value)[0]

    def marked_text(self, text: str) -> tuple[str, tuple[str, ...]]:
        """The text without secrets, and the names of what was taken out."""
        marks: list[str] = []
        cleaned = self._text(text, self._look(text), marks, 0)
        return cleaned, tuple(dict.fromkeys(marks))

    def marked_value(self, value: Any) -> tuple[Any, tuple[str, ...]]:
        """The JSON value without secrets, and the names of what was taken out; unchanged it comes back as it is."""
        if isinstance(value, str):
            return self.marked_text(value)
        look = self._look(to_json(value, fallback=str).decode())
        if look.nothing and not self._own:
            return value, ()
        marks: list[str] = []
        cleaned = self._value(value, look, marks, 0)
        return cleaned, tuple(dict.fromkeys(marks))

    def _look(self, text: str) -> _Look:
        folded = text.lower()
        words = "\n".join(_LONG_WORDS.findall(text))
        found: list[SecretPattern] = []
        known: dict[str, bool] = {}
        for secret in PATTERNS:
            if secret.token and not words:
                continue
            looked_at = words if secret.token else folded if secret.folded else text
            for anchor in secret.anchors:
                hit = known.get(anchor) if secret.begins else anchor in looked_at  # several rules begin alike
                if hit is None:
                    hit = known[anchor] = anchor in folded
                if hit:
                    if secret.also in text:
                        found.append(secret)
                    break
        return _Look(
            tuple(found),
            tuple(stem for stem in self._stems if stem in folded),
            could_be_card(text),
            could_be_wrapped(words),
        )

    def _value(self, value: Any, look: _Look, marks: list[str], depth: int) -> Any:
        if isinstance(value, str):
            return self._text(value, look, marks, depth)
        if depth > _MAX_DEPTH and isinstance(value, (dict, list, tuple)):
            marks.append("nested_too_deeply")
            return "[redacted: nested too deeply to look at]"
        if isinstance(value, dict):
            value = self._pair(value, marks)
            return {
                self._text(str(key), look, marks, depth): self._field(str(key), held, look, marks, depth)
                for key, held in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self._value(item, look, marks, depth + 1) for item in value]
        if isinstance(value, int) and look.cards and not isinstance(value, bool):
            cleaned = self._text(str(value), look, marks, depth)
            return value if cleaned == str(value) else cleaned
        return value

    def _field(self, key: str, held: Any, look: _Look, marks: list[str], depth: int) -> Any:
        if held is not None and not isinstance(held, bool) and held != "" and self._secret_key(key, held):
            if isinstance(held, str) and held.startswith(ALREADY):
                return held
            name = _plain(key)[:40]
            if isinstance(held, dict) and {str(word).lower() for word in held} <= SCHEMA_WORDS and depth < _MAX_DEPTH:
                return {word: self._of_schema(name, word, inner, look, marks, depth) for word, inner in held.items()}
            marks.append(name)
            return f"[redacted: {name}]"
        if look.cards and str(held).isdigit() and is_called_otherwise(key):
            look = replace(look, cards=False)
        return self._value(held, look, marks, depth + 1)

    def _of_schema(self, name: str, word: str, held: Any, look: _Look, marks: list[str], depth: int) -> Any:
        """A tool's parameter that is called a secret is none; what its definition gives as an example may be."""
        if word.lower() not in SCHEMA_VALUES or held is None or isinstance(held, bool):
            return self._value(held, look, marks, depth + 1)
        marks.append(name)
        return f"[redacted: {name}]"

    def _pair(self, value: dict[Any, Any], marks: list[str]) -> dict[Any, Any]:
        """``{"name": "DB_PASSWORD", "value": …}``, as headers and variables are listed, without its value."""
        named = value.get("name", value.get("key"))
        held = value.get("value")
        if not isinstance(named, str) or not isinstance(held, (str, dict)) or not held:
            return value
        if not self._secret_key(named, held) or (isinstance(held, str) and held.startswith(ALREADY)):
            return value
        name = _plain(named)[:40]
        marks.append(name)
        return {**value, "value": f"[redacted: {name}]"}

    def _secret_key(self, key: str, held: Any) -> bool:
        # OpenInference flattens: tool.parameters.api_key. A number at the end says nothing: password2.
        last = _plain(key.rpartition(".")[2]).rstrip(_DIGITS)
        if last == "pass":  # passed, not a password: {"pass": true}, pass=12
            return isinstance(held, str) and is_mixed(held)
        if last.endswith("pwd") and isinstance(held, str) and held.startswith("/"):
            return False  # the shell's working directory
        if last.endswith("token") and not last.endswith(SECRET_KEY_ENDINGS) and last not in SECRET_KEYS:
            # The name says little; a long one without spaces is a credential.
            opens = not last.removesuffix("token").endswith(PLAIN_TOKENS)
            return opens and isinstance(held, str) and len(held) >= _LONG_TOKEN and " " not in held
        return (
            last in SECRET_KEYS
            or last.endswith(SECRET_KEY_ENDINGS)
            or last in self._fields
            or (bool(self._fields) and _plain(key) in self._fields)
        )

    def _text(self, text: str, look: _Look, marks: list[str], depth: int) -> str:
        cleaned = text
        tokens = [secret for secret in look.patterns if secret.token and secret.may_be_in(cleaned)]
        if tokens:
            cleaned = _LONG_WORDS.sub(lambda word: without_tokens(word, tokens, marks), cleaned)
        folded = ""
        for secret in look.patterns:
            if secret.begins:
                folded = folded or folded_alike(cleaned)
                without = where_begun(cleaned, folded, secret, marks)
                folded = folded if without == cleaned else ""
                cleaned = without
            elif not secret.token and secret.may_be_in(cleaned):
                cleaned, folded = secret.pattern.sub(mark_of(secret, marks), cleaned), ""
        if look.cards and could_be_card(cleaned):
            cleaned = CARD.pattern.sub(mark_of(CARD, marks), cleaned)
        if look.wrapped and depth < _MAX_DEPTH:
            cleaned = unwrapped(cleaned, lambda inner: self._holds_secret(inner, marks))
        if look.stems:
            starts = self._secret_keys(cleaned, look.stems)
            if starts or _PAIRED.search(cleaned):
                cleaned = self._keyed(cleaned, starts, marks, depth)
        for name, pattern in self._own:
            cleaned = pattern.sub(own_mark_of(name, marks), cleaned)
        return cleaned

    def _holds_secret(self, text: str, marks: list[str]) -> bool:
        """Whether JSON that was wrapped in base64 holds something secret; then the whole of it goes."""
        found = self.marked_text(text)[1]
        if found:
            marks.append("base64_json")
        return bool(found)

    def _secret_keys(self, text: str, stems: tuple[str, ...]) -> list[int]:
        """Where secret field names start that are followed by ``:`` or ``=``, in order."""
        folded = folded_alike(text)
        found: set[int] = set()
        for stem in stems:
            hit = folded.find(stem)
            while hit >= 0:
                start = key_start(text, hit)
                match = KEY_SHAPE.match(text, start)
                if match is not None and self._secret_key(match["key"], _LIKELY):
                    found.add(start)
                hit = folded.find(stem, hit + len(stem))
        return sorted(found)

    def _keyed(self, text: str, starts: list[int], marks: list[str], depth: int) -> str:
        """Secrets by field name: exactly where the text is JSON, else by ``key=value`` shapes."""
        if text.lstrip()[:1] in {"{", "["} and depth < _MAX_DEPTH:
            try:
                document = from_json(text, allow_inf_nan=False)
            except ValueError:
                pass
            else:
                before = len(marks)
                # Escapes are gone now and texts may hold JSON again, so a fresh look.
                cleaned = self._value(document, self._look(text), marks, depth + 1)
                return text if len(marks) == before else to_json(cleaned).decode()
        pieces: list[str] = []
        done = 0
        for start in starts:
            match = KEYED_TEXT.match(text, start) if start >= done else None
            if match is None:
                continue
            held = match["quoted"] or match["bare"] or ""
            if held.lower() in _KNOWN_WORDS or held.startswith(ALREADY) or not self._secret_key(match["key"], held):
                continue
            if match["bare"] and match["between"].endswith(": ") and held.lower().strip(".,;!?") in SPOKEN:
                continue  # prose, or a schema: "password: required"
            name = _plain(match["key"].rpartition(".")[2])[:40]
            marks.append(name)
            quote = match["quote"] or ""
            pieces += [text[done : match.start("between")], f"{match['between']}{quote}[redacted: {name}]{quote}"]
            done = match.end()
        return "".join([*pieces, text[done:]])


def _plain(key: str) -> str:
    return key.lower().translate(_SEPARATORS)
