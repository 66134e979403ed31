"""Small checks that compose into the shapes of Block Kit.

A check looks at one value and reports what Slack would refuse.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

URL_SCHEMES = ("http", "https", "mailto", "slack")


@dataclass
class Report:
    """Collects complaints, each with the JSON pointer of the value it is about."""

    problems: list[str] = field(default_factory=list)

    def add(self, pointer: str, complaint: str) -> None:
        """Note one, in the words and form of Slack's `response_metadata.messages`."""
        self.problems.append(f"[ERROR] {complaint} [json-pointer:{pointer}]")


Check = Callable[[Report, str, Any], None]


def string(most: int, least: int = 0) -> Check:
    """A string of so many code points."""

    def check(report: Report, pointer: str, value: Any) -> None:
        if not isinstance(value, str):
            report.add(pointer, "must provide a string")
        elif len(value) > most:
            report.add(pointer, f"must be less than {most + 1} characters")
        elif len(value) < least:
            report.add(pointer, f"must be more than {least - 1} characters")

    return check


def url(most: int) -> Check:
    """An absolute URL."""
    short = string(most, 1)

    def check(report: Report, pointer: str, value: Any) -> None:
        short(report, pointer, value)
        if not isinstance(value, str):
            return
        try:
            valid = urlsplit(value).scheme in URL_SCHEMES
        except ValueError:
            valid = False
        if not valid:
            report.add(pointer, "must be a valid URL")

    return check


def boolean(report: Report, pointer: str, value: Any) -> None:
    """True or false, nothing like it."""
    if not isinstance(value, bool):
        report.add(pointer, "must provide a boolean")


def whole(least: int, most: int) -> Check:
    """An integer within bounds."""

    def check(report: Report, pointer: str, value: Any) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            report.add(pointer, "must provide an integer")
        elif not least <= value <= most:
            report.add(pointer, f"must be between {least} and {most}")

    return check


def one_of(*allowed: str) -> Check:
    """One of these words."""

    def check(report: Report, pointer: str, value: Any) -> None:
        if value not in allowed:
            report.add(pointer, f"must be one of: {', '.join(allowed)}")

    return check


def array(item: Check, least: int, most: int) -> Check:
    """A list of so many items, each of which fits."""

    def check(report: Report, pointer: str, value: Any) -> None:
        if not isinstance(value, list):
            report.add(pointer, "must provide an array")
            return
        if len(value) > most:
            report.add(pointer, f"no more than {most} items allowed")
        if len(value) < least:
            report.add(pointer, f"no fewer than {least} items allowed")
        for index, one in enumerate(value):
            item(report, f"{pointer}/{index}", one)

    return check


def text(*kinds: str, most: int, least: int = 1) -> Check:
    """A text object: plain_text, mrkdwn, or either, of so many code points."""
    inside = string(most, least)

    def check(report: Report, pointer: str, value: Any) -> None:
        if not isinstance(value, dict):
            report.add(pointer, "must provide an object")
            return
        kind = value.get("type")
        if kind not in kinds:
            report.add(f"{pointer}/type", f"must be {' or '.join(kinds)}, not {kind!r}")
        own = "emoji" if kind == "plain_text" else "verbatim"
        for key in sorted(set(value) - {"type", "text", own}):
            report.add(pointer, f"invalid additional property: {key}")
        if "text" in value:
            inside(report, f"{pointer}/text", value["text"])
        else:
            report.add(pointer, "missing required field: text")
        if own in value:
            boolean(report, f"{pointer}/{own}", value[own])

    return check


def shape(required: Mapping[str, Check], optional: Mapping[str, Check], also: Check | None = None) -> Check:
    """An object with these fields and no others; `type` is looked at by whoever chose this shape."""

    def check(report: Report, pointer: str, value: Any) -> None:
        if not isinstance(value, dict):
            report.add(pointer, "must provide an object")
            return
        for key, rule in required.items():
            if key in value:
                rule(report, f"{pointer}/{key}", value[key])
            else:
                report.add(pointer, f"missing required field: {key}")
        for key in sorted(set(value) - set(required) - {"type"}):
            if key in optional:
                optional[key](report, f"{pointer}/{key}", value[key])
            else:
                report.add(pointer, f"invalid additional property: {key}")
        if also is not None:
            also(report, pointer, value)

    return check


def kinds_of(shapes: Mapping[str, Check], allowed: frozenset[str], place: str) -> Check:
    """An object whose `type` picks its shape; a known type in the wrong place is named as such."""

    def check(report: Report, pointer: str, value: Any) -> None:
        if not isinstance(value, dict):
            report.add(pointer, "must provide an object")
            return
        kind = value.get("type")
        if not isinstance(kind, str) or kind not in shapes:
            report.add(f"{pointer}/type", f"unsupported type: {kind}")
        elif kind not in allowed:
            report.add(f"{pointer}/type", f"unsupported type: {kind} is not allowed in {place}")
        else:
            shapes[kind](report, pointer, value)

    return check
