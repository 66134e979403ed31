"""Runs as an agent in production leaves them: no two alike, and nothing wrong with most.

Two models side by side, a seed drawn each time, the date and the customer's name in the prompt, other documents for
each question, a sub-agent that only some runs need. ``Planted`` changes one thing.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.base import Json
from bot.domain.effect import Effect, EffectOutcome, Origin, Reversibility
from bot.domain.run import (
    Completeness,
    Document,
    Evaluation,
    ModelCall,
    Retrieval,
    Run,
    RunError,
    RunStatus,
    Step,
    StepKind,
    ToolDefinition,
)

AGENT = "refund-bot"
START = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
NAMES = ("Alice Moreno", "Bob", "Chidi Anagonye", "Dana O'Neill", "Émile", "Fatima al-Sayed", "Grace", "Hiro Tanaka")
POLICY = """You are the refund agent of Acme.
Today is {day}. Session {session}.
You are talking to {name}, a {tier} customer since {year}.
Refund at most 50 EUR without asking; for more, hand over to a person.
Never send mail to an address that the customer did not write from.
Be short and friendly. Answer in the customer's language."""
CHECKER = "You check refunds of the refund agent. Today is {day}.\nAnswer yes or no."
TOOLS: dict[str, tuple[str, Json]] = {
    "get_order": ("Look up an order.", {"type": "object", "properties": {"order_id": {"type": "string"}}}),
    "issue_refund": (
        "Refund an order. Irreversible.",
        {"type": "object", "properties": {"order_id": {"type": "string"}, "amount": {"type": "number"}}},
    ),
    "send_email": ("Send a mail to the customer.", {"type": "object", "properties": {"to": {"type": "string"}}}),
    "search_kb": ("Search the knowledge base.", {"type": "object", "properties": {"query": {"type": "string"}}}),
}
REASONS = ("damaged", "late", "wrong item", "changed mind")
CLASSES = {
    "get_order": Reversibility.READ_ONLY,
    "search_kb": Reversibility.READ_ONLY,
    "issue_refund": Reversibility.IRREVERSIBLE,
    "send_email": Reversibility.IRREVERSIBLE,
}


@dataclass
class Planted:
    """What is other in a run. Each is applied to what the run would have been."""

    served: str | None = None
    requested: str | None = None
    prompt: Callable[[str], str] | None = None
    tools: dict[str, tuple[str, Json] | None] = field(default_factory=dict)
    documents: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, Json] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    service_version: str | None = None
    calls: tuple[tuple[str, dict[str, Json]], ...] = ()
    origins: tuple[Origin, ...] = ()
    failed_check: str | None = None
    error: str | None = None


def trace_of(number: int) -> str:
    """The trace id of the run with this number."""
    return f"{number + 1:032x}"


def recorded(
    number: int,
    planted: Planted | None = None,
    *,
    seed: int = 0,
    every: timedelta = timedelta(minutes=1),
    agent: str = AGENT,
    start: datetime = START,
) -> tuple[Run, tuple[Effect, ...]]:
    """The run with this number, and its effects. The same number and seed give the same run."""
    what, drawn = planted or Planted(), random.Random(f"{seed}:{number}")
    at = start + number * every
    trace_id = trace_of(number)
    calls = [_model(drawn, at, what)]
    if drawn.random() < 0.3:
        calls.append(_checker(drawn, at))
    run = Run(
        trace_id=trace_id,
        agent=agent,
        service=f"{agent}-svc",
        service_version=what.service_version or drawn.choice(("1.4.2", "1.4.3")),
        environment="production",
        started_at=at,
        ended_at=at + timedelta(seconds=drawn.randint(2, 40)),
        status=RunStatus.ERROR if what.error else drawn.choice((RunStatus.OK, RunStatus.UNKNOWN)),
        error=RunError(type=what.error) if what.error else None,
        completeness=Completeness.COMPLETE,
        steps=(
            Step(span_id="f" * 16, kind=StepKind.AGENT, name=f"invoke_agent {agent}", agent=agent, started_at=at),
            Step(span_id="a" * 16, parent_id="f" * 16, kind=StepKind.MODEL, name="chat", agent=agent, started_at=at),
            Step(
                span_id="b" * 16, parent_id="f" * 16, kind=StepKind.MODEL, name="chat", agent="checker", started_at=at
            ),
        ),
        model_calls=tuple(call.model_copy(update={"order": n}) for n, call in enumerate(calls, 1)),
        retrievals=(_retrieval(drawn, what),),
        evaluations=(Evaluation(name=what.failed_check, passed=False),) if what.failed_check else (),
    )
    return run, _effects(trace_id, at, drawn, what)


