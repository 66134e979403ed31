"""docs/controls.md, made from the cases of the suite: ``python -m tests.contracts.planes.page``.

Each cell of its tables is a test of ``test_control_planes.py`` or ``test_control_planes_trouble.py``, which run over
the same cases; the settings are read from the models. ``test_controls_documented.py`` fails while the page is out of
date. The words before the first table are in ``page_intro.md``.
"""

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml
from pydantic import BaseModel

from bot.domain.action import Verified
from bot.plugin import ControlHttpSettings
from tests.contracts.planes.case import HERE, VERBS, Deed, PlaneCase, cases, registry
from tests.contracts.test_settings_documented import default_of, nested, written

PAGE = Path(__file__).parents[3] / "docs" / "controls.md"

INTRO = Path(__file__).with_name("page_intro.md")

SETTINGS_INTRO = """\
## Settings

Every control plane that is asked over HTTP has these beside its own. Secrets are written `${NAME}` or as
`<setting>_file`.

"""


def page() -> str:
    """The whole page."""
    text = "\n".join(
        [
            INTRO.read_text(encoding="utf-8"),
            *_matrix(),
            "",
            *_places(),
            "",
            SETTINGS_INTRO.rstrip(),
            "",
            *_common(),
            "",
            *_sections(),
        ]
    )
    return text.rstrip("\n") + "\n"


def _matrix() -> Iterator[str]:
    yield "## Which verb by which control plane"
    yield ""
    yield "| verb | control plane | tested | preview | apply | verify | undo |"
    yield "|---|---|---|---|---|---|---|"
    for verb in VERBS:
        for case in cases().values():
            for deed in case.deeds:
                if deed.verb == verb:
                    link, undo = f"[{case.type}](#{case.type})", "no" if "undo" in case.lacks else "yes"
                    cells = (f"`{verb}`", link, _tested(case), "yes", "once per key", _verify(case, deed), undo)
                    yield f"| {' | '.join(cells)} |"


def _places() -> Iterator[str]:
    yield "## Where cases and fixes go"
    yield ""
    yield "These hold no setting of an agent. The same again adds nothing; no answer is an unknown outcome."
    yield ""
    yield "| control plane | tested | what it is |"
    yield "|---|---|---|"
    for case in cases().values():
        if case.once is not None:
            yield f"| [{case.type}](#{case.type}) | {_tested(case)} | {case.note} |"


def _verify(case: PlaneCase, deed: Deed) -> str:
    if "verify" in case.lacks or deed.settled is Verified.PENDING:
        return "pending only"
    return "in force" if deed.first is Verified.IN_FORCE else "pending, then in force"


def _tested(case: PlaneCase) -> str:
    return "real peer" if case.real is not None else "contract"


def _common() -> Iterator[str]:
    yield "| setting | default |"
    yield "|---|---|"
    yield "| `type` | the control plane's own name |"
    for name, default in _rows(ControlHttpSettings):
        yield f"| `{name}` | {_default(default)} |"


def _sections() -> Iterator[str]:
    for case in cases().values():
        model = registry().control_planes[case.type].settings
        common = ControlHttpSettings.model_fields if issubclass(model, ControlHttpSettings) else {}
        yield f"### {case.type}"
        yield ""
        by = f" (`{case.real}`)" if case.real else ""
        yield f"{case.note[:1].upper()}{case.note[1:]}. Tested: {_tested(case)}{by}."
        yield ""
        for part in _parts(model):
            yield _prose(inspect.getdoc(part) or "")
            yield ""
        rows = [(name, default) for name, default in _rows(model) if name not in common]
        if rows:
            yield "| setting | default |"
            yield "|---|---|"
            yield from (f"| `{name}` | {_default(default)} |" for name, default in rows)
            yield ""
        example = example_of(case)
        if example is not None:
            yield f"```yaml\n{example}```"
            yield ""
        if case.more:
            yield case.more
            yield ""
        why: dict[str, list[str]] = {}
        for aspect, reason in case.lacks.items():
            why.setdefault(reason, []).append(aspect)
        for reason, aspects in why.items():
            yield f"Not tested of it ({', '.join(aspects)}): {reason}."
            yield ""


def example_of(case: PlaneCase) -> str | None:
    """The configuration of the suite's instance, with an address and a secret as an operator would write them."""
    if case.name != HERE:
        return None
    stands_in: Any = SimpleNamespace(url=f"https://{case.type.split('_')[0]}.example", file="/etc/flagd/flags.json")
    try:
        options = dict(case.options(stands_in))
    except AttributeError:  # its peer has more to tell than an address
        return None
    plain: Any = json.loads(json.dumps({"controls": {case.type: options}}))  # nothing is shared: YAML would refer to it
    dumped = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=118, default_flow_style=None)
    return dumped.replace("PEER_SECRET", f"{case.type.upper()}_SECRET")


def _parts(model: type[BaseModel]) -> list[type[BaseModel]]:
    """The model and those that its settings are made of, each once."""
    below = [found[1] for field in model.model_fields.values() if (found := nested(field.annotation)) is not None]
    return list(dict.fromkeys([model, *(part for one in below for part in _parts(one))]))


def _rows(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Each setting of a model with its default; those of a part are named by their path."""
    for name, field in model.model_fields.items():
        path = f"{prefix}{field.alias or name}"
        below = nested(field.annotation)
        if below is not None:
            yield from _rows(below[1], f"{path}{below[0]}")
        elif field.is_required():
            yield path, "required"
        else:
            value = default_of(field)
            plain = isinstance(value, tuple) and value and not all(isinstance(one, str) for one in value)
            yield path, json.dumps(value) if plain else written(value)


def _default(default: str) -> str:
    return default if default in {"none", "required"} else f"`{default}`"


def _prose(doc: str) -> str:
    said = re.sub(r"``([^`]+)``", r"`\1`", " ".join(doc.split("\n")))
    return re.sub(r" {2,}", "\n\n", said)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE} is written: {len(cases())} control planes")
