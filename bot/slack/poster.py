"""The poster: makes Slack show what the timelines say. A loop over dirty incidents, unacknowledged ones first.

A post has three numbered steps: P1 the intent is stored, P2 Slack is called, P3 the message is recorded on the
timeline. A poster that dies in between is followed by one that looks for the message by its metadata before it posts
again. Nobody sleeps with a claim held: what Slack or the budget delays is put back with a time; Slack being away pauses
the loop.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from bot.domain.events import PULLCORD, SlackRefused
from bot.domain.incident import Incident
from bot.domain.work import WorkItem
from bot.errors import PullcordError, Refused, StoreUnavailable
from bot.plugin import OfferView
from bot.ports import Clock
from bot.settings import Settings
from bot.slack.budget import Budget
from bot.slack.channels import Channels
from bot.slack.client import SlackClient
from bot.slack.errors import RateLimited, SlackError, Unauthorized, Unreachable
from bot.slack.identity import Identity
from bot.slack.posting import bring_up_to_date
from bot.slack.render import Views
from bot.slack.sending import Tools
from bot.timeline.outbox import Claimed
from bot.timeline.store import Store
from bot.timeline.timeline import Write

_LOG = structlog.get_logger(__name__)
Offers = Callable[[Incident], Awaitable[Sequence[OfferView]]]


@dataclass(frozen=True, slots=True)
class PosterTimes:
    """Seconds: between looks at an empty outbox, length of a claim, waits.

    A claim is renewed while its poster lives; after one that died its incident waits no longer than ``lease``.
    ``away`` doubles up to ``away_most`` while Slack is away; ``longest`` bounds the wait for a budget.
    """

    idle: float = 0.5
    lease: float = 6.0
    away: float = 1.0
    away_most: float = 30.0
    longest: float = 5.0


class Poster:
    """Run ``run`` in one task per process; ``refresh`` handles ``Work.REFRESH``."""

    def __init__(  # noqa: PLR0913 - what it stands on, each named once in bot.app
        self,
        store: Store,
        offers: Offers,
        client: SlackClient,
        identity: Identity,
        settings: Settings,
        clock: Clock,
        views: Views,
        *,
        budget: Budget | None = None,
        times: PosterTimes | None = None,
    ) -> None:
        """``offers`` is the engine's; what it answers is stored before it is shown."""
        slack = settings.slack
        self._store = store
        self._identity = identity
        self._clock = clock
        self._times = times or PosterTimes()
        self._away = 0
        self._tools = Tools(
            store=store,
            offers=offers,
            client=client,
            identity=identity,
            settings=settings,
            clock=clock,
            views=views,
            budget=budget or Budget(),
            channels=Channels(client, prefix=slack.channel_prefix, fallback=slack.announce_channel),
        )

    async def run(self) -> None:
        """Post until cancelled. Neither Slack nor the store being away ends it."""
        while True:
            try:
                worked = await self.step()
                pause = 0.0
                if not worked:
                    await self._store.outbox.wait(self._times.idle)
                if self._away:
                    pause = min(self._times.away * 2 ** (self._away - 1), self._times.away_most)
            except StoreUnavailable:
                pause = self._times.away
            except Exception:  # noqa: BLE001 - the loop outlives one incident's fault; its claim comes back when the lease ends
                _LOG.exception("poster step failed")
                pause = self._times.away
            await asyncio.sleep(pause)

    async def step(self) -> bool:
        """Claim one incident and bring Slack up to date. False when there was nothing to do."""
        claimed = await self._store.outbox.claim(self._clock.now(), timedelta(seconds=self._times.lease))
        if claimed is None:
            return False
        keeper = asyncio.create_task(self._keep(claimed))
        try:
            return await self._post(claimed)
        finally:
            keeper.cancel()
            await asyncio.wait({keeper})

    async def _keep(self, claimed: Claimed) -> None:
        """Renew the claim until cancelled, or until it has passed to another poster."""
        lease = timedelta(seconds=self._times.lease)
        while True:
            await asyncio.sleep(self._times.lease / 3)
            with contextlib.suppress(StoreUnavailable):
                if not await self._store.outbox.renew(claimed, self._clock.now() + lease):
                    return

    async def _post(self, claimed: Claimed) -> bool:
        try:
            await self._identity.learn()
            wait = await bring_up_to_date(self._tools, claimed)
        except RateLimited as error:
            await self._limited(claimed, error)
            return True
        except (Unreachable, Unauthorized) as error:
            await self._gone(claimed, error)
            return True
        except SlackError as error:
            await self._refused(claimed, error)
            return True
        except StoreUnavailable:
            # given back where the store answers again, else when the lease ends: one lost beat delays no card
            with contextlib.suppress(StoreUnavailable):
                await self._later(claimed, self._times.away)
            raise
        except Refused as error:
            _LOG.info("poster gave way", incident=claimed.incident, reason=str(error))
            return True
        self._away = 0
        if wait is None:
            await self._store.outbox.done(claimed)
        else:
            # not longer: what becomes dirty meanwhile waits too, and may be allowed earlier
            await self._later(claimed, min(wait.seconds, self._times.longest))
        return True

    async def refresh(self, item: WorkItem) -> None:
        """``Work.REFRESH``: a countdown on the card changes its class."""
        if item.incident is not None:
            await self._store.outbox.dirty(item.incident)

    async def _refused(self, claimed: Claimed, error: SlackError) -> None:
        """A definite no to what must be: said on the timeline once for the page, and tried again slowly."""
        _LOG.warning("slack refused a post", incident=claimed.incident, method=error.method, error=error.error)
        event = SlackRefused(
            at=self._clock.now(),
            by=PULLCORD,
            method=error.method,
            error=error.error,
            consequence="Slack does not show what this timeline says.",
        )
        op = f"refused:{error.method}:{error.error}"
        await self._store.incidents.write(claimed.incident, op, lambda _i: Write(events=(event,), dirty=False))
        await self._later(claimed, self._times.away_most)

    async def _limited(self, claimed: Claimed, error: RateLimited) -> None:
        """429: obey Retry-After for this incident, and for the method in every replica where it is shared."""
        if error.method == "chat.postMessage":  # its limit is per channel, and so is the wait of this incident
            await self._later(claimed, error.retry_after)
            return
        await self._store.outbox.pause(error.method, self._clock.now() + timedelta(seconds=error.retry_after))
        await self._later(claimed, min(error.retry_after, self._times.longest))

    async def _gone(self, claimed: Claimed, error: PullcordError) -> None:
        """No answer: put it back soon and let the whole loop wait, so that nothing floods later."""
        self._away = min(self._away + 1, 10)
        _LOG.warning("slack does not answer the poster", incident=claimed.incident, reason=str(error))
        await self._later(claimed, self._times.away)

    async def _later(self, claimed: Claimed, seconds: float) -> None:
        await self._store.outbox.later(claimed, self._clock.now() + timedelta(seconds=max(0.02, seconds)))
