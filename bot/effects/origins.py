"""Where an argument came from: values that stand in content which anybody can write, and that nobody in charge said.

That is how an injected instruction looks: an account, an address, a link or an amount that neither the user nor the
system named, and that a web page, a message, a file or a retrieved document did, before the call. What the operator's
own records hold as a field of their own is ordinary, and so is what the user said too. A mark is no verdict: it says
where a value came from.

A read that went to an address of such content, or that carried data of other results in its address, is marked as one
that may have carried data out. Following the links of a search, and staying on a site, is ordinary.

The cost is linear in what the run read: each text is made comparable once and its words are looked up in a table.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from pydantic_core import to_json

from bot.domain.effect import Effect, Origin, Reversibility
from bot.domain.run import Run, ToolCall
from bot.effects.contents import Content, contents, said_by_the_user, said_to_the_agent
from bot.effects.values import Candidate, candidates, host_of, plain

_TOKEN = re.compile(rb"[a-z0-9\x80-\xff]+")
_MOST_BYTES = 64_000_000
_MOST_ORIGINS = 20
_MOST_VALUE = 160
_MOST_SOUGHT = 4_000
_LONG_DATA = 24
"""From so many characters on, what an address carries out of other results is more than an id."""


@dataclass(slots=True)
class _Seen:
    """Where a written form was read: the first few places that anybody can write, and the first record that held it."""

    outside: list[Content] = field(default_factory=list)
    record: int | None = None

    def before(self, order: int) -> Content | None:
        """The first such content that was read before this call."""
        return next((one for one in self.outside if one.order < order), None)


class _Sought:
    """All forms that are looked for, found in a text by one pass over its words."""

    def __init__(self, wanted: Iterable[Candidate]) -> None:
        """Each form is filed under its longest word, each number under everything that it may begin with."""
        self._by_word: dict[bytes, list[bytes]] = {}
        self._by_start: dict[bytes, list[bytes]] = {}
        known: set[bytes] = set()
        numbers: set[bytes] = set()
        for one in wanted:
            for form in one.forms:
                if form in known or len(known) >= _MOST_SOUGHT:
                    continue
                known.add(form)
                word = max(_TOKEN.findall(form), key=len, default=b"")
                if word:
                    self._by_word.setdefault(word, []).append(form)
            if one.compact is not None and one.compact not in numbers:
                numbers.add(one.compact)
                for end in range(1, len(one.compact) + 1):
                    self._by_start.setdefault(one.compact[:end], []).append(one.compact)

    def found(self, text: str) -> set[bytes]:
        """The forms that stand in the text as words of their own."""
        held = plain(text)
        words = _TOKEN.findall(held)
        there = set(words)
        hits = {form for word in self._by_word.keys() & there for form in self._by_word[word] if _stands(form, held)}
        if not self._by_start.keys().isdisjoint(there):
            hits.update(self._numbers(words))
        return hits

    def _numbers(self, words: list[bytes]) -> Iterator[bytes]:
        """Numbers that are written in groups: whole words one after the other that make them up."""
        for at, word in enumerate(words):
            for number in self._by_start.get(word, ()) if word in self._by_start else ():
                joined = word
                for following in words[at + 1 : at + 12]:
                    if len(joined) >= len(number):
                        break
                    joined += following
                if joined == number:
                    yield number


def with_origins(run: Run, effects: Sequence[Effect]) -> list[Effect]:
    """The effects of the run, in its order, with the origins of their arguments and where reads went."""
    calls = dict(zip((effect.id for effect in effects), run.tool_calls, strict=True))
    wanted: dict[str, list[Candidate]] = {}
    carried: dict[str, list[Candidate]] = {}
    for effect in effects:
        found = candidates(calls[effect.id].arguments)
        if effect.reversibility is Reversibility.READ_ONLY:
            found = [one for one in found if one.shown.lower().startswith(("http://", "https://"))]
            carried[effect.id] = [piece for one in found[:20] if not one.host for piece in _carried(one)]
        if found:
            wanted[effect.id] = found
    if not wanted:
        return list(effects)
    everything = [one for held in (*wanted.values(), *carried.values()) for one in held]
    sought = _Sought(everything)
    said = {form for text in said_to_the_agent(run) for form in sought.found(text)}
    asked = {form for text in said_by_the_user(run) for form in sought.found(text)}
    seen = _read(run, sought)
    marked = [
        _marked(effect, calls[effect.id], wanted[effect.id], carried.get(effect.id, []), said, seen)
        if effect.id in wanted
        else effect
        for effect in effects
    ]
    return [_asked_for(effect, wanted.get(effect.id, []), asked) for effect in marked]


def _asked_for(effect: Effect, wanted: list[Candidate], asked: set[bytes]) -> Effect:
    """With the arguments whose values the user said, where it changed something: a hint who wanted it so."""
    if effect.reversibility is Reversibility.READ_ONLY:
        return effect
    paths = [one.path for one in wanted if any(form in asked for form in _forms(one))]
    named = tuple(dict.fromkeys(path.removeprefix("arguments.")[:200] for path in paths))[:_MOST_ORIGINS]
    return effect.model_copy(update={"said": named}) if named else effect


def _read(run: Run, sought: _Sought) -> dict[bytes, _Seen]:
    """Where each form was read. A record that only repeats what its own call was told says nothing."""
    seen: dict[bytes, _Seen] = {}
    left = _MOST_BYTES
    for content in contents(run):
        left -= len(content.text)
        if left < 0:
            break
        hits = sought.found(content.text)
        echoed = sought.found(_text_of(content)) if hits and content.own is not None else set()
        for form in hits:
            place = seen.setdefault(form, _Seen())
            if form in echoed and not content.outside:
                continue
            if not content.outside:
                place.record = content.order if place.record is None else min(place.record, content.order)
            elif form not in echoed and len(place.outside) < 5:
                place.outside.append(content)
    return seen


def _text_of(content: Content) -> str:
    return to_json(content.own, inf_nan_mode="strings", fallback=str).decode(errors="replace")


def _marked(
    effect: Effect,
    call: ToolCall,
    wanted: list[Candidate],
    carried: list[Candidate],
    said: set[bytes],
    seen: dict[bytes, _Seen],
) -> Effect:
    if effect.reversibility is Reversibility.READ_ONLY:
        address = _outbound(call, wanted, carried, said, seen)
        return effect if address is None else effect.model_copy(update={"outbound": address[:300]})
    origins: dict[tuple[str, str], Origin] = {}
    for one in sorted(wanted, key=lambda held: held.host):  # the whole address before its host
        content = _source(one, call.order, said, seen)
        if content is not None and len(origins) < _MOST_ORIGINS:
            origins.setdefault((one.path, one.shown), _origin(one, content))
    return effect.model_copy(update={"origins": tuple(origins.values())}) if origins else effect


def _source(one: Candidate, order: int, said: set[bytes], seen: dict[bytes, _Seen]) -> Content | None:
    """The untrusted content that a value came from; None where it was said or stands in a record, or nowhere."""
    forms = _forms(one)
    if any(form in said for form in forms):
        return None
    places = [seen[form] for form in forms if form in seen]
    if any(place.record is not None and place.record < order for place in places):
        return None
    return next((content for place in places if (content := place.before(order)) is not None), None)


def _forms(one: Candidate) -> tuple[bytes, ...]:
    return one.forms if one.compact is None else (*one.forms, one.compact)


def _origin(one: Candidate, content: Content) -> Origin:
    identity = f"{content.source}\0{max(one.forms, key=len, default=b'').decode(errors='replace')}"
    return Origin(
        argument=one.path.removeprefix("arguments.")[:200],
        value=one.shown if len(one.shown) <= _MOST_VALUE else f"{one.shown[: _MOST_VALUE - 1]}…",
        source=content.source,
        content=hashlib.sha256(identity.encode()).hexdigest()[:32],
        span_id=content.span_id,
    )


def _outbound(
    call: ToolCall, wanted: list[Candidate], carried: list[Candidate], said: set[bytes], seen: dict[bytes, _Seen]
) -> str | None:
    """The address that this read went to, where it came from untrusted content or carried data of other results."""
    ordinary: set[str] = set()
    for one in wanted:  # each address, then its host
        host = (host_of(one.shown) or "").encode()
        content = None if host in said else _source(one, call.order, said, seen)
        if content is None or one.shown in ordinary:
            continue
        if not _ordinary_step(one, content, host):
            return one.shown
        ordinary.add(one.shown)
    unsaid = [one for one in carried if not any(form in said for form in _forms(one))]
    moved = [one for one in unsaid if any(_was_read(seen.get(form), call.order) for form in _forms(one))]
    hosts = {(host_of(one.shown) or "").encode() for one in wanted} - said
    if hosts and sum(len(one.forms[0]) for one in moved) >= _LONG_DATA:
        return wanted[0].shown
    return None


def _ordinary_step(one: Candidate, content: Content, host: bytes) -> bool:
    """A link of a search as it was found, or a page of the site that is being read: nothing of the run is in it."""
    if content.found and not one.host:
        return True
    here = host_of(content.source.removeprefix("web page ")) or ""
    return here.encode() == host


def _was_read(place: _Seen | None, order: int) -> bool:
    if place is None:
        return False
    return (place.record is not None and place.record < order) or place.before(order) is not None


def _carried(one: Candidate) -> list[Candidate]:
    """What an address carries beside where it goes: its query's values and the long parts of its path, also coded."""
    try:
        parts = urlsplit(one.shown)
    except ValueError:
        return []
    texts = [value for _, value in parse_qsl(parts.query)][:50]
    texts += [piece for piece in parts.path.split("/") if len(piece) >= 16][:20]
    texts += [clear for text in list(texts) if (clear := _decoded(text)) is not None]
    pieces = [Candidate(path="", shown=text, forms=(plain(text),)) for text in texts if len(text) >= 6]
    pieces += [piece for text in texts for piece in candidates(text)]
    return list({piece.forms[0]: piece for piece in pieces[:200]}.values())


def _decoded(text: str) -> str | None:
    """A text in base64 as what it says, where that can be read."""
    if len(text) < 16 or not re.fullmatch(r"[A-Za-z0-9+/_-]+={0,2}", text):
        return None
    try:
        clear = base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
    return clear if clear.isprintable() else None


def _stands(form: bytes, text: bytes) -> bool:
    """Whether the form is there with no letter or digit of its own word before or after it."""
    at = text.find(form)
    while at >= 0:
        end = at + len(form)
        if not text[max(at - 1, 0) : at].isalnum() and not text[end : end + 1].isalnum():
            return True
        at = text.find(form, at + 1)
    return False
