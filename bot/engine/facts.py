"""What is known of an incident, as facts: each with what it rests on, and never a guess.

``facts_of`` is pure and looks at the projection alone. A fact holds, does not hold, or is not known because what it
needs was not recorded or not compared. Ladders, and whoever else says what may be going on, read these and nothing
else. A fact is no cause: "the served model changed" says that, and not that the model did it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from pydantic_core import to_json

from bot.domain.effect import Effect, EffectOutcome, Reversibility, ranked
from bot.domain.fact import Basis, Fact
from bot.domain.incident import AlertState, Incident
from bot.domain.kept import Kept
from bot.domain.profile import ChangeKind
from bot.domain.run import UNRECORDED_TOOL, RunStatus
from bot.engine.facts_compared import cut, differs, nothing_differs

REPEATED: Final = 3
"""So many calls of one tool with the same arguments in one run are a repeat."""


_MANY: Final = 50
_kept: Kept[tuple[Fact, ...]] = Kept()


def facts_of(incident: Incident) -> tuple[Fact, ...]:
    """Every fact of ``READ``, in its order. Of many effects the answer is kept for who asks again."""
    if len(incident.effects) < _MANY:
        return _read(incident)
    whole = (
        incident.effects,
        incident.compared,
        incident.runs,
        incident.similar,
        incident.alerts,
        incident.alert_state,
    )
    return _kept.get(*whole) or _kept.keep(_read(incident), *whole)


def _read(incident: Incident) -> tuple[Fact, ...]:
    return tuple(made(incident) for made in READ.values())


def held(facts: Iterable[Fact]) -> dict[str, Fact]:
    """Those that hold, by id."""
    return {fact.id: fact for fact in facts if fact.holds is True}


def _served_differs(incident: Incident) -> Fact:
    """The provider served another model than was asked for: an alias, or something else behind a stable name."""
    pairs = [(run.summary.model_requested, run.summary.model_served) for run in incident.runs]
    known = [(asked, served) for asked, served in pairs if asked and served]
    if not known:
        return _recorded("model_served_differs", None, "the requested or the served model was not recorded")
    other = [(asked, served) for asked, served in known if asked != served]
    if not other:
        return _recorded("model_served_differs", False, f"asked {cut(known[0][0])} and served it")
    return _recorded("model_served_differs", True, f"asked {cut(other[0][0])}, served {cut(other[0][1])}")


def _untrusted(incident: Incident) -> Fact:
    """An argument of a change stands in content that anybody can write, and in nothing that the user said."""
    if not incident.runs:
        return Fact(id="untrusted_arguments", holds=None, evidence="no run was read yet", basis=Basis.HINT)
    for effect in _changes(incident):
        if effect.origins:
            origin = effect.origins[0]
            words = f"{cut(origin.argument)} of {cut(effect.tool)} ({cut(origin.value)}) came from "
            return Fact(
                id="untrusted_arguments", holds=True, evidence=words + cut(origin.source, 120), basis=Basis.HINT
            )
    words = "no argument of a change was found in untrusted content"
    return Fact(id="untrusted_arguments", holds=False, evidence=words, basis=Basis.HINT)


def _outbound(incident: Incident) -> Fact:
    """A read went to an address of untrusted content, or carried data of other results in its address."""
    found = next((e for e in incident.effects if e.outbound is not None), None)
    if found is None:
        known = False if incident.runs else None
        return Fact(id="data_may_have_left", holds=known, evidence="no read to such an address", basis=Basis.HINT)
    words = f"{cut(found.tool)} went to {cut(found.outbound or '', 120)} and may have carried data there"
    return Fact(id="data_may_have_left", holds=True, evidence=words, basis=Basis.HINT)


def _changed_something(incident: Incident) -> Fact:
    changes = _changes(incident)
    if not incident.runs:
        return _recorded("changed_something", None, "no run was read yet")
    if not changes:
        return _recorded("changed_something", False, "the runs changed nothing outside themselves")
    return _recorded("changed_something", True, f"{len(changes):,} change{_s(changes)}, the worst: {_did(changes[0])}")


def _irreversible(incident: Incident) -> Fact:
    lost = [e for e in _changes(incident) if e.irreversible]
    if not incident.runs:
        return _recorded("irreversible_effects", None, "no run was read yet")
    if not lost:
        return _recorded("irreversible_effects", False, "every change can be undone or compensated")
    unsaid = sum(e.reversibility is Reversibility.UNCLASSIFIED for e in lost)
    aside = f" ({unsaid:,} of them not classified yet)" if unsaid else ""
    words = f"{len(lost):,} effect{_s(lost)} that cannot be undone{aside}, the worst: {_did(lost[0])}"
    return _recorded("irreversible_effects", True, words)


def _unclassified(incident: Incident) -> Fact:
    tools = list(dict.fromkeys(e.tool for e in incident.effects if e.reversibility is Reversibility.UNCLASSIFIED))
    if not tools:
        return _recorded("unclassified_tools", False if incident.runs else None, "every tool is classified")
    return _recorded("unclassified_tools", True, f"nobody classified {', '.join(map(cut, tools[:3]))}")


def _repeated(incident: Incident) -> Fact:
    """One call made again and again with the same arguments: a loop, whatever made it."""
    if not incident.runs:
        return _recorded("repeated_calls", None, "no run was read yet")
    calls: Counter[tuple[str, str, bytes]] = Counter(
        (e.trace_id, e.tool, _key(e)) for e in incident.effects if e.tool != UNRECORDED_TOOL
    )
    (_, tool, _), most = max(calls.items(), key=lambda call: call[1], default=(("", "", b""), 0))
    if most < REPEATED:
        return _recorded("repeated_calls", False, "no call was made three times with the same arguments")
    return _recorded("repeated_calls", True, f"{cut(tool)} was called {most:,} times with the same arguments")


def _cost(incident: Incident) -> Fact:
    """What the runs used. It holds where it was recorded at all: what is too much, only people know."""
    known = [run.summary for run in incident.runs if run.summary.tokens is not None]
    if not known:
        return _recorded("cost_recorded", None, "token usage was not recorded")
    most = max(known, key=lambda run: run.tokens or 0)
    words = f"{most.tokens or 0:,} tokens in {most.model_calls:,} model call{'' if most.model_calls == 1 else 's'}"
    return _recorded("cost_recorded", True, f"{words} of one run")


def _tool_errors(incident: Incident) -> Fact:
    failed = [e for e in incident.effects if e.outcome is EffectOutcome.FAILED]
    if not failed:
        return _recorded("tool_errors", False if incident.runs else None, "no tool call failed")
    many: Counter[str] = Counter(e.tool for e in failed)
    tool, count = many.most_common(1)[0]
    words = f"{len(failed):,} tool call{_s(failed)} failed, {count:,} of them of {cut(tool)}"
    return _recorded("tool_errors", True, words)


def _run_failed(incident: Incident) -> Fact:
    error = next((run.summary for run in incident.runs if run.summary.status is RunStatus.ERROR), None)
    if error is None:
        return _recorded("run_failed", False if incident.runs else None, "no run ended with an error")
    why = f": {cut(error.error.message, 120)}" if error.error is not None else ""
    return _recorded("run_failed", True, f"a run ended with an error{why}")


def _unknown(incident: Incident) -> Fact:
    doubtful = [e for e in incident.effects if e.changes and e.outcome is EffectOutcome.UNKNOWN]
    if not doubtful:
        known = False if incident.runs else None
        return _recorded("unknown_outcomes", known, "the outcome of each change is known")
    words = f"nobody knows whether {cut(doubtful[0].tool)} happened ({len(doubtful):,} in all), so it counts as done"
    return _recorded("unknown_outcomes", True, words)


def _user_named(incident: Incident) -> Fact:
    """The user said the values with which the worst change was made, and no untrusted content did."""
    worst = next(iter(_changes(incident)), None)
    if worst is None:
        return Fact(id="user_named_it", holds=None, evidence="there is no change to ask about", basis=Basis.HINT)
    if worst.said and not worst.origins:
        words = f"the user said {', '.join(map(cut, worst.said[:3]))} of {cut(worst.tool)} in their own words"
        return Fact(id="user_named_it", holds=True, evidence=words, basis=Basis.HINT)
    words = f"no argument of {cut(worst.tool)} was found in the user's words"
    return Fact(id="user_named_it", holds=False, evidence=words, basis=Basis.HINT)


def _firing(incident: Incident) -> Fact:
    firing = incident.alert_state is AlertState.FIRING
    words = "an alert is still firing" if firing else "the sources say that it is over"
    return _recorded("alert_firing", firing if incident.alerts else None, words if incident.alerts else "no alert")


def _spread(incident: Incident) -> Fact:
    found = max((s.runs for s in incident.similar), default=None)
    if found is None:
        return Fact(id="more_runs_alike", holds=None, evidence="nobody looked for others yet", basis=Basis.COMPARED)
    words = f"{found:,} more run{'' if found == 1 else 's'} look{'s' if found == 1 else ''} the same"
    return Fact(id="more_runs_alike", holds=found > 0, evidence=words, basis=Basis.COMPARED)


def _changes(incident: Incident) -> list[Effect]:
    return [e for e in ranked(incident.effects) if e.changes]


def _key(effect: Effect) -> bytes:
    return to_json(effect.arguments, inf_nan_mode="strings")


def _did(effect: Effect) -> str:
    money = f" {effect.money}" if effect.money is not None else ""
    return f"{cut(effect.tool)}{money}"


def _s(many: Sequence[object]) -> str:
    return "" if len(many) == 1 else "s"


def _recorded(fact: str, holds: bool | None, evidence: str) -> Fact:  # noqa: FBT001 - the three values of a fact
    return Fact(id=fact, holds=holds, evidence=evidence, basis=Basis.RECORDED)


_K = ChangeKind
READ: Final[dict[str, Callable[[Incident], Fact]]] = {
    "model_served_changed": differs(
        "model_served_changed", frozenset({_K.MODEL_SERVED, _K.FINGERPRINT}), "the served model", "served model"
    ),
    "model_requested_changed": differs(
        "model_requested_changed", frozenset({_K.MODEL_REQUESTED, _K.PROVIDER}), "the requested model"
    ),
    "model_served_differs": _served_differs,
    "prompt_changed": differs("prompt_changed", frozenset({_K.PROMPT}), "the system prompt", "system prompt"),
    "tools_changed": differs(
        "tools_changed",
        frozenset({_K.TOOL_CHANGED, _K.TOOL_ADDED, _K.TOOL_REMOVED}),
        "the tool definition",
        "tool definitions",
    ),
    "documents_changed": differs("documents_changed", frozenset({_K.DOCUMENT, _K.SOURCE}), "the document"),
    "parameters_changed": differs("parameters_changed", frozenset({_K.PARAMETER}), "the parameter", "parameters"),
    "code_changed": differs("code_changed", frozenset({_K.SERVICE_VERSION, _K.AGENT_VERSION}), "the version"),
    "nothing_changed": nothing_differs,
    "changed_something": _changed_something,
    "irreversible_effects": _irreversible,
    "unclassified_tools": _unclassified,
    "unknown_outcomes": _unknown,
    "untrusted_arguments": _untrusted,
    "data_may_have_left": _outbound,
    "user_named_it": _user_named,
    "repeated_calls": _repeated,
    "cost_recorded": _cost,
    "tool_errors": _tool_errors,
    "run_failed": _run_failed,
    "alert_firing": _firing,
    "more_runs_alike": _spread,
}
"""How each fact of ``bot.domain.fact.FACTS`` is read."""
