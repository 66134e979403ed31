"""A real LiteLLM proxy with our hook, in a virtual environment of its own."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.peers.model_provider import ModelProvider
from tests.peers.place import free_port
from tests.peers.programs import Program, installed, running

HOOK = Path(__file__).resolve().parents[2] / "examples" / "litellm" / "pullcord_hook.py"
CONFIG = """\
model_list:
  - model_name: gpt-x
    litellm_params: {{model: openai/gpt-x-2026-05-01, api_base: "{provider}", api_key: made-up}}
  - model_name: gpt-x-2026-03-12
    litellm_params: {{model: openai/gpt-x-2026-03-12, api_base: "{provider}", api_key: made-up}}
  - model_name: mini-y
    litellm_params: {{model: openai/mini-y-2026-02-01, api_base: "{provider}", api_key: made-up}}
  - model_name: other-alias
    litellm_params: {{model: openai/gpt-x-2026-05-01, mock_response: "from other-alias"}}
router_settings: {{disable_cooldowns: true}}
litellm_settings: {{callbacks: [pullcord_hook.hook], num_retries: 0, request_timeout: 10}}
general_settings: {{master_key: os.environ/LITELLM_MASTER_KEY}}
"""
SETTINGS = """\
url: {pullcord}
state_dir: {folder}/state
every: 0.2
timeout: 0.5
identify_by: [key_alias, model, metadata]
agents:
  refund-bot: {{token: os.environ/REFUND_BOT_TOKEN}}
  other-bot: {{token: os.environ/OTHER_BOT_TOKEN, models: [other-alias]}}
"""
Json = dict[str, Any]


@dataclass(frozen=True)
class Gateway:
    """A running proxy, and how an agent asks it."""

    program: Program
    key: str = field(repr=False)
    http: httpx.Client

    def chat(self, agent: str | None = "refund-bot", **further: Any) -> httpx.Response:
        """One chat completion, as this agent."""
        body = {"model": "gpt-x", "messages": [{"role": "user", "content": "where is my refund?"}], **further}
        if agent is not None:
            body["metadata"] = {"agent": agent}
        return self.http.post(f"{self.program.url}/v1/chat/completions", json=body, headers=self.headers)

    @property
    def headers(self) -> dict[str, str]:
        """The credentials."""
        return {"authorization": f"Bearer {self.key}"}


@contextmanager
def gateway(
    folder: Path,
    provider: ModelProvider,
    pullcord: str,
    tokens: dict[str, str],
    *,
    port: int | None = None,
    key: str | None = None,
) -> Iterator[Gateway]:
    """Start it in ``folder`` (kept over a restart), reading ``pullcord`` with the agents' tokens."""
    commands = installed("litellm")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(HOOK, folder)
    (folder / "config.yaml").write_text(CONFIG.format(provider=provider.url))
    (folder / "pullcord_hook.yaml").write_text(SETTINGS.format(pullcord=pullcord, folder=folder))
    port, key = port or free_port(), key or f"sk-{secrets.token_urlsafe(32)}"
    environment = {
        "LITELLM_MASTER_KEY": key,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "PULLCORD_HOOK_CONFIG": str(folder / "pullcord_hook.yaml"),
        **tokens,
    }
    command = [str(commands / "litellm"), "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with (
        running("litellm", command, environment, folder, url, "/health/liveliness") as program,
        httpx.Client(timeout=20, trust_env=False) as http,
    ):
        yield Gateway(program, key, http)
