"""A made-up store and a made-up dialect take one file each in a pack that ``plugins:`` names, and nothing else."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.domain.catalogue import Catalogue
from bot.domain.run import Executed, StepKind
from bot.domain.trace_ref import TraceRef
from bot.engine.stores import TraceStores
from bot.plugin import Registry
from bot.plugin_faults import plugin_faults
from bot.recorder.dialects import BUILT_IN, with_packs
from bot.recorder.evidence import thaw
from bot.recorder.limits import Limits
from bot.recorder.offload import Parser, ParserSettings
from bot.recorder.redact import Redactor
from bot.registry import discover
from bot.settings import Settings, load_settings
from tests.support.trace_stores import Asked, LoopbackStore, Told, loopback_store

WALK = "c0ffee" + "0" * 25 + "1"
CONFIG = """\
plugins: [handlers, runbooks, tests.support.parcels]
agents:
  courier-bot:
    on_call: [U0LEE]
    traces: [logbook]
trace_stores:
  logbook:
    type: courier
    url: {url}
    depot: south
"""
STEPS = [
    {"step": 1, "did": "walk", "at": 10**18, "until": 10**18 + 9, "notes": {"kind": "walk", "who": "courier-bot"}},
    {
        "step": 2,
        "after": 1,
        "did": "look at the map",
        "at": 10**18 + 1,
        "until": 10**18 + 2,
        "notes": {"kind": "map", "looked_for": "Elm Street", "maps": [{"id": "map-7", "content": "third left"}]},
    },
    {
        "step": 3,
        "after": 1,
        "did": "think",
        "at": 10**18 + 3,
        "until": 10**18 + 4,
        "notes": {
            "kind": "think",
            "mind.wanted": "mind-1",
            "mind.given": "mind-1-spring",
            "mind.heat": 0.3,
            "heard": [{"role": "user", "content": "Bring it to Elm Street."}],
            "said": [{"role": "assistant", "tool_calls": [{"id": "t1", "name": "ring", "arguments": {"door": 7}}]}],
            "bag": [{"name": "ring", "description": "Ring a bell", "parameters": {"type": "object"}}],
        },
    },
    {
        "step": 4,
        "after": 1,
        "did": "ring",
        "at": 10**18 + 5,
        "until": 10**18 + 6,
        "trouble": "nobody at home",
        "notes": {"kind": "hand", "tool": "ring", "ticket": "t1", "with": '{"door": 7}', "got": "silence"},
    },
]


def logbook(asked: Asked) -> Told:
    """The courier's logbook of the south depot."""
    if asked.query.get("depot") != ["south"] or asked.path not in {"/", f"/walks/{WALK}"}:
        return Told(404)
    return Told(200, "\n".join(json.dumps(step) for step in STEPS).encode())


@pytest.fixture
async def store() -> AsyncIterator[LoopbackStore]:
    """A running logbook."""
    async with loopback_store(logbook) as made:
        yield made


@pytest.fixture
def settings(store: LoopbackStore, tmp_path: Path) -> Settings:
    """A configuration that names the pack, and an agent whose runs are in the logbook."""
    path = tmp_path / "pullcord.yaml"
    path.write_text(CONFIG.format(url=store.url))
    return load_settings({}, path, plugin_faults)


@pytest.fixture
def registry(settings: Settings) -> Registry:
    """What ``plugins:`` brings."""
    return discover(settings.plugins)


def test_naming_the_pack_is_all_it_takes(settings: Settings, registry: Registry) -> None:
    """The configuration is accepted with the store's own option, and the dialect is asked with the built-in ones."""
    assert plugin_faults(settings) == []
    assert registry.trace_sources["courier"].module == "tests.support.parcels.courier_log"
    added = set(with_packs(registry.dialects.values())) - set(BUILT_IN)
    assert [(dialect.name, dialect.module) for dialect in added] == [
        ("Courier's marks", "tests.support.parcels.courier_marks")
    ]


@pytest.mark.parametrize("large", [1, 10_000_000], ids=["in the child process", "in a thread"])
async def test_a_run_is_read_through_both(
    settings: Settings, registry: Registry, store: LoopbackStore, large: int
) -> None:
    """From a link in an alert to tool calls, prompts and documents, also in the process that reads large runs."""
    stores = TraceStores(registry, settings)
    ref = stores.ref_of(f"{store.url}/walks/{WALK}", "courier-bot")
    assert ref == TraceRef(trace_id=WALK, link=f"{store.url}/walks/{WALK}")
    answers = await stores.fetch("logbook", ref)
    assert answers is not None
    dialects = with_packs(registry.dialects.values())
    async with Parser(Redactor(), Limits(), ParserSettings(large=large), dialects) as parser:
        packed = await parser.read_answers(stores.source("logbook"), answers, ref)
        now = datetime(2026, 11, 23, tzinfo=UTC)
        reading = await parser.read([span.data for span in packed.spans], settings.catalogue, now)
    run = thaw([reading.frozen]).run
    assert run.agent == "courier-bot"
    assert [step.kind for step in run.steps] == [StepKind.AGENT, StepKind.RETRIEVAL, StepKind.MODEL, StepKind.TOOL]
    (model,) = run.model_calls
    assert (model.model_requested, model.model_served, model.parameters) == (
        "mind-1",
        "mind-1-spring",
        {"temperature": 0.3},
    )
    assert [message.text for message in model.input] == ["Bring it to Elm Street."]
    assert [tool.name for tool in model.tools_offered] == ["ring"]
    (call,) = run.tool_calls
    assert (call.name, call.call_id, call.arguments, call.result) == ("ring", "t1", {"door": 7}, "silence")
    assert call.executed is Executed.YES
    assert call.error is not None
    assert call.error.message == "nobody at home"
    (retrieval,) = run.retrievals
    assert [(found.id, found.content) for found in retrieval.documents or ()] == [("map-7", "third left")]
    assert [effect.tool for effect in reading.effects] == ["ring"]


async def test_without_the_dialect_the_same_spans_are_plain_steps(store: LoopbackStore) -> None:
    """It is the pack's file that knows them."""
    source = discover(["tests.support.parcels"]).trace_sources["courier"]
    ref = TraceRef(trace_id=WALK)
    body = logbook(Asked("GET", f"/walks/{WALK}", {"depot": ["south"]}, {}, b"")).body
    async with Parser(Redactor(), Limits()) as parser:
        packed = await parser.read_answers(source, [body], ref)
        now = datetime(2026, 11, 23, tzinfo=UTC)
        reading = await parser.read([span.data for span in packed.spans], Catalogue(), now)
    assert reading.effects == ()
    assert reading.summary.steps == 4
