"""Numbers that are secrets: of payment cards. Their last four digits stay, since people tell cards apart by them.

Order numbers, timestamps and ids of the same length stay whole: a card's number begins as its scheme says (ISO/IEC
7812), has its scheme's length, and passes the check of Luhn; and nothing before it calls it an order or an id. Account
numbers and IBANs stay: they say where money went, which is what the responder needs.
"""

import re

from bot.recorder.secret_shape import SecretPattern

_SCHEMES = re.compile(
    r"4\d{12}(?:\d{3})?(?:\d{3})?|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|"
    r"6(?:011|5\d\d|4[4-9]\d)\d{12}|3(?:0[0-5]|[689]\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12}"
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_CALLED = re.compile(
    r"(?<![a-z])(?:order|invoice|tracking|shipment|parcel|ticket|case|trace|span|run|event|request|job|build|account|customer|user"
    r"|product|item|sku|ref(?:erence)?|serial|id|number of|time|timestamp|at)(?:[ _-]?(?:id|no|nr|num|number|ref))?\.?"
    r"\\{0,7}[\"']?[ \t]{0,3}[:=#]{0,2}[ \t]{0,3}\\{0,7}[\"']?#?$",
    re.IGNORECASE,
)


def is_card(match: re.Match[str]) -> bool:
    """Whether digits in a row are a payment card's number, and not called something else."""
    digits = re.sub(r"[ -]", "", match[0])
    if _SCHEMES.fullmatch(digits) is None or len(set(digits)) < 2 or not _luhn(digits):
        return False
    before = match.string[max(0, match.start() - 40) : match.start()]
    return not _is_called(before)


def _luhn(digits: str) -> bool:
    """The check digit of ISO/IEC 7812-1, annex B."""
    doubled = [sum(divmod(2 * int(d), 10)) for d in digits[-2::-2]]
    return (sum(int(d) for d in digits[-1::-2]) + sum(doubled)) % 10 == 0


_GROUPED = r"(?<![\w.+-])(?:\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}[ -]\d{6}[ -]\d{4,5}|\d{13,19})(?![\w]|[.,-]\d)"

CARD = SecretPattern("card_number", (), re.compile(_GROUPED), takes=is_card, shows=4)
_SHAPE = bytes(0x30 if chr(byte).isdigit() and byte < 128 else 0x20 if byte == 0x2D else byte for byte in range(256))
_LIKELY = (b"0" * 13, b"0000 0000 0", b"0000 000000 0")


def could_be_card(text: str) -> bool:
    """The quick look: enough digits in a row, or in the groups in which cards are printed."""
    shape = text.encode("utf-8", "surrogatepass").translate(_SHAPE)
    return any(likely in shape for likely in _LIKELY)


def is_called_otherwise(key: str) -> bool:
    """Whether a field's name says that its number is no card's: ``order_id``, ``traceId``, ``timestamp``."""
    return _is_called(f"{key}:")


def _is_called(before: str) -> bool:
    return _CALLED.search(_CAMEL.sub("_", before)) is not None
