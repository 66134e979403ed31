"""The settings of ``pullcord.yaml`` as frozen models: names, defaults and bounds. ``docs/configuration.md`` lists them.

Durations are written ``30s``, ``5m``, ``24h``, ``7d`` or in ISO 8601; sizes ``64MB`` (decimal) or ``64MiB``.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ByteSize, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from bot.domain.address import http_url
from bot.domain.catalogue import Catalogue, ToolRule
from bot.settings_actions import (
    ApprovalSettings,
    ControlPlaneSettings,
    EnforcedBy,
    FixSettings,
    MitigationSettings,
    PermissionSettings,
    RoleSettings,
    enforced,
)
from bot.settings_secrets import Secret, Token, Tokens
from bot.settings_types import Branch, ChannelId, Inside, Name, Package, Period, Section, Size, TeamId, UserId


class SlackSettings(Section):
    """Where Slack shows incidents. With ``incident_channel: fixed`` the card stands in ``announce_channel``.

    ``mode`` is how Slack reaches us; not set: Socket Mode with an app token, else HTTP mode with a signing secret.
    """

    mode: Literal["socket", "http"] | None = None
    announce_channel: ChannelId | None = None
    incident_channel: Literal["new", "fixed"] = "new"
    channel_prefix: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,19}$")] = "inc"
    team_ids: tuple[TeamId, ...] = ()


class TraceStoreSettings(BaseModel):
    """One trace store of the team; its ``type`` names the plug-in (default: its own name), which reads the rest."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    type: Name | None = None

    @property
    def raw_options(self) -> dict[str, Any]:
        """What the plug-in's own model reads, as written; secrets are still references."""
        return dict(self.model_extra or {})


class OnCall(Section):
    """Who is woken: first ``on_call``, again after ``repage_after``, then ``fallback``."""

    on_call: tuple[UserId, ...] = ()
    fallback: tuple[UserId, ...] = ()
    repage_after: Period = timedelta(minutes=5)


class AgentSettings(OnCall):
    """One agent: who is woken, how it signs in, where its runs are, and what may be set on it.

    ``token`` is its bearer token for OFREP, ``otlp_token`` the one that may send only its runs; ``control`` names the
    control planes that enforce: one, several, or per capability (``EnforcedBy``); ``team`` groups agents for what is
    done to all of a team; ``models`` are the snapshots that may be pinned, ``tools`` are offered beside those seen.
    ``traces`` names the trace stores (``trace_stores``) that are asked for its runs, in this order, beside our own.
    """

    token: Token | None = None
    otlp_token: Token | None = None
    control: Annotated[EnforcedBy, BeforeValidator(enforced)] = EnforcedBy()
    team: Name | None = None
    models: tuple[Name, ...] = ()
    fallback_model: Name | None = None
    tools: tuple[Name, ...] = ()
    traces: tuple[Name, ...] = ()


class BasicCredentials(Section):
    """HTTP basic authentication (RFC 7617). A user name cannot hold a colon."""

    username: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^:]+$")]
    password: Secret


def _as_list(value: Any) -> Any:
    return (value,) if isinstance(value, Mapping) else value


class SourceSettings(BaseModel):
    """One alert source: its credentials, and options that the source's own model reads (``Settings.options``).

    Several credentials serve rotation; each is good. A source without any is refused unless
    ``allow_unauthenticated: true`` is written.
    """

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    bearer: Tokens = ()
    basic: Annotated[tuple[BasicCredentials, ...], BeforeValidator(_as_list)] = ()
    allow_unauthenticated: bool = False

    @property
    def has_credentials(self) -> bool:
        """Whether a sender can prove itself."""
        return bool(self.bearer or self.basic)

    @property
    def raw_options(self) -> dict[str, Any]:
        """What the source's own model reads, as written; secrets are still references."""
        return dict(self.model_extra or {})


class SeveritySettings(Section):
    """Overrides of the severity rules. ``many_runs``: SEV1 when irreversible effects are in at least so many runs."""

    many_runs: Annotated[int, Field(ge=1, le=1_000_000)] = 5


class IncidentSettings(Section):
    """How alerts join: within ``join_window`` of the last one; a run may come up to ``trace_wait`` after its alert."""

    join_window: Period = timedelta(minutes=30)
    trace_wait: Period = timedelta(minutes=30)


def _is_pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise PydanticCustomError("regex", "should be a regular expression: {why}", {"why": str(error)}) from None
    return value


