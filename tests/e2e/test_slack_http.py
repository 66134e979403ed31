"""HTTP mode with whole processes: two replicas behind one address, Slack delivering everything three times."""

import asyncio
from pathlib import Path
from statistics import median

from bot.domain.desired import TOOLS_DENIED
from tests.support.world import AGENT, DANA, LEE, Json, World, a_world, alert, bad_run, free_port
from tests.support.world_store import a_valkey

TRACE = "8b1d" + "0" * 28


def over_http(world: World) -> None:
    """Before the start: a signing secret instead of the app token is all that changes."""
    del world.environment["SLACK_APP_TOKEN"]
    world.environment["SLACK_SIGNING_SECRET"] = world.slack.signing_secret


async def events_of(world: World, *kinds: str) -> list[Json]:
    """What the timeline of the incident holds of these types, oldest first."""
    entries = (await world.api(f"/api/incidents/INC-{world.current}/timeline?limit=200"))["entries"]
    return [dict(e["event"]) for e in entries if e["event"]["type"] in kinds]


async def told(world: World, channel: str, user: str) -> str:
    """What only this person sees in a channel."""
    return "\n".join(one["text"] for one in await world.slack.ephemerals(user, channel))


async def test_two_replicas_over_http_do_each_click_once_however_often_slack_delivers_it(tmp_path: Path) -> None:
    """Every delivery goes out thrice, to both replicas in turn, each copy signed anew; then copies are replayed.

    The timeline holds one acknowledgement, one revocation and one resolution, and Lee, who pressed second, is told
    who was first. A replica that dies costs one press, which Slack shows; the next one works.
    """
    async with a_valkey(tmp_path / "valkey", free_port()) as valkey, a_world(tmp_path, redis_url=valkey.url) as world:
        over_http(world)
        first = await world.start()
        other = await world.start(port=free_port())
        urls = [f"{one.origin}/slack/events" for one in (first, other)]
        await world.slack.deliver_to(urls)
        assert await world.slack.connections() == 0
        await world.spans(*bad_run(TRACE))
        await world.deliver(alert("a", trace_id=TRACE))
        channel, ts, action, value = await world.button("Revoke issue_refund")
        await world.slack.set_copies(3)

        assert (await world.slack.click(LEE, channel, ts, "pullcord_ack"))["acked"]
        await world.until("acknowledged", lambda: events_of(world, "acknowledged"))
        pressed = await asyncio.gather(
            *(world.slack.click(who, channel, ts, action, value, stale=True) for who in (LEE, DANA, LEE, DANA))
        )
        assert all(one["acked"] for one in pressed)
        await world.execution("succeeded")
        ran = [e for e in (await world.incident())["executions"] if e["state"] == "succeeded"]
        assert len(ran) == 1
        loser = DANA if ran[0]["by"] == LEE else LEE
        await world.until("the other is told who was first", lambda: _names(world, channel, loser, ran[0]["by"]))

        command = await world.slack.slash(LEE, channel, "/pullcord", "status")
        assert "INC-1" in command["response"]["text"]
        await world.slack.click(DANA, channel, ts, "pullcord_resolve", stale=True)
        (view,) = await world.slack.views(DANA)
        block = next(b["block_id"] for b in view["blocks"] if b["type"] == "input")
        field = next(b["element"]["action_id"] for b in view["blocks"] if b["type"] == "input")
        refused = await world.slack.submit_view(DANA, view["id"], {block: {field: " "}})
        if refused["errors"]:
            assert block in refused["errors"]
        await world.slack.submit_view(DANA, view["id"], {block: {field: "Refunds were called back."}})
        await world.until("resolved", lambda: events_of(world, "incident_resolved"))
        await world.quiet()

        replayed = await _replay(world, urls)
        await world.quiet()
        async with world.store() as store:
            state = await store.desired.state(AGENT)
        found = await events_of(world, "acknowledged", "action_started", "incident_resolved")
        assert [e["type"] for e in found] == ["acknowledged", "action_started", "incident_resolved"]
        assert (state.revision, state.value(TOOLS_DENIED)) == (1, {"tools": ["issue_refund"]})
        assert set(replayed) == {401}
        took = sorted(one["ms"] for one in await world.slack.deliveries() if one["acked"])
        print(
            f"\nHTTP mode, two replicas: {len(took)} deliveries answered, median {median(took):.1f} ms, "
            f"slowest {took[-1]:.0f} ms; {len(replayed)} replays refused"
        )
        assert took[-1] < 3000
        await world.verified()


