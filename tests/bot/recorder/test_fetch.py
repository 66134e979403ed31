"""What a trace store's peer can do to us: nothing but a clear refusal, in time, without a credential in it."""

import asyncio
import gzip
import shutil
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from bot.errors import ActionFailed, OutcomeUnknown, PullcordError
from bot.plugin import StoreSettings
from bot.recorder.fetch import StoreClient, tls_context
from tests.support.trace_stores import LoopbackStore, Talk, Told, hanging, loopback_store, peer, read_request, trickling

SECRET = "sk-live-never-shown-0123456789"
HEADERS = {"authorization": f"Bearer {SECRET}"}


@pytest.fixture(scope="module")
def tls() -> ssl.SSLContext:
    """One context for the module."""
    return tls_context()


@asynccontextmanager
async def client(
    tls: ssl.SSLContext, url: str, *, deadline: str = "2s", most: int = 1_000_000, path: str = ""
) -> AsyncIterator[StoreClient]:
    """A client of the store at ``url``."""
    settings = StoreSettings.model_validate({"url": f"{url}{path}", "deadline": deadline, "max_bytes": most})
    async with StoreClient("phoenix", settings, tls) as made:
        yield made


@pytest.fixture
def certificate(tmp_path: Path) -> ssl.SSLContext:
    """A server's context with a certificate that nobody signed."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed: no certificate can be made")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True, timeout=20)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


@asynccontextmanager
async def telling(*answers: Told) -> AsyncIterator[LoopbackStore]:
    """A store that gives these answers."""
    left = list(answers)
    async with loopback_store(lambda _: left.pop(0) if len(left) > 1 else left[0]) as store:
        yield store


async def refusal(made: StoreClient, **asked: object) -> PullcordError:
    """What asking raises; never with the credential in it."""
    with pytest.raises(PullcordError) as raised:
        await made.get("v1/spans", headers=HEADERS, **asked)  # type: ignore[arg-type]
    error: BaseException | None = raised.value
    assert SECRET not in str(raised.value)
    assert error is not None
    assert error.__suppress_context__ or error.__context__ is None, "a traceback would show what it came from"
    return raised.value


async def test_an_answer_comes_back_with_its_media_type_and_the_request_is_below_the_base(tls: ssl.SSLContext) -> None:
    """Path, query (with repeated names), headers and a JSON body arrive as meant."""
    told = Told(200, b'{"a":1}', {"content-type": "Application/JSON; charset=utf-8"})
    async with telling(told) as store, client(tls, store.url, path="/base/api") as made:
        answer = await made.get("/v1/x%2Fy/spans", {"trace_id": "ab", "s": ["1", "2"]}, HEADERS)
        await made.post("v1/search", {"q": [1]})
    assert (answer.status, answer.media_type, answer.body) == (200, "application/json", b'{"a":1}')
    first, second = store.asked
    assert (first.method, first.path) == ("GET", "/base/api/v1/x%2Fy/spans")
    assert first.query == {"trace_id": ["ab"], "s": ["1", "2"]}
    assert first.headers["authorization"] == f"Bearer {SECRET}"
    assert (second.method, second.path, second.body) == ("POST", "/base/api/v1/search", b'{"q":[1]}')


async def test_not_found_is_an_answer(tls: ssl.SSLContext) -> None:
    """404 is how stores say that they do not have it."""
    async with telling(Told(404, b"no")) as store, client(tls, store.url) as made:
        assert (await made.get("x")).status == 404


@pytest.mark.parametrize(
    "path",
    ["../admin", "a/../../b", "a/%2e%2e/b", "a/..%2Fb", "//evil.example/x", "a b", "a?b", "a#b", "a%0d%0aX: 1", "a\\b"],
)
async def test_a_path_that_would_leave_the_base_is_not_asked(tls: ssl.SSLContext, path: str) -> None:
    """Ids come from alerts."""
    async with telling(Told(200)) as store, client(tls, store.url, path="/base") as made:
        with pytest.raises(ActionFailed):
            await made.get(path)
        assert store.asked == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304])
async def test_a_redirect_is_an_error_that_names_the_setting(tls: ssl.SSLContext, status: int) -> None:
    """Nothing is asked where it points, and the credential does not travel."""
    async with (
        telling(Told(200)) as other,
        telling(Told(status, b"", {"location": f"{other.url}/x?k={SECRET}"})) as store,
    ):
        async with client(tls, store.url) as made:
            error = await refusal(made)
        assert other.asked == []
    assert isinstance(error, ActionFailed)
    assert "redirect" in str(error)
    assert "trace_stores.phoenix.url" in str(error)


@pytest.mark.parametrize(
    ("status", "says"), [(401, "credentials"), (403, "credentials"), (400, "400"), (422, "422"), (501, "501")]
)
async def test_a_no_is_not_asked_again(tls: ssl.SSLContext, status: int, says: str) -> None:
    """What will not pass is said at once."""
    async with telling(Told(status, SECRET.encode())) as store, client(tls, store.url) as made:
        error = await refusal(made)
        assert len(store.asked) == 1
    assert isinstance(error, ActionFailed)
    assert says in str(error)


async def test_trouble_that_passes_is_asked_through(tls: ssl.SSLContext) -> None:
    """503, 429 with a time to wait (a number and a date), then the answer."""
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)
    answers = (Told(503), Told(429, b"", {"retry-after": "0"}), Told(502, b"", {"retry-after": soon}), Told(200, b"ok"))
    async with telling(*answers) as store, client(tls, store.url, deadline="5s") as made:
        assert (await made.get("x")).body == b"ok"
        assert len(store.asked) == 4


async def test_a_store_that_asks_to_wait_past_the_deadline_is_given_up_at_once(tls: ssl.SSLContext) -> None:
    """Nobody waits for what cannot come."""
    async with (
        telling(Told(429, b"", {"retry-after": "3600"})) as store,
        client(tls, store.url, deadline="20s") as made,
    ):
        before = time.monotonic()
        error = await refusal(made)
        assert time.monotonic() - before < 5
    assert isinstance(error, OutcomeUnknown)
    assert "429" in str(error)


async def test_a_store_in_trouble_is_asked_with_growing_pauses_until_the_deadline(tls: ssl.SSLContext) -> None:
    """A few times, not a thousand."""
    async with telling(Told(500)) as store, client(tls, store.url, deadline="2s") as made:
        error = await refusal(made)
        assert 3 <= len(store.asked) <= 6
    assert isinstance(error, OutcomeUnknown)
    assert "answered 500" in str(error)


@pytest.mark.parametrize("talk", [hanging, trickling])
async def test_a_store_that_hangs_or_trickles_ends_with_the_deadline(tls: ssl.SSLContext, talk: Talk) -> None:
    """The deadline is over everything, not for each byte."""
    async with peer(talk) as url, client(tls, url, deadline="PT0.5S") as made:
        before = time.monotonic()
        error = await refusal(made)
        assert time.monotonic() - before < 3
    assert isinstance(error, OutcomeUnknown)
    assert "did not answer within 0.5 s" in str(error)


async def test_one_deadline_holds_over_all_pages(tls: ssl.SSLContext) -> None:
    """A store with pages without end cannot hold a worker."""
    async with telling(Told(200, b"{}")) as store, client(tls, store.url, deadline="PT0.5S") as made:

        async def forever() -> None:
            while True:
                await made.get("x")
                await asyncio.sleep(0.01)

        with pytest.raises(OutcomeUnknown):
            await forever()


async def test_nobody_there_and_a_connection_closed_early_are_unknown(tls: ssl.SSLContext) -> None:
    """Each says what it was."""

    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
        await writer.drain()

    async with peer(early) as url, client(tls, url, deadline="1s") as made:
        error = await refusal(made)
    assert isinstance(error, OutcomeUnknown)
    assert "closed the connection early" in str(error)
    async with client(tls, url, deadline="1s") as made:
        error = await refusal(made)
    assert isinstance(error, OutcomeUnknown)
    assert "could not be reached" in str(error)


async def test_what_is_no_http_is_unknown(tls: ssl.SSLContext) -> None:
    """Such as the port of something else."""

    async def noise(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n" * 10)
        await writer.drain()

    async with peer(noise) as url, client(tls, url, deadline="1s") as made:
        assert isinstance(await refusal(made), OutcomeUnknown)


async def test_an_answer_over_the_cap_is_refused_by_its_own_word_and_while_it_comes(tls: ssl.SSLContext) -> None:
    """With a content length, and chunked without end."""

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            await writer.drain()

    async with telling(Told(200, b"x" * 2_000_000)) as store, client(tls, store.url) as made:
        error = await refusal(made)
    assert isinstance(error, ActionFailed)
    assert "more than 1 MB" in str(error)
    assert "trace_stores.phoenix.max_bytes" in str(error)
    async with peer(endless) as url, client(tls, url) as made:
        assert isinstance(await refusal(made), ActionFailed)


async def test_the_cap_is_over_all_answers_together(tls: ssl.SSLContext) -> None:
    """Pages may not add up past it."""
    async with telling(Told(200, b"x" * 400_000)) as store, client(tls, store.url) as made:
        await made.get("x")
        await made.get("x")
        assert isinstance(await refusal(made), ActionFailed)


async def test_a_gzip_bomb_is_stopped_and_the_loop_is_not_held(tls: ssl.SSLContext) -> None:
    """200 MB in 200 kB: refused after one megabyte, not inflated."""
    bomb = gzip.compress(b"\0" * 200_000_000, 9)
    assert len(bomb) < 1_000_000
    async with telling(Told(200, bomb, {"content-encoding": "gzip"})) as store, client(tls, store.url) as made:
        before = time.process_time()
        error = await refusal(made)
        assert time.process_time() - before < 0.5
    assert isinstance(error, ActionFailed)
    assert "more than 1 MB" in str(error)


@pytest.mark.parametrize(
    ("body", "headers", "kind"),
    [
        (b"\x1f\x8bnot gzip at all", {"content-encoding": "gzip"}, ActionFailed),
        (gzip.compress(b"x" * 1000)[:-8], {"content-encoding": "gzip"}, OutcomeUnknown),
        (b"\x03", {"content-encoding": "br"}, ActionFailed),
        (b"x", {"content-length": "-1"}, PullcordError),
    ],
)
async def test_a_damaged_body_is_refused(
    tls: ssl.SSLContext, body: bytes, headers: Mapping[str, str], kind: type[PullcordError]
) -> None:
    """Nothing half is taken for whole."""
    async with telling(Told(200, body, headers)) as store, client(tls, store.url, deadline="1s") as made:
        assert isinstance(await refusal(made), kind)


async def test_gzip_is_read(tls: ssl.SSLContext) -> None:
    """It is what we ask for."""
    body = b"[" + b"1," * 400_000 + b"1]"
    answer = Told(200, gzip.compress(body), {"content-encoding": "gzip"})
    async with telling(answer) as store, client(tls, store.url) as made:
        assert (await made.get("x")).body == body
        assert store.asked[0].headers["accept-encoding"] == "gzip"


async def test_a_credential_that_fits_no_header_is_refused_without_being_shown(tls: ssl.SSLContext) -> None:
    """Such as a token file with a line too many."""
    async with telling(Told(200)) as store, client(tls, store.url) as made:
        for bad in (f"Bearer {SECRET}\r\nx: y", f"Bearer {SECRET}\u2603"):
            with pytest.raises(ActionFailed) as raised:
                await made.get("x", headers={"authorization": bad})
            assert SECRET not in str(raised.value)
            assert "trace_stores.phoenix" in str(raised.value)
        assert store.asked == []


async def test_proxies_and_netrc_of_the_environment_are_not_used(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store's credential goes to the configured address only."""
    async with telling(Told(200, b"proxy")) as proxy, telling(Told(200, b"store")) as store:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        async with client(tls, store.url) as made:
            assert (await made.get("x", headers=HEADERS)).body == b"store"
        assert proxy.asked == []


async def test_a_certificate_that_cannot_be_trusted_is_said_at_once(
    tls: ssl.SSLContext, certificate: ssl.SSLContext
) -> None:
    """TLS is verified, and there is no setting against it."""

    async def nothing(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        return

    server = await asyncio.start_server(nothing, "127.0.0.1", 0, ssl=certificate)
    try:
        port = server.sockets[0].getsockname()[1]
        async with client(tls, f"https://127.0.0.1:{port}", deadline="10s") as made:
            before = time.monotonic()
            error = await refusal(made)
            assert time.monotonic() - before < 5
    finally:
        server.close()
    assert isinstance(error, ActionFailed)
    assert "certificate" in str(error)