class RedactSettings(Section):
    """What is taken out before anything is stored, beside the built-in rules: field names and patterns."""

    fields: tuple[Name, ...] = ()
    patterns: tuple[
        Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_is_pattern)], ...
    ] = ()


class EvidenceSettings(Section):
    """Where evidence is kept: in the store, in a directory, or in a bucket of S3-compatible storage.

    ``directory`` is a path; ``bucket`` a name with ``prefix``, ``region`` and, for storage that is not Amazon's,
    ``endpoint``. Without ``access_key_id`` the credentials of the machine are used.
    """

    store: Literal["redis", "directory", "s3"] = "redis"
    directory: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = None
    bucket: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")] | None = None
    prefix: Annotated[str, StringConstraints(pattern=r"^[\w./-]*$", max_length=200)] = "pullcord/evidence"
    region: Name | None = None
    endpoint: Annotated[str, AfterValidator(http_url)] | None = None
    access_key_id: Secret | None = None
    secret_access_key: Secret | None = None


class RecorderSettings(Section):
    """The flight recorder: how long traces, evidence and the index of runs are kept, and the largest body.

    ``index_ttl`` is how long a run can be compared with others; ``max_body`` counts before inflating, ``max_inflated``
    after it.
    """

    trace_ttl: Period = timedelta(days=7)
    evidence_ttl: Period = timedelta(days=400)
    index_ttl: Period = timedelta(days=30)
    evidence: EvidenceSettings = EvidenceSettings()
    max_body: Size = ByteSize(64_000_000)
    max_inflated: Size = ByteSize(256_000_000)
    redact: RedactSettings = RedactSettings()


class IntakeSettings(Section):
    """The largest alert body, before and after inflating."""

    max_body: Size = ByteSize(10_000_000)
    max_inflated: Size = ByteSize(40_000_000)


class EvalSettings(Section):
    """Where eval cases go: a branch of a repository, in ``directory``, as ``format``; and data sets beside it.

    ``remote`` is a git remote (a path or an address). ``repository`` names a control plane that hosts code instead
    (``controls.github``), where the case becomes a pull request. ``datasets`` names control planes that keep data sets.
    """

    remote: Name | None = None
    repository: Name | None = None
    datasets: tuple[Name, ...] = ()
    branch: Branch = "main"
    directory: Inside = "evals/pullcord"
    format: Name = "pydantic_evals"


class CatalogueSettings(Section):
    """Where a class that a person gives a tool is written for good: a branch of ``remote`` changes ``file`` there.

    ``file`` is a YAML file whose ``tools:`` list is the catalogue, such as the team's ``pullcord.yaml``.
    """

    remote: Name | None = None
    branch: Branch = "main"
    file: Inside = "pullcord.yaml"


class Configuration(Section):
    """Everything that ``pullcord.yaml`` may say. Every setting has a default."""

    plugins: tuple[Package, ...] = ("handlers", "runbooks")
    public_url: Annotated[str, AfterValidator(http_url)] | None = None
    slack: SlackSettings = SlackSettings()
    roles: RoleSettings = RoleSettings()
    agents: dict[Name, AgentSettings] = Field(default_factory=dict)
    default_agent: OnCall = OnCall()
    sources: dict[Name, SourceSettings] = Field(default_factory=dict)
    tools: tuple[ToolRule, ...] = ()
    severity: SeveritySettings = SeveritySettings()
    incidents: IncidentSettings = IncidentSettings()
    recorder: RecorderSettings = RecorderSettings()
    intake: IntakeSettings = IntakeSettings()
    evals: EvalSettings = EvalSettings()
    catalogue_repository: CatalogueSettings = CatalogueSettings()
    trace_stores: dict[Name, TraceStoreSettings] = Field(default_factory=dict)
    controls: dict[Name, ControlPlaneSettings] = Field(default_factory=dict)
    permissions: tuple[PermissionSettings, ...] = ()
    approvals: ApprovalSettings = ApprovalSettings()
    mitigations: MitigationSettings = MitigationSettings()
    fixes: dict[Name, FixSettings] = Field(default_factory=dict)
    ladders: tuple[Name, ...] = ()

    @property
    def catalogue(self) -> Catalogue:
        """The tool catalogue of ``tools:``."""
        return Catalogue(rules=self.tools)

    def agent(self, name: str | None) -> AgentSettings:
        """The settings of an agent; one that is not named in the config is paged as ``default_agent`` says."""
        if name is not None and name in self.agents:
            return self.agents[name]
        default = self.default_agent
        return AgentSettings(on_call=default.on_call, fallback=default.fallback, repage_after=default.repage_after)
