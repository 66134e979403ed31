"""Offers: what the buttons that are shown now do, with their frozen parameters. A button carries only the opaque id."""

from collections.abc import Sequence
from datetime import timedelta

from bot.errors import Refused
from bot.plugin import OfferView
from bot.timeline import keys
from bot.timeline.connection import Client
from bot.timeline.times import span_ms


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
