"""The Home tab follows what is pressed on it: once for a press, once for many, and after a dialog opened from it."""

import asyncio

from bot.domain.events import Actor, ActorKind
from bot.plugin import Click, Kind
from bot.slack.clicks import Incoming
from bot.slack.homes import Homes


def pressed(kind: Kind = Kind.BUTTON, surface: str = "home", user: str = "U0DANA") -> Incoming:
    """A press."""
    by = Actor(kind=ActorKind.PERSON, id=user, team="T")
    return Incoming(kind=kind, click=Click(key="k", id="it", by=by, value="secret", surface=surface), team="T")


async def test_many_presses_of_one_person_are_followed_once() -> None:
    """And a later one again. The tab is asked for as if it had been opened."""
    shown: list[Incoming] = []

    async def show(incoming: Incoming) -> None:
        shown.append(incoming)

    homes = Homes(show, later=0.01)
    waiting = [homes.touched(pressed()) for _ in range(50)]
    assert waiting == [True] + [False] * 49
    assert homes.touched(pressed(user="U0LEE"))
    await homes.follow(pressed())
    (incoming,) = shown
    assert (incoming.kind, incoming.click.id, incoming.click.event) == (Kind.EVENT, "app_home_opened", {"tab": "home"})
    assert incoming.click.value == ""
    assert homes.touched(pressed())


async def test_a_dialog_counts_only_after_a_press_on_the_tab() -> None:
    """What happens on cards and in channels publishes no tab."""

    async def show(incoming: Incoming) -> None:
        await asyncio.sleep(0)

    homes = Homes(show, later=0)
    assert not homes.touched(pressed(surface=""))
    assert not homes.touched(pressed(surface="modal"))
    assert not homes.touched(pressed(Kind.VIEW, "modal"))
    assert homes.touched(pressed())
    await homes.follow(pressed())
    assert homes.touched(pressed(Kind.VIEW, "modal"))
    assert not homes.touched(pressed(Kind.VIEW, "modal", user="U0LEE"))
