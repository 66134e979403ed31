"""Settings: the environment and ``pullcord.yaml``, checked whole before anything starts.

``load_settings`` reports every fault at once, each with its place and what to write instead. This file is the way in;
the parts are ``settings_environment`` (variables), ``settings_schema`` (the file's settings), ``settings_secrets``
(``${NAME}`` and ``*_file``), ``settings_yaml`` (the file with its lines) and ``settings_report`` (faults in words).
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from bot.domain.address import http_url
from bot.errors import Fault, Misconfigured
from bot.settings_actions import (
    ApprovalSettings,
    Bound,
    ControlPlaneSettings,
    EnforcedBy,
    FixSettings,
    MitigationSettings,
    PermissionSettings,
    RoleSettings,
)
from bot.settings_checks import configuration_faults, environment_checks
from bot.settings_environment import DEFAULT_CONFIG, VARIABLES, Environment
from bot.settings_report import document_faults, environment_faults, misspelt_variables
from bot.settings_schema import (
    AgentSettings,
    BasicCredentials,
    CatalogueSettings,
    Configuration,
    EvalSettings,
    EvidenceSettings,
    IncidentSettings,
    IntakeSettings,
    OnCall,
    RecorderSettings,
    RedactSettings,
    SeveritySettings,
    SlackSettings,
    SourceSettings,
    TraceStoreSettings,
)
from bot.settings_secrets import Secret, SecretContext, Token, Tokens
from bot.settings_types import ChannelId, Period, Size, UserId
from bot.settings_yaml import Document, Loc, read_document

__all__ = [
    "VARIABLES",
    "AgentSettings",
    "ApprovalSettings",
    "BasicCredentials",
    "Bound",
    "CatalogueSettings",
    "ChannelId",
    "Configuration",
    "ControlPlaneSettings",
    "EnforcedBy",
    "Environment",
    "EvalSettings",
    "EvidenceSettings",
    "FixSettings",
    "IncidentSettings",
    "IntakeSettings",
    "MitigationSettings",
    "OnCall",
    "Period",
    "PermissionSettings",
    "RecorderSettings",
    "RedactSettings",
    "RoleSettings",
    "Secret",
    "Settings",
    "SeveritySettings",
    "Size",
    "SlackSettings",
    "SourceSettings",
    "Token",
    "Tokens",
    "TraceStoreSettings",
    "UserId",
    "http_url",
    "load_settings",
]

_NAMED = frozenset({"agents", "sources", "trace_stores", "controls", "fixes"})
"""Sections whose entries stand alone: a fault in one leaves the others."""
_NAMED = frozenset({"agents", "sources", "trace_stores", "controls", "fixes"})
"""Sections whose entries stand alone: a fault in one leaves the others."""
_NEXT_STEP = "Correct them; `pullcord check-config` checks again without starting anything."
_WILDCARDS = {"0.0.0.0": "localhost", "::": "localhost", "": "localhost"}  # noqa: S104 (read, not bound)

_Options = TypeVar("_Options", bound=BaseModel)


class Settings(Configuration):
    """The settings of one process: those of the file, plus ``environment``, plus the file's path if there is one.

    Frozen and checked; made by ``load_settings``. Tests may make one by hand, with ``SecretStr`` for secrets.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    environment: Environment = Field(default_factory=Environment)
    config_path: Path | None = None
    _document: Document = PrivateAttr(default_factory=lambda: Document(DEFAULT_CONFIG))
    _context: SecretContext = PrivateAttr(default_factory=lambda: SecretContext({}, Path()))
    _version: str = PrivateAttr(default="")

    @property
    def version(self) -> str:
        """A short hash of all that the file says (defaults too), without its secrets: by which settings a run was read.

        A secret that was rotated is the same configuration, and nothing can be learnt of it from here.
        """
        if not self._version:
            said = self.model_dump(mode="json", exclude={"environment", "config_path"}, fallback=str)
            self._version = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
        return self._version

    @property
    def slack_mode(self) -> Literal["socket", "http"] | None:
        """How Slack reaches us: what ``slack.mode`` says, else by what is given; None without a bot token."""
        given = self.environment.slack_mode
        return self.slack.mode or given if given is not None else None

    @property
    def base_url(self) -> str:
        """The base of links to the page, without a slash at the end."""
        if self.public_url is not None:
            return self.public_url
        host = _WILDCARDS.get(self.environment.host, self.environment.host)
        return f"http://[{host}]:{self.environment.port}" if ":" in host else f"http://{host}:{self.environment.port}"

    @property
    def data_dir(self) -> Path:
        """Where the embedded store and local state live, absolute."""
        return self.environment.data_dir.expanduser().absolute()

    def where(self, *place: str | int) -> str:
        """``file:line`` of a setting, such as ``where("sources", "generic")``: for the faults that others find."""
        return self._document.where(place)

    def options(self, source: str, model: type[_Options]) -> _Options:
        """Read the options of an alert source with the source's own model; a source not configured gets its defaults.

        Raises ``Misconfigured`` with every fault and its line. The model may use ``Secret`` and ``Token``.
        """
        settings = self.sources.get(source)
        return self._options(settings.raw_options if settings is not None else {}, model, ("sources", source))

    def trace_store_options(self, name: str, model: type[_Options]) -> _Options:
        """Read the options of a trace store with its plug-in's own model. Raises ``Misconfigured`` as ``options``."""
        settings = self.trace_stores.get(name)
        return self._options(settings.raw_options if settings is not None else {}, model, ("trace_stores", name))

    def control_options(self, name: str, model: type[_Options]) -> _Options:
        """Read the options of a control plane with its plug-in's own model. Raises ``Misconfigured`` as ``options``."""
        settings = self.controls.get(name)
        return self._options(settings.raw_options if settings is not None else {}, model, ("controls", name))

    def _options(self, raw: Mapping[str, Any], model: type[_Options], place: Loc) -> _Options:
        try:
            return model.model_validate(raw, context=self._context)
        except ValidationError as error:
            faults = document_faults(error, self._document, model, place)
        raise _misconfigured(faults)


