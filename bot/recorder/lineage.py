"""Who is above a span: the nearest agent, and the hand-offs between agents."""

from collections.abc import Iterator, Mapping

from bot.domain.base import Json
from bot.domain.run import Handoff, StepKind
from bot.recorder.lenient import structured, text_of
from bot.recorder.span_view import SpanView, time_of

MAX_ANCESTORS = 200
_TRANSFER = "transfer_to_"
_TARGETS = ("agent_name", "agent", "to_agent", "target")


def ancestors(view: SpanView, views: Mapping[str, SpanView]) -> Iterator[SpanView]:
    """The spans above, nearest first; bounded, since hostile spans may name each other as parents."""
    parent = view.span.parent_id
    for _ in range(MAX_ANCESTORS):
        above = views.get(parent) if parent else None
        if above is None:
            return
        yield above
        parent = above.span.parent_id


class Lineage:
    """The agents of a run: which one each span belongs to, and which tools only pass the work on."""

    def __init__(self, views: Mapping[str, SpanView]) -> None:
        """Look at who is named."""
        self._views = views
        self._agents: dict[str, str | None] = {}
        self._named = {_plain(view.agent) for view in views.values() if view.agent and view.kind is StepKind.AGENT}
        explicit = [view for view in views.values() if view.kind is StepKind.HANDOFF]
        self._targets = {_plain(target) for view in explicit if (target := _target_of(view))}

    def agent(self, view: SpanView) -> str | None:
        """The agent that the span names, else the nearest agent above it that has a name."""
        return view.agent or self._above(view)

    def _above(self, view: SpanView) -> str | None:
        passed: list[str] = []
        found: str | None = None
        for above in ancestors(view, self._views):
            span_id = above.span.span_id
            if span_id in self._agents:
                found = self._agents[span_id]
                break
            passed.append(span_id)
            if above.kind is StepKind.AGENT and above.agent:
                found = above.agent
                break
        self._agents.update(dict.fromkeys(passed, found))
        return found

    def kind(self, view: SpanView) -> StepKind:
        """The span's kind; a tool ``transfer_to_x`` where ``x`` is an agent of this run is a hand-off."""
        if view.kind is StepKind.TOOL:
            name = view.text("tool_name") or view.span.name
            if name.lower().startswith(_TRANSFER) and self.passes_on(name, view.field("tool_arguments")):
                return StepKind.HANDOFF
        return view.kind

    def passes_on(self, tool: str, arguments: Json) -> bool:
        """Whether a tool of this name only hands the work to another agent that this run names.

        ``transfer_to_savings`` may move money: only a name of an agent of this run makes it a hand-off.
        """
        target = _target(tool, arguments)
        return target is not None and _plain(target) in self._named | self._targets

    def handoffs(self) -> tuple[Handoff, ...]:
        """All hand-offs in their order; two spans inside each other about one hand-off are one."""
        found: list[Handoff] = []
        told: dict[str, str | None] = {}
        for view in self._views.values():
            if self.kind(view) is not StepKind.HANDOFF:
                continue
            target = _target_of(view)
            outer = [told[a.span.span_id] for a in ancestors(view, self._views) if a.span.span_id in told]
            told[view.span.span_id] = target
            if any(one is None or target is None or _plain(one) == _plain(target) for one in outer):
                continue
            source = view.text("handoff_source") or self.agent(view)
            at = time_of(view.span.start_ns)
            found.append(Handoff(span_id=view.span.span_id, source=source, target=target, at=at))
        return tuple(found)


def _target_of(view: SpanView) -> str | None:
    said = view.text("handoff_target")
    return said or _target(view.text("tool_name") or view.span.name, view.field("tool_arguments"))


def _target(tool: str, arguments: Json) -> str | None:
    """Whom a tool ``transfer_to_x`` names: ``x``, or for ``transfer_to_agent`` one of its arguments."""
    name = tool.strip()
    if not name.lower().startswith(_TRANSFER):
        return None
    if name.lower() != f"{_TRANSFER}agent":
        return name[len(_TRANSFER) :] or None
    held = structured(arguments)
    return (
        next((text for key in _TARGETS if (text := text_of(held.get(key)))), None) if isinstance(held, dict) else None
    )


def _plain(name: str) -> str:
    """Names as tools are called after agents: ``Refund Agent`` and ``refund_agent`` are one."""
    return "".join(letter for letter in name.lower() if letter.isalnum())
