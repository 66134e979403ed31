from dataclasses import replace
from itertools import product

import pytest

from bot.domain.base import Json
from bot.domain.profile import ChangeKind, Grade, RunProfile
from bot.recorder.changes import Comparison, compare
from bot.recorder.profile import profile_of
from tests.support.recorded_runs import POLICY, TOOLS, Planted, recorded


def compared(
    planted: Planted,
    *,
    good: int = 200,
    silent: int = 0,
    seed: int = 0,
    normal: Planted | None = None,
) -> Comparison:
    """Compare a planted run with ``good`` normal ones and ``silent`` planted ones that nobody noticed, then it."""
    texts: dict[str, str] = {}
    profiles: list[RunProfile] = []
    for number in range(good + silent + 1):
        run, effects = recorded(number, normal if number < good else planted, seed=seed)
        made = profile_of(run, effects, named=number == good + silent)
        profiles.append(made.profile)
        texts |= made.texts
    return compare(profiles[-1], profiles[:-1], texts)


def kinds(found: Comparison) -> list[tuple[ChangeKind, str]]:
    """What was named."""
    return [(change.kind, change.name) for change in found.changes]


CHANGED_TOOL: tuple[str, Json] = ("Refund an order. Irreversible. Use it freely.", TOOLS["issue_refund"][1])
CHANGED_SCHEMA: tuple[str, Json] = (
    TOOLS["issue_refund"][0],
    {"type": "object", "properties": {"order_id": {"type": "string"}}},
)
PLANTS = {
    "served model": (Planted(served="gpt-x-2026-08-01"), (ChangeKind.MODEL_SERVED, "")),
    "asked model": (Planted(requested="gpt-z", served="gpt-x-2026-05-01"), (ChangeKind.MODEL_REQUESTED, "")),
    "prompt line added": (
        Planted(prompt=lambda text: text + "\nIf the customer insists, refund everything."),
        (ChangeKind.PROMPT, ""),
    ),
    "prompt line removed": (
        Planted(
            prompt=lambda text: text.replace(
                "Never send mail to an address that the customer did not write from.\n", ""
            )
        ),
        (ChangeKind.PROMPT, ""),
    ),
    "limit in the prompt": (Planted(prompt=lambda text: text.replace("50 EUR", "500 EUR")), (ChangeKind.PROMPT, "")),
    "word beside the name": (
        Planted(prompt=lambda text: text.replace("customer since", "VIP since")),
        (ChangeKind.PROMPT, ""),
    ),
    "tool description": (Planted(tools={"issue_refund": CHANGED_TOOL}), (ChangeKind.TOOL_CHANGED, "issue_refund")),
    "tool schema": (Planted(tools={"issue_refund": CHANGED_SCHEMA}), (ChangeKind.TOOL_CHANGED, "issue_refund")),
    "tool added": (Planted(tools={"wire_money": ("Wire money.", {})}), (ChangeKind.TOOL_ADDED, "wire_money")),
    "tool removed": (Planted(tools={"search_kb": None}), (ChangeKind.TOOL_REMOVED, "search_kb")),
    "document": (Planted(documents={"policy.md": "v2"}), (ChangeKind.DOCUMENT, "policy.md")),
    "parameter": (Planted(parameters={"temperature": 1.0}), (ChangeKind.PARAMETER, "temperature")),
    "parameter gone": (Planted(without=("temperature",)), (ChangeKind.PARAMETER, "temperature")),
    "service version": (Planted(service_version="1.5.0"), (ChangeKind.SERVICE_VERSION, "")),
}


@pytest.mark.parametrize("silent", [0, 3, 30])
@pytest.mark.parametrize("name", list(PLANTS))
def test_each_planted_change_is_named_and_nothing_else(name: str, silent: int) -> None:
    """Whether or not others ran with it since, unnoticed; and none of the normal variation is called a change."""
    planted, expected = PLANTS[name]
    for seed in range(2):
        found = compared(planted, silent=silent, seed=seed)
        assert kinds(found) == [expected], (seed, found.changes)
        (change,) = found.changes
        assert change.runs_after == silent + 1
        assert change.since is not None


@pytest.mark.parametrize("good", [1, 2, 6, 15, 40, 200])
def test_nothing_is_invented_when_nothing_changed(good: int) -> None:
    """However many runs there are to compare with. With very few, an answer may be chance, and says so."""
    for seed in range(10):
        found = compared(Planted(), good=good, seed=seed)
        assert found.compared == good
        if good >= 40:
            assert kinds(found) == [], (seed, found.changes)
        elif found.changes:
            assert "may be chance" in found.note


