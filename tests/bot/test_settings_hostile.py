"""A configuration file may come from anywhere: whatever is in it, the answer is a list of faults, soon."""

import contextlib
import json
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import Misconfigured
from bot.settings import load_settings

LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)
DEEP = "severity: " + "[" * 100_000
DEEP_BLOCK = "\n".join(f"{' ' * level}a:" for level in range(400))
CASES = {
    "billion laughs": (LAUGHS.encode(), "nested too deeply or expands to too much"),
    "an alias of itself": (b"agents: &a {b: *a}", "nested too deeply or expands to too much"),
    "100,000 levels": (DEEP.encode(), "nested too deeply"),
    "400 levels of blocks": (DEEP_BLOCK.encode(), "nested too deeply"),
    "1 MB": (b"plugins: [" + b"a," * 500_000 + b"]", "the file is over 256 kB"),
    "30,000 values": (b"plugins: [" + b"a," * 30_000 + b"]", "expands to too much"),
    "invalid UTF-8": (b"agents:\n  a: {tools: [\xff]}", "this line is not UTF-8"),
    "a NUL": (b"agents:\n  a: {tools: [\x00]}", "there is a character here that YAML does not allow"),
    "a tag that runs code": (b"agents: !!python/object/apply:os.system ['true']", "is not read here"),
    "a binary": (b"\x7fELF\x02\x01\x01\x00" * 100, ""),
    "half of a surrogate pair": (b'agents: {a: {tools: ["\\ud800"]}, "b\\udfff": {}}', "half of a surrogate pair"),
    "an unknown alias": (b"agents: *nobody", "undefined alias"),
    "a merge key": (b"agents: {a: &a {tools: [x]}, b: {<<: *a}}", "`agents.b.<<` is not a setting"),
}


def assert_settings_or_faults(path: Path) -> None:
    """Anything else that is raised fails the test."""
    with contextlib.suppress(Misconfigured):
        load_settings({}, path)


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_file_is_refused_soon(name: str, tmp_path: Path) -> None:
    """Refused with a fault that names the file, within seconds of processor time even when traced."""
    content, reason = CASES[name]
    path = tmp_path / "pullcord.yaml"
    path.write_bytes(content)
    began = time.process_time()
    with pytest.raises(Misconfigured) as caught:
        load_settings({}, path)
    assert time.process_time() - began < 10
    assert any(reason in fault.reason for fault in caught.value.faults), caught.value
    assert all(fault.where.startswith(str(path)) for fault in caught.value.faults)


def test_a_directory_or_an_unreadable_path_is_a_fault(tmp_path: Path) -> None:
    """Mounting a missing file makes a directory of that name: a common mistake with containers."""
    (tmp_path / "pullcord.yaml").mkdir()
    with pytest.raises(Misconfigured, match="Is a directory"):
        load_settings({"PULLCORD_CONFIG": str(tmp_path / "pullcord.yaml")})


YAML_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)
SECTIONS = st.sampled_from(
    ["plugins", "public_url", "slack", "roles", "agents", "default_agent", "sources", "tools", "severity", "evals", "x"]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_settings_or_faults(content: bytes, tmp_path: Path) -> None:
    """Nothing but Misconfigured is ever raised."""
    path = tmp_path / "pullcord.yaml"
    path.write_bytes(content)
    assert_settings_or_faults(path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=st.dictionaries(SECTIONS, YAML_VALUES, max_size=4))
def test_any_values_are_settings_or_faults(document: dict[str, object], tmp_path: Path) -> None:
    """Wrong types in every place, written as JSON, which is YAML."""
    path = tmp_path / "pullcord.yaml"
    path.write_text(json.dumps(document), encoding="utf-8")
    assert_settings_or_faults(path)