def load_settings(
    variables: Mapping[str, str],
    path: Path | None = None,
    further: Callable[[Settings], Iterable[Fault]] | None = None,
) -> Settings:
    """Read the environment (such as ``os.environ``) and the configuration file.

    The file is ``path``, else what ``PULLCORD_CONFIG`` names, else ``pullcord.yaml`` in the working directory; only the
    last may be missing, then the defaults apply. ``further`` looks for more faults in what is valid (plug-ins know
    what this module does not). Raises ``Misconfigured`` whose ``faults`` are all there are.
    """
    faults: list[Fault] = misspelt_variables(variables)
    environment = Environment()
    try:
        environment = Environment.of(variables)
    except ValidationError as error:
        faults += environment_faults(error)
    faults += environment_checks(variables)

    file = _config_path(variables, path)
    document = read_document(file, str(file)) if file is not None else Document(DEFAULT_CONFIG)
    faults += document.faults
    context = SecretContext(variables, file.parent if file is not None else Path())
    configuration, found = _configuration(document, context)
    faults += found
    faults += configuration_faults(configuration, document, variables)

    # The parts are valid models already, so they are taken as they are.
    parts: dict[str, Any] = {name: getattr(configuration, name) for name in Configuration.model_fields}
    settings = Settings(environment=environment, config_path=file, **parts)
    settings._document, settings._context = document, context  # noqa: SLF001 (its own maker)
    if further is not None:
        faults += further(settings)
    if faults:
        raise _misconfigured(faults)
    return settings


def _config_path(variables: Mapping[str, str], path: Path | None) -> Path | None:
    if path is not None:
        return path
    named = variables.get("PULLCORD_CONFIG", "").strip()
    if named:
        return Path(named).expanduser()
    default = Path(DEFAULT_CONFIG)
    return default if default.exists() else None


def _configuration(document: Document, context: SecretContext) -> tuple[Configuration, list[Fault]]:
    """Validate the file. What is faulty is left out and the rest checked again, so that no fault hides another."""
    faults: list[Fault] = []
    values = document.values
    while values:
        try:
            return Configuration.model_validate(values, context=context), faults
        except ValidationError as error:
            faults += document_faults(error, document, Configuration)
            rest = _without(values, [detail["loc"] for detail in error.errors(include_url=False)])
            values = rest if rest != values else {}
    return Configuration(), faults


def _without(values: dict[str, Any], locs: list[Loc]) -> dict[str, Any]:
    """The values without the entries that have a fault: an agent, a source, or else a whole section."""
    rest = dict(values)
    for loc in locs:
        section = str(loc[0])
        if section in _NAMED and len(loc) > 1 and isinstance(rest.get(section), dict):
            rest[section] = {key: value for key, value in rest[section].items() if key != loc[1]}
        else:
            rest.pop(section, None)
    return rest


def _misconfigured(faults: list[Fault]) -> Misconfigured:
    unique = tuple(sorted(dict.fromkeys(faults), key=_place))
    count = "one fault" if len(unique) == 1 else f"{len(unique)} faults"
    return Misconfigured(f"The configuration has {count}.", unique, next_step=_NEXT_STEP)


def _place(fault: Fault) -> tuple[str, int]:
    """Variables in the order of their names, then the file from top to bottom."""
    name, _, line = fault.where.rpartition(":")
    return (name, int(line)) if line.isdecimal() else (fault.where, 0)