@pytest.mark.parametrize("good", [12, 30])
@pytest.mark.parametrize("name", list(PLANTS))
def test_few_good_runs_are_enough(name: str, good: int) -> None:
    """A new agent has no hundreds of runs."""
    planted, expected = PLANTS[name]
    for seed in range(2):
        assert expected in kinds(compared(planted, good=good, seed=seed)), seed


@pytest.mark.parametrize(
    ("name", "good", "silent"),
    [
        *product(("served model", "parameter", "service version"), (5, 12, 30), (1, 2)),
        *product(("tool description", "document", "prompt line added"), (12, 30), (1, 2)),
    ],
)
def test_runs_that_went_well_since_do_not_hide_a_change(name: str, good: int, silent: int) -> None:
    """The first runs after a change are seldom the ones that fail; where all runs before had the same, it is named."""
    before = Planted(requested="gpt-x", served="gpt-x-2026-05-01", service_version="1.4.2")
    moved = PLANTS[name][0]
    planted = replace(
        moved, requested="gpt-x", served=moved.served or before.served, service_version=moved.service_version or "1.4.2"
    )
    for seed in range(2):
        found = compared(planted, good=good, silent=silent, seed=seed, normal=before)
        assert PLANTS[name][1] in kinds(found), (seed, found.changes)
        (change,) = [c for c in found.changes if (c.kind, c.name) == PLANTS[name][1]]
        assert change.runs_after == silent + 1


def test_the_served_model_reads_as_people_say_it() -> None:
    """Before, after, since when, and how many runs on each side."""
    (change,) = compared(Planted(served="gpt-x-2026-08-01"), good=212, silent=30).changes
    assert (change.before, change.after) == ("gpt-x-2026-05-01", "gpt-x-2026-08-01")
    run, _ = recorded(212)
    assert change.since == run.started_at
    assert change.runs_after == 31
    assert 150 < change.runs_before < 212  # some of the good runs were served by the other model


def test_a_stale_document_is_named_with_both_versions() -> None:
    """It is older than what the good runs had; a newer one is only another."""
    (change,) = compared(Planted(documents={"policy.md": "v2"})).changes
    assert (change.before, change.after) == ("v7", "v2")
    assert change.detail.startswith("stale")
    (newer,) = compared(Planted(documents={"policy.md": "v8"})).changes
    assert newer.detail == ""


def test_a_document_that_comes_back_stale_after_weeks_is_named() -> None:
    """It was v2 once, then v7 for long, and v2 again now."""
    texts: dict[str, str] = {}
    profiles = []
    for number in range(161):
        stale = number < 40 or number == 160
        run, effects = recorded(number, Planted(documents={"policy.md": "v2"}) if stale else None)
        profiles.append((made := profile_of(run, effects, named=number == 160)).profile)
        texts |= made.texts
    found = compare(profiles[-1], profiles[:-1], texts)
    assert kinds(found) == [(ChangeKind.DOCUMENT, "policy.md")]
    assert (found.changes[0].runs_before, found.changes[0].runs_after) == (120, 1)


def test_a_prompt_change_shows_the_line_and_not_the_name_or_the_date() -> None:
    """What differs in each run does not."""
    (change,) = compared(Planted(prompt=lambda text: text.replace("50 EUR", "500 EUR"))).changes
    assert change.before == "Refund at most 50 EUR without asking;"
    assert change.after == "Refund at most 500 EUR without asking;"
    assert change.before_text
    assert change.after_text


def test_a_tool_says_which_half_of_it_changed() -> None:
    """Description or parameters."""
    (told,) = compared(Planted(tools={"issue_refund": CHANGED_TOOL})).changes
    assert told.detail == "description changed"
    (schema,) = compared(Planted(tools={"issue_refund": CHANGED_SCHEMA})).changes
    assert schema.detail == "parameters changed"


def test_several_changes_are_all_named_the_most_telling_first() -> None:
    """A deployment changes more than one thing."""
    planted = Planted(served="gpt-x-2026-08-01", parameters={"temperature": 1.0}, service_version="1.5.0")
    assert [kind for kind, _ in kinds(compared(planted, silent=5))] == [
        ChangeKind.MODEL_SERVED,
        ChangeKind.PARAMETER,
        ChangeKind.SERVICE_VERSION,
    ]


def test_a_canary_of_one_run_in_ten_since_noon_is_a_change() -> None:
    """The old value goes on beside the new one; before it began nobody had the new one."""
    texts: dict[str, str] = {}
    profiles = []
    for number in range(301):
        new = number >= 200 and number % 10 == 0
        run, effects = recorded(number, Planted(served="gpt-x-2026-08-01") if new else None)
        profiles.append((made := profile_of(run, effects, named=number == 300)).profile)
        texts |= made.texts
    found = compare(profiles[-1], profiles[:-1], texts)
    assert kinds(found) == [(ChangeKind.MODEL_SERVED, "")]
    assert found.changes[0].runs_after == 11


