"""Which ladder fits an incident, and what it changes about its offers. Pure.

The ladder's steps come first, in its order; every other offer keeps its place behind them. So the first two steps that
can be offered are the two buttons that stand on the card.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.domain.base import Json
from bot.domain.fact import Fact
from bot.domain.incident import Incident
from bot.domain.ladder import HOLD_OF_ANY, PLACE, Ladder, Step
from bot.engine.facts import facts_of, held
from bot.plugin import OfferView


@dataclass(frozen=True, slots=True)
class Climb:
    """The ladder that fits now, with its sentence about this incident (foreign words are in it)."""

    ladder: Ladder
    because: str

    def params(self, verb: str) -> Mapping[str, Json]:
        """What the ladder's step gives the verb's modal to start with."""
        step = self.step(verb)
        return {} if step is None else step.params

    def step(self, verb: str) -> Step | None:
        """The ladder's first step with this verb."""
        return next((step for step in self.ladder.steps if step.verb == verb), None)


def climb(incident: Incident, ladders: Iterable[Ladder]) -> Climb | None:
    """The ladder that fits the incident's facts; of several the one of the smallest order. None: no run was read."""
    known = tuple(ladders)
    if not known or not incident.runs:
        return None
    facts = facts_of(incident)
    fitting = sorted((one for one in known if fits(one, facts)), key=lambda one: (one.order, one.id))
    return Climb(fitting[0], sentence(fitting[0], facts)) if fitting else None


def fits(ladder: Ladder, facts: Sequence[Fact]) -> bool:
    """Whether the facts that hold are those that the ladder asks for. What is not known does not hold."""
    known, when = held(facts), ladder.when
    if any(name in known for name in when.none) or not all(name in known for name in when.all):
        return False
    return not when.any or any(name in known for name in when.any)


def sentence(ladder: Ladder, facts: Sequence[Fact]) -> str:
    """Why this ladder: its own words with the evidence of the facts that they name, ``{any}`` of those that hold."""
    evidence = {fact.id: fact.evidence for fact in facts}
    known = held(facts)
    evidence[HOLD_OF_ANY] = "; ".join(known[name].evidence for name in ladder.when.any if name in known)
    return PLACE.sub(lambda place: evidence.get(place[1], "not known"), ladder.because)


def ranked(offers: Sequence[OfferView], chosen: Climb | None) -> tuple[OfferView, ...]:
    """The offers by their place, with the ladder's steps first and each step's sentence beside its verb's offers."""
    if chosen is not None:
        places = {step.verb: place for place, step in reversed(list(enumerate(chosen.ladder.steps)))}
        offers = _with_steps(sorted(offers, key=_place), places, chosen)
    return tuple(sorted(offers, key=_place))


def _with_steps(offers: Iterable[OfferView], places: Mapping[str, int], chosen: Climb) -> list[OfferView]:
    made: list[OfferView] = []
    met: set[str] = set()
    for offer in offers:
        if offer.undo_of is None and offer.action in places and offer.action not in met:
            met.add(offer.action)
            step = chosen.step(offer.action)
            rank = places[offer.action] - len(chosen.ladder.steps)  # below every rank that a verb gives itself
            why = "" if step is None else step.why
            made.append(offer.model_copy(update={"rank": rank, "why": why, "ladder": told(chosen)}))
        else:
            made.append(offer)
    return made


def told(chosen: Climb) -> str:
    """The ladder in one line: its title and why it fits."""
    return f"{chosen.ladder.title}: {chosen.because}"


def _place(offer: OfferView) -> tuple[int, str, str]:
    return (offer.rank, offer.label, offer.id)
