"""Prompt labels and tool descriptions: texts that a control plane keeps, shown as they are before they change."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.action import Applied, Change, Restraint, Snapshot, Target, Verification, Verified
from bot.plugin import FieldErrors, control_plane
from bot.ports import PromptVersion
from tests.runbooks.conftest import Opened
from tests.support.engine import AGENT, DANA, NoSettings, World, settings_of


class Texts:
    """A system outside that keeps prompts by version and descriptions of tools; one write is one assignment."""

    name = "texts"

    def __init__(self, world: World) -> None:
        """Three versions, the second one in use; two tools."""
        self._world = world
        self.held: dict[str, Any] = {
            "prompt": "v3",
            "issue_refund": "Refund an order to its buyer.",
            "send_email": "Send a letter to anybody, with a subject and a body.",
        }

    async def prompt_versions(self, agent: str) -> Sequence[PromptVersion]:
        """Newest first."""
        now = self.held["prompt"]
        return [PromptVersion(id=f"v{n}", current=now == f"v{n}", beginning="You are") for n in (4, 3, 2, 1)]

    async def rollback_prompt(self, agent: str, version: str, expires_in: timedelta | None) -> Change:
        """Plan."""
        return self._plan("prompt", version, f"pointed the prompt of {agent} at {version}")

    async def tool_description(self, agent: str, tool: str) -> str | None:
        """As it is."""
        return self.held.get(tool)

    async def patch_tool_description(self, agent: str, tool: str, text: str, expires_in: timedelta | None) -> Change:
        """Plan."""
        return self._plan(tool, text, f"described {tool} anew")

    def _plan(self, what: str, desired: str, summary: str) -> Change:
        target = Target(control=self.name, subject=AGENT, setting=what)
        return Change(target=target, desired=desired, before=self.held[what], summary=summary)

    async def current(self, target: Target) -> Snapshot:
        """What is held."""
        return Snapshot(value=self.held[target.setting], anonymous=True, at=self._world.clock.now())

    async def apply(self, change: Change, key: str, restraint: Restraint | None) -> Applied:
        """Write."""
        self.held[change.target.setting] = change.desired
        return Applied(value=change.desired, key=key)

    async def verify(self, change: Change, applied: Applied) -> Verification:
        """Read."""
        same = self.held[change.target.setting] == change.desired
        verified = Verified.IN_FORCE if same else Verified.MISMATCH
        return Verification(verified=verified, detail="read", at=self._world.clock.now())

    async def restore(self, change: Change, applied: Applied, before: Snapshot, key: str) -> Applied:
        """Put back."""
        self.held[change.target.setting] = before.value
        return Applied(value=before.value, key=key)


@pytest.fixture
def texts(world: World) -> Texts:
    """The agent's prompts and descriptions are kept outside."""
    made = Texts(world)
    plane = control_plane("texts", settings=NoSettings)(lambda settings: made)
    world.registry = replace(world.registry, control_planes={**world.registry.control_planes, "texts": plane})
    agent = world.settings.model_dump(mode="json", include={"agents"})["agents"][AGENT]
    control = {"default": "embedded", "prompt": "texts", "tool_descriptions": "texts"}
    world.settings = settings_of(agents={AGENT: {**agent, "control": control}})
    world.restart()
    return made


async def test_versions_are_offered_live_the_newest_earlier_one_first(opened: Opened, texts: Texts) -> None:
    """The one in use is no choice; a later one stands behind."""
    world = await opened()
    modal: Any = await world.engine.requests.modal(await world.offer("Roll back prompt"), DANA)
    field = next(b for b in modal["blocks"] if b.get("block_id") == "version")
    assert [option["value"] for option in field["element"]["options"]] == ["v2", "v1", "v4"]
    await world.click("Roll back prompt", version="v2")
    assert texts.held["prompt"] == "v2"


async def test_the_present_description_stands_in_the_field(opened: Opened, texts: Texts) -> None:
    """A person changes it, and does not write it anew."""
    world = await opened()
    modal: Any = await world.engine.requests.modal(await world.offer("Describe issue_refund"), DANA)
    field = next(b for b in modal["blocks"] if b.get("block_id") == "text")
    assert field["element"]["initial_value"] == "Refund an order to its buyer."
    text = "Refund an order to its buyer. Never above what is owed."
    await world.click("Describe issue_refund", tool="issue_refund", text=text)
    assert texts.held["issue_refund"] == text


async def test_the_text_of_one_tool_is_not_given_to_another(opened: Opened, texts: Texts) -> None:
    """Who chooses another tool in the modal still has the first one's text in the field."""
    world = await opened(("issue_refund", {"amount": 5}), ("send_email", {"to": "x"}))
    text = "Refund an order to its buyer. Never twice."
    reply = await world.click("Describe", tool="send_email", text=text)
    assert isinstance(reply, FieldErrors)
    assert "nearer to what issue_refund says" in reply.errors["text"]
    same = await world.click("Describe", tool="issue_refund", text="Refund an order to its buyer.", key="b")
    assert isinstance(same, FieldErrors)
    assert "already" in same.errors["text"]


async def test_without_such_a_control_plane_the_verbs_are_hidden_with_the_reason(world: World, opened: Opened) -> None:
    """Flags hold no descriptions and no versions."""
    await opened()
    hidden = {h.action: h.reason for h in world.engine.menu(await world.incident()).hidden}
    assert "embedded" in hidden["rollback_prompt"]
    assert "embedded" in hidden["patch_tool_description"]
