"""Offers: what the buttons that are shown now do, with their frozen parameters. A button carries only the opaque id."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from pydantic import TypeAdapter, ValidationError

from bot.errors import Refused
from bot.plugin import OfferView
from bot.timeline import keys
from bot.timeline.connection import Client
from bot.timeline.times import span_ms

SHOWN_FOR: Final = timedelta(days=1)
"""So long the choices of a modal are remembered: nobody leaves one open for longer."""
_CHOICES: TypeAdapter[dict[str, str]] = TypeAdapter(dict[str, str])


class OfferStore:
    """Offers by id. One lives for ``Lifetimes.offers`` after it was last shown."""

    def __init__(self, redis: Client, ttl: timedelta) -> None:
        """``redis`` is the hot client."""
        self._redis = redis
        self._ttl = span_ms(ttl)

    async def put(self, offers: Sequence[OfferView]) -> None:
        """Keep these offers. An id is given to one content only (the engine makes it from the content)."""
        for offer in offers:
            await self._redis.call("SET", keys.OFFER(offer.id), offer.model_dump_json(), "PX", self._ttl)

    async def get(self, offer_id: str) -> OfferView:
        """The offer that a button carries. Refused when it is unknown or too old."""
        stored = await self._redis.call("GET", keys.OFFER(offer_id))
        if stored is None:
            raise Refused(
                "This button is too old, or is none of ours.",
                field="offer",
                next_step="Use the buttons of the newest card of the incident.",
            )
        return OfferView.model_validate_json(stored)

    async def show(self, offer_id: str, field: str, choices: Mapping[str, str]) -> None:
        """Remember the choices (value -> label) that a modal of this offer shows; those of an earlier one stay."""
        key = keys.SHOWN(offer_id)
        kept = {**(await self.shown(offer_id)).get(field, {}), **choices}
        await self._redis.call("HSET", key, field, _CHOICES.dump_json(kept))
        await self._redis.call("PEXPIRE", key, span_ms(SHOWN_FOR))

    async def shown(self, offer_id: str) -> dict[str, dict[str, str]]:
        """The choices that modals of this offer showed, by field."""
        stored: dict[bytes, bytes] = await self._redis.call("HGETALL", keys.SHOWN(offer_id))
        found: dict[str, dict[str, str]] = {}
        for field, raw in stored.items():
            try:
                found[field.decode()] = _CHOICES.validate_json(raw)
            except ValidationError:  # of another version: the modal is opened again
                continue
        return found
