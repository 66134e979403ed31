"""Whether what a person chose is still one of the choices: values come from the client and prove nothing."""

from bot.plugin import Action, ActionContext, Choices, Params


def choice_errors(verb: Action, params: Params, ctx: ActionContext, names: set[str]) -> dict[str, str]:
    """A sentence at each of these fields that is a select and whose value is none of its choices now."""
    faults: dict[str, str] = {}
    for name in names:
        markers = verb.params.model_fields[name].metadata
        choices = next((marker for marker in markers if isinstance(marker, Choices)), None)
        if choices is not None and getattr(params, name) not in {choice.value for choice in choices.of(ctx)}:
            faults[name] = "This is not one of the choices any more; choose again."
    return faults
