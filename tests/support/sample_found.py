"""What the recorder found about INC-42 of ``sample_incident``: changes, runs alike, origins, a suggestion, an offer."""

from datetime import timedelta

from bot.domain import events as ev
from bot.domain.effect import Effect, EffectCounts, Origin, Reversibility, Suggestion
from bot.domain.incident import Incident
from bot.domain.profile import ChangeKind, Difference, RunLine, SimilarGroup, SimilarKind
from bot.domain.run import Capture, RunStatus
from tests.support.sample_incident import DANA, TRACE, at, chain, opening, sample_incident

SINCE = at("01:10:00")


def trace(number: int) -> str:
    """The trace id of another run."""
    return f"{number:032x}"


def line(number: int, **more: object) -> RunLine:
    """A run to choose."""
    fields: dict[str, object] = {
        "trace_id": trace(number),
        "agent": "refund-bot",
        "ended_at": at("02:00:00") + timedelta(minutes=number),
        "status": RunStatus.ERROR if number % 2 else RunStatus.OK,
        "model_served": "gpt-x-2026-08-01",
        "counts": EffectCounts(total=3, irreversible=1, compensable=1),
        **more,
    }
    return RunLine.model_validate(fields)


def changes_found(**more: object) -> ev.ChangesFound:
    """Three differences, the model first."""
    fields: dict[str, object] = {
        "at": at("03:03:06"),
        "by": ev.PULLCORD,
        "trace_id": TRACE,
        "compared": 212,
        "changes": (
            Difference(
                kind=ChangeKind.MODEL_SERVED,
                before="gpt-x-2026-05-01",
                after="gpt-x-2026-08-01",
                since=SINCE,
                runs_before=212,
                runs_after=31,
            ),
            Difference(kind=ChangeKind.DOCUMENT, name="policy.md", before="v7", after="v2", runs_before=180),
            Difference(kind=ChangeKind.TOOL_CHANGED, name="issue_refund", detail="its description"),
        ),
        **more,
    }
    return ev.ChangesFound.model_validate(fields)


def similar_found(groups: int = 2, lines: int = 12) -> ev.SimilarRunsFound:
    """Groups of runs that share something; the first has all of the lines, the others three each."""
    made = [
        SimilarGroup(
            id=f"g{n}",
            kind=SimilarKind.CALL if n == 0 else SimilarKind.DOCUMENT,
            words="issue_refund to acct_4431" if n == 0 else "policy.md v2 was retrieved",
            runs=lines if n == 0 else 3,
            counts=EffectCounts(irreversible=lines),
            lines=tuple(line(i) for i in range(1, (lines if n == 0 else 3) + 1)),
            agents=("refund-bot",) if n == 0 else ("refund-bot", "support-bot"),
        )
        for n in range(groups)
    ]
    return ev.SimilarRunsFound(
        at=at("03:03:07"), by=ev.PULLCORD, trace_id=TRACE, groups=tuple(made), runs=lines, searched=10_000
    )


def runs_offered(total: int = 4) -> ev.RunsOffered:
    """Runs of the window, errors first."""
    return ev.RunsOffered(
        at=at("03:03:08"),
        by=ev.PULLCORD,
        start=at("02:45:00"),
        end=at("03:03:00"),
        lines=tuple(line(n) for n in range(1, total + 1)),
        total=total,
    )


def runs_added(*numbers: int) -> ev.RunsAdded:
    """Dana added them."""
    return ev.RunsAdded(at=at("03:05:00"), by=DANA, trace_ids=tuple(trace(n) for n in numbers), why="similar")


def found_incident(*more: ev.Event) -> Incident:
    """INC-42 with its changes and the runs alike; then what is given."""
    return sample_incident(chain([*opening(), changes_found(), similar_found(), *more]))


def unnamed_incident(*more: ev.Event) -> Incident:
    """An incident whose alert names no run."""
    opened = opening()[0]
    assert isinstance(opened, ev.IncidentOpened)
    missing = ev.RunMissing(at=at("03:03:01"), by=ev.PULLCORD, trace_id=None, reason="the alert names no run")
    return sample_incident(chain([opened, missing, *more]))


def marked(effect: Effect) -> Effect:
    """The same effect, unclassified, with a suggestion and an argument from a web page."""
    return effect.model_copy(
        update={
            "reversibility": Reversibility.UNCLASSIFIED,
            "suggestion": Suggestion(reversibility=Reversibility.IRREVERSIBLE, reason="money leaves to a payee"),
            "origins": (
                Origin(argument="account", value="acct_4431", source="web page https://evil.example/x", content="c1"),
            ),
        }
    )


CAPTURE = Capture(found=6, wanted=8, missing=("seed", "tool definitions"))
