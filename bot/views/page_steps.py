"""Which steps of a run make rows: in the order of start, nested, filtered, and long rows of like ones folded.

Neighbours that are alike (same kind, name and agent, nothing changed, nothing failed, no children) become one row; the
page shows 200. Foreign traces may nest without end; levels beyond the eighth are shown as it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot.domain.effect import Effect, EffectOutcome, Reversibility, ranked
from bot.domain.run import Guardrail, Handoff, ModelCall, Retrieval, Run, RunStatus, Step, StepKind
from bot.views import limits

_DEEPEST = 8
_FOLD_FROM = 4
_NO_SPAN = "0" * 16


@dataclass(frozen=True, slots=True)
class Item:
    """A row before it is drawn: the first of ``steps`` like ones at this depth.

    ``loose`` is a tool call that has no span of its own; its step is made up for the row. ``beside`` rows are shown
    only because of what is below them.
    """

    steps: tuple[Step, ...]
    depth: int
    has_children: bool
    loose: Effect | None = None
    beside: bool = False


@dataclass(frozen=True)
class Told:
    """What the run tells about its spans, by span id."""

    effects: dict[str, list[Effect]]
    loose: tuple[Effect, ...]
    models: dict[str, ModelCall]
    retrievals: dict[str, Retrieval]
    guardrails: dict[str, Guardrail]
    handoffs: dict[str, Handoff]
    bad: frozenset[str]
    agents: bool

    def effect(self, item: Item) -> Effect | None:
        """The effect that a row stands for, the worst where one span made several."""
        if item.loose is not None:
            return item.loose
        found = self.effects.get(item.steps[0].span_id)
        return found[0] if found else None

    def changed(self, step: Step) -> bool:
        """Whether this step changed something or tried to, or may have carried data out."""
        return any(counts_as_effect(effect) for effect in self.effects.get(step.span_id, ()))

    def failed(self, step: Step) -> bool:
        """Whether this step failed, was refused by a guardrail, or was judged as bad."""
        if step.status is RunStatus.ERROR or step.error is not None or step.span_id in self.bad:
            return True
        return any(effect.outcome is EffectOutcome.FAILED for effect in self.effects.get(step.span_id, ()))


def counts_as_effect(effect: Effect) -> bool:
    """True for all but harmless reads."""
    return effect.reversibility is not Reversibility.READ_ONLY or effect.outbound is not None


def told(run: Run, effects: Sequence[Effect]) -> Told:
    """Sort what is known by span. ``effects`` are this run's."""
    ids = {step.span_id for step in run.steps}
    by_span: dict[str, list[Effect]] = {}
    for effect in ranked(effects):
        if effect.span_id in ids:
            by_span.setdefault(effect.span_id or "", []).append(effect)
    bad = {guard.span_id for guard in run.guardrails if guard.triggered}
    bad |= {one.span_id for one in run.evaluations if one.passed is False and one.span_id}
    return Told(
        effects=by_span,
        loose=tuple(sorted((e for e in effects if e.span_id not in ids), key=lambda e: e.order)),
        models={call.span_id: call for call in run.model_calls},
        retrievals={one.span_id: one for one in run.retrievals},
        guardrails={one.span_id: one for one in run.guardrails},
        handoffs={one.span_id: one for one in run.handoffs},
        bad=frozenset(bad),
        agents=len({step.agent for step in run.steps if step.agent}) > 1,
    )


def walk(steps: Sequence[Step]) -> Iterator[Item]:
    """Depth first in the order of start, without recursion. Steps in a circle of parents come last, as roots."""
    ids = {step.span_id for step in steps}
    children: dict[str, list[Step]] = {}
    roots = []
    for step in steps:
        if step.parent_id is not None and step.parent_id in ids and step.parent_id != step.span_id:
            children.setdefault(step.parent_id, []).append(step)
        else:
            roots.append(step)
    seen: set[str] = set()
    for root in [*roots, *steps]:
        stack = [(root, 0)]
        while stack:
            step, depth = stack.pop()
            if step.span_id in seen:
                continue
            seen.add(step.span_id)
            below = children.get(step.span_id, [])
            yield Item((step,), min(depth, _DEEPEST), bool(below))
            stack += [(child, depth + 1) for child in reversed(below)]


def items(run: Run, known: Told, only: str, within: str) -> list[Item]:
    """The rows that were asked for."""
    every = [*walk(run.steps), *(_loose(effect) for effect in known.loose)]
    if only:
        return _chosen(every, known, only)
    if len(every) <= limits.PAGE_STEPS:
        return every
    folded = _fold(every, known)
    if within:
        fold = next((item for item in folded if item.steps[0].span_id == within and len(item.steps) > 1), None)
        return [Item((step,), 0, has_children=False) for step in fold.steps] if fold is not None else folded
    return folded


def _loose(effect: Effect) -> Item:
    failed = effect.outcome is EffectOutcome.FAILED
    step = Step(
        span_id=_NO_SPAN,
        kind=StepKind.TOOL,
        name=effect.tool,
        started_at=effect.at,
        ended_at=effect.at,
        status=RunStatus.ERROR if failed else RunStatus.UNKNOWN,
        agent=effect.agent,
    )
    return Item((step,), 0, has_children=False, loose=effect)


def matches(item: Item, known: Told, only: str) -> bool:
    """Whether a step is what the filter wants."""
    if item.loose is not None:
        return counts_as_effect(item.loose) if only == "effects" else item.loose.outcome is EffectOutcome.FAILED
    return known.changed(item.steps[0]) if only == "effects" else known.failed(item.steps[0])


def _chosen(every: Sequence[Item], known: Told, only: str) -> list[Item]:
    """The steps that match, each below the steps above it."""
    above: dict[str, str | None] = {item.steps[0].span_id: item.steps[0].parent_id for item in every}
    kept: set[str] = set()
    for item in every:
        if item.loose is None and matches(item, known, only):
            parent = item.steps[0].parent_id
            while parent is not None and parent not in kept and parent in above:
                kept.add(parent)
                parent = above[parent]
    chosen = []
    for item in every:
        if matches(item, known, only):
            chosen.append(item)
        elif item.loose is None and item.steps[0].span_id in kept:
            chosen.append(replace(item, beside=True))
    return chosen


def _fold(every: Sequence[Item], known: Told) -> list[Item]:
    folded: list[Item] = []
    group: list[Item] = []

    def close() -> None:
        if len(group) >= _FOLD_FROM:
            folded.append(replace(group[0], steps=tuple(step for item in group for step in item.steps)))
        else:
            folded.extend(group)
        group.clear()

    for item in every:
        if group and not _alike(group[0], item):
            close()
        if _plain(item, known):
            group.append(item)
        else:
            close()
            folded.append(item)
    close()
    return folded


def _alike(one: Item, other: Item) -> bool:
    first, second = one.steps[0], other.steps[0]
    return (
        one.depth == other.depth
        and not other.has_children
        and (first.kind, first.name, first.status, first.agent)
        == (second.kind, second.name, second.status, second.agent)
    )


def _plain(item: Item, known: Told) -> bool:
    """Nothing that anyone must see by itself: no change, no failure, no hand-off, no children."""
    step = item.steps[0]
    if item.loose is not None or item.has_children or step.kind is StepKind.HANDOFF:
        return False
    return not known.changed(step) and not known.failed(step)
