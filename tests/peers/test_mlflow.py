"""A real MLflow tracking server that asks for a password: runs exported into it are read back for an incident."""

import base64
import secrets
from collections.abc import Callable, Iterator

import pytest

from tests.peers import store_cases
from tests.peers.agent_run import export
from tests.peers.place import free_port
from tests.peers.programs import installed, running
from tests.peers.store_cases import Stored

pytestmark = [pytest.mark.peers, pytest.mark.timeout(1500)]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    """MLflow with its basic authentication, and a Pullcord that has its user's password."""
    commands = installed("mlflow")
    folder = tmp_path_factory.mktemp("mlflow")
    port, password = free_port(), secrets.token_urlsafe(24)
    environment = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_AUTH_ADMIN_PASSWORD": password,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(16),
    }
    url = f"http://127.0.0.1:{port}"
    command = [
        *(str(commands / "mlflow"), "server", "--app-name", "basic-auth", "--workers", "1"),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", "sqlite:///mlflow.db", "--artifacts-destination", "./artifacts"),
    ]
    with running("mlflow", command, environment, folder, url, "/health") as program:
        # It hashes the password for each request, which takes seconds where two cores are shared with much else.
        options = f'{{url: "{program.url}", username: admin, password: "${{STORE_TOKEN}}", deadline: 40s}}'
        shut = f'{{type: mlflow, url: "{program.url}", username: admin, password: "${{WRONG_TOKEN}}", deadline: 40s}}'
        variables = {"STORE_TOKEN": password, "WRONG_TOKEN": f"wrong-{secrets.token_hex(20)}"}
        place = store_cases.with_store(folder / "pullcord", "mlflow", options, shut, variables)
        basic = base64.b64encode(f"admin:{password}".encode()).decode()
        headers = {"authorization": f"Basic {basic}", "x-mlflow-experiment-id": "0"}
        try:
            yield Stored(
                "mlflow",
                place,
                lambda spans: export(spans, program.url, headers),
                lambda trace_id: f"{program.url}/#/experiments/0/traces?selectedEvaluationId=tr-{trace_id}",
                {},
            )
        finally:
            place.stop()


@pytest.mark.parametrize("case", store_cases.CASES, ids=lambda case: case.__name__)
def test_a_run_in_mlflow(stored: Stored, case: Callable[[Stored], None]) -> None:
    """Each case says what it is."""
    case(stored)
