import asyncio
import gzip
import os
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic_core import to_json

from bot.domain.catalogue import Catalogue, ToolRule
from bot.domain.trace_ref import TraceRef
from bot.errors import Busy, Refused
from bot.plugin import Fetched, StoreSettings, trace_source
from bot.recorder.evidence import thaw
from bot.recorder.limits import Limits, TooLarge
from bot.recorder.offload import Parser, ParserSettings
from bot.recorder.otlp import JSON, parse_export
from bot.recorder.redact import RedactionSettings, Redactor
from bot.recorder.run_reading import read_run
from tests.bot.recorder.samples import TRACE, export, raw_span, root, tool
from tests.support.waiting import wait_until


def body(spans: int = 10, pad: int = 100) -> bytes:
    """An export of about ``spans * pad`` bytes of text."""
    held = [{"key": "t", "value": {"stringValue": "member MB-123456 " + "x" * pad}}]
    return export(*(raw_span(n, attributes=held) for n in range(1, spans + 1)))


def parser(**settings: float) -> Parser:
    """A parser with a configured pattern, that takes everything over 5 kB to its child."""
    redactor = Redactor(RedactionSettings(patterns={"member": "MB-[0-9]{6}"}))
    return Parser(redactor, Limits(body=9_000_000), ParserSettings(**{"large": 5_000, **settings}))  # type: ignore[arg-type]


def children() -> set[int]:
    """The process ids of our own children, whichever thread started them."""
    threads = list(Path("/proc/self/task").glob("*/children"))
    return {int(pid) for thread in threads if thread.exists() for pid in thread.read_text().split()}


async def test_thread_and_child_give_the_same() -> None:
    """The same export, small in a thread and as if it were large in the child."""
    async with parser(large=10**9) as near, parser(large=0) as far:
        here, there = await near.parse(body(), JSON), await far.parse(body(), JSON)
        assert here == there
        assert len(there.spans) == 10
        assert b"[redacted: member]" in there.spans[0].data
        records = [span.data for span in there.spans]
        catalogue = Catalogue(rules=(ToolRule(name="refund", reversibility="compensable", undo_window="400d"),))
        now = datetime(2026, 11, 23, tzinfo=UTC)
        read = await far.read(tuple(records), catalogue, now, ["cut"])
        assert read == await near.read(records, catalogue, now, ["cut"])
        assert read == read_run([zlib.compress(record) for record in records], catalogue, now, ["cut"])
        assert read.summary.steps == 10
        assert read.summary.notes == ("cut",)


async def test_a_run_of_many_tool_calls_comes_back_whole_from_the_child() -> None:
    """Effects come in several frames, in their order, and the frozen bytes are those that a thread would make."""
    spans = [root(), *(tool(n, "refund", arguments={"order": n}, result={"ok": True}) for n in range(2, 400))]
    records = [span.to_bytes() for span in spans]
    now = datetime(2026, 11, 23, tzinfo=UTC)
    async with parser(large=0) as far:
        read = await far.read(tuple(records), Catalogue(), now)
    assert read == read_run(records, Catalogue(), now)
    assert [effect.order for effect in read.effects] == list(range(1, 399))
    assert len(thaw([read.frozen]).run.tool_calls) == 398


async def test_many_spans_come_back_whole_and_partly_bad_ones_are_counted() -> None:
    """More spans than one frame of the answer holds, and a rejected one."""
    async with parser() as large:
        found = await large.parse(export(*(raw_span(n) for n in range(1, 1_500)), raw_span(9, traceId="x")), JSON)
        assert [int(span.span_id, 16) for span in found.spans] == list(range(1, 1_500))
        assert found.rejected == 1
        assert "traceId" in found.reason


async def test_refusals_cross_the_pipe_with_their_kind_and_field() -> None:
    """A refusal in the child is the same refusal here, and the child goes on."""
    async with parser() as large:
        with pytest.raises(Refused) as refused:
            await large.parse(b'{"resourceSpans": 5' + b" " * 6_000 + b"}", JSON)
        assert refused.value.field == "resourceSpans"
        with pytest.raises(TooLarge):
            await large.parse(gzip.compress(b" " * 200_000_000), JSON, "gzip")
        assert len((await large.parse(body(50, 200), JSON)).spans) == 50


async def test_the_event_loop_goes_on_while_a_large_export_is_parsed() -> None:
    """A click must not wait for a trace."""
    async with parser() as large:
        await large.parse(body(50, 200), JSON)
        longest, last = 0.0, time.perf_counter()
        task = asyncio.ensure_future(large.parse(body(3_000, 1_000), JSON))
        while not task.done():
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
        assert len((await task).spans) == 3_000
        assert longest < 0.25  # measured: under 15 ms on an idle machine


async def test_too_many_waiting_exports_are_refused_as_busy() -> None:
    """A bounded queue; the sender comes again."""
    async with parser(waiting_large=1) as large:
        first = asyncio.ensure_future(large.parse(body(1_000, 500), JSON))
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await large.parse(body(50, 200), JSON)
        assert len((await first).spans) == 1_000
        assert len((await large.parse(body(50, 200), JSON)).spans) == 50


async def test_a_killed_child_is_busy_once_and_then_replaced() -> None:
    """The sender retries; the next export finds a new child."""
    async with parser() as large:
        before = children()
        await large.parse(body(50, 200), JSON)
        [child] = children() - before
        task = asyncio.ensure_future(large.parse(body(4_000, 1_000), JSON))
        await asyncio.sleep(0.05)
        os.kill(child, signal.SIGKILL)
        with pytest.raises(Busy):
            await task
        assert len((await large.parse(body(50, 200), JSON)).spans) == 50


