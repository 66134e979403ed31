"""refund-bot as a process: asked over HTTP, seen over HTTP."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from sandbox.agent.model import OLDER
from sandbox.ofrep_stub import OfrepStub
from tests.sandbox.agent.pullcord_sink import PullcordSink, wait_until

ROOT = Path(__file__).parents[3]
Start = Callable[[], tuple["subprocess.Popen[str]", httpx.Client]]
BAD = {"customer": "cus_81Kd", "message": "Order 88123 came with a broken jug <script>alert(1)</script>"}


@pytest.fixture
def start(pullcord: PullcordSink, tmp_path: Path) -> Iterator[Start]:
    """Start the agent; it keeps its two files from one start to the next."""
    processes: list[subprocess.Popen[str]] = []
    clients: list[httpx.Client] = []

    def run() -> tuple["subprocess.Popen[str]", httpx.Client]:
        files = ["--state", str(tmp_path / "guard.json"), "--shop", str(tmp_path / "shop.sqlite")]
        tokens = ["--otlp-token", "otlp-token", "--control-token", "control-token"]
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.agent", "--pullcord", pullcord.url, *tokens, *files, "--pace", "0"],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "REFUND_BOT_ALERT_TOKEN": "alert-token"},
        )
        processes.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "listens on" in line
        client = httpx.Client(base_url=line.split()[-1], timeout=10)
        clients.append(client)
        wait_until(lambda: _answers(client))
        return process, client

    yield run
    for client in clients:
        client.close()
    for process in processes:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").is_success
    except httpx.TransportError:
        return False


def test_a_bad_run_is_answered_traced_alerted_and_visible_and_a_pin_ends_it(
    start: Start, pullcord: PullcordSink, control: OfrepStub
) -> None:
    """The whole circle, as in the demo."""
    process, client = start()
    wait_until(lambda: len(control.requests) > 1)  # it reads its restraints while nobody asks it anything
    report = client.post("/run", json=BAD).json()
    assert report["status"] == "completed"
    assert report["trace_id"] in {span.trace_id.hex() for span in pullcord.spans}, "flushed before the answer"
    wait_until(lambda: pullcord.alerts)
    assert pullcord.alerts[0]["alerts"][0]["labels"]["trace_id"] == report["trace_id"]
    assert len(client.get("/shop").json()["refunds"]) == 1
    page = client.get("/")
    assert "USD 420.00" in page.text
    assert report["trace_id"] in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]

    control.restrain("agent.model", OLDER, by="@dana")
    wait_until(lambda: f"Model pinned to {OLDER}" in client.get("/").text)
    good = client.post("/run", json={"customer": "cus_2Rf0", "message": "my lamp is broken"}).json()
    assert good["model_served"] == OLDER
    assert [row["amount_minor"] for row in client.get("/shop").json()["refunds"]] == [42_000, 6_125]
    assert len(pullcord.alerts) == 1
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) in {0, -signal.SIGTERM}


def test_paused_and_killed_it_comes_back_paused_although_pullcord_is_gone(
    start: Start, pullcord: PullcordSink, control: OfrepStub
) -> None:
    """503 with the reason, before and after."""
    control.restrain("agent.paused", value=True, by="@dana", why="refunds too high")
    process, client = start()
    wait_until(lambda: client.post("/run", json=BAD).status_code == 503)
    pullcord.close()
    process.kill()
    process.wait()
    _, again = start()
    answer = again.post("/run", json=BAD)
    assert answer.status_code == 503
    assert "by @dana" in answer.json()["answer"]
    assert "Pullcord has not answered since" in again.get("/").text
    assert again.get("/shop").json()["refunds"] == []


def test_what_is_no_request_is_refused_with_the_field(start: Start) -> None:
    """Never a 500."""
    _, client = start()
    assert client.post("/run", content=b"x", headers={"content-type": "text/plain"}).status_code == 415
    assert client.post("/run", json={"customer": "a b", "message": "x"}).json()["field"] == "customer"
    assert client.post("/run", json={"customer": "a"}).json()["field"] == "message"
    assert client.post("/run", json={"customer": "a", "message": "x" * 70_000}).status_code == 413
    json_type = {"content-type": "application/json"}
    assert client.post("/run", content=b"[" * 1_000, headers=json_type).status_code == 422
    assert client.get("/nothing").status_code == 404


def test_the_provider_can_move_what_an_alias_serves(start: Start) -> None:
    """The agent asks for the same name and is served by another snapshot; names that are not served are refused."""
    _, client = start()
    quiet = {"customer": "cus_0Qp1", "message": "When does my tent arrive?"}
    assert client.post("/provider", json={"gpt-x": OLDER}).json() == {"gpt-x": OLDER}
    before = client.post("/run", json=quiet).json()
    assert (before["model_requested"], before["model_served"]) == ("gpt-x", OLDER)
    assert client.post("/provider", json={"gpt-x": "gpt-x-2026-05-01"}).is_success
    assert client.post("/run", json=quiet).json()["model_served"] == "gpt-x-2026-05-01"
    assert client.post("/provider", json={"gpt-x": "gpt-z"}).status_code == 404
    assert client.post("/provider", json=["gpt-x"]).status_code == 422
    assert client.post("/provider", content=b"{}").status_code == 415
