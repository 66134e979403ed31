from tests.support.world import bad_run
from tests.support.world_pullcord import Pullcord


async def test_the_card_leads_with_what_cannot_be_undone(pullcord: Pullcord) -> None:
    """The run that the alert names is read, and its effects are shown by reversibility, not as log lines."""
    await pullcord.goes_wrong()
    await pullcord.card_says("cannot be undone", "issue_refund", "no undo")
    (effect,) = (await pullcord.incident())["effects"]
    assert (effect["tool"], effect["reversibility"], effect["outcome"]) == ("issue_refund", "irreversible", "applied")


async def test_what_was_not_recorded_is_named(pullcord: Pullcord) -> None:
    """A gap is said, with a hint; nothing is guessed."""
    await pullcord.goes_wrong()
    (run,) = (await pullcord.incident())["runs"]
    assert any(gap["field"] == "seed" or "seed" in gap["field"] for gap in run["gaps"])
    await pullcord.card_says("not recorded")


async def test_an_alert_without_its_run_completes_itself(pullcord: Pullcord) -> None:
    """The incident opens at once and says what it lacks; when the spans come, the card shows the effects."""
    await pullcord.fires(run=True)
    await pullcord.card_says("not known yet", "it has not arrived yet")
    await pullcord.spans(*bad_run(pullcord.trace))
    await pullcord.card_says("cannot be undone", "issue_refund")


async def test_the_run_is_frozen_as_evidence(pullcord: Pullcord) -> None:
    """Its hash is on the timeline, so that nobody can exchange what the agent did."""
    await pullcord.goes_wrong()
    attached = await pullcord.once("run_attached")
    evidence = await pullcord.api(f"/api/incidents/INC-{pullcord.current}/evidence")
    assert len(attached["evidence"]) == 64
    assert attached["evidence"] in str(evidence)
