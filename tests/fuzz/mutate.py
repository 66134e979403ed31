"""Bad inputs made from good ones: changed bytes, changed JSON trees, changed protobuf messages. All from one seed."""

import copy
import json
import pickle
import random
from typing import Any

_RAW = "@@RAW{}@@"
"""A text in a tree that is replaced, with its quotes, by bytes that no JSON writer would write."""
RAW = (
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"-1E+400",
    b"9" * 400,
    b"-" + b"9" * 5_000,
    b"0.1e-400",
    b"1e",
    b"tru",
    b"'x'",
    b"{,}",
    b'"\\ud800"',
    b'"\\udc00\\ud800"',
    b'"\xff\xfe"',
    b'"\xc0\x80"',
    b'"\\u0000"',
    b"[" * 300 + b"]" * 300,
    b'{"a":' * 150 + b"1" + b"}" * 150,
    b'{"a":1,"a":2}',
    b"",
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    2**31,
    2**53,
    2**63,
    2**64,
    -(2**63) - 1,
    10**25,
    0.5,
    -0.0,
    1e308,
    "",
    " ",
    "0",
    "-1",
    "1e999",
    "NaN",
    "null",
    "true",
    "unknown",
    "\x00",
    "\u202e",
    "é" * 40,
    "x" * 5_000,
    "[" * 2_000,
    '{"a":' * 400,
    "{'a': 1e999}",
    "{'a': {1, 2}}",
    "{'a': '\\ud800'}",
    '["\\udc00"]',
    "{'a': 0x" + "f" * 5_000 + "}",
    "{'order_id': None, 'cents': 1e400}",
    "[1, 2",
    '{"order_id": "A-1", "cents": 1e999}',
    '"{\\"a\\": [1]}"',
    "9" * 5_000,
    "0" * 32,
    "0" * 16,
    "f" * 32,
    "AAAAAAAAAAAAAAAAAAAAAA==",
    "AAAAAAAAAAA=",
    "2026-11-23T12:00:00Z",
    "9999-12-31T23:59:59.999999-23:59",
    "0001-01-01T00:00:00+23:59",
    "2026-02-30",
    "253402300799000000000",
    "99999999999999999999999",
    "error",
    "ERROR",
    [],
    {},
    [[]],
    [{}],
    {"": ""},
    [None],
    {"stringValue": 1},
    {"intValue": "x"},
    {"doubleValue": "NaN"},
    {"kvlistValue": {"values": [{"key": "a"}]}},
    {"arrayValue": {}},
    {"bytesValue": "!!"},
    {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{"}}]},
    [{"role": 5, "parts": [{"type": "tool_call", "name": None, "arguments": []}]}],
    [{"type": "tool_use", "id": 1, "name": ["x"], "input": "x"}],
    {"lc": 1, "type": "constructor", "id": ["x", 3], "kwargs": {"content": 5}},
)
_BYTES = (b"\x00", b"\xff", b"\x80", b'"', b"\\", b"{", b"}", b"[", b"]", b"\n", b"\xef\xbb\xbf", b"\xed\xa0\x80")


def in_bytes(body: bytes, rng: random.Random, others: tuple[bytes, ...] = ()) -> bytes:
    """The body with one to five changes that know nothing of its format."""
    made = bytearray(body)
    for _ in range(rng.randint(1, 5)):
        if not made:
            break
        at = rng.randrange(len(made))
        made = rng.choice(_CHANGES)(made, at, min(int(rng.expovariate(1 / 12)) + 1, 4_000), rng, others)
    return _in_another_encoding(bytes(made), rng) if rng.random() < 0.01 else bytes(made)


def _flip(made: bytearray, at: int, _size: int, rng: random.Random, _others: tuple[bytes, ...]) -> bytearray:
    made[at] ^= 1 << rng.randrange(8)
    return made


def _set(made: bytearray, at: int, _size: int, rng: random.Random, _others: tuple[bytes, ...]) -> bytearray:
    made[at] = rng.randrange(256)
    return made


def _end(made: bytearray, at: int, _size: int, _rng: random.Random, _others: tuple[bytes, ...]) -> bytearray:
    return made[:at]


def _cut(made: bytearray, at: int, size: int, _rng: random.Random, _others: tuple[bytes, ...]) -> bytearray:
    return made[:at] + made[at + size :]


def _insert(made: bytearray, at: int, size: int, rng: random.Random, _others: tuple[bytes, ...]) -> bytearray:
    return made[:at] + rng.randbytes(size) + made[at:]


def _repeat(made: bytearray, at: int, size: int, rng: random.Random, _others: tuple[bytes, ...]) -> bytearray:
    return made[:at] + made[at : at + size] * rng.randint(1, 8) + made[at:]


def _telling(made: bytearray, at: int, _size: int, rng: random.Random, _others: tuple[bytes, ...]) -> bytearray:
    return made[:at] + rng.choice(_BYTES) + made[at + 1 :]


def _splice(made: bytearray, at: int, _size: int, rng: random.Random, others: tuple[bytes, ...]) -> bytearray:
    other = rng.choice(others) if others else bytes(made)
    return made[:at] + other[rng.randrange(len(other) + 1) :]


def _zero(made: bytearray, at: int, size: int, _rng: random.Random, _others: tuple[bytes, ...]) -> bytearray:
    made[at : at + size] = bytes(size)
    return made


def _raw(made: bytearray, at: int, _size: int, rng: random.Random, _others: tuple[bytes, ...]) -> bytearray:
    return made[:at] + rng.choice(RAW) + made[at:]


_CHANGES = (_flip, _set, _end, _cut, _insert, _repeat, _telling, _splice, _zero, _raw)


def _in_another_encoding(body: bytes, rng: random.Random) -> bytes:
    text = body.decode("utf-8", "replace")
    return text.encode(rng.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "utf-7")))


