"""A real Arize Phoenix takes an eval case into a data set, once, and tells that it is there."""

import asyncio
import secrets
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from bot.engine.control_http import ControlClient
from bot.errors import ActionFailed
from bot.plugin import ControlName
from bot.ports import DatasetItem
from runbooks.controls.phoenix_dataset import PhoenixDataset, PhoenixDatasetSettings
from tests.peers.place import free_port
from tests.peers.programs import installed, running

pytestmark = [pytest.mark.peers, pytest.mark.timeout(1500)]


@pytest.fixture(scope="module")
def phoenix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Phoenix with a key: its address and the key."""
    commands = installed("phoenix")
    folder = tmp_path_factory.mktemp("phoenix-dataset")
    port, key = free_port(), f"key1{secrets.token_hex(20)}"
    environment = {
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(free_port()),
        "PHOENIX_TELEMETRY_ENABLED": "false",
        "PHOENIX_ENABLE_AUTH": "true",
        "PHOENIX_SECRET": f"a1{secrets.token_hex(24)}",
        "PHOENIX_ADMIN_SECRET": key,
    }
    url = f"http://127.0.0.1:{port}"
    with running("phoenix", [str(commands / "phoenix"), "serve"], environment, folder, url, "/healthz") as program:
        yield program.url, key


def dataset_of(url: str, key: str) -> PhoenixDataset:
    """The adapter, as the kernel makes it."""
    settings = PhoenixDatasetSettings(url=url, api_key=SecretStr(key), dataset="failures of refund-bot")
    return PhoenixDataset(settings, ControlClient("cases", settings), ControlName("cases"))


def test_a_case_is_added_once_and_found_again(phoenix: tuple[str, str]) -> None:
    """The data set is made, a second case is appended, and the first is not doubled; a wrong key is refused."""

    async def whole() -> None:
        dataset = dataset_of(*phoenix)
        items = [
            DatasetItem(
                key=f"INC-1:ex_1:{number}",
                input={"question": "Where is my order?"},
                expected={"must_not_call": ["issue_refund"]},
                metadata={"incident": "INC-1"},
            )
            for number in range(2)
        ]
        assert list(await dataset.holds([items[0].key])) == []
        await dataset.add(items[:1])
        assert list(await dataset.holds([item.key for item in items])) == [items[0].key]
        await dataset.add(items)
        assert list(await dataset.holds([item.key for item in items])) == [item.key for item in items]
        with pytest.raises(ActionFailed, match=r"controls\.cases"):
            await dataset_of(phoenix[0], "wrong-" + "0" * 30).holds([items[0].key])

    asyncio.run(whole())
