"""The page in a real browser: a phone and a desk, light and dark. The pictures lie in pytest's temporary directory."""

import json
from pathlib import Path

import pytest

from tests.sandbox.slack.browser import CHROMIUM, Page, browser
from tests.support.world import DANA, LEE, World, alert, bad_run

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium"),
]
TRACE = "fa9e" + "0" * 28
WIDE = "document.documentElement.scrollWidth <= window.innerWidth"
LUMA = "getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/g).slice(0, 3).reduce((a, b) => a + +b, 0) / 3"


async def test_list_and_incident_are_readable_on_a_phone_and_a_desk(world: World, tmp_path: Path) -> None:
    """No sideways scrolling, no error in the console, the effects and people's steps visible, in light and dark."""
    await world.start()
    await world.spans(*bad_run(TRACE, customer_id="cus_81Kd", amount_cents=42000, note="x" * 300))
    await world.deliver(alert("a", trace_id=TRACE, summary="refunded 420.00, owed 42.00"))
    await world.button("Revoke issue_refund")
    await world.deliver(alert("b", title="Other", agent="mail-bot"))
    await world.press(LEE, "Acknowledge")
    await world.press(LEE, "Revoke issue_refund")
    await world.execution("succeeded")
    await world.read_flags()
    await world.execution("succeeded", verified="in_force")
    channel = (await world.incident())["channel"]
    await world.slack.slash(DANA, channel, "/pullcord", "note Finance is told.")
    await world.quiet()
    async with world.store() as store, browser() as page:
        await page.size(1280, 900)
        await _open(page, f"{world.origin}/open/{await store.sessions.link(LEE, None)}")
        for width, height in ((1280, 900), (390, 844)):
            for theme in ("light", "dark"):
                await page.size(width, height, phone=width < 500)
                await page.send(
                    "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}]
                )
                for name, path in (("list", "/incidents"), ("incident", "/incidents/INC-1")):
                    await _open(page, f"{world.origin}{path}")
                    height_all = await page.run("document.documentElement.scrollHeight")
                    await page.size(width, min(int(height_all), 4000), phone=width < 500)
                    await page.picture(tmp_path / f"{name}-{width}-{theme}.png")
                    await page.size(width, height, phone=width < 500)
                    assert await page.run(WIDE), f"{name} at {width} scrolls sideways"
                    light = float(await page.run(LUMA))
                    assert (light > 127) is (theme == "light"), f"{name} in {theme}: background {light:.0f}"
        text = await page.text("body")
        for words in ("issue_refund", "cannot be undone", "revoked issue_refund", "Finance is told"):
            assert words.lower() in text.lower(), f"{words} is not on the page:\n{text[:2000]}"
        await _steps_open_in_place(page, f"{world.origin}/incidents/INC-1")
        assert page.errors == [], json.dumps(page.errors)


async def _steps_open_in_place(page: Page, url: str) -> None:
    """By the mouse and by the keyboard, said to assistive technology, closed again by the same button."""
    await _open(page, f"{url}?only=effects")
    refund = ".steps .e-irr button"
    assert await page.run(f"document.querySelector('{refund}').getAttribute('aria-expanded')") == "false"
    await page.press(refund)
    await page.until("document.querySelector('.row + .step .ss')")
    shown = await page.text(".row + .step")
    assert "Arguments" in shown, shown
    assert "cus_81Kd" in shown, shown
    opened = (
        f"(b => [b.getAttribute('aria-expanded'), b.getAttribute('aria-controls')])(document.querySelector('{refund}'))"
    )
    expanded, controls = await page.run(opened)
    assert (expanded, await page.run(f"Boolean(document.getElementById('{controls}'))")) == ("true", True)
    await page.run(f"document.querySelector('{refund}').focus()")
    for kind in ("keyDown", "keyUp"):
        enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        await page.send("Input.dispatchKeyEvent", type=kind, **enter)
    await page.until(f"document.querySelector('{refund}').getAttribute('aria-expanded') === 'false'")
    assert await page.run("document.querySelector('.row + .step').hidden") is True
    link = await page.run("document.querySelector('.row + .step a').getAttribute('href')")
    await _open(page, url.split("/incidents", maxsplit=1)[0] + link)  # the same as a plain link, without our script
    assert "Arguments" in await page.text("main")


async def _open(page: Page, url: str) -> None:
    await page.send("Page.navigate", url=url)
    await page.until("document.readyState === 'complete' && document.querySelector('main, h1')")