def in_json(tree: Any, rng: random.Random) -> bytes:
    """The tree with one to four places changed, written as JSON; sometimes as bytes that are none any more."""
    made = pickle.loads(pickle.dumps(tree))  # noqa: S301 - our own; five times as fast as copy.deepcopy
    raw: list[bytes] = []
    for _ in range(rng.randint(1, 4)):
        made = _changed(made, rng, raw)
    body = json.dumps(made, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
    for number, held in enumerate(raw):
        body = body.replace(f'"{_RAW.format(number)}"'.encode(), held)
    return body


def _changed(tree: Any, rng: random.Random, raw: list[bytes]) -> Any:
    holder, key = _place(tree, rng)
    if holder is None:
        return _value(tree, rng, raw)
    match rng.randrange(10):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[rng.choice(["", key + "s", key.upper(), key[::-1], "attributes", "id", "x" * 300])] = holder.pop(key)
        case 2 if isinstance(holder, list):
            holder.extend([copy.deepcopy(holder[key])] * rng.randint(1, 5))
        case 3:
            other, at = _place(tree, rng)
            if other is not None:
                holder[key] = copy.deepcopy(other[at])
        case 4:
            holder[key] = _deep(holder[key], rng.randint(1, 200), rng)
        case 5:
            holder[key] = json.dumps(holder[key])
        case _:
            holder[key] = _value(holder[key], rng, raw)
    return tree


def _place(tree: Any, rng: random.Random) -> tuple[Any, Any]:
    """Any place of the tree, the deeper ones too: what holds it and under which key. None for the tree itself."""
    holder, key = None, None
    at = tree
    while isinstance(at, (dict, list)) and at and (holder is None or rng.random() < 0.95):
        holder = at
        key = rng.choice(list(at)) if isinstance(at, dict) else rng.randrange(len(at))
        at = holder[key]
    return holder, key


def _value(old: Any, rng: random.Random, raw: list[bytes]) -> Any:
    kind = rng.randrange(20)
    if kind == 0:
        raw.append(rng.choice(RAW))
        return _RAW.format(len(raw) - 1)
    if isinstance(old, str) and old and kind < 7:
        if old[:1] in "[{":
            try:
                return in_json(json.loads(old), rng).decode("utf-8", "replace")
            except (ValueError, RecursionError):
                pass
        return in_bytes(old.encode("utf-8", "replace"), rng).decode("utf-8", "replace")
    if isinstance(old, (int, float)) and not isinstance(old, bool) and kind < 5:
        return rng.choice([-old, str(old), [old], {"intValue": str(old)}, old * 10**6])
    return copy.deepcopy(rng.choice(VALUES))


def _deep(value: Any, levels: int, rng: random.Random) -> Any:
    for _ in range(levels):
        value = [value] if rng.random() < 0.5 else {"a": value}
    return value


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
