"""What is wrong in a configuration that only the redactor can judge: its patterns and fields, a secret in an address.

``check-config`` and the start ask for it, so that what the one calls good the other takes.
"""

import re

from pydantic import ValidationError

from bot.errors import Fault
from bot.recorder.redact import RedactionSettings, Redactor
from bot.settings import Settings

_USER_AND_PASSWORD = re.compile(r"[A-Za-z+]{2,10}://[^/@]*:[^/@]+@")


def config_faults(settings: Settings) -> list[Fault]:
    """Every such fault with its line. Raises nothing."""
    return [*_redaction_faults(settings), *_address_faults(settings)]


def _redaction_faults(settings: Settings) -> list[Fault]:
    """What the redactor would refuse: each pattern and field by itself, so that each has its own line."""
    redact = settings.recorder.redact
    faults: list[Fault] = []
    for kind, values in (("patterns", redact.patterns), ("fields", redact.fields)):
        for index, value in enumerate(values):
            place = f"recorder.redact.{kind}[{index}]"
            try:
                RedactionSettings.model_validate({kind: {place: value} if kind == "patterns" else (value,)})
            except ValidationError as error:
                told = error.errors(include_url=False, include_input=False)[0]["msg"].removeprefix("Value error, ")
                where = settings.where("recorder", "redact", kind, index)
                faults.append(Fault(where, told if kind == "patterns" else f"`{place}`: {told}"))
    return faults


def _address_faults(settings: Settings) -> list[Fault]:
    """A password in the address of a repository would stand in a file that is committed and copied."""
    remotes = {"evals": settings.evals.remote, "catalogue_repository": settings.catalogue_repository.remote}
    hint = "use a credential helper of git, or an address of ssh"
    return [
        Fault(settings.where(section, "remote"), f"`{section}.remote` holds a secret", hint)
        for section, remote in remotes.items()
        if remote is not None and (Redactor().text(remote) != remote or _USER_AND_PASSWORD.match(remote))
    ]
