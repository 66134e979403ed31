"""Verbs: parameters that become a modal, the context that a verb may look at, the plan, and the decorator."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from bot.domain.action import Change, OnceResult, Risk
from bot.domain.base import Json
from bot.domain.effect import Effect, ranked
from bot.domain.events import Actor
from bot.domain.incident import Incident
from bot.domain.run import UNRECORDED_TOOL
from bot.ports import FilePlace


class Params(BaseModel):
    """Base of a verb's parameters: becomes the modal. Frozen, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a select: what is sent and what is shown."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Live:
    """Options that a control plane tells when the modal opens: ``of(ctx, plane)`` with the plane that meets ``port``.

    Bounded by the kernel; where no control plane of the agent meets the port, or it does not answer in time, the
    options of ``Choices.of`` stand alone.
    """

    port: type
    of: "Callable[[ActionContext, Any], Awaitable[Sequence[Choice]]]"


@dataclass(frozen=True, slots=True)
class Choices:
    """``Annotated[str, Choices(f)]``: the field is a select whose options ``f(ctx)`` gives when the modal opens.

    ``live`` adds what the agent's control plane offers now. ``open`` takes other values too (a text field where there
    are no options); else only what is offered, now or when the modal opened, is accepted.
    """

    of: "Callable[[ActionContext], Sequence[Choice]]"
    live: Live | None = None
    open: bool = False


@dataclass(frozen=True, slots=True)
class LiveText:
    """A text that a control plane tells when the modal opens: ``of(ctx, params, plane)``, with the offer's parameters.

    Bounded by the kernel; where no control plane of the agent meets the port, or it does not answer in time, the field
    starts with what ``Prefill.of`` gives.
    """

    port: type
    of: "Callable[[ActionContext, Mapping[str, Json], Any], Awaitable[str | None]]"


@dataclass(frozen=True, slots=True)
class Prefill:
    """``Annotated[str, Prefill(f)]``: the field starts with ``f(ctx)`` in the modal (None: empty), or ``live`` text."""

    of: "Callable[[ActionContext], str | None]"
    live: LiveText | None = None


@dataclass(frozen=True, slots=True)
class Multiline:
    """``Annotated[str, Multiline()]``: the field is a box of several lines."""


@dataclass(frozen=True, slots=True)
class EvalPlaces:
    """Where eval cases may go and how they may be written, as configured (``evals:``).

    ``repository`` names the code host, or is ``git remote``; None where neither is configured.
    """

    repository: str | None = None
    datasets: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    format: str = ""


@dataclass(frozen=True, slots=True)
class AgentProfile:
    """What the configuration says of an agent, as far as verbs need it."""

    name: str
    models: tuple[str, ...] = ()
    fallback_model: str | None = None
    tools: tuple[str, ...] = ()
    control: str = "embedded"
    team: str | None = None
    team_agents: tuple[str, ...] = ()
    """Every agent of the team in the configuration, this one too; empty where the agent has none."""
    lengths: tuple[timedelta, ...] = (timedelta(hours=1), timedelta(hours=4), timedelta(days=1), timedelta(days=7))
    """How long a temporary mitigation may be chosen to last (``mitigations.lengths``)."""
    evals: EvalPlaces = EvalPlaces()
    fixes: FilePlace | None = None
    """Where lasting fixes of the agent go (``fixes.<agent>``); None where nothing is configured."""


@dataclass(frozen=True, slots=True)
class ActionContext:
    """What a verb may look at: the incident as it stands, the agent, who asks, and the time."""

    incident: Incident
    agent: AgentProfile
    by: Actor
    now: datetime
    execution_id: str = ""

    @property
    def tools_used(self) -> tuple[str, ...]:
        """Names of tools in this incident, those of the worst effects first, each once; the unnamed ones left out."""
        names = [e.tool for e in ranked(self.incident.effects)]
        return tuple(name for name in dict.fromkeys([*names, *self.agent.tools]) if name != UNRECORDED_TOOL)

    @property
    def worst(self) -> Effect | None:
        """The effect that most needs a person, or None when the run changed nothing."""
        named = (e for e in ranked(self.incident.effects) if e.tool != UNRECORDED_TOOL)
        return next((e for e in named if e.changes), None)


@dataclass(frozen=True, slots=True)
class Once:
    """A plan without a target state: ``run(key)`` does it, ``probe()`` finds out whether it is done (None: unknown).

    ``run`` must raise ActionFailed only when it surely did nothing; anything else ends as unknown and is probed.
    """

    summary: str
    run: Callable[[str], Awaitable[OnceResult]]
    probe: Callable[[], Awaitable[OnceResult | None]]
    preview: str = ""


