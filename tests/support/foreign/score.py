"""How what Pullcord lists of a labelled run compares with its labels."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bot.domain.catalogue import Catalogue
from bot.domain.effect import Effect
from bot.domain.message import Message
from bot.domain.run import Run
from bot.effects.assess import assess
from bot.recorder.lenient import structured
from bot.recorder.normalise import normalise
from tests.bot.effects.samples import NOW
from tests.support.foreign import frameworks, genai, openinference
from tests.support.foreign.scenarios import Call, Scenario

WRITERS: dict[str, Any] = {
    writer.__name__: writer
    for writer in (
        genai.genai_136_logs,
        genai.genai_136_events,
        genai.genai_137,
        genai.genai_repo,
        genai.mcp,
        genai.mcp_server,
        openinference.oi_openai,
        openinference.oi_langchain,
        openinference.oi_llamaindex,
        openinference.oi_smol,
        openinference.oi_crewai,
        openinference.openai_agents,
        frameworks.strands,
        frameworks.vercel,
        frameworks.adk,
        frameworks.pydantic_ai,
        frameworks.any_agent,
        frameworks.traceloop_openai,
        frameworks.traceloop_langchain,
        frameworks.spring_ai,
    )
}


@dataclass
class Score:
    """Counts, and what went wrong in words."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def share(self, right: str, of: str) -> float:
        """A share of one."""
        return self.counts[right] / max(self.counts[of], 1)

    def add(self, other: "Score") -> None:
        """The sum of two."""
        self.counts.update(other.counts)
        self.faults += other.faults


def read(run: Scenario, dialect: str | None = None) -> tuple[Run, list[Effect]]:
    """The run as recorded and its effects, without a catalogue."""
    held = normalise(WRITERS[dialect or run.dialect](run).records())
    return held, assess(held, Catalogue(), NOW)


def scored(run: Scenario, dialect: str | None = None) -> Score:
    """Compare one run with its labels."""
    held, effects = read(run, dialect)
    score = Score()
    where = f"{run.id}/{dialect or run.dialect}"
    rest = list(effects)
    for call in run.calls:
        effect = _matching(call, rest)
        if effect is None and held.handoffs and call.label == "read_only":
            continue
        if effect is None:
            score.counts["lost"] += 1
            _expect(score, where, call)
            score.faults.append(f"{where}: {call.tool.name} {call.arguments} is not listed")
            continue
        rest.remove(effect)
        _expect(score, where, call)
        _compare(score, where, call, effect)
    score.counts["invented"] += len(rest)
    score.faults += [f"{where}: {effect.tool} {effect.arguments} is no call of the run" for effect in rest]
    _messages(score, where, run, held)
    return score


def _matching(call: Call, rest: Iterable[Effect]) -> Effect | None:
    same = [effect for effect in rest if effect.tool == call.tool.name]
    exact = [effect for effect in same if effect.arguments == call.arguments]
    found = next((effect for effect in exact if effect.call_id in {call.id, None}), None)
    return found or next(iter(exact), None) or next((e for e in same if e.call_id == call.id), None)


def _expect(score: Score, where: str, call: Call) -> None:
    change = call.label != "read_only"
    score.counts["changes" if change else "reads"] += 1


def _compare(score: Score, where: str, call: Call, effect: Effect) -> None:
    what = f"{where}: {call.tool.name} {str(call.arguments)[:60]}"
    change = call.label != "read_only"
    read_only = effect.reversibility == "read_only"
    if change:
        score.counts["listed"] += not read_only
        if read_only:
            score.faults.append(f"{what}: a change is taken for a read ({effect.reason})")
    elif not read_only and "irreversible" not in call.tool.also:
        score.counts["extra"] += 1
        score.faults.append(f"{what}: a read is listed as a change")
    if effect.arguments != call.arguments:
        score.counts["arguments"] += 1
        score.faults.append(f"{what}: arguments {str(effect.arguments)[:80]}")
    kind = "change" if change else "read"
    score.counts[f"{kind}_outcomes"] += 1
    if effect.outcome == call.outcome:
        score.counts[f"{kind}_outcomes_right"] += 1
    else:
        said = call.error or (call.result if call.recorded else "(none)")
        score.faults.append(f"{what}: {effect.outcome} for {call.outcome} ({str(said)[:90]}; {effect.outcome_reason})")
    _judgement(score, what, call, effect)
    _origins(score, what, call, effect)


def _judgement(score: Score, what: str, call: Call, effect: Effect) -> None:
    """Who did it, and the suggested class."""
    change = call.label != "read_only"
    if call.agent:
        score.counts["agents"] += 1
        score.counts["agents_right"] += effect.agent == call.agent
        if effect.agent != call.agent:
            score.faults.append(f"{what}: by {effect.agent}, not {call.agent}")
    if effect.suggestion is not None and change:
        good = {call.tool.label, *call.tool.also}
        said = effect.suggestion.reversibility
        score.counts["suggested"] += 1
        score.counts["suggested_right"] += said in good
        score.counts["suggested_exact"] += said == call.tool.label
        if said not in good:
            score.faults.append(f"{what}: suggested {said}, not {call.tool.label} ({effect.suggestion.reason})")
        if call.tool.label == "irreversible" and said != "irreversible" and said not in good:
            score.counts["softer"] += 1


def _origins(score: Score, what: str, call: Call, effect: Effect) -> None:
    found = {origin.argument.removeprefix("arguments.").split(".")[0]: origin.source for origin in effect.origins}
    for argument, source in call.origins.items():
        score.counts["origins"] += 1
        right = source in found.get(argument, "")
        score.counts["origins_found"] += right
        if not right:
            score.faults.append(f"{what}: origin of {argument} not found, {found}")
    for argument in set(found) - set(call.origins):
        if not call.outbound:
            score.counts["origins_invented"] += 1
            score.faults.append(f"{what}: origin of {argument} invented: {found[argument]}")
    if call.outbound:
        score.counts["outbound"] += 1
        score.counts["outbound_found"] += effect.outbound is not None
        if effect.outbound is None:
            score.faults.append(f"{what}: not marked as carrying data out")


def _messages(score: Score, where: str, run: Scenario, held: Run) -> None:
    """Every text of the scenario that the writer wrote stands in the run."""
    seen = " ".join(_texts(held))
    wanted = [run.user, run.system] + [
        call.text for call in run.calls if call.recorded and isinstance(call.result, str)
    ]
    content = "spring_ai" not in where and "mcp_server" not in where
    for text in wanted if content else ():
        score.counts["texts"] += 1
        read = json.dumps(structured(text), ensure_ascii=False)
        if text in seen or json.dumps(text, ensure_ascii=False)[1:-1] in seen or read in seen:
            score.counts["texts_kept"] += 1
        else:
            score.faults.append(f"{where}: lost text {text[:60]!r}")


def _texts(held: Run) -> Iterable[str]:
    def of(messages: Iterable[Message]) -> Iterable[str]:
        for message in messages:
            for part in message.parts:
                yield part.text or ""
                yield part.model_dump_json()

    for call in held.model_calls:
        yield from call.system
        yield from of(call.input)
        yield from of(call.output)
    for exchange in held.exchanges:
        yield from of(exchange.input)
        yield from of(exchange.output)
    for tool in held.tool_calls:
        yield tool.result if isinstance(tool.result, str) else json.dumps(tool.result, ensure_ascii=False)
    for step in held.steps:
        yield step.model_dump_json()
