"""Protobuf messages taken apart, changed and put together with right lengths, whatever their definition."""

import copy
import json
import random
from typing import Any

from tests.fuzz.mutate import RAW, VALUES, in_bytes

Fields = list[tuple[int, int, Any]]
"""A protobuf message: field number, wire type, and an integer, bytes, or the fields within."""


def wire(body: bytes, depth: int = 0) -> Fields | None:
    """The fields of a message, as deep as they read as messages; None when it is none."""
    found: Fields = []
    at = 0
    while at < len(body):
        tag, at = _varint(body, at)
        if tag is None or tag >> 3 == 0:
            return None
        match tag & 7:
            case 0:
                number, at = _varint(body, at)
                if number is None:
                    return None
                found.append((tag >> 3, 0, number))
            case (1 | 5) as kind:
                size = 8 if kind == 1 else 4
                if at + size > len(body):
                    return None
                found.append((tag >> 3, kind, int.from_bytes(body[at : at + size], "little")))
                at += size
            case 2:
                length, at = _varint(body, at)
                if length is None or at + length > len(body):
                    return None
                held = body[at : at + length]
                inner = wire(held, depth + 1) if held and depth < 12 else None
                found.append((tag >> 3, 2, inner or held))
                at += length
            case _:
                return None
    return found


def unwire(fields: Fields) -> bytes:
    """The message with right lengths."""
    made = bytearray()
    for number, kind, held in fields:
        made += _as_varint(number << 3 | kind)
        match kind:
            case 0:
                made += _as_varint(held & (2**64 - 1))
            case 1 | 5:
                size = 8 if kind == 1 else 4
                made += (held & (2 ** (8 * size) - 1)).to_bytes(size, "little")
            case _:
                inner = unwire(held) if isinstance(held, list) else held
                made += _as_varint(len(inner)) + inner
    return bytes(made)


def in_wire(fields: Fields, rng: random.Random) -> bytes:
    """The message with one to four of its fields changed, and lengths that fit."""
    made = copy.deepcopy(fields)
    for _ in range(rng.randint(1, 4)):
        at = made
        while at:
            place = rng.randrange(len(at))
            number, kind, held = at[place]
            if isinstance(held, list) and held and rng.random() < 0.95:
                at = held
                continue
            at[place : place + 1] = _field(number, kind, held, rng)
            break
    return unwire(made)


def _field(number: int, kind: int, held: Any, rng: random.Random) -> Fields:
    """What comes instead of one field."""
    inner = unwire(held) if isinstance(held, list) else held
    broken = in_bytes(inner, rng) if isinstance(inner, bytes) else rng.choice(RAW)
    told = json.dumps(rng.choice(VALUES)).encode("utf-8", "surrogatepass")
    odd = rng.choice((0, 1, 2**32, 2**63, 2**64 - 1))
    choices: tuple[Fields, ...] = (
        [],
        [(number, kind, held)] * rng.randint(2, 6),
        [(rng.randint(1, 20), kind, held)],
        [(number, rng.choice((0, 1, 5)), odd)],
        [(number, 2, broken)],
        [(number, 2, _nested(rng.randint(1, 150), rng))],
        [(number, 2, told)],
    )
    return rng.choice(choices)


def _nested(levels: int, rng: random.Random) -> Any:
    """Values within values: ``array_value`` is field 5 of an ``AnyValue``, ``kvlist_value`` 6, their values 1."""
    made: Any = [(1, 2, b"x")]
    for _ in range(levels):
        made = [(rng.choice((5, 6)), 2, [(1, 2, made)])]
    return made


def _varint(body: bytes, at: int) -> tuple[int | None, int]:
    found = shift = 0
    while at < len(body) and shift < 64:
        byte = body[at]
        at += 1
        found |= (byte & 0x7F) << shift
        if byte < 0x80:
            return found, at
        shift += 7
    return None, at


def _as_varint(number: int) -> bytes:
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    made.append(number)
    return bytes(made)
