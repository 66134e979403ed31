"""Effects: what the tool calls of a run changed outside of it, and whether that can be taken back.

Words and rules: PRODUCT.md, *Vocabulary*. An unclassified tool ranks as irreversible, an unknown outcome counts as
applied.
"""

from collections.abc import Iterable
from enum import StrEnum

from pydantic import Field

from bot.domain.base import Json, Utc, Value
from bot.domain.kept import Kept
from bot.domain.money import Money


class Reversibility(StrEnum):
    """What can be done about an effect after it was applied."""

    READ_ONLY = "read_only"
    REVERSIBLE = "reversible"
    COMPENSABLE = "compensable"
    IRREVERSIBLE = "irreversible"
    UNCLASSIFIED = "unclassified"

    @property
    def rank(self) -> int:
        """Severity for sorting, 0 the worst; unclassified ranks with irreversible until a person classifies it."""
        return _RANK[self]


_RANK = {
    Reversibility.IRREVERSIBLE: 0,
    Reversibility.UNCLASSIFIED: 0,
    Reversibility.COMPENSABLE: 1,
    Reversibility.REVERSIBLE: 2,
    Reversibility.READ_ONLY: 3,
}


class EffectOutcome(StrEnum):
    """Whether the call had its effect, judged by its recorded result only."""

    APPLIED = "applied"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Suggestion(Value):
    """A class that is suggested for a tool nobody classified, and why. It never changes how the effect is treated."""

    reversibility: Reversibility
    reason: str


class Origin(Value):
    """An argument value that appears in untrusted content and in nothing that the user or the system said.

    ``argument`` is its dotted path, ``value`` the value cut for showing, ``source`` in words where the content came
    from ("web page https://…", "result of fetch_page", "document policy.md"), ``content`` the hash that runs with the
    same source and value share.
    """

    argument: str
    value: str
    source: str
    content: str
    span_id: str | None = None


class Effect(Value):
    """One tool call of a run, as an effect on the world. ``read_only`` calls are listed too.

    ``id`` is stable across re-readings of the same run: it is made from the trace id, the tool, its arguments and which
    of the equal calls it is (call ids are not unique in real traces). ``order`` counts from 1 within the run. ``at`` is
    when the call ended, as recorded. ``guessed`` marks a read-only class that no rule of the catalogue decided.
    ``reason`` and ``outcome_reason`` say in words why this class and this outcome. All texts are redacted, and
    still hostile. ``suggestion`` stands beside unclassified only. ``origins`` are arguments that came from untrusted
    content; ``outbound`` is the address, taken from such content, that a read went to and may have carried data to.
    ``said`` are the dotted paths of arguments whose values stand in the user's own words.
    """

    id: str
    trace_id: str
    order: int = Field(ge=1)
    tool: str
    call_id: str | None = None
    span_id: str | None = None
    agent: str | None = None
    arguments: Json = None
    reversibility: Reversibility
    guessed: bool = False
    outcome: EffectOutcome
    target: str | None = None
    summary: str | None = None
    at: Utc | None = None
    undo_deadline: Utc | None = None
    money: Money | None = None
    substitute: str | None = None
    reason: str = ""
    outcome_reason: str = ""
    suggestion: Suggestion | None = None
    origins: tuple[Origin, ...] = ()
    outbound: str | None = None
    said: tuple[str, ...] = ()

    @property
    def happened(self) -> bool:
        """Whether it counts as having happened: applied, or unknown until someone checks."""
        return self.outcome is not EffectOutcome.FAILED

    @property
    def changes(self) -> bool:
        """Whether it counts as a change outside the run (happened, and not a read)."""
        return self.outcome is not EffectOutcome.FAILED and self.reversibility is not Reversibility.READ_ONLY

    @property
    def irreversible(self) -> bool:
        """Whether it must be treated as one that cannot be undone (irreversible or unclassified, and happened)."""
        return self.outcome is not EffectOutcome.FAILED and _RANK[self.reversibility] == 0


