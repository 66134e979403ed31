import random
from datetime import timedelta

import pytest

from bot.domain.base import Json
from bot.domain.effect import Origin
from bot.domain.profile import SimilarKind
from bot.engine.alikes import Alikes, Found, changes_of
from bot.timeline.run_index import RunIndex
from bot.timeline.store import Store
from tests.support.indexed_runs import enter, fill
from tests.support.recorded_runs import Planted, recorded, trace_of

EVERY = timedelta(seconds=60)
INJECTED = Origin(argument="account", value="GB99EVIL", source="web page https://evil.example/a", content="c" * 32)
OTHER_PAGE = Origin(argument="account", value="GB11FINE", source="web page https://shop.example/b", content="d" * 32)

TWICE: tuple[str, dict[str, Json]] = ("issue_refund", {"order_id": "ord_7x", "note": "n"})
FAMILIES: dict[str, Planted] = {
    "one reason": Planted(calls=(("issue_refund", {"reason": "goodwill gesture"}),)),
    "one account": Planted(calls=(("issue_refund", {"account": "LT00 1111 2222 3333"}),)),
    "one outside domain": Planted(calls=(("send_email", {"to": "drop@exfil.example", "subject": "data"}),)),
    "another tool": Planted(calls=(("wire_money", {"iban": "GB1", "amount": 9000, "mode": "instant"}),)),
    "repeated": Planted(calls=(TWICE, TWICE)),
    "injected": Planted(calls=(("issue_refund", {"account": "GB99EVIL"}),), origins=(INJECTED,)),
    "stale": Planted(documents={"policy.md": "v2"}),
    "check": Planted(served="gpt-x-2026-08-01", failed_check="policy adherence"),
}
KINDS = {"injected": SimilarKind.CONTENT, "stale": SimilarKind.DOCUMENT, "check": SimilarKind.MODEL_CHECK}
DECOYS: tuple[Planted, ...] = (
    Planted(calls=(("book_courier", {"reason": "goodwill gesture"}),)),
    Planted(calls=(("wire_money", {"iban": "GB1", "amount": 12, "mode": "standard"}),)),
    Planted(documents={"policy.md": "v6"}),
    Planted(documents={"faq-3.md": "v2"}),
    Planted(failed_check="policy adherence"),
    Planted(served="gpt-x-2026-08-01"),
    Planted(calls=(("issue_refund", {"account": "GB11FINE"}),), origins=(OTHER_PAGE,)),
)


def amounts(number: int) -> Planted:
    """Siblings whose amounts differ, all far over what is usual."""
    return Planted(calls=(("issue_refund", {"amount": 700 + number % 97}),))


async def look(index: RunIndex, number: int, planted: Planted | None) -> Found:
    """The failing run is indexed as one that an incident names, and searched for."""
    run, effects = recorded(number, planted, every=EVERY)
    profile = await enter(index, run, effects, named=True)
    changes = await changes_of(index, profile)
    return await Alikes(index).find(profile, effects, changes.changes)


@pytest.mark.timeout(240)
async def test_planted_siblings_among_ten_thousand_runs_are_all_found_and_no_other(store: Store) -> None:
    """Nine families of a dozen that nobody noticed, each run with its own normal variation, and decoys beside them."""
    index, total = store.run_index, 10_000
    drawn = random.Random(5)
    places = drawn.sample(range(500, total), 12 * (len(FAMILIES) + 1) + 12 * len(DECOYS))
    planted: dict[int, Planted] = {}
    members: dict[str, set[str]] = {}
    for name, family in FAMILIES.items():
        own, places = places[:12], places[12:]
        planted |= dict.fromkeys(own, family)
        members[name] = {trace_of(n) for n in own}
    own, places = places[:12], places[12:]
    planted |= {n: amounts(n) for n in own}
    members["high amounts"] = {trace_of(n) for n in own}
    for decoy in DECOYS:
        own, places = places[:12], places[12:]
        planted |= dict.fromkeys(own, decoy)
    await fill(index, range(total), planted, every=EVERY, texts=False)
    faults: list[str] = []
    for place, name in enumerate([*FAMILIES, "high amounts"]):
        found = await look(index, total + place, FAMILIES.get(name) or amounts(total))
        listed = {line.trace_id for group in found.groups for line in group.lines}
        if listed != members[name] or found.runs != 12:
            faults.append(f"{name}: {len(listed & members[name])} of 12 found, {len(listed - members[name])} others")
        wanted = KINDS.get(name, SimilarKind.CALL)
        if wanted not in {group.kind for group in found.groups}:
            faults.append(f"{name}: no group of kind {wanted}: {[g.words for g in found.groups]}")
        assert found.searched >= total
    assert faults == []
    for number in range(total + 100, total + 120):  # nothing is wrong with these but that an alert names them
        found = await look(index, number, None)
        assert found.groups == (), (number, [(g.kind, g.words, g.runs) for g in found.groups])


async def test_a_group_counts_the_effects_of_its_runs_and_says_whose_they_are(store: Store) -> None:
    """By reversibility, over all of them, with the first and the last."""
    wrong = FAMILIES["one reason"]
    await fill(store.run_index, range(60), {10: wrong, 20: wrong, 30: wrong})
    found = await look(store.run_index, 61, wrong)
    (group,) = found.groups
    assert group.runs == found.runs == 3
    assert group.counts.irreversible >= 3
    assert group.agents == ("refund-bot",)
    assert [line.trace_id for line in group.lines] == [trace_of(n) for n in (30, 20, 10)]
    assert group.words == "called issue_refund with reason goodwill gesture"
    assert (group.first, group.last) == (group.lines[-1].ended_at, group.lines[0].ended_at)


async def test_runs_of_other_agents_with_the_same_tool_are_found(store: Store) -> None:
    """The tool, the model and the document are shared; so is what goes wrong with them."""
    await fill(store.run_index, range(60), {})
    run, effects = recorded(500, FAMILIES["another tool"], agent="other-bot")
    await enter(store.run_index, run, effects)
    found = await look(store.run_index, 61, FAMILIES["another tool"])
    assert [group.agents for group in found.groups] == [("other-bot",)]


async def test_with_few_runs_only_failed_ones_that_are_alike_in_all_count(store: Store) -> None:
    """How values vary is not known yet, so a person is not sent after coincidences."""
    call: tuple[str, dict[str, Json]] = (
        "issue_refund",
        {"amount": 900, "reason": "goodwill", "currency": "EUR", "account": "DE0"},
    )
    wrong = Planted(calls=(call,), error="Timeout")
    await fill(store.run_index, range(12), {4: wrong, 7: wrong})
    found = await look(store.run_index, 13, wrong)
    assert {line.trace_id for group in found.groups for line in group.lines} == {trace_of(4), trace_of(7)}
    assert (await look(store.run_index, 14, None)).groups == ()


async def test_nobody_else_is_an_answer_too(store: Store) -> None:
    """With how many runs were searched."""
    await fill(store.run_index, range(30), {})
    found = await look(store.run_index, 31, FAMILIES["another tool"])
    assert (found.groups, found.runs, found.searched) == ((), 0, 31)
