"""The modal and its preview: choices that a control plane offers now, remembered for the click, bounded, and honest."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

import pytest
from pydantic import Field

from bot.domain.action import Change, Risk
from bot.engine import choices
from bot.errors import OutcomeUnknown
from bot.plugin import (
    ActionContext,
    Choice,
    Choices,
    FieldErrors,
    Live,
    Offered,
    Params,
    Quiet,
    UpdateModal,
    action,
)
from bot.ports import OffersTools, ToolControl
from tests.support.blockcheck import problems
from tests.support.engine import DANA, LEE, REMOTE_AGENT, World


async def _tools(ctx: ActionContext, plane: OffersTools) -> Sequence[Choice]:
    return [Choice(name, name) for name in await plane.tools(ctx.agent.name)]


class Take(Params):
    """Which."""

    tool: Annotated[
        str, Choices(lambda _c: [Choice("send_email", "send_email (seen)")], live=Live(OffersTools, _tools))
    ] = Field(min_length=1, title="Tool")
    why: str = Field(min_length=3, title="Why")


@action(
    "take",
    title="Take",
    tightens=True,
    risk=Risk.LOW,
    role="responder",
    offer=lambda _c: Offered(label="Take…", always_ask=True),
)
async def take(ctx: ActionContext, params: Take, tools: ToolControl) -> Change:
    """Take a tool."""
    return await tools.revoke_tool(ctx.agent.name, params.tool, None)


class Tools:
    """What the gateway offers now."""

    def __init__(self) -> None:
        self.names: list[str] = ["wipe_disk", "send_email"]
        self.trouble: BaseException | None = None
        self.slow = False
        self.asked = 0

    async def tools(self, agent: str) -> Sequence[str]:
        """As the agent sees them."""
        self.asked += 1
        if self.trouble is not None:
            raise self.trouble
        if self.slow:
            await asyncio.Event().wait()
        return self.names


@pytest.fixture
async def gateway(world: World) -> Tools:
    """A control plane that can tell, of an agent in an incident."""
    tools = Tools()
    world.remote.tools = tools.tools  # type: ignore[attr-defined]
    world.registry = replace(world.registry, actions={**world.registry.actions, "take": take})
    world.restart()
    await world.fire(agent=REMOTE_AGENT)
    return tools


def _field(view: Any, name: str) -> Any:
    return next(block for block in view["blocks"] if block.get("block_id") == name)


def _options(view: Any) -> list[str]:
    return [option["text"]["text"] for option in _field(view, "tool")["element"]["options"]]


def _preview(view: Any) -> str:
    texts = [block["text"]["text"] for block in view["blocks"] if block["type"] == "section"]
    return "\n".join(texts[texts.index("*Preview, nothing written yet*") + 1 :])


async def test_what_is_offered_now_can_be_chosen_and_the_click_asks_nobody(world: World, gateway: Tools) -> None:
    """Seen in the incident and offered live; taken away meanwhile, what the modal showed is still accepted."""
    offer = await world.offer("Take")
    view = await world.engine.requests.modal(offer, DANA)
    assert problems(view) == []
    assert _options(view) == ["wipe_disk", "send_email (seen)"]
    gateway.names = []
    asked = gateway.asked
    values = {"tool": "wipe_disk", "why": "it wipes"}
    assert await world.engine.requests.submit(offer.id, DANA, values, key="a") == Quiet()
    assert gateway.asked == asked
    await world.work()
    assert world.remote.held[REMOTE_AGENT, "wipe_disk"][0] is True


async def test_what_was_never_shown_is_refused_at_its_field(world: World, gateway: Tools) -> None:
    """Values come from the client and prove nothing."""
    offer = await world.offer("Take")
    await world.engine.requests.modal(offer, DANA)
    reply = await world.engine.requests.submit(offer.id, LEE, {"tool": "rm_rf", "why": "bad"}, key="a")
    assert reply == FieldErrors({"tool": "This is not one of the choices any more; choose again."})
    preview = await world.engine.requests.preview(offer.id, LEE, {"tool": "rm_rf", "why": "bad"})
    assert isinstance(preview, UpdateModal)
    assert "Tool: This is not one of the choices any more" in _preview(preview.view)
    assert world.remote.writes == 0


@pytest.mark.parametrize("trouble", ["hangs", "raises", "breaks"])
async def test_a_gateway_that_does_not_answer_leaves_what_is_known_and_says_so(
    world: World, gateway: Tools, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    """The modal opens all the same."""
    monkeypatch.setattr(choices, "LIVE_SECONDS", 0.05)
    gateway.slow = trouble == "hangs"
    gateway.trouble = {"raises": OutcomeUnknown("it answered 500."), "breaks": KeyError("x")}.get(trouble)
    view = await world.engine.requests.modal(await world.offer("Take"), DANA)
    assert _options(view) == ["send_email (seen)"]
    hint = _field(view, "tool")["hint"]["text"]
    assert hint.startswith("The control plane ")
    assert hint.endswith("these are the configured ones.")


async def test_preview_shows_what_stands_in_the_modal_and_keeps_it(world: World, gateway: Tools) -> None:
    """Now and then, at the target; nothing written, no entry, and the fields keep their ids and what was typed."""
    offer = await world.offer("Take")
    view = await world.engine.requests.modal(offer, DANA)
    before = (await world.incident()).seq
    values = {"tool": "wipe_disk", "why": "it wipes"}
    reply = await world.engine.requests.preview(offer.id, DANA, values)
    assert isinstance(reply, UpdateModal)
    assert problems(reply.view) == []
    assert _preview(reply.view) == "tools[wipe_disk] of mail-bot: now nothing, then yes"

    def shape(made: Any) -> list[tuple[str, str]]:
        return [(b["block_id"], b["element"]["action_id"]) for b in made["blocks"] if b["type"] == "input"]

    assert shape(view) == shape(reply.view)
    assert _field(reply.view, "why")["element"]["initial_value"] == "it wipes"
    assert (await world.incident()).seq == before
    assert world.remote.writes == 0
    lacking = await world.engine.requests.preview(offer.id, DANA, {"tool": "wipe_disk"})
    assert isinstance(lacking, UpdateModal)
    assert "Why: nothing is written here yet" in _preview(lacking.view)


async def test_a_plane_that_does_not_answer_the_preview_is_said(
    world: World, gateway: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bounded; what is there now is not known, and no value is made up."""
    monkeypatch.setattr("bot.engine.modals.BUTTON_SECONDS", 0.05)

    async def hangs(target: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(world.remote, "current", hangs)
    offer = await world.offer("Take")
    await world.engine.requests.modal(offer, DANA)
    reply = await world.engine.requests.preview(offer.id, DANA, {"tool": "wipe_disk", "why": "it wipes"})
    assert isinstance(reply, UpdateModal)
    said = "There is no preview: the control plane did not answer within 0.05 s, so what is there now is not known."
    assert _preview(reply.view) == said
