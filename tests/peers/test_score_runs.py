import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.peers.place import Place, build, told

_SCORER = Path(__file__).resolve().parents[3] / "shared" / "tools" / "score_runs.py"
_LABELS = Path(__file__).with_name("data") / "labels.yaml"
_SOURCES = "sources:\n  alertmanager:\n    bearer: ${ALERT_TOKEN}\n"

pytestmark = [
    pytest.mark.peers,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not _SCORER.exists(), reason="../shared with the labelled runs is not beside this checkout"),
]

Score = Callable[..., dict[str, float]]


@pytest.fixture
def score(tmp_path: Path) -> Iterator[Score]:
    """Start a Pullcord with this catalogue, feed it every labelled run from outside, and give the figures."""
    made: list[Place] = []

    def run(catalogue: str, *least: str) -> dict[str, float]:
        place = build(tmp_path, _SOURCES + catalogue, with_slack=False)
        made.append(place)
        tokens = {"": "PULLCORD_API_TOKEN", "otlp-": "PULLCORD_OTLP_TOKEN", "alert-": "ALERT_TOKEN"}
        command = [sys.executable, str(_SCORER), "--base-url", place.bot.origin, "--wait", "40", *least]
        for name, secret in tokens.items():
            command += [f"--{name}token", place.token(secret)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
        told("score_runs.py", "\n" + done.stdout + done.stderr)
        assert done.stdout.strip(), f"{done.stderr}\n--- the bot's log\n{place.bot.tail(40)}"
        last = done.stdout.strip().splitlines()[-1]
        figures = {name: float(value) for name, value in re.findall(r"(\w+) ([0-9.]+)", last)}
        assert done.returncode == 0, f"{last}\n{done.stderr}"
        return figures

    yield run
    for place in made:
        place.stop()


def test_effects_of_real_failing_runs_are_found_without_a_catalogue(score: Score) -> None:
    """Nothing is configured: still every labelled effect is listed with the right outcome, and nothing more.

    The bar is the issue's: listed 0.99, outcome 0.98, extra 0 over all runs.
    """
    figures = score("", "--min-listed", "0.99", "--min-outcome", "0.98", "--max-extra", "0")
    assert figures["missing"] == 0


def test_a_catalogue_can_say_what_the_labels_say(score: Score) -> None:
    """With the labels written as ``tools:`` the class shown is the labelled one."""
    figures = score(_LABELS.read_text(encoding="utf-8"), "--min-listed", "0.99", "--min-class", "0.95")
    assert figures["class"] >= 0.95
