"""A made-up dialect: what a courier's agent writes about itself, under ``courier.``. One file, one value."""

from bot.domain.run import StepKind
from bot.plugin import Dialect, Instrumentation

courier_marks = Dialect(
    name="Courier's marks",
    module=__name__,
    marks=("courier.",),
    kinds={
        "courier.kind": {
            "walk": StepKind.AGENT,
            "think": StepKind.MODEL,
            "hand": StepKind.TOOL,
            "map": StepKind.RETRIEVAL,
        }
    },
    names={
        "agent": ("courier.who",),
        "conversation": ("courier.customer",),
        "model_requested": ("courier.mind.wanted",),
        "model_served": ("courier.mind.given",),
        "parameter.temperature": ("courier.mind.heat",),
        "input_messages": ("courier.heard",),
        "output_messages": ("courier.said",),
        "tools_offered": ("courier.bag",),
        "tool_name": ("courier.tool",),
        "tool_call_id": ("courier.ticket",),
        "tool_arguments": ("courier.with",),
        "tool_result": ("courier.got",),
        "query": ("courier.looked_for",),
        "documents": ("courier.maps",),
    },
    hints={"fingerprint": "write courier.mind.print"},
    instrumentations=(Instrumentation(name="Courier", scopes=("courier",)),),
)
