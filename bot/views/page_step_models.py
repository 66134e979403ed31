"""What the template of one step is given: facts, and texts that are folded when long. Text is shown, never escaped."""

from dataclasses import dataclass

from bot.views.page_values import Glyph, Link, When


@dataclass(frozen=True, slots=True)
class Text:
    """A recorded text: ``head`` is shown, ``rest`` opened with ``more``, ``cut`` says what of it is not here."""

    head: str
    rest: str = ""
    more: str = ""
    cut: str = ""


@dataclass(frozen=True, slots=True)
class TextPart:
    """One text of an entry with what it is ("calls issue_refund", "result of call_1")."""

    label: str
    text: Text


@dataclass(frozen=True, slots=True)
class TextEntry:
    """A message by its role, a document, a tool as offered, or just texts (``label`` empty)."""

    label: str
    note: str
    tone: str
    parts: tuple[TextPart, ...]


@dataclass(frozen=True, slots=True)
class StepSection:
    """Texts of one kind. ``earlier`` entries are folded away before the others, under ``earlier_label``."""

    title: str
    note: str
    entries: tuple[TextEntry, ...]
    earlier: tuple[TextEntry, ...] = ()
    earlier_label: str = ""
    folded: bool = False


@dataclass(frozen=True, slots=True)
class StepFact:
    """A short fact. ``tone`` is empty, irr or comp; ``at`` is a time where there is one."""

    name: str
    value: str
    note: str = ""
    tone: str = ""
    at: When | None = None


@dataclass(frozen=True, slots=True)
class StepPage:
    """All that ``step.html`` shows. ``warnings`` say where arguments came from; ``empty`` that nothing was recorded."""

    head_title: str
    incident: str
    back: Link
    run: str
    key: str
    name: str
    kind: str
    glyph: Glyph | None
    agent: str
    facts: tuple[StepFact, ...]
    warnings: tuple[str, ...]
    sections: tuple[StepSection, ...]
    empty: str
    note: str
    before: Link | None
    after: Link | None
    self_link: Link
    as_of: When
