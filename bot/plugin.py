"""The public plug-in API; one file per plug-in, and built-in features use nothing else.

What a verb, an alert source, a trace store, a control plane, an eval format or a Slack interaction is written with.

Decorators return typed definitions and register nothing. ``bot.registry`` reads the modules of the packages named in
``plugins:`` and collects them; a duplicate id, a bad signature or an import error stops the start with one clear line.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from bot.domain.action import Change, OnceResult, Risk
from bot.domain.alert import Alert
from bot.domain.base import Json, Value
from bot.domain.effect import Effect, ranked
from bot.domain.events import Actor
from bot.domain.incident import Incident
from bot.errors import Refused

# --------------------------------------------------------------------------- verbs


class Params(BaseModel):
    """Base of a verb's parameters: becomes the modal. Frozen, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a select: what is sent and what is shown."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Choices:
    """``Annotated[str, Choices(f)]``: the field is a select whose options ``f(ctx)`` gives when the modal opens."""

    of: "Callable[[ActionContext], Sequence[Choice]]"


@dataclass(frozen=True, slots=True)
class Prefill:
    """``Annotated[str, Prefill(f)]``: the field starts with ``f(ctx)`` in the modal (None: empty)."""

    of: "Callable[[ActionContext], str | None]"


@dataclass(frozen=True, slots=True)
class Multiline:
    """``Annotated[str, Multiline()]``: the field is a box of several lines."""


@dataclass(frozen=True, slots=True)
class AgentProfile:
    """What the configuration says of an agent, as far as verbs need it."""

    name: str
    models: tuple[str, ...] = ()
    fallback_model: str | None = None
    tools: tuple[str, ...] = ()
    control: str = "embedded"


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
        """Names of tools in this incident, those of the worst effects first, each once."""
        names = [e.tool for e in ranked(self.incident.effects)]
        return tuple(dict.fromkeys([*names, *self.agent.tools]))

    @property
    def worst(self) -> Effect | None:
        """The effect that most needs a person, or None when the run changed nothing."""
        return next((e for e in ranked(self.incident.effects) if e.changes), None)


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
    """

    label: str
    params: Mapping[str, Json] = field(default_factory=dict)
    rank: int = 50
    danger: bool = False
    always_ask: bool = False
    consequence: str = ""


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


def action(
    action_id: str,
    *,
    title: str,
    tightens: bool,
    risk: Risk,
    role: str,
    offer: Callable[[ActionContext], Offered | Hidden] | None = None,
    undo_role: str | None = None,
) -> Callable[[Callable[..., Outcome | Awaitable[Outcome]]], Action]:
    """Declare a verb. ``role`` may run it; ``undo_role`` may undo it (default: commander, since undoing loosens).

    The decorated function is ``plan(ctx, params, ...)``: ``params`` is annotated with a ``Params`` model, each further
    argument with a port of ``bot.ports``, which is injected. Raises TypeError at import when the signature does not fit.
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
        )

    return wrap


@dataclass(frozen=True, slots=True)
class ControlPlaneFactory:
    """A control plane: ``make(settings, **ports)`` builds the adapter; its arguments are filled by their types."""

    name: str
    settings: type[BaseModel]
    make: Callable[..., Any]
    module: str


def control_plane(name: str, *, settings: type[BaseModel]) -> Callable[[Callable[..., Any]], ControlPlaneFactory]:
    """Declare a control plane. Decorates a class or function called with ``(settings, **ports by annotation)``."""

    def wrap(make: Callable[..., Any]) -> ControlPlaneFactory:
        return ControlPlaneFactory(name=name, settings=settings, make=make, module=make.__module__)

    return wrap


# --------------------------------------------------------------------------- eval formats


class EvalCase(Value):
    """One failing behaviour as an eval case: what went in, what the run did, what should have happened instead."""

    incident: str
    name: str
    agent: str
    question: str
    recorded_calls: tuple[dict[str, Json], ...]
    """``{"tool", "arguments", "outcome"}`` in order."""
    must_call: tuple[dict[str, Json], ...] = ()
    must_not_call: tuple[dict[str, Json], ...] = ()
    expected: str
    provenance: dict[str, Json]


class EvalProof(Value):
    """The case's own assertions, run on both behaviours. ``ok`` only when recorded fails and expected passes."""

    recorded_fails: bool
    expected_passes: bool
    detail: str

    @property
    def ok(self) -> bool:
        """True when the case discriminates."""
        return self.recorded_fails and self.expected_passes


