"""refund-bot: a tool loop over the shop, with a model, a retrieved policy, traces and the guard."""

import logging
import secrets
from typing import Final, Literal

from opentelemetry.trace import Status, StatusCode, Tracer
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from examples.guard import AgentPaused, Guard, Restraint

from .chat import ChatRequest, ChatResponse, Message, Model, ModelNotFound, ToolCall, ToolResult
from .model import ALIAS
from .policy import retrieve
from .shop import Shop
from .tools import DEFINITIONS, READS, Outcome, Toolbox
from .tracing import Recorder, answered, carried_out, finished

AGENT: Final = "refund-bot"
_MOST_TURNS: Final = 12
_TOP_K: Final = 4
_SYSTEM: Final = (
    "You are refund-bot, the refunds agent of a small shop. Decide by the policy below. Amounts are minor units. "
    "If a tool is refused, do not go round it; tell the customer."
)

_log = logging.getLogger("refund_bot")


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RunRequest(_Value):
    """What a customer asks."""

    customer: str = Field(min_length=1, max_length=64, pattern=r"^\S+$")
    message: str = Field(min_length=1, max_length=4_000)


class Effect(_Value):
    """One tool call of the run that was meant to change something."""

    tool: str
    arguments: dict[str, JsonValue]
    outcome: Outcome
    result: dict[str, JsonValue] | None


class RunReport(_Value):
    """What a run did. ``trace_id`` is ``None`` when none was started (paused); then ``restraint`` says by whom."""

    status: Literal["completed", "paused", "failed"]
    trace_id: str | None
    answer: str
    model_requested: str | None = None
    model_served: str | None = None
    effects: tuple[Effect, ...] = ()
    restraint: Restraint | None = None


class RefundBot:
    """One deployed agent. ``handle`` may be called from several threads."""

    def __init__(self, *, guard: Guard, shop: Shop, model: Model, tracer: Tracer) -> None:
        """``guard.agent`` is the agent's name in traces."""
        self._guard = guard
        self._model = model
        self._toolbox = Toolbox(shop, guard)
        self._recorder = Recorder(tracer, guard.agent)

    def handle(self, request: RunRequest) -> RunReport:
        """Run once for a customer. Restraints on the model hold from the next run on, those on tools at once."""
        try:
            self._guard.check_not_paused()
        except AgentPaused as refusal:
            return RunReport(status="paused", trace_id=None, answer=str(refusal), restraint=refusal.restraint)
        restraints = self._guard.restraints()
        model = restraints.model or restraints.fallback_model or ALIAS
        conversation = f"conv_{secrets.token_hex(6)}"
        with self._recorder.run(message=request.message, model=model, conversation=conversation) as root:
            run = _Run(f"{root.get_span_context().trace_id:032x}", model, restraints.prompt_suffix)
            try:
                answer = self._converse(run, request)
            except ModelNotFound as error:
                _log.warning("Run %s ended without an answer: %s", run.trace_id, error)
                root.set_status(Status(StatusCode.ERROR, str(error)))
                root.set_attribute("error.type", "model_not_found")
                run.failed = True
                answer = "I cannot answer at the moment. A colleague will look at it."
            finished(root, answer)
        return RunReport(
            status="failed" if run.failed else "completed",
            trace_id=run.trace_id,
            answer=answer,
            model_requested=model,
            model_served=run.served,
            effects=tuple(run.effects),
        )

    def _converse(self, run: "_Run", request: RunRequest) -> str:
        documents = retrieve(request.message, top_k=_TOP_K)
        self._recorder.retrieval(request.message, documents, top_k=_TOP_K)
        policy = "\n".join(f"[{document.id}] {document.content}" for document in documents)
        system = "\n\n".join(part for part in (_SYSTEM, f"Policy:\n{policy}", run.prompt_suffix) if part)
        messages = [Message(role="user", text=f"Customer {request.customer}: {request.message}")]
        for turn in range(_MOST_TURNS):
            prompt = ChatRequest(model=run.model, system=system, messages=tuple(messages), tools=DEFINITIONS)
            response = self._ask(prompt, plans=turn in {0, 2})
            run.served = response.model
            messages.append(response.message)
            if not response.message.calls:
                return response.message.text
            results = tuple(self._carry_out(run, call) for call in response.message.calls)
            messages.append(Message(role="tool", results=results))
        return "This took me too many steps. A colleague will look at it."

    def _ask(self, prompt: ChatRequest, *, plans: bool) -> ChatResponse:
        """One model call; the first one and the one after the look-ups make a plan."""
        if plans:
            with self._recorder.plan():
                return self._ask(prompt, plans=False)
        with self._recorder.chat(prompt) as span:
            response = self._model.complete(prompt)
            answered(span, response)
            return response

    def _carry_out(self, run: "_Run", call: ToolCall) -> ToolResult:
        with self._recorder.tool(call) as span:
            done = self._toolbox.call(call.name, call.arguments, trace_id=run.trace_id)
            carried_out(span, done)
        if call.name not in READS:
            run.effects.append(
                Effect(tool=call.name, arguments=call.arguments, outcome=done.outcome, result=done.result)
            )
        return ToolResult(id=call.id, result=done.for_model())


class _Run:
    """What is gathered while one run goes on."""

    def __init__(self, trace_id: str, model: str, prompt_suffix: str) -> None:
        self.trace_id = trace_id
        self.model = model
        self.prompt_suffix = prompt_suffix
        self.served: str | None = None
        self.failed = False
        self.effects: list[Effect] = []