async def test_two_hundred_presses_by_a_hundred_people_over_two_replicas_have_one_effect(tmp_path: Path) -> None:
    """Everybody presses Acknowledge at once, twice. One has it; each of the others is told who, for them alone."""
    async with a_valkey(tmp_path / "valkey", free_port()) as valkey, a_world(tmp_path, redis_url=valkey.url) as world:
        over_http(world)
        replicas = [await world.start(), await world.start(port=free_port())]
        await world.slack.deliver_to([f"{one.origin}/slack/events" for one in replicas])
        people = [(await world.slack.add_person(f"p{n}"))["id"] for n in range(100)]
        await world.deliver(alert("a"))
        channel, ts, _, _ = await world.button("Acknowledge")
        for one in people:
            await world.slack.join(one, channel)
        pressed = await asyncio.gather(
            *(world.slack.click(one, channel, ts, "pullcord_ack", stale=True) for one in [*people, *people])
        )
        assert all(one["acked"] for one in pressed)
        await world.quiet()
        (event,) = await events_of(world, "acknowledged")
        winner = event["by"]["id"]
        assert winner in people

        async def all_told() -> bool:
            missing = [p for p in people if p != winner and f"<@{winner}>" not in await told(world, channel, p)]
            assert missing == [], f"{len(missing)} were not told who has it, such as {missing[:3]}"
            return True

        await world.until("everybody else is told who has it", all_told)
        print(f"\n200 presses by 100 people: 1 effect, 99 told who, slowest {max(p['ms'] for p in pressed):.0f} ms")
        await world.verified()


async def test_a_replica_that_dies_costs_one_press_and_slacks_repeat_finds_the_other(tmp_path: Path) -> None:
    """A press that found nobody is shown as such and has no effect; an event comes again by itself."""
    async with a_valkey(tmp_path / "valkey", free_port()) as valkey, a_world(tmp_path, redis_url=valkey.url) as world:
        over_http(world)
        first = await world.start()
        other = await world.start(port=free_port())
        await world.slack.deliver_to([f"{one.origin}/slack/events" for one in (first, other)])
        await world.deliver(alert("a"))
        channel, ts, _, _ = await world.button("Acknowledge")
        await asyncio.to_thread(other.kill)
        answers = [await world.slack.click(LEE, channel, ts, "pullcord_ack", stale=True) for _ in range(2)]
        assert {one["acked"] for one in answers} == {True, False}
        assert [one["shown"] for one in answers if not one["acked"]] == [
            "This app didn’t respond. The button may not have worked."
        ]
        await world.until("acknowledged", lambda: events_of(world, "acknowledged"))
        posted = await world.slack.post(LEE, channel, "called the bank")
        for _ in range(2):
            await world.slack.react(LEE, channel, posted["ts"], "pushpin")
            await world.slack.react(LEE, channel, posted["ts"], "pushpin", remove=True)
        await world.until("the message is on the timeline", lambda: _pinned(world))
        assert len(await events_of(world, "acknowledged")) == 1
        assert len(await events_of(world, "note_added")) == 1


async def _pinned(world: World) -> list[Json]:
    return await events_of(world, "note_added")


async def _names(world: World, channel: str, loser: str, winner: str) -> bool:
    return f"<@{winner}>" in await told(world, channel, loser)


async def _replay(world: World, urls: list[str]) -> list[int]:
    """Send every click, command and modal so far once more, byte for byte, to each replica; the statuses."""
    statuses: list[int] = []
    for sent in await world.slack.deliveries():
        if sent["kind"] == "events_api" or sent["request"] is None:
            continue
        request = sent["request"]
        for url in urls:
            answer = await world.http.post(url, content=request["body"].encode(), headers=request["headers"])
            statuses.append(answer.status_code)
    return statuses
