from datetime import timedelta

from redis import Redis

from bot.domain.profile import Grade, IndexedRun, RunProfile
from bot.timeline import keys
from bot.timeline import run_index as module
from bot.timeline.index_records import MOST_TEXT
from bot.timeline.store import Store
from tests.support.clock import ManualClock

TRACE = "ab" * 16


def profile(clock: ManualClock, trace_id: str = TRACE, **changes: object) -> RunProfile:
    """A small profile that ends now."""
    values = {"trace_id": trace_id, "agent": "refund-bot", "kind": "invoke", "ended_at": clock.now(), **changes}
    return RunProfile.model_validate(values)


async def test_indexing_again_replaces_what_no_longer_holds(store: Store, clock: ManualClock) -> None:
    """More spans came: another kind, other signatures. Once is once, however often it is indexed."""
    index = store.run_index
    await index.put(IndexedRun(profile=profile(clock), signatures=("s1", "s2")))
    for _ in range(3):
        await index.put(IndexedRun(profile=profile(clock, kind="other", agent="mail-bot"), signatures=("s2", "s3")))
    alike = await index.alike(["s1", "s2", "s3"])
    assert [alike[s].runs for s in ("s1", "s2", "s3")] == [0, 1, 1]
    assert await index.of_kind("refund-bot", "invoke", clock.now(), 10, 0) == []
    assert await index.of_kind("mail-bot", "other", clock.now(), 10, 0) == [TRACE]
    assert (await index.runs_of(["refund-bot", "mail-bot"])).runs == 1


async def test_a_named_run_stays_failed_whatever_its_spans_say_later(store: Store, clock: ManualClock) -> None:
    """Late spans index it again, as good."""
    index = store.run_index
    await index.put(IndexedRun(profile=profile(clock, grade=Grade.GOOD), signatures=("s",)))
    assert (await index.alike(["s"]))["s"].good == 1
    await index.put(IndexedRun(profile=profile(clock, grade=Grade.GOOD), signatures=("s",), named=True))
    kept = await index.put(IndexedRun(profile=profile(clock, grade=Grade.GOOD), signatures=("s",)))
    assert (kept.named, kept.profile.grade) == (True, Grade.FAILED)
    alike = (await index.alike(["s"]))["s"]
    assert (alike.runs, alike.good) == (1, 0)


async def test_what_is_older_than_its_life_leaves_the_index(store: Store, clock: ManualClock) -> None:
    """Sets are trimmed as they are written; one from the future enters as one of now."""
    index = store.run_index
    await index.put(IndexedRun(profile=profile(clock), signatures=("s",)))
    clock.forward(days=31)
    await index.put(IndexedRun(profile=profile(clock, "cd" * 16), signatures=("s",)))
    assert await index.members("s") == ["cd" * 16]
    ahead = profile(clock, "ef" * 16, ended_at=clock.now() + timedelta(days=400))
    await index.put(IndexedRun(profile=ahead, signatures=("s",)))
    found, total = await index.in_window("refund-bot", clock.now() - timedelta(minutes=1), clock.now(), 10)
    assert (set(found), total) == ({"cd" * 16, "ef" * 16}, 2)


async def test_the_newest_runs_and_a_sample_of_the_older(store: Store, clock: ManualClock) -> None:
    """So that a change of last week is seen although hundreds of runs came since."""
    index = store.run_index
    for number in range(100):
        await index.put(IndexedRun(profile=profile(clock, f"{number:032x}")))
        clock.forward(seconds=1)
    found = [int(t, 16) for t in await index.of_kind("refund-bot", "invoke", clock.now(), 10, 9)]
    assert found[:10] == list(range(99, 89, -1))
    assert len(found) == 19
    assert found[-1] < 20
    assert await index.of_kind_since("refund-bot", "invoke", clock.now() - timedelta(seconds=2), 10) == [f"{99:032x}"]


