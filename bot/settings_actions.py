"""The settings of actions: who may, what needs a second person, what enforces, and where lasting fixes go."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bot.settings_types import Branch, Inside, Member, Name, Period, Section


class RoleSettings(BaseModel):
    """Who may do what. Each role lists members; an empty role is held by nobody.

    The four built-in roles contain each other: an admin is a commander, a commander a responder, a responder a viewer.
    Any further name is a role of one's own (``finance: [S012ABCDEF]``), which contains nothing.
    """

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)
    __pydantic_extra__: dict[str, tuple[Member, ...]] = Field(init=False)

    viewer: tuple[Member, ...] = ()
    responder: tuple[Member, ...] = ()
    commander: tuple[Member, ...] = ()
    admin: tuple[Member, ...] = ()

    def members(self, role: str) -> tuple[str, ...]:
        """Members written under exactly this role; none for one that is not configured."""
        if role in type(self).model_fields:
            named: tuple[str, ...] = getattr(self, role)
            return named
        own: tuple[str, ...] = (self.model_extra or {}).get(role, ())
        return own

    @property
    def names(self) -> tuple[str, ...]:
        """Every role there is: the built-in ones, then one's own."""
        return (*type(self).model_fields, *(self.model_extra or {}))


class Bound(Section):
    """What an argument must satisfy for a permission to apply: one of these values, and within these numbers."""

    one_of: tuple[str | int | float | bool, ...] | None = None
    max: float | None = None
    min: float | None = None


class PermissionSettings(Section):
    """One rule of who may run what. The first rule that fits decides; where none fits, the verb's own role does.

    A rule fits when the verb, the agent and the risk are among those named (none named: any) and every bound of
    ``where`` holds for the arguments; an argument that is not there fits no bound. ``undo`` True: only undoing,
    False: only running, None: both. ``second_person``: True always asks for one, False never does
    (not possible for what is fleet-wide), None leaves it to the verb.
    """

    verbs: tuple[Name, ...] = ()
    agents: tuple[Name, ...] = ()
    risks: tuple[Literal["low", "medium", "high"], ...] = ()
    where: dict[Name, Bound] = Field(default_factory=dict)
    undo: bool | None = None
    role: Name
    second_person: bool | None = None


class ApprovalSettings(Section):
    """Approvals: how long one may take, when it is asked again, and whether *break glass* is offered."""

    deadline: Period = timedelta(minutes=15)
    remind_after: Period = timedelta(minutes=5)
    break_glass: bool = True


class MitigationSettings(Section):
    """Temporary mitigations: the lengths that are offered, when the owner is asked, how often drift is looked for."""

    lengths: Annotated[tuple[Period, ...], Field(min_length=1, max_length=20)] = (
        timedelta(hours=1),
        timedelta(hours=4),
        timedelta(hours=24),
        timedelta(days=7),
    )

    ask_before: Period = timedelta(minutes=30)
    drift_every: Period = timedelta(minutes=5)


class ControlPlaneSettings(BaseModel):
    """One control plane; its ``type`` names the plug-in (default: its own name), which reads the rest."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    type: Name | None = None

    @property
    def raw_options(self) -> dict[str, Any]:
        """What the plug-in's own model reads, as written; secrets are still references."""
        return dict(self.model_extra or {})


def _names(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[Name, ...], BeforeValidator(_names), Field(min_length=1)]
"""One name, or a list of them."""


class EnforcedBy(Section):
    """Which control planes enforce what for an agent, where they differ. Several: each is written and read back.

    What is not named here is enforced by ``default``.
    """

    default: Names = ("embedded",)
    models: Names | None = None
    tools: Names | None = None
    agent: Names | None = None
    validation: Names | None = None
    prompt: Names | None = None
    tool_descriptions: Names | None = None

    def of(self, capability: str) -> tuple[str, ...]:
        """The control planes for one capability (a field's name)."""
        named: tuple[str, ...] | None = getattr(self, capability, None)
        return named or self.default

    @property
    def all(self) -> tuple[str, ...]:
        """Every control plane named, each once."""
        named = [self.default, *(getattr(self, field) or () for field in type(self).model_fields)]
        return tuple(dict.fromkeys(name for names in named for name in names))


def enforced(value: Any) -> Any:
    """``control: name`` or a list of names means that they enforce everything."""
    return {"default": value} if isinstance(value, str | list | tuple) else value


class FixSettings(Section):
    """Where lasting fixes go: files of a repository that hold an agent's prompt, tool descriptions or configuration.

    ``repository`` names a control plane that hosts code (``controls.github``), ``remote`` a git remote instead.
    ``prompt`` is the path of the file with the agent's prompt, ``tools`` the paths of files with tool descriptions by
    tool, ``config`` a YAML or JSON file that holds what a mitigation sets (model, denied tools).
    """

    repository: Name | None = None
    remote: Name | None = None
    branch: Branch = "main"
    prompt: Inside | None = None
    tools: dict[Name, Inside] = Field(default_factory=dict)
    config: Inside | None = None
