"""The guard as an OpenFeature provider: any OpenFeature client in the agent then reads the last known state.

The difference to the plain OFREP provider: that one has no memory, so the client falls back to the code's default when
Pullcord is away, which un-pauses a paused agent.
"""

# ruff: noqa: ARG002, FBT001 - the signatures are OpenFeature's; the token fixes the agent

from collections.abc import Mapping, Sequence
from typing import TypeVar, cast

from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEventDetails
from openfeature.exception import FlagNotFoundError, TypeMismatchError
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
from openfeature.provider import AbstractProvider, Metadata

from .last_known import LastKnownState, Reading

T = TypeVar("T")
_Object = Sequence[FlagValueType] | Mapping[str, FlagValueType]


class GuardProvider(AbstractProvider):
    """Answers the six flags of the contract; any other key is not found. The evaluation context is not used.

    ``reason`` is as Pullcord gave it, or ``STALE`` while Pullcord cannot be read; metadata then has ``stale_since``.
    """

    def __init__(self, source: LastKnownState) -> None:
        """Take it from ``Guard.provider``."""
        super().__init__()
        self._source = source
        source.on_change(self._tell)

    def get_metadata(self) -> Metadata:
        """The provider's name."""
        return Metadata(name="Pullcord guard")

    def initialize(self, evaluation_context: EvaluationContext) -> None:
        """Read once. An unreachable Pullcord is not an error here: the last known state serves."""
        self._source.current()

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        """See the class. Raises ``FlagNotFoundError`` and ``TypeMismatchError``."""
        return _resolve(self._source.current(), flag_key, bool)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """See the class. Raises ``FlagNotFoundError`` and ``TypeMismatchError``."""
        return _resolve(self._source.current(), flag_key, str)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        """No flag of the contract is a number: raises ``FlagNotFoundError`` or ``TypeMismatchError``."""
        return _resolve(self._source.current(), flag_key, int)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        """No flag of the contract is a number: raises ``FlagNotFoundError`` or ``TypeMismatchError``."""
        return _resolve(self._source.current(), flag_key, float)

    def resolve_object_details(
        self, flag_key: str, default_value: _Object, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[_Object]:
        """See the class. Raises ``FlagNotFoundError`` and ``TypeMismatchError``."""
        return cast("FlagResolutionDetails[_Object]", _resolve(self._source.current(), flag_key, dict))

    async def resolve_boolean_details_async(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        """As ``resolve_boolean_details``, without blocking the event loop."""
        return _resolve(await self._source.current_async(), flag_key, bool)

    async def resolve_string_details_async(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """As ``resolve_string_details``, without blocking the event loop."""
        return _resolve(await self._source.current_async(), flag_key, str)

    async def resolve_object_details_async(
        self, flag_key: str, default_value: _Object, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[_Object]:
        """As ``resolve_object_details``, without blocking the event loop."""
        return cast("FlagResolutionDetails[_Object]", _resolve(await self._source.current_async(), flag_key, dict))

    def _tell(self, before: Reading, after: Reading) -> None:
        details = ProviderEventDetails(message=after.problem)
        if after.state.flags != before.state.flags:
            self.emit_provider_configuration_changed(details)
        if after.stale_since and not before.stale_since:
            self.emit_provider_stale(details)
        if before.stale_since and not after.stale_since:
            self.emit_provider_ready(details)


def _resolve(reading: Reading, key: str, kind: type[T]) -> FlagResolutionDetails[T]:
    flag = reading.state.flags.get(key)
    if flag is None:
        raise FlagNotFoundError(f"{key} is not a flag of Pullcord's control plane")
    if not isinstance(flag.value, kind) or (isinstance(flag.value, bool) and kind is not bool):
        raise TypeMismatchError(f"{key} is a {type(flag.value).__name__}, not a {kind.__name__}")
    stale = reading.stale_since
    return FlagResolutionDetails(
        value=flag.value,
        reason=Reason.STALE if stale else flag.reason,
        variant=flag.variant,
        flag_metadata={**flag.metadata, "stale_since": stale.isoformat()} if stale else flag.metadata,
    )