class EvalFormat(Protocol):
    """One eval-case format."""

    def render(self, case: EvalCase) -> Mapping[str, str]:
        """Files (relative path -> text). One file per incident, beside shared ones that never differ."""
        ...

    def prove(self, case: EvalCase, files: Mapping[str, str]) -> EvalProof:
        """Parse the rendered files back and run their assertions on the recorded and the expected behaviour."""
        ...


@dataclass(frozen=True, slots=True)
class EvalFormatPlugin:
    """A registered eval format."""

    name: str
    make: Callable[[], EvalFormat]
    module: str


def eval_format(name: str) -> Callable[[Callable[[], EvalFormat]], EvalFormatPlugin]:
    """Declare an eval-case format. Decorates a class without constructor arguments that meets EvalFormat."""

    def wrap(make: Callable[[], EvalFormat]) -> EvalFormatPlugin:
        return EvalFormatPlugin(name=name, make=make, module=make.__module__)

    return wrap


# --------------------------------------------------------------------------- alert sources


class Rejected(Value):
    """One alert of a body that could not be read: which, the field, and why."""

    index: int
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class ParsedAlerts:
    """What a body held. ``rejected`` never costs the readable ones.

    ``notices`` are sentences for people about what the source itself did not send; they raise the source's trouble.
    """

    alerts: tuple[Alert, ...]
    rejected: tuple[Rejected, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AlertSource:
    """An alert source: ``parse(payload, settings, received_at)`` is pure. Credentials are checked before.

    ``payload`` is the body as plain JSON values (already limited in size, depth and number); Refused with a field when
    nothing in it could be an alert of this source.
    """

    name: str
    settings: type[BaseModel]
    parse: Callable[[Json, Any, datetime], ParsedAlerts]
    doc: str
    module: str


def alert_source(
    name: str, *, settings: type[BaseModel]
) -> Callable[[Callable[[Json, Any, datetime], ParsedAlerts]], AlertSource]:
    """Declare an alert source. The decorated function is its parser; ``settings`` its part of ``sources:``."""

    def wrap(parse: Callable[[Json, Any, datetime], ParsedAlerts]) -> AlertSource:
        doc = inspect.getdoc(parse)
        if not doc:
            message = f"alert source {name}: the parser needs a docstring that names the payload's specification"
            raise TypeError(message)
        return AlertSource(name=name, settings=settings, parse=parse, doc=doc, module=parse.__module__)

    return wrap


# --------------------------------------------------------------------------- trace stores


@dataclass(frozen=True, slots=True)
class TraceSource:
    """A trace store: ``make(settings)`` gives an object with ``async fetch(trace_id) -> bytes of an OTLP export``."""

    name: str
    settings: type[BaseModel]
    make: Callable[[Any], Any]
    module: str


def trace_source(name: str, *, settings: type[BaseModel]) -> Callable[[Callable[[Any], Any]], TraceSource]:
    """Declare a trace store. Decorates a class whose constructor takes its settings."""

    def wrap(make: Callable[[Any], Any]) -> TraceSource:
        return TraceSource(name=name, settings=settings, make=make, module=make.__module__)

    return wrap


# --------------------------------------------------------------------------- Slack interactions


class Kind(StrEnum):
    """What a person did in Slack."""

    BUTTON = "button"
    VIEW = "view"
    COMMAND = "command"
    EVENT = "event"
    SHORTCUT = "shortcut"


@dataclass(frozen=True, slots=True)
class Click:
    """One interaction, free of Bolt: who, where, what. ``value`` and ``values`` come from the client and prove nothing.

    ``key`` identifies this interaction (for deduplication); ``args`` are the words after a slash command;
    ``values`` a submitted modal's fields by block id; ``metadata`` the view's private metadata or the event itself.
    """

    key: str
    id: str
    by: Actor
    channel: str | None = None
    message_ts: str | None = None
    thread_ts: str | None = None
    value: str = ""
    args: str = ""
    values: Mapping[str, Json] = field(default_factory=dict)
    metadata: str = ""
    event: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Say:
    """Tell the clicker, and nobody else, one sentence or some blocks."""

    text: str
    blocks: Sequence[Mapping[str, Json]] = ()


@dataclass(frozen=True, slots=True)
class OpenModal:
    """Open a modal (a Block Kit view) for the clicker."""

    view: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class FieldErrors:
    """Keep the modal open with an error at each named field (block id -> sentence)."""

    errors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nothing to say now: the card, the thread or a later message shows the outcome."""


Reply = Say | OpenModal | FieldErrors | Quiet


class OfferView(Value):
    """A button as it was shown: what it does with which frozen parameters. ``id`` is the opaque value it carries."""

    id: str
    incident: str
    action: str
    params: dict[str, Json]
    label: str
    asks: bool
    danger: bool = False
    consequence: str = ""
    rank: int = 50
    undo_of: str | None = None


class Incidents(Protocol):
    """Reading incidents (for interactions)."""

    async def get(self, incident_id: str) -> Incident:
        """The incident; Refused when there is none."""
        ...

    async def in_channel(self, channel: str) -> str | None:
        """Id of the incident whose channel this is, or None."""
        ...

    async def of_message(self, channel: str, ts: str) -> str | None:
        """Id of the incident whose card, announcement or direct message this is, or None."""
        ...

    async def open_ids(self, limit: int) -> Sequence[str]:
        """Ids of the newest open incidents."""
        ...


class Requests(Protocol):
    """What interactions may ask of the kernel. Each is one durable write, safe to repeat with the same key."""

    async def lifecycle(
        self, incident_id: str, what: str, by: Actor, *, key: str, text: str = "", **extra: Json
    ) -> None:
        """Ask for ``acknowledge``, ``take``, ``resolve``, ``note``, ``pin`` or ``declare``. Done by the worker."""
        ...

    async def declare(self, by: Actor, *, key: str, agent: str | None, summary: str, channel: str | None) -> None:
        """Ask for a new incident that a person reports."""
        ...

    async def offers(self, incident: Incident) -> Sequence[OfferView]:
        """What may be done now, most useful first."""
        ...

    async def offer(self, offer_id: str) -> OfferView:
        """The offer that a button carries; Refused when it is unknown or too old."""
        ...

    async def modal(self, offer: OfferView, by: Actor) -> Mapping[str, Json]:
        """The modal of an offer that asks, with choices and defaults from the incident and a preview."""
        ...

    async def submit(self, offer_id: str, by: Actor, values: Mapping[str, Json], *, key: str) -> Reply:
        """A1: request the action of an offer with its frozen or the submitted parameters. First one wins."""
        ...

    async def mark(self, incident_id: str, execution_id: str, by: Actor, *, done: bool, reason: str, key: str) -> Reply:
        """Mark an unknown execution done or not done."""
        ...

    async def check(self, incident_id: str, execution_id: str, by: Actor, *, key: str) -> Reply:
        """Probe an unknown execution, or read back one that is not in force."""
        ...

    async def page_link(self, incident_id: str, by: Actor) -> str:
        """A one-time link (60 s) to the incident's page."""
        ...

    async def say_later(self, channel: str, by: Actor, text: str, *, key: str) -> None:
        """Tell a person something from the worker (survives a crash)."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """What every interaction gets."""

    incidents: Incidents
    requests: Requests
    clock: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Interaction:
    """A Slack interaction: ``id`` is the action id, callback id, command word or event type that it answers."""

    id: str
    kind: Kind
    run: Callable[[Click, Services], Awaitable[Reply]]
    help: str
    module: str


def interaction(
    interaction_id: str, kind: Kind, *, help_text: str = ""
) -> Callable[[Callable[[Click, Services], Awaitable[Reply]]], Interaction]:
    """Declare a Slack interaction. The function never sees Bolt, so it cannot skip the wrapper round every listener."""

    def wrap(run: Callable[[Click, Services], Awaitable[Reply]]) -> Interaction:
        if not inspect.iscoroutinefunction(run):
            message = f"interaction {interaction_id}: must be an async function (Click, Services) -> Reply"
            raise TypeError(message)
        return Interaction(id=interaction_id, kind=kind, run=run, help=help_text, module=run.__module__)

    return wrap


Plugin = Action | AlertSource | TraceSource | ControlPlaneFactory | EvalFormatPlugin | Interaction


@dataclass(frozen=True, slots=True)
class Registry:
    """All plug-ins by kind and id."""

    actions: Mapping[str, Action]
    alert_sources: Mapping[str, AlertSource]
    trace_sources: Mapping[str, TraceSource]
    control_planes: Mapping[str, ControlPlaneFactory]
    eval_formats: Mapping[str, EvalFormatPlugin]
    interactions: Mapping[tuple[Kind, str], Interaction]

    def action(self, action_id: str) -> Action:
        """The verb; Refused when a button of an older version names one that is gone."""
        found = self.actions.get(action_id)
        if found is None:
            message = f"This Pullcord has no action {action_id}."
            raise Refused(message, field="action", next_step="Use a button of the newest card.")
        return found
