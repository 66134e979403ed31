"""Bad inputs made from good ones: changed bytes and changed JSON trees. All from one seed."""

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
