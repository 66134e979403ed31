"""The guard: the questions an agent asks before it acts, and the decorator that asks for it."""

import functools
import inspect
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, ParamSpec, Self, TypeVar, cast, overload

from .arguments import as_json, named, takes
from .errors import AgentPaused, ArgumentsRefused, ToolDenied
from .last_known import LastKnownState, Reading, WhenUnknown, utc_now
from .ofrep import OfrepReader
from .provider import GuardProvider
from .restraints import Restraints
from .state_file import StateFile
from .validation import broken

P = ParamSpec("P")
R = TypeVar("R")


class Guard:
    """Reads what restrains one agent, and refuses what it may not do.

    Thread-safe. Every method may block for one short read of Pullcord (``timeout`` seconds) at most every ``max_age``
    seconds; the ``…_async`` ones do not block the event loop. None raises because Pullcord is away: the last known
    state stands.
    """

    def __init__(  # noqa: PLR0913 - all by name; each is one thing to decide
        self,
        base_url: str,
        *,
        agent: str,
        token: str,
        state_file: Path | str,
        max_age: float = 2.0,
        timeout: float = 1.0,
        when_unknown: WhenUnknown = "pause",
        now: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``token`` is this agent's own, ``state_file`` a path that survives restarts.

        ``when_unknown`` decides when the state file is there but unreadable and Pullcord does not answer either:
        ``"pause"`` (we may have been restrained) or ``"proceed"``. Without a file and without an answer the agent
        proceeds: nobody ever restrained it. Nothing is requested before the first question.
        """
        self.agent = agent
        self._source = LastKnownState(
            agent=agent,
            reader=OfrepReader(base_url, agent=agent, token=token, timeout=timeout),
            file=StateFile(Path(state_file), agent),
            max_age=max_age,
            when_unknown=when_unknown,
            now=now,
            monotonic=monotonic,
        )
        self.provider = GuardProvider(self._source)
        """The same state for OpenFeature clients: ``openfeature.api.set_provider(guard.provider)``."""

    def __enter__(self) -> Self:
        """``with Guard(...) as guard:`` closes it at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Close the connection; nothing is read afterwards, and the last known state keeps answering."""
        self._source.close()

    def restraints(self) -> Restraints:
        """All restraints at one moment: what a run should hold on to if it asks several questions."""
        return _restraints(self._source.current())

    async def restraints_async(self) -> Restraints:
        """As ``restraints``, without blocking the event loop. Call it every second or so in an idle process.

        Pullcord calls a restraint *in force* once it saw this agent read it.
        """
        return _restraints(await self._source.current_async())

    @property
    def stale_since(self) -> datetime | None:
        """``None`` while Pullcord answers, else when it last did. Worth a metric in your agent."""
        return self.restraints().stale_since

    def check_not_paused(self) -> None:
        """Call it before a run starts. Raises ``AgentPaused``."""
        self._refuse_if_paused(self.restraints())

    async def check_not_paused_async(self) -> None:
        """As ``check_not_paused``, without blocking the event loop."""
        self._refuse_if_paused(await self.restraints_async())

    def check_tool(self, name: str, arguments: Mapping[str, Any] | None = None) -> None:
        """Call it right before a tool is called, where the decorator does not fit.

        Raises ``ToolDenied``, or ``ArgumentsRefused`` when these arguments break a bound that people put on the tool.
        Give the arguments: without them a bounded tool is refused, since nobody could tell.
        """
        self._refuse(self.restraints(), name, arguments)

    async def check_tool_async(self, name: str, arguments: Mapping[str, Any] | None = None) -> None:
        """As ``check_tool``, without blocking the event loop."""
        self._refuse(await self.restraints_async(), name, arguments)

    def model(self, default: str) -> str:
        """The model that the agent is pinned to, else ``default``."""
        return self.restraints().model or default

    def fallback_model(self, default: str = "") -> str:
        """The fallback that the agent is routed to, else ``default``."""
        return self.restraints().fallback_model or default

    def prompt_suffix(self) -> str:
        """The sentence to add to the system prompt, ``""`` for none."""
        return self.restraints().prompt_suffix

    @overload
    def tool(self, named: str) -> Callable[[Callable[P, R]], Callable[P, R]]: ...

    @overload
    def tool(self, named: Callable[P, R]) -> Callable[P, R]: ...

    def tool(self, named: Callable[P, R] | str) -> Callable[P, R] | Callable[[Callable[P, R]], Callable[P, R]]:
        """Refuse the decorated function by raising ``ToolDenied`` or ``ArgumentsRefused`` in place of calling it.

        A bound is held against the function's own arguments by name, so they must be called as the traces call them.
        ``@guard.tool`` takes the function's name as the tool's; ``@guard.tool("issue_refund")`` says another. The name
        must be the one that the agent's traces show. Works on functions and on coroutine functions.
        """
        if isinstance(named, str):
            return functools.partial(self._guarded, name=named)
        return self._guarded(named, name=named.__name__)

    def _guarded(self, function: Callable[P, R], *, name: str) -> Callable[P, R]:
        if inspect.iscoroutinefunction(function):
            call = cast("Callable[P, Awaitable[Any]]", function)

            @functools.wraps(function)
            async def guarded_async(*args: P.args, **kwargs: P.kwargs) -> object:
                self._refuse_call(await self.restraints_async(), name, function, args, kwargs)
                return await call(*args, **kwargs)

            return cast("Callable[P, R]", guarded_async)

        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            self._refuse_call(self.restraints(), name, function, args, kwargs)
            return function(*args, **kwargs)

        return guarded

    def _refuse_if_paused(self, restraints: Restraints) -> None:
        if restraints.paused is not None:
            raise AgentPaused(self.agent, restraints.paused)

    def _refuse_call(
        self, restraints: Restraints, name: str, function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any]
    ) -> None:
        if name not in restraints.validation or name in restraints.denied:
            self._refuse(restraints, name, None)
            return
        bound = restraints.validation[name]
        inside = bound.get("properties") if isinstance(bound, dict) else None
        for argument in inside if isinstance(inside, dict) else ():
            if not takes(function, argument):
                fault = f"its bound is on {argument}, and it has no argument of that name"
                raise ArgumentsRefused(self.agent, name, fault, restraints.bound(name, argument))
        try:
            given = named(function, args, kwargs)
        except TypeError:
            if not hasattr(function, "__wrapped__"):
                return  # the call itself says what does not fit, and does nothing
            fault = "its arguments do not fit the function that is wrapped, so nobody can tell what they stand for"
            raise ArgumentsRefused(self.agent, name, fault, restraints.bound(name)) from None
        except ValueError as error:
            raise ArgumentsRefused(self.agent, name, str(error), restraints.bound(name)) from None
        self._refuse(restraints, name, given)

    def _refuse(self, restraints: Restraints, name: str, arguments: Mapping[str, Any] | None) -> None:
        if (restraint := restraints.denied.get(name)) is not None:
            raise ToolDenied(self.agent, name, restraint)
        if name not in restraints.validation:
            return
        if arguments is None:
            fault: str | None = "it is bounded, and was asked for without its arguments"
        else:
            try:
                fault = broken(restraints.validation[name], as_json(arguments))
            except ValueError as error:
                fault = str(error)
        if fault is not None:
            raise ArgumentsRefused(self.agent, name, fault, restraints.bound(name, fault.partition(":")[0]))


def _restraints(reading: Reading) -> Restraints:
    return Restraints.of(reading.state, stale_since=reading.stale_since, problem=reading.problem)