async def test_texts_are_kept_once_cut_and_the_newest_prompts_only(
    store: Store, clock: ManualClock, raw: Redis, monkeypatch: object
) -> None:
    """A prompt with a name in it is new with every run: it must not fill the store."""
    index = store.run_index
    monkeypatch.setattr(module, "_MOST_PROMPTS", 3)  # type: ignore[attr-defined]
    for number in range(5):
        text_hash = f"{number:032x}"
        made = profile(clock, f"{number:032x}", calls=({"prompt": text_hash},))
        await index.put(IndexedRun(profile=made), {text_hash: f"hello {number}"})
        clock.forward(seconds=1)
    texts = await index.texts(f"{n:032x}" for n in range(5))
    assert sorted(texts.values()) == ["hello 2", "hello 3", "hello 4"]
    assert await index.text("0" * 32) is None
    await index.put(IndexedRun(profile=profile(clock)), {"f" * 32: "long " * 100_000})
    cut = await index.text("f" * 32)
    assert cut is not None
    assert len(cut) < MOST_TEXT + 100
    assert cut.endswith("[cut here: the rest is not kept]")


async def test_a_record_of_another_version_is_no_run(store: Store, clock: ManualClock, raw: Redis) -> None:
    """It is indexed anew, or runs out."""
    await store.run_index.put(IndexedRun(profile=profile(clock)))
    raw.set(f"{{pullcord}}:index:run:{TRACE}", b"what is this", ex=60)
    assert await store.run_index.get(TRACE) is None
    await store.run_index.put(IndexedRun(profile=profile(clock)))
    assert await store.run_index.get(TRACE) is not None


async def test_runs_that_were_recorded_long_ago_are_compared_with_each_other(store: Store, clock: ManualClock) -> None:
    """Replayed from an archive they all ended years before: each must not push the one before out of the index."""
    index, ended = store.run_index, clock.now() - timedelta(days=700)
    for number in range(20):
        one = profile(clock, f"{number:032x}", ended_at=ended + timedelta(minutes=number))
        await index.put(IndexedRun(profile=one, signatures=("s",)))
        clock.forward(seconds=1)
    assert len(await index.of_kind("refund-bot", "invoke", ended + timedelta(minutes=9), 100, 0)) == 10
    assert (await index.alike(["s"]))["s"].runs == 20
    assert (await index.runs_of(["refund-bot"])).runs == 20
    assert await index.agents() == ["refund-bot"]
    await index.put(IndexedRun(profile=profile(clock, "ff" * 16), signatures=("s",)))
    assert (await index.alike(["s"]))["s"].runs == 1, "beside a run of today they are past their life"


async def test_runs_past_their_life_do_not_count_although_nobody_wrote_since(store: Store, clock: ManualClock) -> None:
    """A set that is not written to is not trimmed; the profiles in it are gone all the same."""
    index = store.run_index
    await index.put(IndexedRun(profile=profile(clock), signatures=("s",)))
    clock.forward(days=20)
    await index.put(IndexedRun(profile=profile(clock, "cd" * 16), signatures=("s",)))
    assert (await index.alike(["s"]))["s"].runs == 2
    clock.forward(days=20)
    alike = (await index.alike(["s"]))["s"]
    assert (alike.runs, alike.first) == (1, int((clock.now() - timedelta(days=20)).timestamp() * 1000))
    assert (await index.runs_of(["refund-bot"])).runs == 1


async def test_a_clock_that_goes_back_loses_no_run(store: Store, clock: ManualClock) -> None:
    """The other replica's clock is an hour ahead: its runs are neither trimmed nor in front of ours for ever."""
    index = store.run_index
    clock.forward(hours=1)
    await index.put(IndexedRun(profile=profile(clock), signatures=("s",)))
    clock.forward(hours=-1)
    await index.put(IndexedRun(profile=profile(clock, "cd" * 16), signatures=("s",)))
    assert (await index.alike(["s"]))["s"].runs == 2


async def test_names_of_agents_are_only_names(store: Store, clock: ManualClock, raw: Redis) -> None:
    """Whatever a run calls its agent and its operation: one run, in keys that the table knows."""
    index = store.run_index
    for number, name in enumerate(("{x}", "a:b:failed", "*", "refund-bot:failed", "\x00\n", "агент", "x" * 5000, "..")):
        one = profile(clock, f"{number:032x}", agent=name, kind=name)
        await index.put(IndexedRun(profile=one, signatures=("s",)))
        assert (await index.runs_of([name])).runs == 1
        assert await index.of_kind(name, name, clock.now(), 10, 0) == [one.trace_id]
    assert all(keys.class_of(bytes(key).decode()) is not None for key in raw.scan_iter())
