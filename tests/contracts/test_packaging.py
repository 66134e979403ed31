"""The papers around the code: example configuration, locks, image and wheel say what is true.

The image itself is not built here (docs/adr/0009); what can be checked of it without an engine is.
"""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from bot.settings import VARIABLES, load_settings
from handlers.alerts.alertmanager import AlertmanagerSettings
from handlers.alerts.generic import GenericSettings

ROOT = Path(__file__).parents[2]
PACKAGES = ("bot", "handlers", "runbooks", "sandbox", "examples")


def text_of(name: str) -> str:
    """A file of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def locked(name: str) -> dict[str, str]:
    """Project and version, as a lock pins them."""
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", text_of(name), flags=re.MULTILINE))


def test_the_example_configuration_is_valid() -> None:
    """With its variables set, the example loads, and each source understands its options."""
    path = ROOT / "pullcord.example.yaml"
    names = set(re.findall(r"\$\{(\w+)\}", path.read_text(encoding="utf-8"))) - {"NAME"}
    settings = load_settings({name: f"value-of-{name}" for name in names}, path)
    assert settings.agents["refund-bot"].on_call == ("U0DANA",)
    assert settings.options("alertmanager", AlertmanagerSettings).labels.agent == "agent"
    assert settings.options("generic", GenericSettings).mapping.alerts == "items"
    for rule in settings.tools:  # copied by everyone: a pattern would call get_or_create_order a read
        assert rule.pattern is None or rule.reversibility != "read_only"


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-runtime.lock"])
def test_a_lock_names_no_host_and_has_a_hash_for_each_line(name: str) -> None:
    """Whatever index or mirror pip is set up with serves the lock; the hashes hold for each."""
    text = text_of(name)
    assert "://" not in text
    assert not re.search(r"^\s*-(?!-hash)", text, flags=re.MULTILINE)
    for entry in re.split(r"\n(?=\S)", text.strip()):
        assert "--hash=sha256:" in entry, entry.splitlines()[0]


def test_the_runtime_lock_is_a_part_of_the_full_one() -> None:
    """What is tested is what runs."""
    full, runtime = locked("requirements.lock"), locked("requirements-runtime.lock")
    assert runtime.items() <= full.items()
    assert "pytest" not in runtime


def test_each_dependency_is_in_its_lock() -> None:
    """A dependency that was added to pyproject.toml without `make lock` fails here."""
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    runtime, full = locked("requirements-runtime.lock"), locked("requirements.lock")
    for lines, lock in ((project["dependencies"], runtime), *((extra, full) for extra in extras(project))):
        for requirement in map(Requirement, lines):
            name = requirement.name.lower().replace("_", "-")
            assert name == "pullcord" or requirement.specifier.contains(lock[name]), name


def extras(project: dict[str, dict[str, list[str]]]) -> list[list[str]]:
    """The lists of the optional dependencies."""
    return list(project["optional-dependencies"].values())


def test_the_health_check_is_a_program_that_compiles() -> None:
    """It is Python inside JSON inside a Dockerfile: three ways to get the quotes wrong."""
    (command,) = re.findall(r"HEALTHCHECK.*\\\n\s+CMD (\[.*\])", text_of("Dockerfile"))
    python, flag, program = yaml.safe_load(command)
    assert (python, flag) == ("python", "-c")
    compile(program, "HEALTHCHECK", "exec")


def test_the_image_holds_each_package_and_runs_without_rights() -> None:
    """A package that is not copied would be missing from the image only."""
    text = text_of("Dockerfile")
    for package in PACKAGES:
        assert f"COPY {package} {package}\n" in text
        assert f"!{package}\n" in text_of(".dockerignore")
    assert re.search(r"^USER 10001:10001$", text, flags=re.MULTILINE)


def test_the_variables_of_image_and_compose_exist() -> None:
    """A misspelt variable in a deployment file would quietly do nothing."""
    compose = yaml.safe_load(text_of("compose.yaml"))
    named = set(compose["services"]["pullcord"]["environment"])
    named |= set(re.findall(r"\b(PULLCORD_[A-Z_]+)=", text_of("Dockerfile")))
    assert named <= set(VARIABLES)
    for service in compose["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]


def test_the_wheel_holds_each_package_with_its_data_files(tmp_path: Path) -> None:
    """Templates, ladders and scripts are no Python, and are as easily forgotten in a wheel."""
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=25,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(
        ["git", "ls-files", *PACKAGES], cwd=ROOT, capture_output=True, text=True, timeout=10, check=False
    )
    if tracked.returncode != 0:
        pytest.skip("this is no git checkout, so it cannot be told which files belong in the wheel")
    assert [name for name in tracked.stdout.split() if (ROOT / name).is_file() and name not in names] == []


def test_each_module_of_the_kernel_has_its_place_in_the_import_contracts() -> None:
    """A new module that no contract names could import anything."""
    contracts = tomllib.loads(text_of("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    by_id = {contract["id"]: contract for contract in contracts}
    modules = {
        f"bot.{path.stem}"
        for path in (ROOT / "bot").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    } - {"bot.__init__"}
    placed = set(re.findall(r"bot\.\w+", " ".join(by_id["layers"]["layers"])))
    assert placed == modules
    assert set(by_id["kernel"]["source_modules"]) == modules - {"bot.__main__", "bot.app"}


def test_each_decision_is_in_the_list() -> None:
    """The list of records is how a newcomer finds them."""
    listed = text_of("docs/adr/README.md")
    records = sorted(path.name for path in (ROOT / "docs" / "adr").glob("0*.md"))
    assert records
    assert [record for record in records if f"({record})" not in listed] == []
