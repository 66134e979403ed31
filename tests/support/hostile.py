"""Hypothesis strategies for incidents whose every foreign text is hostile, with 0 to 2,000 effects."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from bot.domain.action import Verified
from bot.domain.effect import Effect, EffectOutcome, Reversibility
from bot.domain.events import (
    ActionFailed,
    ActionSucceeded,
    ActionUnknown,
    EffectsListed,
    Event,
    IncidentOpened,
    IncidentResolved,
    NoteAdded,
    RunMissing,
    SlackRefused,
    WorkDropped,
)
from bot.domain.incident import Incident
from bot.domain.project import project
from bot.domain.run import Gap
from bot.plugin import OfferView
from tests.support.sample_incident import DANA, NOW, PULL, TRACE, at, chain, change_of, opening, started

BAD = (
    "<!channel>",
    "<!here|here>",
    "<@U0LEE>",
    "<!subteam^S123>",
    "<https://evil.example|your bank>",
    "https://evil.example/login",
    "@everyone",
    "a & b &amp; c < d > e",
    "``` code ``` `x`",
    "*bold* _it_ ~gone~ :rotating_light:",
    "\u202egnp.exe\u202c\u2066",
    "line\nline\r\n\tline\x00\x07\x1b[31m",
    "\U0001f525" * 300,
    "ﷺ" * 400,
    "A" * 5000,
    "",
    "  ",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }} {% raw %}",
)


def text(least: int = 0, most: int = 400) -> st.SearchStrategy[str]:
    """Hostile text within the lengths that the domain's models allow."""
    bad = st.lists(st.sampled_from(BAD), min_size=1, max_size=4).map(" ".join)
    free = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60)
    return st.one_of(bad, free).map(lambda made: made[:most].ljust(least, "x"))


@st.composite
def effects(draw: st.DrawFn) -> list[Effect]:
    """0 to 2,000 effects of any class and outcome; a few different texts, repeated."""
    count = draw(st.sampled_from((0, 1, 2, 5, 6, 20, 21, 2000)))
    texts = draw(st.lists(text(), min_size=3, max_size=6))
    salt = draw(st.integers(0, 10**6))
    kinds, outcomes = list(Reversibility), list(EffectOutcome)
    made = []
    for n in range(count):
        pick = salt + n * 7
        made.append(
            Effect(
                id=f"ef_{n}",
                trace_id=TRACE,
                order=n + 1,
                tool=texts[pick % len(texts)],
                reversibility=kinds[pick % 5],
                guessed=pick % 3 == 0,
                outcome=outcomes[pick % 3],
                target=texts[(pick + 1) % len(texts)],
                summary=texts[(pick + 2) % len(texts)] if pick % 2 else None,
                at=at("02:58:00") + timedelta(seconds=n % 60),
                undo_deadline=NOW + timedelta(minutes=(pick % 200) - 60) if pick % 4 == 0 else None,
                reason=texts[0],
                outcome_reason=texts[1],
            )
        )
    return made


@st.composite
def events(draw: st.DrawFn) -> list[Event]:
    """A timeline with hostile text in every place where foreign text may stand."""
    first = opening(draw(effects()))
    told: list[Event] = []
    for event in first:
        if isinstance(event, IncidentOpened):
            agent = draw(st.one_of(st.none(), text(1, 200)))
            told.append(event.model_copy(update={"agent": agent, "name": draw(text(1, 200)), "summary": draw(text())}))
        else:
            told.append(event)
    run = draw(st.sampled_from(("kept", "missing")))
    if run == "missing":
        told = [told[0], RunMissing(at=at("03:03:00"), by=PULL, trace_id=TRACE, reason=draw(text())), *told[3:]]
    else:
        attached: Any = told[1]
        gaps = tuple(Gap(field=draw(text()), hint=draw(text())) for _ in range(draw(st.integers(0, 9))))
        summary = attached.run.model_copy(update={"gaps": gaps, "model_requested": draw(text()), "model_served": None})
        told[1] = attached.model_copy(update={"run": summary})
    told.append(
        SlackRefused(at=at("03:04:00"), by=PULL, method="pins.add", error=draw(text()), consequence=draw(text()))
    )
    told.append(WorkDropped(at=at("03:04:01"), by=PULL, work=draw(text()), reason=draw(text())))
    told.append(
        NoteAdded(at=at("03:04:02"), by=DANA, text=draw(text()), pinned=draw(st.booleans()), permalink=draw(text()))
    )
    for n in range(draw(st.integers(0, 7))):
        told += started(f"ex{n}", draw(text()), change_of("agent.tools.denied", draw(text()), draw(text())))
        told.append(draw(_ending(f"ex{n}")))
    if draw(st.booleans()):
        told.append(IncidentResolved(at=at("09:00:00"), by=DANA, reason=draw(text())))
    return told


@st.composite
def _ending(draw: st.DrawFn, execution: str) -> Event:
    verified = draw(st.sampled_from(list(Verified)))
    moment = at("03:10:00")
    choices: tuple[Event, ...] = (
        ActionSucceeded(at=moment, by=PULL, execution=execution, verified=verified, detail=draw(text())),
        ActionFailed(at=moment, by=PULL, execution=execution, reason=draw(text())),
        ActionUnknown(at=moment, by=PULL, execution=execution, reason=draw(text())),
    )
    return draw(st.sampled_from(choices))


def incident_of(told: list[Event]) -> Incident:
    """The incident that these events tell."""
    return project(chain(told), incident_id="INC-42")


@st.composite
def offers(draw: st.DrawFn) -> list[OfferView]:
    """Up to 30 offers with hostile labels."""
    return [
        OfferView(
            id=f"of_{n}",
            incident="INC-42",
            action="revoke_tool",
            params={},
            label=draw(text(1, 200)),
            asks=draw(st.booleans()),
            danger=draw(st.booleans()),
            consequence=draw(text()),
            undo_of=draw(st.sampled_from((None, None, "ex0", "ex1"))),
        )
        for n in range(draw(st.sampled_from((0, 1, 3, 8, 30))))
    ]


def listed(told: list[Event]) -> int:
    """How many effects these events list."""
    return sum(len(event.effects) for event in told if isinstance(event, EffectsListed))
