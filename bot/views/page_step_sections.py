"""The parts of one step's page: a model's prompt and answer, a tool's arguments and result, documents, verdicts."""

from collections.abc import Iterator, Sequence

from bot.domain.run import (
    Evaluation,
    Executed,
    Gap,
    Guardrail,
    Handoff,
    Message,
    ModelCall,
    Part,
    Retrieval,
    RunError,
    ToolCall,
    ToolDefinition,
)
from bot.views import limits
from bot.views.page_step_models import StepSection, TextEntry, TextPart
from bot.views.page_step_text import Texts
from bot.views.page_text import short
from bot.views.text import number

_OPEN_MESSAGES = 4
_EXECUTED = {
    Executed.YES: "",
    Executed.NO: "not executed",
    Executed.UNKNOWN: "whether it was executed is not recorded",
}


def errors(error: RunError | None, texts: Texts) -> Iterator[StepSection]:
    """What the trace says went wrong."""
    if error is not None:
        parts = (texts.part("", error.message),) if error.message else ()
        entry = TextEntry(short(error.type or "", 80), "" if parts else "no message recorded", "irr", parts)
        yield StepSection("Error", "", (entry,))


def tool_call(call: ToolCall, texts: Texts) -> Iterator[StepSection]:
    """Arguments and result; what was not recorded is said."""
    if call.arguments_recorded or call.arguments is not None:
        yield StepSection("Arguments", "", (_alone(texts.json("", call.arguments)),))
    else:
        yield StepSection("Arguments", "not recorded", ())
    note = _EXECUTED[call.executed]
    if call.result_recorded or call.result is not None:
        yield StepSection("Result", note, (_alone(texts.json("", call.result)),))
    else:
        yield StepSection("Result", f"not recorded{'; ' + note if note else ''}", ())


def model_calls(calls: Sequence[ModelCall], texts: Texts) -> Iterator[StepSection]:
    """Asked and served, parameters, the answer, the prompt as assembled, the tools offered."""
    for call in calls:
        yield StepSection("Model", "", (_alone(texts.part("", "\n".join(_model_lines(call)))),))
        yield from errors(call.error, texts)
        if call.output:
            yield StepSection("Answer", "", tuple(_message(one, texts) for one in call.output[: limits.PAGE_MESSAGES]))
        else:
            yield StepSection("Answer", "not recorded", ())
        if call.system:
            system = tuple(_alone(texts.part("", text)) for text in call.system[: limits.PAGE_MESSAGES])
            yield StepSection("System prompt", "", system)
        yield _prompt(call, texts)
        yield _offered(call.tools_offered, texts)


def _model_lines(call: ModelCall) -> Iterator[str]:
    yield f"asked for    {call.model_requested or 'not recorded'}"
    yield f"served       {call.model_served or 'not recorded'}"
    for name, value in (
        ("provider", call.provider),
        ("fingerprint", call.fingerprint),
        ("response", call.response_id),
        ("finished", ", ".join(call.finish_reasons)),
        ("tokens", ", ".join(f"{name} {count:,}" for name, count in call.usage.items())),
        ("parameters", ", ".join(f"{name} {value}" for name, value in call.parameters.items()) or "not recorded"),
    ):
        if value:
            yield f"{name:<12} {value}"


def _prompt(call: ModelCall, texts: Texts) -> StepSection:
    """The messages in the order of the prompt. Of a long one the newest stand open."""
    if not call.input:
        return StepSection("Prompt", "not recorded", ())
    most = limits.PAGE_MESSAGES
    left = len(call.input) - most
    messages = call.input[-most:]
    # the newest first take their share of what may be shown, since they are what the answer is about
    told = [_message(one, texts) for one in reversed(messages)][::-1]
    note = number(len(call.input), "message")
    if left > 0:
        note += f"; the first {left:,} are not shown"
    if len(told) <= _OPEN_MESSAGES + 2:
        return StepSection("Prompt", note, tuple(told))
    earlier, newest = told[:-_OPEN_MESSAGES], told[-_OPEN_MESSAGES:]
    label = f"Show {number(len(earlier), 'earlier message')}"
    return StepSection("Prompt", note, tuple(newest), tuple(earlier), label)


def _message(message: Message, texts: Texts) -> TextEntry:
    role = short(message.role, 40) or "unknown"
    tone = role if role in {"system", "user", "assistant", "tool"} else ""
    parts = tuple(_part(part, texts) for part in message.parts[: limits.PAGE_MESSAGES])
    return TextEntry(role, "" if parts else "empty", tone, parts)


