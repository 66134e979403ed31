from pathlib import Path

import pytest

from bot.errors import Misconfigured
from bot.recorder.config_faults import config_faults
from bot.settings import load_settings


def _faults(folder: Path, text: str) -> list[str]:
    file = folder / "pullcord.yaml"
    file.write_text(text)
    try:
        load_settings({}, file, further=config_faults)
    except Misconfigured as error:
        return [str(fault).removeprefix(f"{folder}/") for fault in error.faults]
    return []


def test_a_pattern_that_the_redactor_would_refuse_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    """``check-config`` said good, and the start ended in a stack trace."""
    text = 'recorder:\n  redact:\n    patterns:\n      - "MB-[0-9]{6}"\n      - "(a+)+x"\n    fields: ["--", ssn]\n'
    assert _faults(tmp_path, text) == [
        "pullcord.yaml:5: pattern 'recorder.redact.patterns[1]' has a repeat inside a repeat; write it flat",
        "pullcord.yaml:6: `recorder.redact.fields[0]`: '--' is no field name",
    ]


@pytest.mark.parametrize(
    ("remote", "secret"),
    [
        ("https://bob:hunter2@git.example/evals.git", True),
        ("https://ghp_0123456789abcdefghijklmnopqrstuvwxyz@git.example/evals.git", True),
        ("https://bob@git.example/evals.git", False),
        ("ssh://git@git.example:22/evals.git", False),
        ("git@git.example:evals.git", False),
        ("/srv/evals.git", False),
    ],
)
def test_a_secret_in_the_address_of_the_eval_repository_is_a_fault(tmp_path: Path, remote: str, secret: bool) -> None:
    """Secrets stand in the environment or in files, never in the configuration; the fault does not repeat it."""
    faults = _faults(tmp_path, f"evals: {{remote: '{remote}'}}\n")
    assert bool(faults) is secret
    assert "hunter2" not in str(faults)
