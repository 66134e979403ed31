"""People, groups, the Home tab and the ways to the app, as an admin, Slack or bad luck changes them."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.slack import DriveError, SlackSandbox
from sandbox.slack.registration import Registration
from sandbox.slack.server import QuietServer, listening
from sandbox.slack.webhook import signature
from tests.sandbox.slack.conftest import Socket, post_card
from tests.sandbox.slack.shapes import actions, button, field, modal, plain, section, text_input
from tests.support.waiting import wait_until

HERE = "C0INCIDENTS"
HOME = {"type": "home", "blocks": [section("2 incidents")]}
Answering = Callable[[Request, bytes], Awaitable[Response]]


async def challenge(request: Request, body: bytes) -> Response:
    """Answers the challenge and anything else with 200."""
    return Response(json.loads(body).get("challenge", "") if body.startswith(b"{") else "")


@asynccontextmanager
async def receiving(answering: Answering = challenge) -> AsyncIterator[tuple[str, list[tuple[bytes, dict[str, str]]]]]:
    """A request URL of somebody who keeps what came, with its headers."""
    got: list[tuple[bytes, dict[str, str]]] = []

    async def receive(request: Request) -> Response:
        body = await request.body()
        got.append((body, dict(request.headers)))
        return await answering(request, body)

    bound = listening("127.0.0.1", 0)
    web = Starlette(routes=[Route("/slack/events", receive, methods=["POST"])])
    server = QuietServer(uvicorn.Config(web, log_level="warning", lifespan="off", ws="none"))
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/slack/events", got
    finally:
        server.should_exit = True
        await serving
        bound.close()


async def refused(call: Awaitable[Any]) -> str:
    """Slack's error string for it."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


async def test_a_group_changes_while_the_app_runs_and_may_be_unreadable(
    slack: SlackSandbox, client: AsyncWebClient
) -> None:
    """New members are answered at once; a refusal, a switched-off group and a lost scope each by Slack's word."""

    async def members() -> list[str]:
        return list((await client.usergroups_users_list(usergroup="S0SRE"))["users"])

    assert await members() == ["U0DANA", "U0LEE"]
    await slack.set_group("@sre", ["mo"])
    assert await members() == ["U0MO"]
    await slack.set_group("sre", unreadable="permission_denied")
    assert await refused(client.usergroups_users_list(usergroup="S0SRE")) == "permission_denied"
    await slack.set_group("sre")
    assert await members() == ["U0MO"]
    await slack.set_group("sre", disabled=True)
    assert await refused(client.usergroups_users_list(usergroup="S0SRE")) == "no_such_subteam"
    made = await slack.set_group("commanders", ["dana"])
    assert (await client.usergroups_users_list(usergroup=made["id"]))["users"] == ["U0DANA"]
    await slack.set_scopes(remove=["usergroups:read"])
    assert await refused(client.usergroups_users_list(usergroup=made["id"])) == "missing_scope"


