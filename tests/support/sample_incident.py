"""INC-42 as the mock-ups show it: a refund-bot that did seven things, told by domain events and one ``Run``."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from bot.domain import events as ev
from bot.domain.action import Applied, Change, Restraint, Snapshot, Target, Verified
from bot.domain.alert import Alert, AlertStatus
from bot.domain.effect import Effect, EffectOutcome, Reversibility, counts
from bot.domain.incident import Incident
from bot.domain.money import Money
from bot.domain.project import project
from bot.domain.run import (
    Completeness,
    Executed,
    Gap,
    ModelCall,
    Run,
    RunError,
    RunStatus,
    Step,
    StepKind,
    ToolCall,
    summarise,
)
from bot.plugin import OfferView

TRACE = "4f1c9e27a6b5d4c3b2a1908f7e6d5c4b"
DAY = datetime(2026, 6, 9, tzinfo=UTC)
START = DAY + timedelta(hours=2, minutes=57, seconds=51)
NOW = DAY + timedelta(hours=3, minutes=21, seconds=40)
LEE = ev.Actor(kind=ev.ActorKind.PERSON, id="U0LEE", team="T1")
DANA = ev.Actor(kind=ev.ActorKind.PERSON, id="U0DANA", team="T1")
PULL = ev.PULLCORD
SOURCE = ev.Actor(kind=ev.ActorKind.SOURCE, id="alertmanager")

# (parent row, kind, name, start s, length s, tokens)
_STEPS: tuple[tuple[int | None, StepKind, str, float, float, tuple[int, int] | None], ...] = (
    (None, StepKind.AGENT, "refund-bot", 0.0, 23.4, None),
    (0, StepKind.PLAN, "plan", 0.1, 2.8, None),
    (1, StepKind.MODEL, "gpt-x", 0.2, 2.6, (1204, 96)),
    (0, StepKind.TOOL, "search_policy", 3.0, 0.6, None),
    (0, StepKind.TOOL, "get_order", 3.7, 0.4, None),
    (0, StepKind.PLAN, "plan", 4.2, 2.7, None),
    (5, StepKind.MODEL, "gpt-x", 4.3, 2.5, (3880, 141)),
    (0, StepKind.TOOL, "create_ticket", 6.9, 0.3, None),
    (0, StepKind.TOOL, "issue_refund", 7.4, 0.4, None),
    (0, StepKind.MODEL, "gpt-x", 7.9, 1.4, (3990, 60)),
    (0, StepKind.TOOL, "issue_refund", 9.4, 0.3, None),
    (0, StepKind.MODEL, "gpt-x", 9.8, 2.0, (4100, 71)),
    (0, StepKind.TOOL, "issue_refund", 11.9, 1.2, None),
    (0, StepKind.TOOL, "issue_refund", 13.2, 0.2, None),
    (0, StepKind.TOOL, "update_order", 13.6, 0.4, None),
    (0, StepKind.TOOL, "set_account_flag", 14.1, 0.4, None),
    (0, StepKind.TOOL, "book_courier", 14.6, 1.4, None),
    (0, StepKind.GUARDRAIL, "output_check", 16.1, 0.3, None),
    (0, StepKind.MODEL, "gpt-x", 16.5, 1.2, (4410, 88)),
    (0, StepKind.TOOL, "apply_coupon", 17.8, 5.0, None),
    (0, StepKind.TOOL, "send_email", 22.9, 0.3, None),
)

_R = Reversibility
_O = EffectOutcome
# (row of _STEPS, class, outcome, words, target, outcome reason, minor units, guessed)
_EFFECTS: tuple[tuple[int, Reversibility, EffectOutcome, str | None, str | None, str, int | None, bool], ...] = (
    (3, _R.READ_ONLY, _O.APPLIED, None, None, "", None, True),
    (4, _R.READ_ONLY, _O.APPLIED, None, "order 88123", "", None, False),
    (7, _R.REVERSIBLE, _O.APPLIED, "“Return 88123”", "T-5521", "", None, False),
    (8, _R.IRREVERSIBLE, _O.FAILED, "$4,200.00", "cus_81Kd9xf2", "422 amount exceeds order total", 420000, False),
    (10, _R.IRREVERSIBLE, _O.FAILED, "$4,200.00", "cus_81Kd9xf2", "422 amount exceeds order total", 420000, False),
    (12, _R.IRREVERSIBLE, _O.APPLIED, "$420.00", "cus_81Kd9xf2", "re_5Qm81 settled", 42000, False),
    (13, _R.IRREVERSIBLE, _O.FAILED, "$420.00", "cus_81Kd9xf2", "409 duplicate idempotency key", 42000, False),
    (14, _R.REVERSIBLE, _O.APPLIED, "status → returned", "order 88123", "", None, False),
    (15, _R.REVERSIBLE, _O.APPLIED, "goodwill_vip", "cus_81Kd9xf2", "", None, False),
    (16, _R.COMPENSABLE, _O.APPLIED, "return pickup", "parcel RP-20931", "confirmed", None, False),
    (19, _R.REVERSIBLE, _O.UNKNOWN, "SORRY20", "cus_81Kd9xf2", "no reply in 5.0 s", None, False),
    (
        20,
        _R.IRREVERSIBLE,
        _O.APPLIED,
        "“Your refund is complete”",
        "j.doe@example.com",
        "250 queued as 9C1F",
        None,
        False,
    ),
)


def at(clock: str) -> datetime:
    """``03:05:12`` of the day."""
    hours, minutes, seconds = (int(part) for part in clock.split(":"))
    return DAY + timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _span(row: int) -> str:
    return f"{row + 1:016x}"


def sample_run(trace_id: str = TRACE) -> Run:
    """The run: 21 steps, 12 tool calls, five model calls."""
    steps: list[Step] = []
    models: list[ModelCall] = []
    tools: list[ToolCall] = []
    effects = {row: (outcome, reason) for row, _, outcome, _, _, reason, _, _ in _EFFECTS}
    for row, (parent, kind, name, begin, length, tokens) in enumerate(_STEPS):
        started, ended = START + timedelta(seconds=begin), START + timedelta(seconds=begin + length)
        outcome, reason = effects.get(row, (EffectOutcome.APPLIED, ""))
        error = RunError(type="HTTPError", message=reason) if outcome is EffectOutcome.FAILED else None
        status = RunStatus.ERROR if error else RunStatus.OK
        steps.append(
            Step(
                span_id=_span(row),
                parent_id=None if parent is None else _span(parent),
                kind=kind,
                name=name,
                started_at=started,
                ended_at=ended,
                status=status,
                error=error,
            )
        )
        if tokens is not None:
            models.append(
                ModelCall(
                    order=len(models) + 1,
                    span_id=_span(row),
                    model_requested="gpt-x",
                    model_served="gpt-x-2026-05-01",
                    parameters={"temperature": 0.7, "top_p": 1.0},
                    usage={"input_tokens": tokens[0], "output_tokens": tokens[1]},
                    started_at=started,
                    ended_at=ended,
                )
            )
        if kind is StepKind.TOOL:
            tools.append(
                ToolCall(
                    order=len(tools) + 1,
                    span_id=_span(row),
                    name=name,
                    error=error,
                    status=status,
                    started_at=started,
                    ended_at=ended,
                    executed=Executed.YES,
                )
            )
    return Run(
        trace_id=trace_id,
        agent="refund-bot",
        service="shop",
        started_at=START,
        ended_at=START + timedelta(seconds=23.4),
        status=RunStatus.OK,
        completeness=Completeness.COMPLETE,
        steps=tuple(steps),
        model_calls=tuple(models),
        tool_calls=tuple(tools),
        gaps=(
            Gap(field="seed", hint="Send gen_ai.request.seed from the agent; the provider offers one."),
            Gap(field="tool definitions", hint="Turn on content capture for gen_ai.tool.definitions."),
        ),
    )


def sample_effects(trace_id: str = TRACE) -> tuple[Effect, ...]:
    """Twelve tool calls: two reads, three rejected attempts, seven things done."""
    made = []
    for order, (row, reversibility, outcome, did, target, reason, amount, guessed) in enumerate(_EFFECTS, 1):
        _, _, name, begin, length, _ = _STEPS[row]
        made.append(
            Effect(
                id=f"ef_{trace_id[:4]}_{order}",
                trace_id=trace_id,
                order=order,
                tool=name,
                span_id=_span(row),
                agent="refund-bot",
                reversibility=reversibility,
                guessed=guessed,
                outcome=outcome,
                target=target,
                summary=did,
                at=START + timedelta(seconds=begin + length),
                undo_deadline=at("04:00:00") if name == "book_courier" else None,
                money=None if amount is None else Money(amount=amount, currency="USD"),
                outcome_reason=reason,
            )
        )
    return tuple(made)


def sample_alert() -> Alert:
    """What opened it."""
    return Alert(
        source="alertmanager",
        fingerprint="f00d",
        status=AlertStatus.FIRING,
        name="RefundAmountAnomaly",
        starts_at=at("03:02:40"),
        agent="refund-bot",
        trace_id=TRACE,
        summary="Refund amounts are ten times the usual.",
    )


def chain(happened: Iterable[ev.Event], start: int = 1) -> list[ev.Entry]:
    """Events as entries, with codes that look like those of the chain."""
    entries, before = [], ""
    for seq, event in enumerate(happened, start):
        before = hashlib.sha256(f"{before}{seq}{event.model_dump_json()}".encode()).hexdigest()
        entries.append(ev.Entry(seq=seq, mac=before, key_id="k1", event=event))
    return entries


def _restraint(
    clock: str, who: ev.Actor, execution: str, action: str, change: Change, **ending: object
) -> list[ev.Event]:
    title = action.replace("_", " ").capitalize()
    begun = at(clock)
    first: list[ev.Event] = [
        ev.ActionRequested(
            at=begun, by=who, execution=execution, action=action, title=title, params={}, offer=f"of_{execution}"
        ),
        ev.ActionStarted(
            at=begun,
            by=ev.PULLCORD,
            execution=execution,
            key=execution,
            change=change,
            snapshot=Snapshot(value=None, revision=3, at=begun),
            summary=change.summary,
        ),
    ]
    detail = str(ending.get("detail", "the agent read revision 4"))
    verified = str(ending.get("verified", Verified.IN_FORCE))
    expires = ending.get("expires_at")
    return [
        *first,
        ev.ActionSucceeded(
            at=begun + timedelta(seconds=1),
            by=ev.PULLCORD,
            execution=execution,
            verified=Verified(verified),
            detail=detail,
            applied=Applied(revision=4),
            expires_at=expires if isinstance(expires, datetime) else None,
        ),
    ]


def started(execution: str, title: str, change: Change) -> list[ev.Event]:
    """An action that was asked for and begun."""
    begun = at("03:09:00")
    asked = ev.ActionRequested(
        at=begun, by=LEE, execution=execution, action="revoke_tool", title=title, params={}, offer=f"of_{execution}"
    )
    snapshot = Snapshot(value=None, revision=1, at=begun)
    return [
        asked,
        ev.ActionStarted(
            at=begun,
            by=PULL,
            execution=execution,
            key=execution,
            change=change,
            snapshot=snapshot,
            summary=change.summary,
        ),
    ]


def change_of(setting: str, element: str | None, summary: str) -> Change:
    """A change on the embedded control plane."""
    target = Target(control="embedded", subject="refund-bot", setting=setting, element=element)
    return Change(target=target, desired=True, summary=summary, why="refunds ten times too high")


def opening(effects: Sequence[Effect] | None = None, run: Run | None = None) -> list[ev.Event]:
    """From the alert to the first page: nobody has it yet."""
    run = run or sample_run()
    listed = tuple(sample_effects() if effects is None else effects)
    return [
        ev.IncidentOpened(
            at=at("03:02:48"),
            by=SOURCE,
            number=42,
            agent="refund-bot",
            name="RefundAmountAnomaly",
            severity="SEV2",
            summary="Refund amounts are ten times the usual.",
            alert=sample_alert(),
        ),
        ev.RunAttached(
            at=at("03:03:02"),
            by=ev.PULLCORD,
            run=summarise(run, counts(listed)),
            evidence="4be0c1d7" * 8,
            evidence_bytes=48_211,
            source="recorder",
            alerted=True,
            catalogue="9c1e7b02",
            parts=1,
        ),
        ev.EffectsListed(
            at=at("03:03:02"),
            by=ev.PULLCORD,
            trace_id=run.trace_id,
            evidence="4be0c1d7" * 8,
            part=1,
            effects=listed,
        ),
        ev.ChannelReady(at=at("03:03:03"), by=ev.PULLCORD, channel="C0INC42", name="inc-42-refund-bot", created=True),
        ev.CardPosted(at=at("03:03:04"), by=ev.PULLCORD, channel="C0INC42", ts="1781.001"),
        ev.PersonPaged(at=at("03:03:05"), by=ev.PULLCORD, step=1, user="U0LEE", how="direct_message", delivered=True),
    ]


def working() -> list[ev.Event]:
    """What people did by 03:21: acknowledged, revoked, pinned (pending), a refusal, an unknown outcome, a note."""
    revoke = change_of("agent.tools.denied", "issue_refund", "revoked issue_refund from refund-bot")
    pin = change_of("agent.model", None, "pinned refund-bot to gpt-x-2026-03-12")
    pause = change_of("agent.paused", None, "paused refund-bot")
    return [
        ev.Acknowledged(at=at("03:04:31"), by=LEE),
        *_restraint("03:05:12", LEE, "ex_revoke", "revoke_tool", revoke),
        ev.CommandTaken(at=at("03:08:02"), by=DANA),
        *_restraint(
            "03:09:38",
            DANA,
            "ex_pin",
            "pin_model",
            pin,
            verified=Verified.PENDING,
            detail="the agent last read its state at 03:09:20",
            expires_at=at("03:09:38") + timedelta(hours=24),
        ),
        ev.NoteAdded(at=at("03:12:55"), by=DANA, text="Finance sees 12 other whole-order refunds since 02:44."),
        ev.ActionRequested(
            at=at("03:16:40"),
            by=LEE,
            execution="ex_resume",
            action="resume_agent",
            title="Resume agent",
            params={},
            offer="of9",
        ),
        ev.ActionRefused(
            at=at("03:16:40"),
            by=LEE,
            execution="ex_resume",
            reason="Resuming loosens a restraint.",
            who_may="commander: Dana",
        ),
        *_restraint("03:18:30", DANA, "ex_pause", "pause_agent", pause)[:2],
        ev.ActionUnknown(
            at=at("03:18:38"), by=ev.PULLCORD, execution="ex_pause", reason="No answer from the gateway in 8 s."
        ),
    ]


def sample_entries() -> list[ev.Entry]:
    """The whole story up to 03:21."""
    return chain([*opening(), *working()])


def sample_incident(entries: Iterable[ev.Entry] | None = None) -> Incident:
    """The incident that these entries tell."""
    return project(sample_entries() if entries is None else entries, incident_id="INC-42")


def resolved_entries() -> list[ev.Entry]:
    """The story with its end."""
    end = ev.IncidentResolved(
        at=at("09:12:00"), by=DANA, reason="Refunds are bounded; finance follows up on 13 customers."
    )
    return chain([*opening(), *working(), end])


def restraint() -> Restraint:
    """Why something is restrained."""
    return Restraint(incident="INC-42", by="U0LEE", why="refunds ten times too high")


def sample_offers() -> list[OfferView]:
    """What the card offers: two to show, three for the menu, an undo, and the engine's own about the unknown one."""

    def offer(n: int, action: str, label: str, **more: object) -> OfferView:
        return OfferView.model_validate(
            {
                "id": f"of_{n}",
                "incident": "INC-42",
                "action": action,
                "params": {},
                "label": label,
                "asks": True,
                **more,
            }
        )

    consequence = (
        "New calls of issue_refund by refund-bot are refused from its next read of its settings on; a call that is "
        "running may still finish. Giving it back needs a commander."
    )
    return [
        offer(1, "check", "Check: paused refund-bot", asks=False),
        offer(2, "revoke_tool", "Revoke issue_refund", asks=False, danger=True, consequence=consequence, rank=10),
        offer(3, "pin_model", "Pin model…", rank=15),
        offer(4, "open_eval_case", "Open eval case…", rank=35),
        offer(5, "revoke_tool", "Revoke a tool…", rank=40),
        offer(6, "pause_agent", "Pause refund-bot", asks=False, danger=True, rank=50),
        offer(
            7,
            "revoke_tool",
            "Undo: revoked issue_refund from refund-bot",
            asks=False,
            danger=True,
            undo_of="ex_revoke",
            consequence="Puts back what agent.tools.denied[issue_refund] of refund-bot held before: nothing.",
            rank=60,
        ),
    ]
