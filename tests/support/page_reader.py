"""Reads a page of ours as a browser would: what is nested wrongly, leads away or could run something is a fault."""

import re
from html.parser import HTMLParser

VOID = {"meta", "link", "input", "use", "rect", "line", "path", "circle"}
_RUN = r"/runs/[0-9a-f]{32}(?:/changes|/steps/(?:[0-9a-f]{16}|call-\d+))?"
LOCAL = re.compile(
    rf"/mitigations|(?:/incidents(?:/INC-\d+(?:{_RUN})?)?(?:\?[\w=&]*)?)?(?:#[\w-]+)?|/static/page\.(?:css|js)|data:,"
)


class Reader(HTMLParser):
    """Reads a page: nesting, addresses, attributes that could run something, the text."""

    def __init__(self) -> None:
        """Empty."""
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.tags: dict[str, int] = {}
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what is opened, and what in it is not ours."""
        self.tags[tag] = self.tags.get(tag, 0) + 1
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                self.faults.append(f"{name} on {tag}: the page's policy forbids it")
            if name in {"href", "src", "action"} and not LOCAL.fullmatch(value or ""):
                self.faults.append(f"{tag} leads to {value}")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Every element is closed where it should be."""
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes something else")

    def handle_data(self, data: str) -> None:
        """Collect what is read."""
        self.text.append(data)


def read(html: str) -> Reader:
    """The page as a reader sees it; asserts that it is well nested and holds nothing foreign that acts."""
    reader = Reader()
    reader.feed(html)
    assert reader.faults == []
    assert reader.open == []
    assert reader.tags["h1"] == 1
    assert reader.tags["script"] == 1
    return reader
