"""What agents' own spans recorded beyond the model calls: nothing that was said is lost, and nothing told twice."""

from collections.abc import Iterable, Mapping, Sequence

from bot.domain.run import Exchange, Message, ModelCall, Part, StepKind, ToolCall
from bot.recorder.messages import system_texts
from bot.recorder.span_view import SpanView
from bot.recorder.tool_call_draft import canonical

_MAX_AGENTS = 500
Key = tuple[object, ...]


def exchanges(
    views: Mapping[str, SpanView], models: Sequence[ModelCall], tools: Sequence[ToolCall]
) -> tuple[Exchange, ...]:
    """The messages of agents that no model call has, by agent span. A tool's result that its call has is told too."""
    held: list[tuple[SpanView, tuple[Message, ...], tuple[Message, ...]]] = []
    heard = {model.span_id for model in models}
    for view in views.values():
        if view.kind is StepKind.AGENT and view.span.span_id not in heard and len(held) < _MAX_AGENTS:
            asked, answered = (*_system(view), *(view.input_messages() or ())), view.output_messages() or ()
            if asked or answered:
                held.append((view, asked, answered))
    open_keys = {key for _, asked, answered in held for key in _keys((*asked, *answered))}
    if not open_keys:
        return ()
    open_keys -= {("tool_result", call.call_id) for call in tools if call.call_id and call.result_recorded}
    for said in _told(models):
        if not open_keys:
            return ()
        open_keys -= _keys(said)
    found: list[Exchange] = []
    for view, asked, answered in held:
        kept = _taken(asked, open_keys), _taken(answered, open_keys)
        if any(kept):
            found.append(Exchange(span_id=view.span.span_id, agent=view.agent, input=kept[0], output=kept[1]))
    return tuple(found)


def _system(view: SpanView) -> tuple[Message, ...]:
    """The system prompt that an agent's span has beside its messages."""
    texts = system_texts(view.field("system"))
    return tuple(Message(role="system", parts=(Part(kind="text", text=text),)) for text in texts)


def _told(models: Sequence[ModelCall]) -> Iterable[Iterable[Message]]:
    """What the model calls have, the last one first: its prompt repeats most of what was said."""
    for model in reversed(models):
        system = [Message(role="system", parts=(Part(kind="text", text=text),)) for text in model.system]
        yield (*model.input, *model.output, *system)


def _taken(messages: Iterable[Message], open_keys: set[Key]) -> tuple[Message, ...]:
    """The messages of which something was told nowhere else; each is taken once."""
    kept: list[Message] = []
    for message in messages:
        keys = set(_part_keys(message))
        if keys & open_keys:
            open_keys.difference_update(keys)
            kept.append(message)
    return tuple(kept)


def _keys(messages: Iterable[Message]) -> set[Key]:
    return {key for message in messages for key in _part_keys(message)}


def _part_keys(message: Message) -> Iterable[Key]:
    for part in message.parts:
        if part.kind in {"tool_call", "tool_result"} and part.call_id:
            yield part.kind, part.call_id
        elif part.kind == "tool_call":
            yield part.kind, part.name, canonical(part.arguments)
        elif part.kind == "tool_result":
            yield part.kind, canonical(part.result)
        elif part.text:
            yield "text", part.text.strip()
