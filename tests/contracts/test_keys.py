import re
from pathlib import Path

import pytest

from bot.timeline.keys import KEYS, TAG, class_of, is_incident_id, part

FROZEN = Path(__file__).with_name("redis_keys.txt")
BOT = Path(__file__).parents[2] / "bot"


def test_the_key_table_is_frozen() -> None:
    """Stored data carries these names: a renamed key is a lost one. A new key is added here, with its life."""
    table = sorted(f"{TAG}:{known.pattern} | {known.kind} | {known.life}" for known in KEYS)
    assert table == FROZEN.read_text().splitlines()


def test_every_pattern_is_recognised_as_its_own_class_only() -> None:
    """The leak check must not take a key for one of another class."""
    for known in KEYS:
        names = re.findall(r"<(\w+)>", known.pattern)
        key = known(*("INC-1" if name == "incident" else "x1" for name in names))
        assert [other.pattern for other in KEYS if other.matches(key)] == [known.pattern]


def test_all_keys_share_the_hash_tag_that_only_the_table_writes() -> None:
    """Redis Cluster puts them in one slot; a key made elsewhere would escape the table."""
    others = [path for path in BOT.rglob("*.py") if path.name != "keys.py" and '"{pullcord}' in path.read_text()]
    assert others == []
    assert all(known(*["INC-1"] * known.pattern.count("<")).startswith(f"{TAG}:") for known in KEYS)


@pytest.mark.parametrize("foreign", ["a:b", "*", "", "x" * 65, "{other}", "é", "a\nb", "INC-1:timeline"])
def test_foreign_text_in_a_key_is_hashed(foreign: str) -> None:
    """An agent's or a source's name cannot reach another class of key."""
    assert re.fullmatch(r"~[0-9a-f]{32}", part(foreign))
    assert part("refund-bot") == "refund-bot"


def test_an_undeclared_key_has_no_class() -> None:
    """What the leak check fails on."""
    assert class_of("{pullcord}:surprise") is None
    assert class_of("other") is None
    assert is_incident_id("INC-12")
    assert not is_incident_id("INC-12\n")


def test_no_code_lists_all_keys() -> None:
    """SCAN and KEYS take longer the more there is (261 ms at 10,000 incidents): indexes instead."""
    calls = re.compile(r"""["'](SCAN|KEYS)\b|\.(scan|keys|scan_iter)\((?!\))""")
    found = [
        f"{path.name}: {line.strip()}"
        for path in (BOT / "timeline").rglob("*.py")
        for line in path.read_text().splitlines()
        if calls.search(line)
    ]
    assert found == []