async def test_an_export_that_takes_too_long_is_refused() -> None:
    """The child is killed; smaller batches are what helps, so it is no Busy."""
    async with parser(timeout=0.01) as large:
        with pytest.raises(Refused, match="longer than"):
            await large.parse(body(4_000, 1_000), JSON)


async def test_a_caller_that_goes_away_leaves_the_child_in_step() -> None:
    """A cancelled request does not mix its answer into the next one's."""
    async with parser() as large:
        task = asyncio.ensure_future(large.parse(body(1_000, 500), JSON))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len((await large.parse(body(50, 200), JSON)).spans) == 50


async def test_the_child_goes_home_when_idle_and_at_the_end() -> None:
    """No process is left over, and none is started for small exports."""
    before = children()
    async with parser(idle=0.05) as large:
        await large.parse(body(2, 10), JSON)
        assert children() == before
        await large.parse(body(50, 200), JSON)
        assert children() != before
        await wait_until(lambda: children() == before)
        await large.parse(body(50, 200), JSON)
    assert children() == before
    with pytest.raises(Busy):
        await large.parse(body(50, 200), JSON)


async def test_a_body_in_pieces_is_read_and_let_go_of() -> None:
    """A large body is not held twice to be joined; how large a gzip will be, its last bytes say, however it was cut."""
    plain = body(50, 200)
    async with parser() as large:
        whole = await large.parse(plain, JSON)
        for content, encoding in ((plain, ""), (gzip.compress(plain), "gzip")):
            pieces = [content[:-2], content[-2:-1], content[-1:]]
            assert await large.parse(pieces, JSON, encoding) == whole
            assert pieces == []


async def test_a_stores_answers_are_read_in_the_child_when_they_are_large() -> None:
    """By its plug-in, found again by module and name; redacted there."""
    ref = TraceRef(trace_id=TRACE)
    answer = body(300, 100)
    async with parser() as far, parser(large=10**9) as near:
        there, here = await far.read_answers(_STORE, [answer], ref), await near.read_answers(_STORE, [answer], ref)
        assert there == here
        assert len(there.spans) == 300
        assert there.partial == "one page of two"
        assert b"[redacted: member]" in there.spans[0].data
        with pytest.raises(Refused, match="is not JSON"):
            await far.read_answers(_STORE, [b"x" * 10_000], ref)
        gone = replace(_STORE, name="gone")
        with pytest.raises(Refused, match="declares no trace store gone"):
            await far.read_answers(gone, [answer], ref)


async def test_a_large_list_of_records_is_let_go_of_as_it_is_sent() -> None:
    """The server must not hold a large run beside the process that reads it; without freezing nothing is frozen."""
    records = [span.to_bytes() for span in (root(), *(tool(n, "refund") for n in range(2, 200)))]
    now = datetime(2026, 11, 23, tzinfo=UTC)
    async with parser(large=0) as far:
        read = await far.read(records, Catalogue(), now, frozen=False)
    assert records == []
    assert (len(read.effects), read.frozen) == (198, b"")


def read_stored(answers: Sequence[bytes], ref: TraceRef) -> Fetched:
    """The reading half of a made-up store."""
    return Fetched(parse_export(answers[0], JSON).spans, partial="one page of two")


_STORE = trace_source("made-up", settings=StoreSettings, read=read_stored)(lambda settings, http: None)  # type: ignore[arg-type,return-value]
_STORE = replace(_STORE, module=__name__)

PARENT = """
import asyncio, sys
from bot.recorder.offload import Parser, ParserSettings
from bot.recorder.evidence import thaw
from bot.recorder.limits import Limits
from bot.recorder.redact import Redactor
async def main():
    parser = Parser(Redactor(), Limits(), ParserSettings(large=0))
    await parser.parse(b"{}", "application/json")
    print(parser._child._process.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_no_orphan_is_left_when_the_parent_is_killed() -> None:
    """Kill -9 of the bot: the child sees its pipe close and ends."""
    root = Path(__file__).resolve().parents[3]
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, cwd=root)  # noqa: ASYNC220
    assert parent.stdout is not None
    child = int(await asyncio.to_thread(parent.stdout.readline))
    assert Path(f"/proc/{child}").exists()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    await wait_until(
        lambda: not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text().split()[2]
    )


def test_what_the_child_says_at_its_end_quotes_nothing_that_it_read() -> None:
    """Its standard error is the process's own, where nobody takes secrets out."""
    hello = to_json({"redaction": {}, "limits": {}, "dialects": []})
    record = b'{"name": {"password": "hunter2-as-it-came"}}'
    frames = (
        hello,
        to_json({"do": "read", "catalogue": {}, "now": "2026-11-23T00:00:00Z", "notes": []}),
        to_json([len(record)]) + b"\n" + record,
        b"",
    )
    sent = b"".join(len(frame).to_bytes(8, "big") + frame for frame in frames)
    command = [sys.executable, "-m", "bot.recorder.worker"]
    done = subprocess.run(command, input=sent, capture_output=True, timeout=20, check=False)
    assert done.returncode == 1
    assert b"ValidationError" in done.stderr
    assert b"hunter2" not in done.stderr
