"""The guard of HTTP mode against whoever can reach the address: a real socket, real signatures, hostile senders."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
import pytest_asyncio

from bot.errors import StoreUnavailable
from bot.plugin import Click, Interaction, Kind, OpenModal, Quiet, Reply, Say, Services
from bot.slack import texts
from bot.timeline.store import Store
from bot.web import connection
from sandbox.slack.people import APP_ID, TEAM
from sandbox.slack.server import SlackSandbox
from tests.bot.slack.over_http import FORM, JSON, Replica, a_replica, sign
from tests.support.waiting import wait_until

HERE = "C0INCIDENTS"
FORGED = "The signature does not match"


class Heard:
    """Interactions that count what reached them."""

    def __init__(self) -> None:
        self.clicks: list[Click] = []

    async def quiet(self, click: Click, services: Services) -> Reply:
        """Counts."""
        self.clicks.append(click)
        return Quiet()

    async def secret_link(self, click: Click, services: Services) -> Reply:
        """Answers something that only the asker may have."""
        self.clicks.append(click)
        return Say("https://pullcord.example/open/one-time")

    async def modal(self, click: Click, services: Services) -> Reply:
        """Opens a modal, and updates it when it is submitted."""
        self.clicks.append(click)
        text: Any = {"type": "plain_text", "text": "Title"}
        block = {"type": "input", "block_id": "why", "label": text, "element": {"type": "plain_text_input"}}
        return OpenModal({"type": "modal", "callback_id": "form", "title": text, "submit": text, "blocks": [block]})

    def all(self) -> list[Interaction]:
        """One for each kind."""
        kinds = {
            (Kind.BUTTON, "press"): self.quiet,
            (Kind.BUTTON, "open"): self.modal,
            (Kind.VIEW, "form"): self.modal,
            (Kind.COMMAND, "link"): self.secret_link,
            (Kind.EVENT, "app_mention"): self.quiet,
            (Kind.SHORTCUT, "pin"): self.quiet,
        }
        return [Interaction(id=i, kind=kind, run=run, help="", module="tests") for (kind, i), run in kinds.items()]


@pytest.fixture
def heard() -> Heard:
    """Nothing heard yet."""
    return Heard()


@pytest_asyncio.fixture
async def replica(slack: SlackSandbox, store: Store, heard: Heard) -> AsyncIterator[Replica]:
    """One replica in HTTP mode."""
    async with a_replica(slack, store, heard.all()) as running:
        yield running


def a_click(action_id: str = "press", **more: Any) -> dict[str, Any]:
    """Dana presses a button of a message."""
    body: dict[str, Any] = {
        "type": "block_actions",
        "user": {"id": "U0DANA", "team_id": TEAM},
        "team": {"id": TEAM},
        "api_app_id": APP_ID,
        "container": {"type": "message", "message_ts": "1.2", "channel_id": HERE},
        "channel": {"id": HERE},
        "trigger_id": "t",
        "actions": [{"action_id": action_id, "block_id": "b", "action_ts": "3.4", "type": "button", "value": "v"}],
    }
    return body | more


def a_command(text: str = "link", **more: str) -> bytes:
    """Dana types ``/pullcord link``."""
    fields = {"command": "/pullcord", "text": text, "user_id": "U0DANA", "team_id": TEAM, "api_app_id": APP_ID}
    return urlencode({**fields, "trigger_id": "t1", "channel_id": HERE, **more}).encode()


def a_mention(event_id: str = "Ev1", **more: Any) -> dict[str, Any]:
    """Dana mentions the bot."""
    event = {"type": "app_mention", "user": "U0DANA", "channel": HERE, "ts": "5.6", "text": "hi"}
    envelope = {"type": "event_callback", "event_id": event_id, "team_id": TEAM, "api_app_id": APP_ID, "event": event}
    return envelope | more


NOW = int(time.time())
BODY = b"payload=%7B%7D"
GARBAGE = {
    "nothing at all": (b"", []),
    "an empty body, nothing signed": (b"", [("x-slack-request-timestamp", str(NOW))]),
    "no timestamp": (BODY, [("x-slack-signature", "v0=" + "0" * 64)]),
    "no signature": (BODY, [("x-slack-request-timestamp", str(NOW))]),
    "bytes that are no text": (b"\xff\xfe\x00", list(sign("wrong", b"\xff\xfe\x00").items())),
    "a lone surrogate in JSON": (b'{"a": "\\ud800"}', list(sign("wrong", b'{"a": "\\ud800"}').items())),
    "deep JSON": (b"[" * 100_000, list(sign("wrong", b"[" * 100_000).items())),
    "a timestamp that is a word": (BODY, list(sign("sandbox-signing-secret", BODY, "yesterday").items())),
    "a fractional timestamp": (BODY, list(sign("sandbox-signing-secret", BODY, f"{NOW}.5").items())),
    "a negative timestamp": (BODY, list(sign("sandbox-signing-secret", BODY, -1).items())),
    "an exponent": (BODY, list(sign("sandbox-signing-secret", BODY, "1e9").items())),
    "a huge timestamp": (BODY, list(sign("sandbox-signing-secret", BODY, "9" * 4000).items())),
    "an old timestamp, really signed": (BODY, list(sign("sandbox-signing-secret", BODY, NOW - 400).items())),
    "one from the future, really signed": (BODY, list(sign("sandbox-signing-secret", BODY, NOW + 100_000).items())),
    "a wrong secret": (BODY, list(sign("wrong", BODY).items())),
    "no secret": (BODY, list(sign("", BODY).items())),
    "a signature that is no ASCII": (
        BODY,
        [("x-slack-request-timestamp", str(NOW)), ("x-slack-signature", "v0=\xe9\xff")],
    ),
    "an empty signature": (BODY, [("x-slack-request-timestamp", str(NOW)), ("x-slack-signature", "")]),
    "another version": (
        BODY,
        [("x-slack-request-timestamp", str(NOW)), ("x-slack-signature", "v1=" + "0" * 64)],
    ),
    "a good signature beside a bad one": (
        BODY,
        [("x-slack-signature", "v0=" + "0" * 64), *sign("sandbox-signing-secret", BODY).items()],
    ),
    "a good signature twice": (
        BODY,
        [*sign("sandbox-signing-secret", BODY).items(), *sign("sandbox-signing-secret", BODY).items()],
    ),
    "an ssl_check that nobody signed": (b"ssl_check=1&token=x", []),
    "a challenge that nobody signed": (b'{"type":"url_verification","challenge":"c"}', []),
    "Slack's repeat header alone": (BODY, [("x-slack-retry-num", "1")]),
}


@pytest.mark.parametrize("name", GARBAGE)
async def test_garbage_is_401_and_nothing_hears_of_it(replica: Replica, heard: Heard, name: str) -> None:
    """Never 500, never a trace, never a word of the body back."""
    body, headers = GARBAGE[name]
    answer = await replica.send(body, headers)
    assert answer.status_code == 401
    assert answer.text.startswith(FORGED)
    assert heard.clicks == []


async def test_a_body_over_the_cap_is_413_whether_it_says_its_length_or_not(
    replica: Replica, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signed or not: it is not read to its end, and the connection is closed on whoever goes on sending."""
    monkeypatch.setattr(connection, "LINGER_SECONDS", 0.3)
    assert (await replica.send(b"x" * 1_000_001, {})).status_code == 413
    assert (await replica.signed(a_command(text="link " + "x" * 1_000_000))).status_code == 413
    address = urlsplit(replica.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = [f"{name}: {value}" for name, value in sign(replica.secret, b"x").items()]
    lines = ["POST /slack/events HTTP/1.1", "host: pullcord", "transfer-encoding: chunked", *head, "", ""]
    writer.write("\r\n".join(lines).encode())
    answered = asyncio.create_task(reader.readline())

    async def sends_on() -> None:
        while True:
            writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
            await writer.drain()
            await asyncio.sleep(0)

    with pytest.raises(ConnectionError):
        await sends_on()
    assert (await answered).startswith(b"HTTP/1.1 413")
    writer.close()
    assert heard.clicks == []


async def test_what_is_signed_and_yet_not_slacks_is_a_plain_400_or_404(replica: Replica, heard: Heard) -> None:
    """The secret is right, so it is a fault and no attack; still no 500 and no trace."""
    for body, kind in (
        (b"", FORM),
        (b"", JSON),
        (b"\xff\xfe", FORM),
        (b"[1]", JSON),
        (b"null", JSON),
        (b"[" * 100_000, JSON),
        (b"payload=%5B%5D", FORM),
        (b"payload=7", FORM),
        (b"payload=", FORM),
        (json.dumps({"type": "event_callback", "event": "app_mention"}).encode(), JSON),
        (json.dumps({"type": "event_callback", "event": {"type": ["app_mention"]}}).encode(), JSON),
        (urlencode({"payload": json.dumps({"type": "block_actions", "actions": [None, 7, {}]})}).encode(), FORM),
        (urlencode({"payload": json.dumps(a_click() | {"user": 7, "container": [], "team": "T"})}).encode(), FORM),
    ):
        answer = await replica.signed(body, kind)
        assert answer.status_code < 500, body[:60]
        assert "Traceback" not in answer.text
    assert heard.clicks == []


async def test_slacks_check_of_the_certificate_and_its_challenge_are_answered(replica: Replica) -> None:
    """GET as it checks the certificate, which it does not sign; POST ssl_check and url_verification signed."""
    assert (await replica.http.get(replica.url, params={"ssl_check": "1", "token": "x"})).status_code == 200
    assert (await replica.http.get(replica.url)).status_code == 405
    assert (await replica.signed(b"ssl_check=1&token=x")).status_code == 200
    answer = await replica.event({"type": "url_verification", "token": "t", "challenge": "c-1"})
    assert answer.json() == {"challenge": "c-1"}


async def test_every_kind_of_interaction_works_from_the_workspace(
    slack: SlackSandbox, replica: Replica, heard: Heard
) -> None:
    """Challenge, click, modal with its update on submission, command, event, shortcut: as in Socket Mode."""
    await slack.deliver_to(replica.url)
    post = await slack.post("dana", HERE, "a message")
    assert (await slack.deliver("interactive", a_click()))["acked"]
    await slack.shortcut("dana", "pin", HERE, post["ts"])
    assert (await slack.slash("dana", HERE, "/pullcord", "link"))["response"]["text"].endswith("one-time")
    await slack.post("dana", HERE, "@pullcord hi")
    trigger = slack._slack.triggers.issue("U0DANA")
    assert (await slack.deliver("interactive", a_click("open", trigger_id=trigger)))["acked"]
    (view,) = await slack.views("dana")
    made = await slack.submit_view("dana", view["id"], {"why": {view["blocks"][0]["element"]["action_id"]: "so"}})
    assert made["response"]["response_action"] == "update"
    assert len(await slack.views("dana")) == 1
    await wait_until(lambda: {c.id for c in heard.clicks} == {"press", "pin", "link", "app_mention", "open", "form"})
    answered = [one["ms"] for one in await slack.deliveries() if one["acked"]]
    assert max(answered) < 3000


async def test_a_copied_request_is_refused_by_every_replica(
    slack: SlackSandbox, store: Store, replica: Replica, heard: Heard
) -> None:
    """Whoever copied a signed command gets no second one-time link, neither here nor from the replica beside."""
    body = a_command()
    headers = sign(replica.secret, body)
    first = await replica.send(body, headers)
    assert first.json()["text"].endswith("one-time")
    async with a_replica(slack, store, heard.all()) as other:
        for one in (replica, other, replica):
            copied = await one.send(body, headers)
            assert copied.status_code == 401
            assert "one-time" not in copied.text
            pretending = await one.send(body, headers | {"x-slack-retry-num": "1"})
            assert (pretending.status_code, pretending.text) == (200, "")
    assert len(heard.clicks) == 1


async def test_slacks_own_repeat_is_answered_200_and_has_no_second_effect(replica: Replica, heard: Heard) -> None:
    """Signed anew, with its retry headers: the event id is known. Also where it is byte for byte the same."""
    body = json.dumps(a_mention()).encode()
    headers = sign(replica.secret, body)
    retry = {"x-slack-retry-num": "1", "x-slack-retry-reason": "http_timeout"}
    assert (await replica.send(body, headers, JSON)).status_code == 200
    assert (await replica.send(body, headers | retry, JSON)).status_code == 200
    assert (await replica.signed(body, JSON, stamp=int(time.time()) - 2, **retry)).status_code == 200
    assert len(heard.clicks) == 1


async def test_a_request_that_was_answered_503_may_come_again_as_it_is(
    slack: SlackSandbox, store: Store, replica: Replica, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A balancer that repeats what we could not take is no attacker."""
    running = replica.parts._running
    assert running is not None
    monkeypatch.setattr(running.identity, "_known", None)
    await slack.outage("503")
    body = json.dumps(a_mention()).encode()
    headers = sign(replica.secret, body)
    assert (await replica.send(body, headers, JSON)).status_code == 503
    await slack.restore()
    assert (await replica.send(body, headers, JSON)).status_code == 200
    assert len(heard.clicks) == 1


async def test_without_the_store_a_signed_request_is_still_answered(
    replica: Replica, store: Store, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of replays is in the store; what has an effect needs the store too, so nothing is lost by going on."""
    monkeypatch.setattr(store.replays._redis, "call", _refusing)
    assert (await replica.interact(a_click())).status_code == 200
    assert len(heard.clicks) == 1


async def _refusing(*_arguments: object) -> object:
    message = "The store is away."
    raise StoreUnavailable(message)


async def test_both_secrets_hold_while_one_is_rotated(slack: SlackSandbox, store: Store, heard: Heard) -> None:
    """The old one until it is taken out; a third never."""
    async with a_replica(slack, store, heard.all(), secrets=" new-secret , old-secret ") as replica:
        for secret, status in (("new-secret", 200), ("old-secret", 200), ("third", 401), (" new-secret ", 401)):
            body = a_command(trigger_id=secret)
            assert (await replica.send(body, sign(secret, body))).status_code == status, secret
    assert len(heard.clicks) == 2


@pytest.mark.parametrize(
    ("kind", "where"),
    [("workspace", {"team": {"id": "T0OTHER"}}), ("app", {"api_app_id": "A0OTHER"}), ("nobody's", {"team": None})],
)
async def test_another_workspace_or_app_is_told_so_and_nothing_is_run(
    slack: SlackSandbox, replica: Replica, heard: Heard, kind: str, where: dict[str, Any]
) -> None:
    """Signed with our secret and yet not for us: the clicker is told, an event and a command are not run either."""
    running = replica.parts._running
    assert running is not None
    await wait_until(lambda: running.identity._app == APP_ID)
    assert (await replica.interact(a_click(**where))).status_code == 200
    said = texts.OTHER_APP if kind == "app" else texts.OTHER_WORKSPACE

    async def told() -> bool:
        return any(said in one["text"] for one in await slack.ephemerals("dana", HERE))

    await wait_until(told)
    app, team = str(where.get("api_app_id", APP_ID)), TEAM if kind == "app" else "T0OTHER"
    answer = await replica.signed(a_command(team_id=team, api_app_id=app))
    assert answer.json()["text"] == said
    assert (await replica.event(a_mention(team_id=team, api_app_id=app))).status_code == 200
    assert heard.clicks == []


async def test_a_slow_loris_keeps_nobody_else_waiting(replica: Replica, heard: Heard) -> None:
    """Two hundred connections that never finish their body; a click among them is answered at once."""
    stamp = {"x-slack-request-timestamp": str(int(time.time())), "x-slack-signature": "v0=0"}

    async def dripping() -> AsyncIterator[bytes]:
        yield b"p"
        await asyncio.Event().wait()

    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(limits=limits, timeout=30) as slow:
        held = [asyncio.create_task(slow.post(replica.url, content=dripping(), headers=stamp)) for _ in range(200)]
        await asyncio.sleep(0.2)
        started = time.monotonic()
        assert (await replica.interact(a_click())).status_code == 200
        assert time.monotonic() - started < 2
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)
    assert len(heard.clicks) == 1
