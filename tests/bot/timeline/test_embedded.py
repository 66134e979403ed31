import asyncio
import os
import signal
import stat
import sys
from pathlib import Path

import pytest
from redis import Redis

from bot.errors import Misconfigured
from bot.timeline.chain import local_chain_key
from bot.timeline.embedded import start_embedded

BOT = """
import asyncio, sys
from pathlib import Path
from bot.timeline.chain import local_chain_key
from bot.timeline.connection import Connections
from bot.timeline.embedded import start_embedded
from bot.timeline.store import Store
from tests.support.clock import WallClock
from tests.support.incidents import open_one

async def main():
    folder = Path(sys.argv[1])
    embedded = await start_embedded(folder)
    store = Store(await Connections.open(embedded.url), local_chain_key(folder), WallClock())
    await store.start()
    opened = await open_one(store, sys.argv[2])
    print(opened.incident_id, embedded.adopted, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def a_bot(folder: Path, op: str) -> tuple[asyncio.subprocess.Process, str]:
    """A process that opens one incident in the embedded store and then waits to be killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", BOT, str(folder), op, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    assert process.stdout is not None
    return process, (await process.stdout.readline()).decode().strip()


def server_pid(url_socket: Path) -> int:
    """The process that answers on the socket."""
    client = Redis(unix_socket_path=str(url_socket))
    try:
        return int(client.info("server")["process_id"])
    finally:
        client.close()


async def test_it_listens_on_a_private_socket_and_on_no_port(tmp_path: Path) -> None:
    """Nobody else on the machine reaches the embedded store."""
    embedded = await start_embedded(tmp_path / "data")
    client = Redis.from_url(embedded.url)
    try:
        assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
        assert stat.S_IMODE(embedded.socket.stat().st_mode) == 0o700
        assert client.config_get("port")["port"] == "0"
        assert client.config_get("appendfsync")["appendfsync"] == "always"
        assert client.config_get("appendonly")["appendonly"] == "yes"
    finally:
        client.close()
        await embedded.aclose()
    assert not embedded.socket.exists()


async def test_a_second_bot_on_the_directory_is_refused_in_one_line(tmp_path: Path) -> None:
    """The message names the process that holds it and what to do; the first one goes on."""
    embedded = await start_embedded(tmp_path)
    try:
        with pytest.raises(Misconfigured, match=rf"process {os.getpid()}\) already uses") as refused:
            await start_embedded(tmp_path)
        assert "\n" not in str(refused.value)
        assert "PULLCORD_DATA_DIR" in str(refused.value)
        client = Redis.from_url(embedded.url)
        assert client.ping()
        client.close()
    finally:
        await embedded.aclose()


async def test_a_killed_bots_server_is_adopted_with_all_it_held(tmp_path: Path) -> None:
    """A kill -9 of the bot leaves the server; the next start takes it over, and a clean stop ends it."""
    first, said = await a_bot(tmp_path, "one")
    assert said == "INC-1 False"
    first.send_signal(signal.SIGKILL)
    await first.wait()

    second, said = await a_bot(tmp_path, "two")
    assert said == "INC-2 True"
    second.send_signal(signal.SIGKILL)
    await second.wait()

    embedded = await start_embedded(tmp_path)
    assert embedded.adopted
    client = Redis.from_url(embedded.url)
    assert client.zrange("{pullcord}:rows", 0, -1) == [b"INC-1", b"INC-2"]
    client.close()
    await embedded.aclose()
    assert not embedded.socket.exists()


async def test_killing_bot_and_server_loses_nothing_that_was_confirmed(tmp_path: Path) -> None:
    """Both die by kill -9: the next start reads the append-only file and removes the stale socket."""
    bot, said = await a_bot(tmp_path, "one")
    assert said == "INC-1 False"
    server = server_pid(tmp_path / "valkey.sock")
    for pid in (server, bot.pid):
        os.kill(pid, signal.SIGKILL)
    await bot.wait()

    again, said = await a_bot(tmp_path, "one")
    assert said == "INC-1 False", "the same operation answers the same incident"
    again.send_signal(signal.SIGKILL)
    await again.wait()
    await (await start_embedded(tmp_path)).aclose()


async def test_a_path_too_long_for_a_socket_falls_back_to_the_temp_directory(tmp_path: Path) -> None:
    """Socket paths end at about 100 bytes; data directories do not. The same directory gives the same socket."""
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    embedded = await start_embedded(deep)
    try:
        assert len(os.fsencode(embedded.socket)) < 100
        assert stat.S_IMODE(embedded.socket.parent.stat().st_mode) == 0o700
        assert (deep / "appendonlydir").is_dir()
    finally:
        await embedded.aclose()
        embedded.socket.parent.rmdir()


async def test_a_server_that_cannot_start_says_why_and_where_to_read_more(tmp_path: Path) -> None:
    """A damaged append-only file stops the server: one line with its last words, and the directory is free again."""
    await (await start_embedded(tmp_path)).aclose()
    manifest = tmp_path / "appendonlydir" / "appendonly.aof.manifest"
    manifest.write_text("nonsense\n")
    for _ in range(2):
        with pytest.raises(Misconfigured, match=r"did not start: it ended with code 1\.") as refused:
            await start_embedded(tmp_path)
        assert "valkey.log" in str(refused.value)


def test_the_local_chain_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    """32 random bytes as hex, mode 0600, the same on each start."""
    key = local_chain_key(tmp_path)
    assert len(key) == 64
    assert local_chain_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "chain.key").stat().st_mode) == 0o600
    (tmp_path / "chain.key").write_text("short")
    with pytest.raises(Misconfigured, match="damaged"):
        local_chain_key(tmp_path)
