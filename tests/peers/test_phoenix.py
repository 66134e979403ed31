"""A real Arize Phoenix, with its authentication on: runs exported into it are read back for an incident."""

import secrets
from collections.abc import Callable, Iterator

import pytest

from tests.peers import store_cases
from tests.peers.agent_run import export
from tests.peers.place import free_port
from tests.peers.programs import installed, running
from tests.peers.store_cases import Stored

pytestmark = [pytest.mark.peers, pytest.mark.timeout(1500)]

PROJECT = "refunds of the shop"


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    """Phoenix with a key, and a Pullcord that has it."""
    commands = installed("phoenix")
    folder = tmp_path_factory.mktemp("phoenix")
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
    command = [str(commands / "phoenix"), "serve"]
    with running("phoenix", command, environment, folder, url, "/healthz") as program:
        options = f'{{url: "{program.url}", api_key: "${{STORE_TOKEN}}", projects: ["{PROJECT}"]}}'
        shut = f'{{type: phoenix, url: "{program.url}", api_key: "${{WRONG_TOKEN}}"}}'
        variables = {"STORE_TOKEN": key, "WRONG_TOKEN": f"wrong-{secrets.token_hex(20)}"}
        place = store_cases.with_store(folder / "pullcord", "phoenix", options, shut, variables)
        try:
            yield Stored(
                "phoenix",
                place,
                lambda spans: export(spans, program.url, {"authorization": f"Bearer {key}"}),
                lambda trace_id: f"{program.url}/redirects/traces/{trace_id}",
                {"openinference.project.name": PROJECT},
            )
        finally:
            place.stop()


@pytest.mark.parametrize("case", store_cases.CASES, ids=lambda case: case.__name__)
def test_a_run_in_phoenix(stored: Stored, case: Callable[[Stored], None]) -> None:
    """Each case says what it is."""
    case(stored)
