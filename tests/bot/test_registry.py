"""Discovery of plug-ins: built-in ones use nothing else, and whatever is wrong stops the start with one clear line."""

import sys
from pathlib import Path

import pytest

from bot.errors import Misconfigured
from bot.plugin import Kind
from bot.registry import discover

VERB = '''
from bot.domain.action import Change, Risk
from bot.plugin import ActionContext, Params, action

class Nothing(Params):
    """None."""

@action("{verb}", title="Try", tightens=True, risk=Risk.LOW, role="responder")
def {name}(ctx: ActionContext, params: Nothing) -> Change:
    """Do it."""
    raise NotImplementedError
'''


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty third-party package that can be imported."""
    folder = tmp_path / "acme_runbooks"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [n for n in sys.modules if n.startswith("acme_runbooks")]:
        monkeypatch.delitem(sys.modules, name)
    return folder


def test_the_built_in_features_are_plug_ins_with_frozen_ids() -> None:
    """Offers already shown and timelines already written carry these ids."""
    registry = discover(["handlers", "runbooks"])
    frozen = (Path(__file__).parents[1] / "contracts" / "verb_ids.txt").read_text().split()
    assert sorted(registry.actions) == frozen
    assert {"embedded", "catalogue", "git"} <= set(registry.control_planes)
    assert {"alertmanager", "generic"} <= set(registry.alert_sources)
    assert (Kind.BUTTON, "pullcord_ack") in registry.interactions


def test_a_third_party_verb_is_one_file(pack: Path) -> None:
    """Naming its package in the configuration is all it takes."""
    (pack / "sing.py").write_text(VERB.format(verb="sing", name="sing"))
    assert "sing" in discover(["handlers", "runbooks", "acme_runbooks"]).actions


def test_an_id_that_two_files_claim_stops_the_start(pack: Path) -> None:
    """The second never silently replaces the first."""
    (pack / "pin.py").write_text(VERB.format(verb="pin_model", name="pin"))
    with pytest.raises(Misconfigured, match=r"pin_model is already declared in runbooks\.pin_model"):
        discover(["runbooks", "acme_runbooks"])


def test_a_module_that_cannot_be_imported_is_named_with_its_reason(pack: Path) -> None:
    """An action that disappears quietly is found out at 3 a.m."""
    (pack / "broken.py").write_text("import no_such_module_anywhere")
    with pytest.raises(Misconfigured, match=r"acme_runbooks.broken: ModuleNotFoundError"):
        discover(["acme_runbooks"])


def test_a_module_that_ends_the_process_at_import_is_named_too(pack: Path) -> None:
    """A script left in the package must not end Pullcord without a word."""
    (pack / "script.py").write_text("import sys\nsys.exit(0)\n")
    with pytest.raises(Misconfigured, match=r"acme_runbooks\.script: SystemExit"):
        discover(["runbooks", "acme_runbooks"])


def test_a_verb_with_an_unusable_signature_is_refused(pack: Path) -> None:
    """The message says what the function must look like."""
    broken = VERB.format(verb="hum", name="hum").replace("ctx: ActionContext, params: Nothing", "params: Nothing")
    (pack / "hum.py").write_text(broken)
    with pytest.raises(Misconfigured, match="must begin with"):
        discover(["acme_runbooks"])


def test_a_package_without_plug_ins_is_a_fault(pack: Path) -> None:
    """A name that was mistyped into another package must not pass."""
    with pytest.raises(Misconfigured, match="holds no plug-in"):
        discover(["acme_runbooks"])