def _model(drawn: random.Random, at: datetime, what: Planted) -> ModelCall:
    own = drawn.random() < 0.85
    requested, served = ("gpt-x", "gpt-x-2026-05-01") if own else ("gpt-y", "gpt-y-2026-02-01")
    parameters: dict[str, Json] = {
        "temperature": 0.2,
        "seed": drawn.randint(1, 10**6),
        "max_tokens": drawn.choice((512, 1024)),
        **what.parameters,
    }
    text = POLICY.format(
        day=at.strftime(drawn.choice(("%Y-%m-%d", "%A, %d %B %Y"))),
        session=f"sess_{drawn.getrandbits(64):016x}",
        name=drawn.choice(NAMES) + ("" if drawn.random() < 0.5 else f" {drawn.randint(1, 999)}"),
        tier=drawn.choice(("gold", "silver")),
        year=drawn.randint(2009, 2026),
    )
    tools = {**TOOLS, **what.tools}
    if drawn.random() < 0.4:
        tools = {**tools, "get_weather": ("The weather somewhere.", {"type": "object"})}
    return ModelCall(
        order=1,
        span_id="a" * 16,
        provider="openai",
        model_requested=what.requested or requested,
        model_served=what.served or served,
        fingerprint=drawn.choice(("fp_1", "fp_2", "fp_3")),
        parameters={name: value for name, value in parameters.items() if name not in what.without},
        system=(what.prompt(text) if what.prompt else text,),
        tools_offered=tuple(
            ToolDefinition(name=name, description=told[0], parameters=told[1]) for name, told in tools.items() if told
        ),
    )


def _checker(drawn: random.Random, at: datetime) -> ModelCall:
    return ModelCall(
        order=2,
        span_id="b" * 16,
        provider="anthropic",
        model_requested="claude-z",
        model_served=drawn.choice(("claude-z-2026-03", "claude-z-2026-04")),
        parameters={"temperature": 0},
        system=(CHECKER.format(day=at.strftime("%Y-%m-%d")),),
    )


def _retrieval(drawn: random.Random, what: Planted) -> Retrieval:
    documents = [Document(id="policy.md", content="…", metadata={"version": what.documents.get("policy.md", "v7")})]
    for _ in range(drawn.randint(0, 3)):
        number = drawn.randint(1, 200)
        name = f"faq-{number}.md"
        text = what.documents.get(name, f"The answer to question {number}.")
        documents.append(Document(id=name, content=text, score=drawn.random()))
    documents.append(Document(id="handbook.pdf", content=f"piece {drawn.randint(1, 500)} of the handbook"))
    return Retrieval(span_id="c" * 16, source="kb", query="refund", documents=tuple(documents))


def _effects(trace_id: str, at: datetime, drawn: random.Random, what: Planted) -> tuple[Effect, ...]:
    order = f"ord_{drawn.randint(1, 1200)}"
    usual: list[tuple[str, dict[str, Json]]] = [("get_order", {"order_id": order})]
    refund: dict[str, Json] = {
        "order_id": order,
        "amount": round(drawn.uniform(5, 50), 2),
        "currency": drawn.choice(("EUR", "EUR", "USD")),
        "reason": drawn.choice(REASONS),
        "account": f"DE{drawn.getrandbits(60):018d}",
    }
    name = drawn.choice(NAMES).split()[0].lower()
    usual.append(("issue_refund", refund))
    if drawn.random() < 0.5:
        to = f"{name}{drawn.randint(1, 999)}@{drawn.choice(('mail.example', 'post.example', 'web.example'))}"
        usual.append(("send_email", {"to": to, "subject": "Your refund", "body": f"Dear {name}, {drawn.random()}"}))
    planted: list[tuple[str, dict[str, Json]]] = [(tool, dict(arguments)) for tool, arguments in what.calls]
    calls = [c for c in usual if c[0] not in {tool for tool, _ in planted}] + [
        (tool, {**(refund if tool == "issue_refund" else {}), **arguments}) for tool, arguments in planted
    ]
    return tuple(
        effect(
            trace_id,
            number,
            tool,
            arguments,
            at,
            origins=what.origins if tool in {t for t, _ in planted} else (),
        )
        for number, (tool, arguments) in enumerate(calls, 1)
    )


def effect(
    trace_id: str, order: int, tool: str, arguments: Json, at: datetime, origins: tuple[Origin, ...] = (), **more: Any
) -> Effect:
    """One effect that was applied."""
    return Effect(
        id=f"{trace_id[-6:]}-{order}",
        trace_id=trace_id,
        order=order,
        tool=tool,
        arguments=arguments,
        reversibility=CLASSES.get(tool, Reversibility.UNCLASSIFIED),
        outcome=EffectOutcome.APPLIED,
        at=at,
        origins=origins,
        **more,
    )