async def test_people_come_become_guests_move_and_leave(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """As ``users.info`` shows them from then on; whoever left cannot press anything."""

    async def user(user_id: str) -> dict[str, Any]:
        return dict((await client.users_info(user=user_id))["user"])

    await slack.add_person("kim")
    assert (await user("U0KIM"))["name"] == "kim"
    await slack.set_person("kim", is_ultra_restricted=True)
    assert (await user("U0KIM"))["is_ultra_restricted"] is True
    await slack.set_person("kim", team="T0OTHER")
    assert (await user("U0KIM"))["is_stranger"] is True
    await slack.set_person("kim", deleted=True)
    assert (await user("U0KIM"))["deleted"] is True
    with pytest.raises(DriveError, match="deactivated"):
        await slack.post("kim", HERE, "hello")
    with pytest.raises(DriveError, match="no rank"):
        await slack.set_person("dana", rank="boss")
    assert await refused(client.users_info(user="U0NOBODY")) == "user_not_found"


async def test_opening_the_home_tab_tells_the_app_which_publishes(
    slack: SlackSandbox, client: AsyncWebClient, app: AsyncApp, socket: Socket
) -> None:
    """Each opening is one event, with the view that is there; a button on the tab comes with that view."""
    opened: list[dict[str, Any]] = []
    pressed: list[dict[str, Any]] = []

    @app.event("app_home_opened")
    async def home(event: dict[str, Any], client: AsyncWebClient) -> None:
        opened.append(event)
        blocks = [section(f"opened {len(opened)} times"), actions(button("approve"))]
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    @app.action("approve")
    async def approve(ack: Any, body: dict[str, Any]) -> None:
        pressed.append(body)
        await ack()

    await socket.connect()
    assert (await slack.open_home("dana"))["view"] is None
    first = await slack.wait_for_home("dana", "opened 1 times")
    again = await slack.open_home("dana")
    assert again["view"]["id"] == first["id"]
    second = await slack.wait_for_home("dana", "opened 2 times")
    assert second["id"] == first["id"]
    assert second["hash"] != first["hash"]
    assert opened[0]["tab"] == "home"
    assert "view" not in opened[0]
    assert opened[1]["view"]["hash"] == first["hash"]
    assert await slack.home("lee") is None
    assert (await slack.click_view("dana", second["id"], "approve"))["acked"]
    assert pressed[0]["container"] == {"type": "view", "view_id": second["id"]}
    assert pressed[0]["view"]["type"] == "home"
    with pytest.raises(DriveError, match="no view"):
        await slack.click_view("lee", second["id"], "approve")


async def test_a_home_tab_is_refused_where_slack_refuses_it(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """Not enabled, too many blocks, a modal's fields, somebody who is not there, an old hash."""
    published = (await client.views_publish(user_id="U0DANA", view=HOME))["view"]
    assert await refused(client.views_publish(user_id="U0DANA", view=HOME, hash="old")) == "hash_conflict"
    await client.views_publish(user_id="U0DANA", view=HOME, hash=published["hash"])
    many = {"type": "home", "blocks": [section()] * 101}
    assert await refused(client.views_publish(user_id="U0DANA", view=many)) == "invalid_blocks"
    titled = {**HOME, "title": plain("Home")}
    assert await refused(client.views_publish(user_id="U0DANA", view=titled)) == "invalid_arguments"
    assert await refused(client.views_publish(user_id="U0NOBODY", view=HOME)) == "invalid_arguments"
    await slack.register({"oauth_config": {"scopes": {"bot": ["chat:write"]}}})
    assert await refused(client.views_publish(user_id="U0DANA", view=HOME)) == "not_enabled"
    with pytest.raises(DriveError, match="no Home tab"):
        await slack.open_home("dana")


def test_a_manifest_enables_the_home_tab() -> None:
    """Only where it says so."""
    assert not Registration.from_manifest({}).home_tab
    assert Registration.from_manifest({"features": {"app_home": {"home_tab_enabled": True}}}).home_tab


async def test_a_button_in_a_modal_comes_with_what_was_typed_so_far(
    slack: SlackSandbox, client: AsyncWebClient, app: AsyncApp, socket: Socket
) -> None:
    """The app changes the modal in place; what was typed stays, and a modal below the top cannot be pressed."""
    seen: list[dict[str, Any]] = []
    form = modal(field(text_input("why"), "why"), actions(button("preview"), button("deeper")), private_metadata="off1")

    @app.action("ack")
    async def acknowledge(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await client.views_open(trigger_id=body["trigger_id"], view=form)
        await ack()

    @app.action("preview")
    async def preview(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        seen.append(body)
        view = {**form, "blocks": [*form["blocks"], section("from 1 to 2")]}
        await client.views_update(view_id=body["view"]["id"], hash=body["view"]["hash"], view=view)
        await ack()

    @app.action("deeper")
    async def deeper(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await client.views_push(trigger_id=body["trigger_id"], view=modal(section("below?"), title=plain("Deeper")))
        await ack()

    await socket.connect()
    await slack.click("dana", HERE, await post_card(client), "ack")
    (view,) = await slack.views("dana")
    await slack.click_view("dana", view["id"], "why", "because")
    assert seen == []
    await slack.click_view("dana", view["id"], "preview")
    assert seen[0]["view"]["state"]["values"]["why"]["why"]["value"] == "because"
    assert seen[0]["view"]["private_metadata"] == "off1"
    assert "response_url" not in seen[0]
    (updated,) = await slack.views("dana")
    assert "from 1 to 2" in json.dumps(updated["blocks"])
    assert updated["state"]["values"]["why"]["why"]["value"] == "because"
    await slack.click_view("dana", view["id"], "deeper")
    with pytest.raises(DriveError, match="below another"):
        await slack.click_view("dana", view["id"], "preview")


async def test_a_request_url_must_answer_the_challenge(slack: SlackSandbox) -> None:
    """Nobody there, a wrong answer and a refusal are each told; the old way to the app stays."""

    async def deaf(_request: Request, _body: bytes) -> Response:
        return Response("no", status_code=401)

    with pytest.raises(DriveError, match="cannot be reached"):
        await slack.deliver_to("http://127.0.0.1:9/slack/events")
    async with receiving(deaf) as (url, _):
        with pytest.raises(DriveError, match="challenge parameter"):
            await slack.deliver_to(url)
    async with receiving() as (url, got):
        await slack.deliver_to(url)
        body, headers = got[0]
        assert json.loads(body)["type"] == "url_verification"
        stamp = headers["x-slack-request-timestamp"]
        assert headers["x-slack-signature"] == signature(slack.signing_secret, stamp, body)


async def test_replicas_take_turns_and_copies_are_each_signed_anew(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """Three copies of one click reach both replicas, as one body under three signatures; all of it can be looked at."""
    async with receiving() as (one, first), receiving() as (other, second):
        await slack.deliver_to([one, other])
        ts = await post_card(client)
        await slack.set_copies(3)
        assert (await slack.click("dana", HERE, ts, "ack"))["acked"]
        clicks = [[one for one in got if one[0].startswith(b"payload=")] for got in (first, second)]
        assert sorted(map(len, clicks)) == [1, 2]
        every = [*clicks[0], *clicks[1]]
        assert len({body for body, _ in every}) == 1
        assert len({headers["x-slack-signature"] for _, headers in every}) == 3
        for body, headers in every:
            stamp = headers["x-slack-request-timestamp"]
            assert headers["x-slack-signature"] == signature(slack.signing_secret, stamp, body)
        sent = await slack.deliveries("interactive")
        assert [s["request"]["status"] for s in sent] == [200, 200, 200]
        assert sent[0]["request"]["body"].encode() in {body for body, _ in every}


async def test_an_event_is_retried_over_http_as_slack_does(slack: SlackSandbox) -> None:
    """A 500 and a hang are told as the reason of the next try; the app may ask for no more."""
    slack._slack.events.retry_after = (0.05, 0.05, 0.05)
    numbers: list[tuple[str | None, str | None]] = []

    async def failing(request: Request, body: bytes) -> Response:
        if b"url_verification" in body:
            return await challenge(request, body)
        headers = request.headers
        numbers.append((headers.get("x-slack-retry-num"), headers.get("x-slack-retry-reason")))
        if len(numbers) == 1:
            return Response(status_code=500)
        if len(numbers) == 2:
            await asyncio.sleep(1.3)
        return Response(status_code=503, headers={"x-slack-no-retry": "1"})

    async with receiving(failing) as (url, _):
        await slack.deliver_to(url)
        sent = await slack.open_home("dana")

        async def given_up() -> bool:
            found = [one for one in await slack.events() if one["event_id"] == sent["event_id"]]
            return bool(found[0]["attempts"] == 3)

        await wait_until(given_up)
        await wait_until(lambda: len(numbers) == 3)
    assert numbers == [(None, None), ("1", "http_error"), ("2", "http_timeout")]


async def test_any_payload_can_be_delivered(slack: SlackSandbox, app: AsyncApp, socket: Socket) -> None:
    """An edited one, as somebody with a modified client would send."""
    heard: list[str] = []

    @app.action("ack")
    async def acknowledge(ack: Any, body: dict[str, Any]) -> None:
        heard.append(body["actions"][0]["value"])
        await ack()

    await socket.connect()
    await slack.click("dana", HERE, await post_card(AsyncWebClient(slack.bot_token, slack.base_url)), "ack")
    (sent,) = await slack.deliveries("interactive")
    edited = sent["payload"] | {"actions": [sent["payload"]["actions"][0] | {"value": "INC-666"}]}
    assert (await slack.deliver("interactive", edited))["acked"]
    assert heard == ["INC-42", "INC-666"]