Outcome = Change | Once


@dataclass(frozen=True, slots=True)
class Offered:
    """How a verb stands on the card: its button text, frozen parameters, place (small first), and the danger colour.

    ``params`` that already satisfy the model make a button with a confirm; else the button opens the modal.
    ``always_ask`` opens the modal anyway. ``consequence`` is the confirm's text: target, consequence, how to undo.
    ``beside`` are further buttons of the same verb, each with its own parameters.
    """

    label: str
    params: Mapping[str, Json] = field(default_factory=dict)
    rank: int = 50
    danger: bool = False
    always_ask: bool = False
    consequence: str = ""
    beside: tuple["Offered", ...] = ()


@dataclass(frozen=True, slots=True)
class Hidden:
    """The verb makes no sense here, and why (said in the tray and in ``/pullcord help``)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Action:
    """A verb. ``plan`` takes (ctx, params, ports...) and returns a Change or a Once; it only reads."""

    id: str
    title: str
    tightens: bool
    risk: Risk
    role: str
    params: type[Params]
    plan: Callable[..., Outcome | Awaitable[Outcome]]
    ports: Mapping[str, type]
    offer: Callable[[ActionContext], Offered | Hidden]
    undo_role: str
    doc: str
    module: str
    agents: Callable[[ActionContext, Any], Sequence[str]] | None = None
    """Which agents it touches with these parameters (default: the incident's). More than one is fleet-wide."""
    second: Callable[[ActionContext, Any], str | None] | None = None
    """Why these parameters need a second person whatever the configuration says, or None."""
    touches: frozenset[str] = frozenset()
    """``money``, ``messages``: what leaves the house by it, which needs a second person."""
    take_back: Callable[..., Once | Awaitable[Once]] | None = None
    """Of a verb that plans a ``Once``: ``(ctx, params, result, ports...)`` plans how its result is taken back."""


def action(  # noqa: PLR0913 - each is a fact that a verb states of itself
    action_id: str,
    *,
    title: str,
    tightens: bool,
    risk: Risk,
    role: str,
    offer: Callable[[ActionContext], Offered | Hidden] | None = None,
    undo_role: str | None = None,
    agents: Callable[[ActionContext, Any], Sequence[str]] | None = None,
    second: Callable[[ActionContext, Any], str | None] | None = None,
    touches: frozenset[str] = frozenset(),
    take_back: Callable[..., Once | Awaitable[Once]] | None = None,
) -> Callable[[Callable[..., Outcome | Awaitable[Outcome]]], Action]:
    """Declare a verb. ``role`` may run it; ``undo_role`` may undo it (default: commander, since undoing loosens).

    The decorated function is ``plan(ctx, params, ...)``: ``params`` is annotated with a ``Params`` model, each further
    argument with a port of ``bot.ports``, which is injected. Raises TypeError at import when it does not fit.
    """

    def wrap(plan: Callable[..., Outcome | Awaitable[Outcome]]) -> Action:
        hints = inspect.get_annotations(plan, eval_str=True)
        names = list(inspect.signature(plan).parameters)
        doc = inspect.getdoc(plan)
        if len(names) < 2 or hints.get(names[0]) is not ActionContext:
            message = f"verb {action_id}: the function must begin with (ctx: ActionContext, params: SomeParams, ...)"
            raise TypeError(message)
        model = hints.get(names[1])
        if not (isinstance(model, type) and issubclass(model, Params)):
            message = f"verb {action_id}: the second argument must be annotated with a Params model"
            raise TypeError(message)
        untyped = [n for n in names[2:] if not isinstance(hints.get(n), type)]
        if untyped:
            message = f"verb {action_id}: argument {untyped[0]} must be annotated with a port of bot.ports"
            raise TypeError(message)
        if not doc:
            message = f"verb {action_id}: the function needs a docstring; it is shown to people"
            raise TypeError(message)
        return Action(
            id=action_id,
            title=title,
            tightens=tightens,
            risk=risk,
            role=role,
            params=model,
            plan=plan,
            ports={n: hints[n] for n in names[2:]},
            offer=offer or (lambda _ctx: Offered(label=f"{title}…", always_ask=True)),
            undo_role=undo_role or "commander",
            doc=doc,
            module=plan.__module__,
            agents=agents,
            second=second,
            touches=touches,
            take_back=take_back,
        )

    return wrap
