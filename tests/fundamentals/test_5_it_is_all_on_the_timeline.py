import re

import httpx

from tests.support.world import DANA, LEE
from tests.support.world_pullcord import Pullcord


async def test_every_step_is_on_a_chain_that_can_be_checked(pullcord: Pullcord) -> None:
    """``pullcord verify`` reads it from the first entry to the last, against the head that was posted in Slack."""
    await pullcord.goes_wrong()
    head = await pullcord.once("head_posted")
    async with pullcord.store() as store:
        verdict = await store.incidents.verify(f"INC-{pullcord.current}", f"{head['seq']}:{head['head']}")
        forged = await store.incidents.verify(f"INC-{pullcord.current}", "f" * 64)
    assert verdict.ok
    assert not forged.ok


async def test_a_pushpin_keeps_a_teammates_words(pullcord: Pullcord) -> None:
    """With the author and the time: what people found out belongs to the record."""
    await pullcord.fires()
    await pullcord.card()
    channel = (await pullcord.incident())["channel"]
    await pullcord.slack.join(LEE, channel)
    said = await pullcord.slack.post(LEE, channel, "Finance sees more of these since 02:44.")
    await pullcord.slack.react(DANA, channel, said["ts"], "pushpin")
    note = await pullcord.once("note_added")
    assert (note["pinned"], note["author"], "Finance" in note["text"]) == (True, LEE, True)


async def test_the_page_opens_by_a_link_that_works_once(pullcord: Pullcord) -> None:
    """No token stands in any posted address; the page shows what the agent did beside what people did."""
    await pullcord.goes_wrong()
    channel = (await pullcord.incident())["channel"]
    await pullcord.slack.slash(LEE, channel, "/pullcord", "timeline")
    link = re.search(r"https?://[^\s|>]+/open/[^\s|>]+", await pullcord.told(LEE, "/open/"))
    assert link is not None
    async with httpx.AsyncClient(base_url=pullcord.origin) as browser:
        opened = await browser.get(link[0])
        page = await browser.get(opened.headers["location"])
    assert opened.status_code == 303
    assert "issue_refund" in page.text
    assert (await pullcord.http.get(link[0])).status_code >= 400


async def test_resolving_takes_a_reason(pullcord: Pullcord) -> None:
    """It ends on the same card, with who and why."""
    await pullcord.fires()
    await pullcord.press(LEE, "Resolve")
    await pullcord.fill(LEE, reason="The refund was paid back.")
    resolved = await pullcord.once("incident_resolved")
    assert (resolved["by"]["id"], resolved["reason"]) == (LEE, "The refund was paid back.")
    await pullcord.card_says("resolved")