def _part(part: Part, texts: Texts) -> TextPart:
    call = f" {short(part.call_id, 40)}" if part.call_id else ""
    match part.kind:
        case "tool_call":
            return texts.json(f"calls {short(part.name or 'a tool', 60)}{call}", part.arguments)
        case "tool_result":
            named = f" of {short(part.name, 60)}" if part.name else ""
            return texts.json(f"result{named}{call}", part.result)
        case "reasoning":
            return texts.part("reasoning", part.text or "")
        case "other":
            return texts.part("other content", part.text or "")
        case _:
            return texts.part("", part.text or "")


def _offered(tools: Sequence[ToolDefinition], texts: Texts) -> StepSection:
    if not tools:
        return StepSection("Tools offered", "not recorded", ())
    made = []
    for tool in tools[: limits.PAGE_MESSAGES]:
        parts = [texts.part("", tool.description)] if tool.description else []
        if tool.parameters is not None:
            parts.append(texts.json("parameters", tool.parameters))
        made.append(TextEntry(short(tool.name, 80), "" if parts else "only its name was recorded", "", tuple(parts)))
    left = len(tools) - len(made)
    note = f"{len(tools):,}{f', {left:,} not shown' if left > 0 else ''}"
    return StepSection("Tools offered", note, tuple(made), folded=True)


def retrievals(found: Sequence[Retrieval], texts: Texts) -> Iterator[StepSection]:
    """Query and documents."""
    for one in found:
        if one.query:
            source = f"from {short(one.source, 80)}" if one.source else ""
            yield StepSection("Query", source, (_alone(texts.part("", one.query)),))
        if one.documents is None:
            yield StepSection("Documents", "not recorded", ())
            continue
        made = []
        for document in one.documents[: limits.PAGE_MESSAGES]:
            parts = [texts.part("", document.content)] if document.content is not None else []
            if document.metadata not in (None, {}, ""):
                parts.append(texts.json("metadata", document.metadata))
            score = f"score {document.score:g}" if document.score is not None else ""
            note = score if document.content is not None else f"{score}{', ' if score else ''}content not recorded"
            made.append(TextEntry(short(document.id or "without an id", 120), note, "", tuple(parts)))
        left = len(one.documents) - len(made)
        note = f"{len(one.documents):,}{f', {left:,} not shown' if left > 0 else ''}" if one.documents else "none found"
        yield StepSection("Documents", note, tuple(made))


def guardrails(found: Sequence[Guardrail], texts: Texts) -> Iterator[StepSection]:
    """The verdict and why."""
    for one in found:
        verdict = {True: "triggered", False: "passed", None: "verdict not recorded"}[one.triggered]
        parts = (texts.part("", one.detail),) if one.detail else ()
        tone = "irr" if one.triggered else ""
        yield StepSection("Guardrail", "", (TextEntry(short(one.name, 80), verdict, tone, parts),))


def handoffs(found: Sequence[Handoff], texts: Texts) -> Iterator[StepSection]:
    """Who passed the work on to whom."""
    for one in found:
        line = f"{one.source or 'not recorded'} → {one.target or 'not recorded'}"
        yield StepSection("Hand-off", "", (_alone(texts.part("", line)),))


def evaluations(found: Sequence[Evaluation], texts: Texts) -> Iterator[StepSection]:
    """Recorded scores of this step."""
    made = []
    for one in found[: limits.PAGE_MESSAGES]:
        verdict = {True: "passed", False: "did not pass", None: ""}[one.passed]
        score = f"score {one.score:g}" if one.score is not None else ""
        note = ", ".join(part for part in (verdict, short(one.label or "", 40), score) if part)
        parts = (texts.part("", one.explanation),) if one.explanation else ()
        made.append(TextEntry(short(one.name, 80), note, "irr" if one.passed is False else "", parts))
    yield StepSection("Evaluations", "", tuple(made))


def gaps(found: Sequence[Gap], texts: Texts) -> Iterator[StepSection]:
    """What of this step was not captured, and how to turn it on."""
    made = tuple(TextEntry(short(gap.field, 80), "", "", (texts.part("", gap.hint),)) for gap in found[:30])
    yield StepSection("Not recorded", "", made)


def _alone(part: TextPart) -> TextEntry:
    return TextEntry("", "", "", (part,))
