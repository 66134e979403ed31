"""The public plug-in API; one file per plug-in, and built-in features use nothing else.

What a verb, an alert source, a trace store, a control plane, an eval format or a Slack interaction is written with.

Decorators return typed definitions and register nothing. ``bot.registry`` reads the modules of the packages named in
``plugins:`` and collects them; a duplicate id, a bad signature or an import error stops the start with one clear line.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.domain.ladder import Ladder
from bot.errors import Refused
from bot.plugin.alerts import (
    AlertSource,
    ParsedAlerts,
    Rejected,
    alert_source,
)
from bot.plugin.controls import (
    ControlAnswer,
    ControlHttp,
    ControlHttpSettings,
    ControlName,
    ControlPlaneFactory,
    ControlSettings,
    control_plane,
    json_of,
)
from bot.plugin.dialects import Dialect, Instrumentation
from bot.plugin.evals import (
    EvalCase,
    EvalFormat,
    EvalFormatPlugin,
    EvalFormats,
    EvalProof,
    eval_format,
)
from bot.plugin.interactions import (
    Click,
    FieldErrors,
    Incidents,
    Interaction,
    Kind,
    OfferView,
    OpenModal,
    Quiet,
    Reading,
    Reply,
    Requests,
    Say,
    Services,
    ShowHome,
    UpdateModal,
    interaction,
)
from bot.plugin.traces import (
    Fetched,
    QueryParams,
    StoreAnswer,
    StoreHttp,
    StoreSettings,
    TraceSource,
    TraceStore,
    trace_source,
)
from bot.plugin.verbs import (
    Action,
    ActionContext,
    AgentProfile,
    Choice,
    Choices,
    EvalPlaces,
    Hidden,
    Live,
    LiveText,
    Multiline,
    Offered,
    Once,
    Outcome,
    Params,
    Prefill,
    action,
)

__all__ = [
    "Action",
    "ActionContext",
    "AgentProfile",
    "AlertSource",
    "Choice",
    "Choices",
    "Click",
    "ControlAnswer",
    "ControlHttp",
    "ControlHttpSettings",
    "ControlName",
    "ControlPlaneFactory",
    "ControlSettings",
    "Dialect",
    "EvalCase",
    "EvalFormat",
    "EvalFormatPlugin",
    "EvalFormats",
    "EvalPlaces",
    "EvalProof",
    "Fetched",
    "FieldErrors",
    "Hidden",
    "Incidents",
    "Instrumentation",
    "Interaction",
    "Kind",
    "Live",
    "LiveText",
    "Multiline",
    "OfferView",
    "Offered",
    "Once",
    "OpenModal",
    "Outcome",
    "Params",
    "ParsedAlerts",
    "Plugin",
    "Prefill",
    "QueryParams",
    "Quiet",
    "Reading",
    "Registry",
    "Rejected",
    "Reply",
    "Requests",
    "Say",
    "Services",
    "ShowHome",
    "StoreAnswer",
    "StoreHttp",
    "StoreSettings",
    "TraceSource",
    "TraceStore",
    "UpdateModal",
    "action",
    "alert_source",
    "control_plane",
    "eval_format",
    "interaction",
    "json_of",
    "trace_source",
]

Plugin = Action | AlertSource | TraceSource | ControlPlaneFactory | EvalFormatPlugin | Interaction | Dialect


@dataclass(frozen=True, slots=True)
class Registry:
    """All plug-ins by kind and id."""

    actions: Mapping[str, Action]
    alert_sources: Mapping[str, AlertSource]
    trace_sources: Mapping[str, TraceSource]
    control_planes: Mapping[str, ControlPlaneFactory]
    eval_formats: Mapping[str, EvalFormatPlugin]
    interactions: Mapping[tuple[Kind, str], Interaction]
    dialects: Mapping[str, Dialect] = field(default_factory=dict)
    ladders: tuple[Ladder, ...] = ()
    """Which verbs come first in which situation; checked when they were read (``bot.ladder_files``)."""

    def action(self, action_id: str) -> Action:
        """The verb; Refused when a button of an older version names one that is gone."""
        found = self.actions.get(action_id)
        if found is None:
            message = f"This Pullcord has no action {action_id}."
            raise Refused(message, field="action", next_step="Use a button of the newest card.")
        return found