class EffectCounts(Value):
    """How many tool calls of which class.

    The five classes count what happened (applied or unknown). ``failed`` are rejected attempts of calls that are not
    reads, ``unknown`` those among the changes whose outcome nobody knows, ``guessed`` the reads by guess among
    ``read_only``, ``total`` every tool call.
    """

    total: int = 0
    read_only: int = 0
    reversible: int = 0
    compensable: int = 0
    irreversible: int = 0
    unclassified: int = 0
    failed: int = 0
    unknown: int = 0
    guessed: int = 0

    @property
    def changes(self) -> int:
        """Changes outside the run that happened or may have."""
        return self.reversible + self.compensable + self.irreversible + self.unclassified

    @property
    def no_way_back(self) -> int:
        """Changes that cannot be undone, unclassified ones included."""
        return self.irreversible + self.unclassified

    def __add__(self, other: "EffectCounts") -> "EffectCounts":
        """The sum over two runs."""
        return EffectCounts(**{name: getattr(self, name) + getattr(other, name) for name in EffectCounts.model_fields})


_MANY = 50
"""From so many effects on their order and their counts are kept: a card and its messages ask several times."""
_counted: Kept[EffectCounts] = Kept()
_ordered: Kept[tuple[Effect, ...]] = Kept()


def counts(effects: Iterable[Effect]) -> EffectCounts:
    """Count effects by class, as the card shows them. Of many in a tuple the answer is kept for who asks again."""
    if not isinstance(effects, tuple) or len(effects) < _MANY:
        return _count(effects)
    return _counted.get(effects) or _counted.keep(_count(effects), effects)


def _count(effects: Iterable[Effect]) -> EffectCounts:
    kinds: dict[tuple[Reversibility, EffectOutcome, bool], int] = {}
    for effect in effects:
        kind = (effect.reversibility, effect.outcome, effect.guessed)
        kinds[kind] = kinds.get(kind, 0) + 1
    tally = dict.fromkeys(EffectCounts.model_fields, 0)
    for (reversibility, outcome, guessed), many in kinds.items():
        tally["total"] += many
        if outcome is EffectOutcome.FAILED:
            tally["failed"] += many if reversibility is not Reversibility.READ_ONLY else 0
            continue
        tally[reversibility] += many
        if reversibility is Reversibility.READ_ONLY:
            tally["guessed"] += many if guessed else 0
        else:
            tally["unknown"] += many if outcome is EffectOutcome.UNKNOWN else 0
    return EffectCounts(**tally)


def rank(effect: Effect) -> tuple[int, int, int, int]:
    """Sort key, worst first: what happened before failed attempts, then by class, then in the order of the run.

    Of what nobody classified, that with a softer suggestion comes last: it counts the same, but a few lines of a card
    show what is likely the worst.
    """
    failed = 1 if effect.outcome is EffectOutcome.FAILED else 0
    suggestion = effect.suggestion if effect.reversibility is Reversibility.UNCLASSIFIED else None
    hint = _RANK[suggestion.reversibility] if suggestion is not None else 0
    return (failed, _RANK[effect.reversibility], hint, effect.order)


def ranked(effects: Iterable[Effect]) -> tuple[Effect, ...]:
    """The effects, worst first (see ``rank``): what changed something is the beginning of it, as many as ``counts``."""
    if not isinstance(effects, tuple) or len(effects) < _MANY:
        return tuple(sorted(effects, key=rank))
    return _ordered.get(effects) or _ordered.keep(tuple(sorted(effects, key=rank)), effects)


class SeverityInputs(Value):
    """What the severity rules of the config look at, over all runs of an incident.

    ``irreversible_runs`` is the number of runs with at least one change that cannot be undone; ``changes`` and
    ``irreversible`` count effects that happened (unclassified included in ``irreversible``).
    """

    changes: int = 0
    irreversible: int = 0
    irreversible_runs: int = 0


def severity_inputs(effects: Iterable[Effect]) -> SeverityInputs:
    """Reduce the effects of one or many runs to what the severity rules need."""
    changed = [effect for effect in effects if effect.changes]
    lost = [effect for effect in changed if effect.irreversible]
    return SeverityInputs(
        changes=len(changed), irreversible=len(lost), irreversible_runs=len({effect.trace_id for effect in lost})
    )