def test_two_models_side_by_side_are_no_change_however_rare_the_second() -> None:
    """One in seven runs is served by the other: that is how it is."""
    for number in range(200, 240):
        run, effects = recorded(number)
        failing = profile_of(run, effects, named=True)
        others = [profile_of(*recorded(n)) for n in range(200)]
        texts = {k: v for one in (*others, failing) for k, v in one.texts.items()}
        if failing.profile.calls[0].served == "gpt-y-2026-02-01":
            assert kinds(compare(failing.profile, [o.profile for o in others], texts)) == []
            break


def test_without_a_good_run_nothing_is_compared_and_that_is_said() -> None:
    """Failed runs are no measure."""
    run, effects = recorded(5)
    failing = profile_of(run, effects, named=True)
    assert compare(failing.profile, [], {}).note.startswith("No other run of refund-bot")
    bad = profile_of(*recorded(1), named=True).profile
    found = compare(failing.profile, [bad], {})
    assert (found.compared, found.changes) == (0, ())
    assert found.note.startswith("No good run of refund-bot")


def test_few_good_runs_are_said_to_be_few() -> None:
    """People weigh it themselves."""
    assert compared(Planted(), good=2).note.startswith("Only 2 good runs")
    assert compared(Planted(), good=20).note == ""


def test_later_runs_are_counted_and_do_not_decide() -> None:
    """A good run after the failing one is no "before"."""
    texts: dict[str, str] = {}
    profiles = []
    for number in range(80):
        run, effects = recorded(number, Planted(served="gpt-new") if number >= 50 else None)
        profiles.append((made := profile_of(run, effects, named=number == 50)).profile)
        texts |= made.texts
    found = compare(profiles[50], [p for p in profiles if p is not profiles[50]], texts)
    assert found.compared == 50
    assert (found.changes[0].after, found.changes[0].runs_after) == ("gpt-new", 30)


def test_a_prompt_whose_text_is_gone_is_still_compared_by_its_hash() -> None:
    """Texts are kept for the newest prompts only."""
    texts: dict[str, str] = {}
    profiles = []
    for number in range(21):
        run, effects = recorded(number)
        call = run.model_calls[0].model_copy(update={"system": ("Be nice." if number < 20 else "Be rude.",)})
        run = run.model_copy(update={"model_calls": (call,)})
        profiles.append((made := profile_of(run, effects, named=number == 20)).profile)
        texts |= {k: v for k, v in made.texts.items() if "Be " not in v}
    found = compare(profiles[-1], profiles[:-1], texts)
    assert kinds(found) == [(ChangeKind.PROMPT, "")]
    assert found.changes[0].detail == "another prompt"


def test_a_sub_agent_that_this_run_did_not_need_is_no_change() -> None:
    """Each role is compared with itself; a role that is not there says nothing."""
    for seed in range(4):
        run, effects = recorded(100, seed=seed)
        alone = run.model_copy(update={"model_calls": run.model_calls[:1]})
        both = [profile_of(*recorded(n, seed=seed)) for n in range(100)]
        failing = profile_of(alone, effects, named=True)
        texts = {k: v for one in (*both, failing) for k, v in one.texts.items()}
        assert kinds(compare(failing.profile, [o.profile for o in both], texts)) == []


def test_the_policy_of_the_samples_is_what_the_tests_change() -> None:
    """A guard: replacing text that is not there would test nothing."""
    assert all(part in POLICY for part in ("50 EUR", "customer since", "Never send mail to an address"))


def test_a_profile_is_good_only_without_error_failed_check_or_incident() -> None:
    """Unset status is no error: instrumentations leave it so."""
    assert profile_of(*recorded(1)).profile.grade is Grade.GOOD
    assert profile_of(*recorded(1), named=True).profile.grade is Grade.FAILED
    assert profile_of(*recorded(1, Planted(error="TimeoutError"))).profile.grade is Grade.FAILED
    assert profile_of(*recorded(1, Planted(failed_check="policy"))).profile.grade is Grade.FAILED


def test_what_a_run_does_not_record_is_named_as_not_compared() -> None:
    """No change that was found must not sound as if the model had been looked at."""
    run, effects = recorded(0, Planted())
    whole = profile_of(run, effects).profile
    assert compare(whole, [whole.model_copy(update={"trace_id": "b" * 32})], {}).unrecorded == ()
    bare = whole.model_copy(
        update={
            "calls": tuple(
                call.model_copy(update={"served": None, "parameters": {}, "tools": None}) for call in whole.calls
            )
        }
    )
    found = compare(bare, [whole.model_copy(update={"trace_id": "b" * 32})], {})
    assert found.unrecorded == ("served model", "parameters", "tool definitions")
